"""Readers of row formats: JSON lines, JSON, CSV, Excel and Parquet. Each yields rows, in order, in flat memory."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from components.common.benchmarks import BadRow
from components.common.errors import UserError
from components.ingest.encoding import decode, read_lines
from components.ingest.rows import Row, bad


def read_jsonl(path: Path) -> Iterator[Row | BadRow]:
    """Yields one row per line."""
    for number, line in enumerate(read_lines(path), 1):
        text = line.strip("\ufeff \t\r\n\x00")
        if text:
            yield _json_row(text, f"line {number}")


def read_json(path: Path) -> Iterator[Row | BadRow]:
    """Yields the objects of a JSON array, or the one object of the file."""
    text = decode(path.read_bytes())
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also numbers of thousands of digits
        yield bad(text[:2000], "invalid_json", str(error))
        return
    items = data if isinstance(data, list) else [data]
    if items and all(isinstance(item, dict) and "role" in item and "content" in item for item in items):
        items = [{"messages": items}]  # one dialogue per file, as SMILECHAT publishes it
    for item in items:
        yield item if isinstance(item, dict) else bad(item, "not_an_object", type(item).__name__)


def _json_row(text: str, place: str) -> Row | BadRow:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        return bad(text, "invalid_json", f"{place}: {error}")
    return row if isinstance(row, dict) else bad(text, "not_an_object", place)


def read_csv(path: Path) -> Iterator[Row | BadRow]:
    """Yields rows under the names of the first line; the delimiter is a comma, semicolon or tab."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    lines = (line.replace("\x00", "") for line in read_lines(path))
    first = next(lines, "")
    reader = csv.reader(chain([first], lines), delimiter=max(",;\t", key=first.count))
    names: list[str] | None = None
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield bad(f"line {reader.line_num}", "invalid_csv", str(error))
            continue
        if names is None:
            names = _column_names(cells)
        elif len(cells) > len(names):
            yield bad(cells, "too_many_columns", f"line {reader.line_num}: {len(cells)} cells, {len(names)} names")
        elif any(cells):
            yield dict(zip(names, cells, strict=False))


def read_xlsx(path: Path) -> Iterator[Row | BadRow]:
    """Yields the rows of every sheet, under the names of its first row.

    Raises:
        UserError: The file is no Excel workbook.
    """
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        for sheet in book.worksheets:
            yield from _sheet_rows(sheet.iter_rows(values_only=True))
        book.close()
    except Exception as error:  # openpyxl lets zip, XML and key errors through, also while it reads the rows
        raise UserError(f"{path.name} is not a readable Excel file ({error}): replace the file or leave it out.") from error


def _sheet_rows(rows: Iterator[tuple[Any, ...]]) -> Iterator[Row]:
    names = _column_names(next(rows, ()))
    for cells in rows:
        if any(cell is not None for cell in cells):
            yield {n: c for n, c in zip(names, cells, strict=False) if c is not None}


def _column_names(cells: Iterable[Any]) -> list[str]:
    """Returns a name per column, so that no cell is lost below a heading that is empty or was used before."""
    names: list[str] = []
    for number, cell in enumerate(cells, 1):
        name = str(cell or "").strip().lstrip("\ufeff")
        names.append(name if name and name not in names else f"{name or 'column'}_{number}")
    return names


def read_parquet(path: Path) -> Iterator[Row | BadRow]:
    """Yields rows, a thousand in memory at a time.

    Raises:
        UserError: The file is corrupt.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=1000):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: names of columns that are no UTF-8
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{path.name} is not a readable Parquet file ({reason}): replace the file or leave it out of the source."
        ) from error
