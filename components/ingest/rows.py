"""Raw rows: what readers yield before a row has become a record, and what stands for one that could not."""

import json
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class BadRow:
    """A row that cannot become a record: it goes to `rejected/` with its reason."""

    row: str
    reason: str
    detail: str = ""


def bad(row: Any, reason: str, detail: str = "") -> BadRow:
    """Returns the BadRow of any raw value."""
    return BadRow(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False, default=str), reason, detail)


def first_text(row: Row, names: tuple[str, ...]) -> str:
    """Returns the first non-empty value among the columns `names`, as stripped text, or ""."""
    for name in names:
        value = row.get(name)
        if isinstance(value, (str, int, float)) and str(value).strip():
            return str(value).strip()
    return ""
