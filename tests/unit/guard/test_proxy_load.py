"""Long texts: bounded, judged one at a time, and what was judged once is not judged again."""

import asyncio
import time

from components.guard import policy
from components.guard.messages import safe_message
from components.guard.settings import GuardSettings
from tests.unit.guard.scripted import CRISIS, HARMLESS, chat, guarded, whole

MESSAGE = safe_message("en", "").splitlines()[0]


async def post(client, body):
    async with client.post("/v1/chat/completions", json=body) as response:
        return response.status, await response.json()


async def test_too_long_a_text_is_refused_but_not_who_is_in_danger():
    async with guarded(whole("Fine."), max_text_chars=3000) as (client, upstream):
        status, answer = await post(client, chat("word " * 700))
        assert (status, "at most 3000 characters" in answer["error"]["message"]) == (400, True)
        # A ligature of 18 letters counts as what it stands for.
        assert (await post(client, chat("\ufdfa" * 200)))[0] == 400
        status, answer = await post(client, chat("word " * 700 + CRISIS))
        assert (status, MESSAGE in answer["choices"][0]["message"]["content"]) == (200, True)
        assert not upstream.bodies
        assert (await post(client, chat("word " * 500)))[0] == 200


def test_earlier_turns_are_not_judged_again(monkeypatch):
    judged = []
    judge = policy.classify
    monkeypatch.setattr(policy, "classify", lambda text: judged.append(text) or judge(text))
    policy._classify.cache_clear()
    turns = [{"role": "user", "content": HARMLESS}, {"role": "assistant", "content": "So."}, {"role": "user", "content": "word " * 1000}]
    for said in range(1, 4):
        policy.decide({"messages": turns[:said]}, GuardSettings())
    assert len(judged) == len(set(judged)) == 3
    policy._classify.cache_clear()


async def test_long_texts_are_judged_one_at_a_time(monkeypatch):
    at_work, most = [], []

    def slow(text):
        at_work.append(text)
        most.append(len(at_work))
        time.sleep(0.02)
        at_work.remove(text)
        return policy.NO_CRISIS

    monkeypatch.setattr(policy, "_classify", slow)
    async with guarded(whole("Fine.")) as (client, _):
        await asyncio.gather(*(post(client, chat(f"word{i} " * 500)) for i in range(4)))
    assert max(most) == 1
