"""Replies and the score each reward part must give them. Columns: reply, key, labels, format, correctness, elastic."""

import pytest
from pydantic import ValidationError

from components.grpo.rewards.correctness import correctness_reward
from components.grpo.rewards.elastic import elastic_reward
from components.grpo.rewards.format import format_reward
from components.grpo.rewards.language import language_reward
from components.grpo.rewards.length import length_reward
from components.grpo.settings import GRPOSettings

EN = "<think>recall the concept</think>\n"
ZH = "<think>回忆概念</think>\n"
THIRD = 1 / 3
TABLE = [
    # the trained form, single answers
    (f"{EN}Answer: B", "B", "ABCD", 1, 1, 1),
    (f"{EN}Answer: A", "B", "ABCD", 1, 0, 0),
    (f"{ZH}答案：B", "B", "ABCD", 1, 1, 1),
    (f"{ZH}答案：C", "B", "ABCD", 1, 0, 0),
    ("<think>\nrecall\n</think>\n\nAnswer: D", "D", "ABCD", 1, 1, 1),
    (f"{EN}Answer: E", "B", "ABCD", 0, 0, 0),  # a letter that is not offered
    (f"{EN}Answer: E", "E", "ABCDE", 1, 1, 1),
    (f"{EN}B", "B", "ABCD", 1, 1, 1),
    (f"{EN}B.", "B", "ABCD", 1, 1, 1),
    (f"{EN}(B)", "B", "ABCD", 1, 1, 1),
    (f"{EN}**Answer: B**", "B", "ABCD", 1, 1, 1),
    (f"{EN}The answer is B.", "B", "ABCD", 1, 1, 1),
    (f"{EN}The correct answer is C.", "B", "ABCD", 1, 0, 0),
    (f"{EN}\\boxed{{B}}", "B", "ABCD", 1, 1, 1),
    (f'{EN}{{"answer": "B"}}', "B", "ABCD", 1, 1, 1),
    (f"{ZH}正确答案是B。", "B", "ABCD", 1, 1, 1),
    (f"{ZH}故选B。", "B", "ABCD", 1, 1, 1),
    (f"{ZH}因此选择 D", "D", "ABCD", 1, 1, 1),
    # multiple answers
    (f"{EN}Answer: ACD", "ACD", "ABCD", 1, 1, 1),
    (f"{EN}Answer: A, C, D", "ACD", "ABCD", 1, 1, 1),
    (f"{EN}Answer: A, C and D", "ACD", "ABCD", 1, 1, 1),
    (f"{EN}Answer: DCA", "ACD", "ABCD", 1, 1, 1),
    (f"{EN}Answer: A, C, D, A", "ACD", "ABCD", 1, 1, 1),
    (f"{EN}Answer: AC", "ACD", "ABCD", 1, 0, 2 / 3),
    (f"{EN}Answer: A", "ACD", "ABCD", 1, 0, THIRD),
    (f"{EN}Answer: AB", "ACD", "ABCD", 1, 0, 0),
    (f"{EN}Answer: ABCD", "ACD", "ABCD", 1, 0, 0),
    (f"{EN}Answer: B", "ACD", "ABCD", 1, 0, 0),
    (f"{ZH}答案：ACD", "ACD", "ABCD", 1, 1, 1),
    (f"{ZH}答案：A、C、D", "ACD", "ABCD", 1, 1, 1),
    (f"{ZH}答案：A、C", "AC", "ABCD", 1, 1, 1),
    (f"{ZH}答案：A和C", "AC", "ABCD", 1, 1, 1),
    (f"{ZH}答案：A、C", "ACD", "ABCD", 1, 0, 2 / 3),
    (f"{ZH}答案：A和B", "ACD", "ABCD", 1, 0, 0),
    (f"{ZH}应选A、D", "AD", "ABCD", 1, 1, 1),
    # full-width letters and punctuation
    (f"{ZH}答案：Ｂ", "B", "ABCD", 1, 1, 1),
    (f"{ZH}答案:Ａ、Ｃ", "AC", "ABCD", 1, 1, 1),
    (f"{ZH}（Ｂ）", "B", "ABCD", 1, 1, 1),
    (f"{ZH}【答案】B", "B", "ABCD", 1, 1, 1),
    # tags missing, nested, repeated, reversed, empty, unclosed
    ("Answer: B", "B", "ABCD", 0, 1, 1),
    ("答案：B", "B", "ABCD", 0, 1, 1),
    ("recall the concept</think>\nAnswer: B", "B", "ABCD", 0, 1, 1),
    ("<think>recall the concept\nAnswer: B", "B", "ABCD", 0, 0, 0),  # cut while thinking
    ("<think>思考中，答案：B", "B", "ABCD", 0, 0, 0),
    ("<think></think>Answer: B", "B", "ABCD", 0, 1, 1),
    ("<think> \n </think>Answer: B", "B", "ABCD", 0, 1, 1),
    ("<think>one</think><think>two</think>Answer: B", "B", "ABCD", 0, 1, 1),
    ("<think>one<think>two</think></think>Answer: B", "B", "ABCD", 0, 1, 1),
    ("</think>recall<think>Answer: B", "B", "ABCD", 0, 0, 0),
    ("<Think>recall</Think>Answer: B", "B", "ABCD", 1, 1, 1),  # the shared parser ignores the case of tags
    ("<thinking>recall</thinking>Answer: B", "B", "ABCD", 0, 1, 1),
    ("Sure. <think>recall</think>Answer: B", "B", "ABCD", 0, 1, 1),
    # the answer before the block, or only inside it
    ("Answer: B\n<think>recall</think>", "B", "ABCD", 0, 1, 1),
    ("<think>Answer: B</think>", "B", "ABCD", 0, 0, 0),
    ("<think>答案：B</think>", "B", "ABCD", 0, 0, 0),
    ("<think>maybe A</think>Answer: B", "B", "ABCD", 1, 1, 1),
    ("<think>Answer: A, no</think>Answer: B", "B", "ABCD", 1, 1, 1),
    # letters in prose, contradictions, nothing
    (f"{EN}A good question. I do not know.", "A", "ABCD", 0, 0, 0),
    (f"{EN}Because it depends.", "B", "ABCD", 0, 0, 0),
    (f"{EN}Answer: A\nAnswer: B", "B", "ABCD", 0, 0, 0),
    (f"{ZH}答案：A\n答案：B", "B", "ABCD", 0, 0, 0),
    (f"{EN}I cannot say.", "B", "ABCD", 0, 0, 0),
    (f"{ZH}不知道。", "B", "ABCD", 0, 0, 0),
    (EN, "B", "ABCD", 0, 0, 0),
    ("", "B", "ABCD", 0, 0, 0),
    ("   \n", "B", "ABCD", 0, 0, 0),
]


