import pytest

from components.common.answers import parse_reply
from components.common.question_prompt import question_messages, reasoned_answer, render_question, system_prompt
from components.common.records import Option, Question


def question(language="en", kind="single", key="B"):
    options = [Option(label=label, text=f"text {label}") for label in "ABCD"]
    return Question(id="q", language=language, kind=kind, stem="What is it?", options=options, key=key)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", ["single", "multi"])
def test_user_turn_holds_stem_and_every_option_once(language, kind):
    text = render_question(question(language, kind))
    assert text.count("What is it?") == 1
    assert [line for line in text.splitlines() if line[:3] in ("A. ", "B. ", "C. ", "D. ")] == [f"{x}. text {x}" for x in "ABCD"]


def test_single_and_multi_are_asked_differently():
    assert render_question(question()) != render_question(question(kind="multi"))


def test_case_text_stands_before_the_stem_and_chooses_the_case_prompt():
    system, user = question_messages(question(), context="Mina is 20.")
    assert user["content"].index("Mina is 20.") < user["content"].index("What is it?")
    assert system["content"] == system_prompt("case", "en")
    assert question_messages(question())[0]["content"] == system_prompt("question", "en")


@pytest.mark.parametrize("kind", ["question", "case"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_reasoning_prompts_ask_for_the_tags(kind, language):
    assert "<think></think>" in system_prompt(kind, language)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("letters", ["B", "ACD"])
def test_trained_reply_is_well_formed_for_the_shared_parser(language, letters):
    parsed = parse_reply(reasoned_answer(" because ", letters, language), labels="ABCD")
    assert (parsed.letters, parsed.reasoning, parsed.well_formed) == (letters, "because", True)
