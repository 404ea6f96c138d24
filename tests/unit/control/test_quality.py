import pytest

from components.common.llm import LLMSettings
from components.control.quality import SCHEMA, Scores, plan, score_chat
from components.control.settings import ControlSettings
from tests.unit.control.questions import question


@pytest.mark.parametrize(("language", "word"), [("en", "Key: AC"), ("zh", "参考答案：AC")])
def test_the_judge_sees_question_options_key_and_support(language, word):
    asked = question("Stem?", "one", "two", "three", key="AC", language=language, span="The sentence.", explanation="Because.")
    text = score_chat(asked).messages[0]["content"]
    assert all(part in text for part in ("Stem?", "A. one", "C. three", word, "The sentence.", "Because."))


def test_the_schema_asks_for_the_scores_and_nothing_else():
    assert SCHEMA["required"] == list(Scores.model_fields)


@pytest.mark.parametrize("wrong", [{"clarity": 0}, {"clarity": 6}, {"clarity": "good"}, {}])
def test_scores_outside_the_scale_are_none(wrong):
    values = {"answerability": 5, "correctness": 5, "relevance": 5, **wrong}
    with pytest.raises(ValueError, match="clarity"):
        Scores.model_validate(values)


def test_low_scores_are_named():
    assert Scores(answerability=3, correctness=5, clarity=4, relevance=1).below(4) == ["answerability=3", "relevance=1"]


def test_the_plan_is_one_request_per_question_and_none_without_a_filter():
    llm = LLMSettings(model="m", base_urls=["http://x/v1"])
    assert [settings for settings, _ in plan(question("Q?"), ControlSettings(filter_llm=llm))] == [llm]
    assert list(plan(question("Q?"), ControlSettings())) == []
