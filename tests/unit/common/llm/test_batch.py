"""Batch files: requests go out, results come back, round by round, until the stage can end."""

import json

import pytest

from components.common.errors import UserError
from components.common.llm import LLM, Chat, LLMError, ask_all
from components.common.llm.batch import Deferred
from tests.stub_llm import completion, scripted_reply
from tests.unit.common.llm.conftest import settings


async def two_steps(place: str, **more: object) -> list[str]:
    """A stage whose second request rests on the first reply."""
    async with LLM(settings("http://nowhere.invalid/v1", transport="batch", **more), place) as llm:

        async def work(number: int) -> str:
            first = await llm.chat(Chat([{"role": "user", "content": f"question {number}"}]))
            return (await llm.chat(Chat([{"role": "user", "content": f"better than {first.text}"}]))).text

        return [text async for _, text in ask_all(range(20), work, 4)]


def run_batch(folder, fail: int = 0, status: int = 500) -> int:
    """Answers the newest request file as a provider does; the first `fail` requests get an error."""
    requests = sorted(folder.glob("requests-*"))[-1]
    rows = [json.loads(line) for line in requests.read_text().splitlines()]
    lines = []
    for n, row in enumerate(rows):
        assert (row["method"], row["url"]) == ("POST", "/v1/chat/completions")
        good = {"status_code": 200, "request_id": "r", "body": completion("m", scripted_reply(row["body"]))}
        lines.append(
            {
                "id": f"b{n}",
                "custom_id": row["custom_id"],
                "response": {"status_code": status, "body": {}} if n < fail else good,
                "error": None,
            }
        )
    (folder / requests.name.replace("requests", "results")).write_text("".join(json.dumps(x) + "\n" for x in reversed(lines)))
    return len(rows)


async def test_a_stage_of_two_steps_needs_two_batches(tmp_path):
    with pytest.raises(Deferred, match=r"20 requests wait in .*/requests-\d+.jsonl: run them as a batch"):
        await two_steps(str(tmp_path))
    assert run_batch(tmp_path) == 20
    with pytest.raises(Deferred, match="20 requests wait"):
        await two_steps(str(tmp_path))
    assert run_batch(tmp_path) == 20
    first = await two_steps(str(tmp_path))
    assert len(first) == 20
    assert await two_steps(str(tmp_path)) == first


async def test_requests_that_failed_are_in_the_next_batch(tmp_path):
    with pytest.raises(Deferred):
        await two_steps(str(tmp_path))
    run_batch(tmp_path, fail=3)
    with pytest.raises(Deferred, match="20 requests wait"):  # 3 first steps again, 17 second steps
        await two_steps(str(tmp_path))


async def test_a_request_that_the_batch_refused_is_not_asked_again(tmp_path):
    async def answers() -> list[str]:
        async with LLM(settings("http://nowhere.invalid/v1", transport="batch"), str(tmp_path)) as llm:

            async def work(number: int) -> str:
                try:
                    return (await llm.chat(Chat([{"role": "user", "content": f"question {number}"}]))).text
                except LLMError as error:
                    return f"refused: {error}"

            return [text async for _, text in ask_all(range(5), work, 4)]

    with pytest.raises(Deferred):
        await answers()
    run_batch(tmp_path, fail=2, status=400)
    found = await answers()
    assert [text.startswith("refused: the batch answered 400") for text in found] == [True, True, False, False, False]


async def test_no_further_batch_is_asked_for_when_the_budget_is_used_up(tmp_path):
    with pytest.raises(Deferred):
        await two_steps(str(tmp_path), token_budget=200)
    run_batch(tmp_path)
    with pytest.raises(UserError, match=r"token_budget of 200 .* is used up"):
        await two_steps(str(tmp_path), token_budget=200)


async def test_a_result_file_may_be_replaced_by_a_more_complete_one(tmp_path):
    with pytest.raises(Deferred):
        await two_steps(str(tmp_path))
    run_batch(tmp_path)
    (results,) = tmp_path.glob("results-*")
    whole = results.read_text()
    results.write_text("".join(whole.splitlines(keepends=True)[:5]))
    with pytest.raises(Deferred, match="20 requests wait"):  # 15 first steps again, 5 second steps
        await two_steps(str(tmp_path))
    for requests in sorted(tmp_path.glob("requests-*"))[1:]:
        requests.unlink()
    results.write_text(whole)
    with pytest.raises(Deferred, match="20 requests wait"):  # all second steps
        await two_steps(str(tmp_path))


@pytest.mark.parametrize(
    "line", [b"not json", b"\xff\xfe", b'{"custom_id": "0a", "response": {"status_code": 200}}', b'{"custom_id": "request-1"}']
)
async def test_a_result_file_of_another_kind_is_named(tmp_path, line):
    (tmp_path / "results-1.jsonl").write_bytes(b'\xef\xbb\xbf{"custom_id": "0a"}\n' + line + b"\n")
    with pytest.raises(UserError, match=r"Line 2 of .*results-1.jsonl is no line of OpenAI's batch output"):
        await two_steps(str(tmp_path))


async def test_batches_need_a_place():
    with pytest.raises(UserError, match="PSYCHE_CHECKPOINT_URI"):
        await LLM(settings("http://nowhere.invalid/v1", transport="batch")).__aenter__()
