import pytest

from components.common.question_prompt import system_prompt
from components.common.records import Dialogue, Message, Option, Question
from components.sft.examples import dialogue_example, dialogues_to_keep, question_example


def question(**changes):
    options = [Option(label=label, text=label) for label in "ABCD"]
    return Question(**{"id": "q", "language": "en", "kind": "single", "stem": "Which?", "options": options, "key": "B", **changes})


def dialogue(*roles):
    return Dialogue(id="d", language="zh", messages=[Message(role=r, content=f"{r} text") for r in roles])


@pytest.mark.parametrize(
    ("language", "key", "reply"),
    [("en", "B", "<think>\nbecause\n</think>\nAnswer: B"), ("zh", "ACD", "<think>\nbecause\n</think>\n答案：ACD")],
)
def test_question_becomes_reasoned_answer(language, key, reply):
    example = question_example(question(language=language, key=key, rationale=" because\n"))
    assert [m.role for m in example.messages] == ["system", "user", "assistant"]
    assert example.messages[-1].content == reply


@pytest.mark.parametrize("rationale", ["", "  \n"])
def test_question_without_rationale_is_no_example(rationale):
    assert question_example(question(rationale=rationale)) is None


def test_dialogue_gets_the_supporters_system_prompt_in_its_language():
    example = dialogue_example(dialogue("system", "user", "assistant"))
    assert [m.role for m in example.messages] == ["system", "user", "assistant"]
    assert example.messages[0].content == system_prompt("support", "zh")


@pytest.mark.parametrize("roles", [(), ("user",), ("assistant",), ("user", "assistant", "user"), ("assistant", "user")])
def test_dialogue_that_no_assistant_turn_ends_is_no_example(roles):
    assert dialogue_example(dialogue(*roles)) is None


@pytest.mark.parametrize(("ratio", "kept"), [(None, 100), (1.0, 100), (0.5, 30), (0.25, 10), (0.0, 0), (0.9, 100)])
def test_ratio_bounds_the_share_of_dialogues(ratio, kept):
    ids = [str(i) for i in range(100)]
    chosen = dialogues_to_keep(ids, questions=30, ratio=ratio, seed=1)
    assert len(chosen) == kept
    if ratio is not None and 0 < len(chosen) < 100:
        assert len(chosen) / (len(chosen) + 30) <= ratio


def test_choice_of_dialogues_depends_on_seed_and_not_on_order():
    ids = [str(i) for i in range(100)]
    assert dialogues_to_keep(ids, 30, 0.3, seed=1) == dialogues_to_keep(reversed(ids), 30, 0.3, seed=1)
    assert dialogues_to_keep(ids, 30, 0.3, seed=1) != dialogues_to_keep(ids, 30, 0.3, seed=2)
