"""The memory of finished calls: a killed stage that is run again pays for none of them twice.

It is a directory, or an s3:// prefix, of JSON-lines parts. A local part grows with every reply, so that `kill -9` loses
none. S3 cannot append, so there a part is uploaded every few seconds. In memory is only where each reply lies: 16 bytes
per call of earlier attempts, none for those of this one.
"""

import asyncio
import json
import logging
import shutil
import tempfile
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.common.errors import UserError
from components.common.llm.batch import BatchFile, read_results
from components.common.llm.request import Reply
from components.common.storage import get_bytes, list_s3, put_bytes

log = logging.getLogger("psyche")
UPLOAD_SECONDS = 5.0
OFFSET_BITS = 40


class CallLog:
    """Replies by the key of their request.

    Args:
        place: Directory or s3:// prefix.

    Raises:
        UserError: It cannot be used, or a batch result file in it is none.
    """

    def __init__(self, place: str) -> None:
        self.place, self.remote = place.rstrip("/"), place.startswith("s3://")
        self.folder = Path(tempfile.mkdtemp(prefix="psyche-calls-")) if self.remote else Path(place)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"Finished calls cannot be kept in {place} ({error.strerror}): set PSYCHE_CHECKPOINT_URI to a folder or s3://."
            ) from error
        if self.remote:
            self._download()
        self._adopt_results()
        self._index()
        self._new_part()
        self.batch = BatchFile(self.folder / self._part.name.replace("part", "requests"))
        self._uploaded_at = time.monotonic()
        self._unsent: list[Path] = []
        self._upload: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._upload.set_result(None)

    def _download(self) -> None:
        """Fetches earlier parts into one file, so that thousands of them need one file handle; batch results stay apart."""
        with (self.folder / "part-0.jsonl").open("wb") as earlier:
            for uri in list_s3(self.place):
                name = uri.rsplit("/", 1)[-1]
                if name.startswith("part-") and not name.startswith("part-results-"):
                    earlier.write(get_bytes(uri))
                elif not name.startswith("requests-"):
                    (self.folder / name).write_bytes(get_bytes(uri))

    def _adopt_results(self) -> None:
        """Makes a part of every batch result file; each time anew, for a file may be replaced by a more complete one."""
        for results in sorted(self.folder.glob("results-*.jsonl")):
            part = results.with_name(f"part-{results.name}")
            put_bytes(str(part), "".join(_line(key, reply) for key, reply in read_results(results)).encode())
            if self.remote:
                put_bytes(f"{self.place}/{part.name}", part.read_bytes())

    def _index(self) -> None:
        import numpy as np

        keys, places = array("Q"), array("Q")
        self._files = [path.open("rb") for path in sorted(self.folder.glob("part-*.jsonl"))]
        for number, file in enumerate(self._files):
            offset = 0
            for line in file:
                row = _parse(line)
                if row is not None:
                    keys.append(int(row["key"][:16], 16))
                    places.append(number << OFFSET_BITS | offset)
                offset += len(line)
        unsorted = np.frombuffer(keys, dtype=np.uint64) if keys else np.empty(0, np.uint64)
        order = np.argsort(unsorted, kind="stable")
        self._keys = unsorted[order]
        self._places = (np.frombuffer(places, dtype=np.uint64) if places else np.empty(0, np.uint64))[order]

    def _new_part(self) -> None:
        self._part = self.folder / f"part-{time.time_ns()}.jsonl"
        self._sink = self._part.open("a", encoding="utf-8")

    def __len__(self) -> int:
        return len(self._keys)

    def replies(self) -> Iterator[Reply]:
        """Yields the replies of earlier attempts, each once."""
        for at in range(len(self._keys)):
            if at == 0 or self._keys[at] != self._keys[at - 1]:
                yield Reply(**self._row(at)["reply"])

    def get(self, key: str) -> Reply | None:
        """Returns the reply of an earlier attempt, None if there is none."""
        import numpy as np

        wanted = int(key[:16], 16)
        at = int(np.searchsorted(self._keys, np.uint64(wanted)))
        while at < len(self._keys) and int(self._keys[at]) == wanted:
            row = self._row(at)
            if row["key"] == key:
                return Reply(**row["reply"])
            at += 1
        return None

    def _row(self, at: int) -> dict[str, Any]:
        place = int(self._places[at])
        file = self._files[place >> OFFSET_BITS]
        file.seek(place & ((1 << OFFSET_BITS) - 1))
        return dict(json.loads(file.readline()))

    def add(self, key: str, reply: Reply) -> None:
        """Remembers a reply."""
        self._sink.write(_line(key, reply))
        self._sink.flush()
        if self.remote and time.monotonic() - self._uploaded_at > UPLOAD_SECONDS and self._upload.done():
            self._sink.close()
            self._unsent.append(self._part)
            self._new_part()
            self._uploaded_at = time.monotonic()
            self._upload = asyncio.ensure_future(asyncio.to_thread(self._send))

    def _send(self) -> None:
        try:
            while self._unsent:
                put_bytes(f"{self.place}/{self._unsent[0].name}", self._unsent[0].read_bytes())
                self._unsent.pop(0)
        except (UserError, OSError) as error:
            log.warning("%s Finished calls stay on this disk and are tried again.", error)

    async def close(self) -> None:
        """Uploads what is left; the place then holds every reply."""
        self._sink.close()
        if self.remote:
            await self._upload
            self._unsent += [path for path in (self._part, self.batch.path) if path.exists() and path.stat().st_size]
            await asyncio.to_thread(self._send)
        for file in self._files:
            file.close()
        if self.remote and not self._unsent:
            shutil.rmtree(self.folder)


def _line(key: str, reply: Reply) -> str:
    return json.dumps({"key": key, "reply": reply.__dict__}) + "\n"


def _parse(line: bytes) -> dict[str, Any] | None:
    """Returns the row of a line; None for the one that a kill cut in half."""
    try:
        row = json.loads(line)
        Reply(**row["reply"])
        int(row["key"], 16)
        return dict(row)
    except (ValueError, KeyError, TypeError):
        return None
