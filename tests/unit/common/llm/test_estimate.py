"""The dry run: calls, tokens and cost before they are spent."""

import pytest

from components.common.llm import Chat
from components.common.llm.estimate import Estimate, estimate, longest_reply, text_tokens
from tests.unit.common.llm.conftest import settings


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("word" * 25, 25), ("心理学" * 10, 20), ("心理ab", 2 / 1.5 + 0.5)])
def test_tokens_are_estimated_per_script(text, tokens):
    assert text_tokens(text) == pytest.approx(tokens)


def test_calls_tokens_and_cost_add_up():
    llm = settings("http://x/v1", max_tokens=100, price_in=1.0, price_out=10.0)
    chat = Chat([{"role": "user", "content": "word" * 96}])
    found = estimate([(llm, chat)] * 1000)
    assert (found.calls, found.prompt_tokens, found.completion_tokens) == (1000, 100_000, 100_000)
    assert found.cost == pytest.approx(0.1 + 1.0)


def test_a_requests_own_max_tokens_counts():
    assert estimate([(settings("http://x/v1", max_tokens=100), Chat([], max_tokens=7))]).completion_tokens == 7


@pytest.mark.parametrize(
    ("schema", "least", "most"),
    [
        ({"type": "object", "properties": {"answer": {"enum": ["A", "B"]}}}, 3, 12),
        ({"type": "object", "properties": {"reply": {"type": "string", "maxLength": 300}}}, 200, 220),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 3}, 3, 30),
    ],
)
def test_a_schema_bounds_the_reply(schema, least, most):
    assert least <= longest_reply(schema) <= most
    chat = Chat([], schema=schema)
    assert estimate([(settings("http://x/v1"), chat)]).completion_tokens == longest_reply(schema)


def test_a_schema_without_limits_does_not():
    chat = Chat([], schema={"type": "object", "properties": {"a": {"type": "string"}}}, max_tokens=50)
    assert estimate([(settings("http://x/v1"), chat)]).completion_tokens == 50


def test_estimates_add_and_scale():
    assert Estimate(1, 2, 3, 4) + Estimate(1, 1, 1, 1) == Estimate(2, 3, 4, 5)
    assert Estimate(1, 2, 3, 4) * 2.5 == Estimate(2.5, 5, 7.5, 10)
