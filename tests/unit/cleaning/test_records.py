import pytest

from components.cleaning.records import clean_dialogue, clean_passage, clean_post, clean_question, text_of
from components.common.records import Dialogue, Message, Option, Passage, Post, Question


def clean(text, language, kind):
    return text.replace("x", "").strip()


def passage(text, title="Book > Chapter"):
    return Passage(id="0", language="en", text=text, title=title)


def question(stem, options):
    return Question(id="0", language="zh", kind="single", stem=stem, options=[Option(label=k, text=v) for k, v in options.items()], key="A")


def dialogue(*turns):
    return Dialogue(id="0", language="zh", messages=[Message(role=r, content=c) for r, c in turns])


def test_a_changed_record_gets_the_id_of_its_new_text():
    cleaned = clean_passage(passage("axb cd"), clean, 0, True)
    assert cleaned.text == "ab cd"
    assert cleaned.id == Passage.make_id("ab cd")


@pytest.mark.parametrize(
    ("text", "title", "reason"),
    [("xx", "t", "empty"), ("one two", "t", "too_short"), ("one two three four", "Book > References", "reference_list")],
)
def test_passages_are_left_out_with_a_reason(text, title, reason):
    assert clean_passage(passage(text, title), clean, 3, True) == reason


def test_reference_lists_stay_when_redundancy_is_off():
    assert isinstance(clean_passage(passage("a b c", "Book > References"), clean, 0, False), Passage)


@pytest.mark.parametrize(
    ("stem", "options", "reason"),
    [
        ("xx", {"A": "a", "B": "b"}, "empty"),
        ("stem", {"A": "a", "B": "x"}, "empty"),
        ("stem", {"A": "a", "B": "ax"}, "options_not_distinct"),
    ],
)
def test_questions_are_left_out_with_a_reason(stem, options, reason):
    assert clean_question(question(stem, options), clean) == reason


def test_a_question_keeps_its_key_and_labels():
    cleaned = clean_question(question("sxtem", {"A": "ax", "B": "b"}), clean)
    assert (cleaned.stem, cleaned.key, [(o.label, o.text) for o in cleaned.options]) == ("stem", "A", [("A", "a"), ("B", "b")])


def test_a_post_needs_text_and_reply():
    assert clean_post(Post(id="0", language="en", text="help", reply="x"), clean) == "empty"
    assert clean_post(Post(id="0", language="en", text="help", reply="do"), clean).reply == "do"


def test_an_emptied_turn_goes_and_its_neighbours_become_one():
    cleaned = clean_dialogue(dialogue(("user", "a"), ("assistant", "x"), ("user", "b"), ("assistant", "c")), clean)
    assert [(m.role, m.content) for m in cleaned.messages] == [("user", "a\nb"), ("assistant", "c")]


def test_a_dialogue_with_one_side_left_is_empty():
    assert clean_dialogue(dialogue(("user", "a"), ("assistant", "x")), clean) == "empty"


def test_text_of_shows_all_text():
    assert text_of(question("s", {"A": "a", "B": "b"})) == "s\nA. a\nB. b\n"
