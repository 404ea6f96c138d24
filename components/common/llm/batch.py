"""Batch files as a transport: requests go into a file in OpenAI's batch format, replies come from one.

A stage that meets an unanswered request writes it down and goes on with the next record. At the end it stops with a
sentence that says where the file is; when it is run again with the results beside the requests, it gets further. A stage
with steps that rest on each other needs one round per step.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from components.common.errors import UserError
from components.common.llm.request import Reply, parse_completion, refusal

REFUSED = {400, 413, 422}


class Deferred(UserError):  # noqa: N818 - it is an order to the user, no failure
    """Requests wait in a batch file: no failure, but the stage cannot end without their replies."""


class BatchFile:
    """The requests of one attempt of a stage, one JSON object per line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._keys: set[str] = set()

    def defer(self, key: str, body: bytes) -> None:
        """Writes a request down, once."""
        if key in self._keys:
            return
        self._keys.add(key)
        head = json.dumps({"custom_id": key, "method": "POST", "url": "/v1/chat/completions"})
        with self.path.open("ab") as file:
            file.write(head[:-1].encode() + b', "body": ' + body + b"}\n")

    def __len__(self) -> int:
        return len(self._keys)

    def sentence(self, place: str) -> str:
        """Returns what the user has to do, `place` being where the file is kept."""
        results = self.path.name.replace("requests", "results")
        return (
            f"{len(self)} requests wait in {place}/{self.path.name}: run them as a batch (your provider's batch API, or "
            f"`python -m vllm.entrypoints.openai.run_batch`), put its output at {place}/{results}, and run again."
        )


def read_results(path: Path) -> Iterator[tuple[str, Reply]]:
    """Yields (key, reply) of the answered and the refused requests of a result file; others are asked again in the next file.

    A refused one would be refused again and the stage never end, so its reply says so (`Reply.refused`).

    Raises:
        UserError: A line is not in OpenAI's batch format, or answers no request of ours.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                key, response = str(row["custom_id"]), row.get("response") or {}
                int(key, 16)  # our keys are hashes
                status = response.get("status_code")
                if status == 200:
                    yield key, parse_completion(response["body"])
                elif status in REFUSED:
                    yield key, refusal(f"the batch answered {status}: {json.dumps(row.get('error') or response.get('body'))[:300]}")
            except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
                raise UserError(
                    f"Line {number} of {path} is no line of OpenAI's batch output ({error!r}): put the whole result file there."
                ) from error
