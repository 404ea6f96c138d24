"""The files below a suite's URI, row by row."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from components.common.benchmarks.items import BadRow
from components.common.errors import UserError
from components.common.fetch import fetch_root
from components.common.storage import get_bytes, list_s3


@dataclass(frozen=True)
class Place:
    """Where a file is: `path` holds the folders that name domain and type, `source` is its URI as the user would write it."""

    path: PurePosixPath
    source: str


def _files(uri: str, endings: tuple[str, ...]) -> list[tuple[Place, str]]:
    """Returns the place of every file below `uri`, and what to read it from, in the order of the paths."""
    if uri.startswith("s3://"):
        found = [(Place(PurePosixPath(u.removeprefix("s3://")), u), u) for u in list_s3(uri)]
    else:
        root = fetch_root(uri, endings).absolute()
        paths = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())
        base = uri.rstrip("/")
        found = [
            (Place(PurePosixPath(p.as_posix()), base if p == root else f"{base}/{p.relative_to(root).as_posix()}"), str(p)) for p in paths
        ]
    found = [(place, read) for place, read in found if place.path.suffix in endings]
    if not found:
        raise UserError(f"{uri} holds no {' or '.join('*' + e for e in endings)} file: check the URI of the suite.")
    return found


def read_rows(uri: str, endings: tuple[str, ...]) -> Iterator[tuple[Place, dict[str, Any] | BadRow]]:
    """Yields the rows of all files; a row without an id is given its place in the file.

    Raises:
        UserError: Nothing is there.
    """
    for place, read in _files(uri, endings):
        name = place.path.name
        try:
            text = get_bytes(read).decode("utf-8-sig")
            rows = _json_lines(text) if place.path.suffix == ".jsonl" else json.loads(text)
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            yield place, BadRow("", "unreadable_file", f"{name}: {error}")
            continue
        if not isinstance(rows, list):
            yield place, BadRow(dump_row(rows), "not_a_list", name)
            continue
        for index, row in enumerate(rows, 1):
            if isinstance(row, dict):
                number = next((row[k] for k in ("id", "identifier") if isinstance(row.get(k), str | int)), index)
                yield place, {**row, "id": str(number).strip()}
            else:
                yield place, row if isinstance(row, BadRow) else BadRow(dump_row(row), "not_an_object", name)


def _json_lines(text: str) -> list[Any]:
    rows: list[Any] = []
    for line in text.split("\n"):  # not splitlines: texts may hold other line separators
        if line.strip():
            try:
                rows.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                rows.append(BadRow(line, "not_json", str(error)))
    return rows


def dump_row(row: Any) -> str:
    """Returns a row as JSON."""
    return json.dumps(row, ensure_ascii=False, default=str)
