"""Pairwise preferences: each pair is asked in both orders."""

import asyncio

import pytest

from components.common.llm import LLMSettings
from components.common.scores import RawReply, Sample
from components.evaluation.judge import grade_scores
from components.evaluation.pairwise import prefer
from tests.stub_llm import Stub


def answers(name, n=3):
    return [
        Sample(id=str(i), suite="s", kind="turn", language="en", prompt="?", replies=[RawReply(text="")], final=f"{name} answer {i}")
        for i in range(n)
    ]


def better_is(word):
    """A judge that prefers the answer that holds a word, wherever it stands."""

    def answer(body):
        text = body["messages"][0]["content"]
        first, _, second = text.partition("Second answer:")
        return '{"better": "%s"}' % ("first" if word in first.rpartition("First answer:")[2] else "second" if word in second else "tie")

    return answer


@pytest.mark.parametrize(
    ("judge", "value", "consistent"),
    [
        (better_is("ours"), 1.0, True),
        (better_is("theirs"), -1.0, True),
        (better_is("nobody"), 0.0, True),
        (lambda body: '{"better": "first"}', 0.0, False),
        (lambda body: '{"better": "second"}', 0.0, False),
    ],
)
def test_a_preference_counts_only_if_it_survives_the_swap(serve, judge, value, consistent):
    stub = Stub(answer=judge)
    endpoint = LLMSettings(model="judge", base_urls=[serve(stub)], retries=0)
    pairs = list(zip(answers("ours"), answers("theirs"), strict=True))
    found = asyncio.run(prefer(endpoint, pairs, None, {}))
    assert [(p.value, p.consistent) for p in found] == [(value, consistent)] * 3
    assert len(stub.requests) == 6


def test_a_pair_without_a_verdict_is_none(serve):
    stub = Stub(answer=lambda body: '{"better": "both"}')
    endpoint = LLMSettings(model="judge", base_urls=[serve(stub)], retries=0)
    assert asyncio.run(prefer(endpoint, list(zip(answers("ours"), answers("theirs"), strict=True)), None, {})) == [None] * 3


def test_one_grading_has_no_agreement():
    assert [s.name for s in grade_scores([{"safety": 10}])] == ["judge_safety"]
    assert {s.name: s.value for s in grade_scores([{"safety": 10}, {"safety": 9}])} == {"judge_safety": 0.95, "judge_agreement": 0.0}