@pytest.mark.parametrize(("reply", "key", "labels", "form", "correct", "elastic"), TABLE)
def test_score_of_a_reply(reply, key, labels, form, correct, elastic):
    assert format_reward(reply, labels) == form
    assert correctness_reward(reply, key, labels) == correct
    assert elastic_reward(reply, key, labels) == pytest.approx(elastic)


def test_table_has_the_promised_size_in_both_languages():
    assert len(TABLE) >= 60
    assert sum(any("一" <= c <= "鿿" for c in reply) for reply, *_ in TABLE) >= 20


@pytest.mark.parametrize("key", ["B", "ACD"])
def test_elastic_gives_a_right_single_answer_full_credit_and_none_for_silence(key):
    assert elastic_reward(f"{EN}Answer: {key}", key, "ABCD") == 1
    assert elastic_reward("", key, "ABCD") == 0


@pytest.mark.parametrize("reply", ["", f"{EN}I cannot say.", f"{EN}Answer: B"])
def test_a_question_without_key_rewards_nothing(reply):
    assert correctness_reward(reply, "", "ABCD") == elastic_reward(reply, "", "ABCD") == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rewards": {"format": 0, "correctness": 0}}, "every weight is 0"),
        ({"rollout": {"engine": "vllm_server"}}, "vllm_server_url must be given"),
        ({"rollout": {"vllm_server_url": "http://host:8000"}}, "vllm_server_url must be given"),
    ],
)
def test_settings_that_reward_or_ask_nothing_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        GRPOSettings.model_validate(settings)


@pytest.mark.parametrize(
    ("reply", "language", "share"),
    [
        ("<think>recall the concept</think>B", "en", 1.0),
        ("<think>回忆概念</think>B", "zh", 1.0),
        ("<think>回忆概念</think>B", "en", 0.0),
        ("<think>working memory 记忆</think>B", "en", 0.5),
        ("<think>working memory 记忆</think>B", "zh", 0.5),
        ("<think>123</think>", "zh", 0.0),
        ("", "en", 0.0),
    ],
)
def test_language_is_the_share_of_the_questions_language_in_the_reasoning(reply, language, share):
    assert language_reward(reply, language) == share


@pytest.mark.parametrize(("tokens", "reward"), [(0, 0), (150, 0), (151, -0.02), (175, -0.5), (200, -1), (500, -1)])
def test_length_penalty_begins_in_the_buffer_and_never_passes_one(tokens, reward):
    assert length_reward(tokens, limit=200, buffer=50) == pytest.approx(reward)
