"""Raw rows: what readers yield before a row has become a record."""

import json
from typing import Any

from components.common.benchmarks import BadRow

Row = dict[str, Any]


def bad(row: Any, reason: str, detail: str = "") -> BadRow:
    """Returns the BadRow of any raw value."""
    return BadRow(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False, default=str), reason, detail)


def first_text(row: Row, names: tuple[str, ...]) -> str:
    """Returns the first non-empty value among the columns `names`, as stripped text, or ""."""
    for name in names:
        value = row.get(name)
        # A value that is not itself is NaN: what pandas writes for an empty cell.
        if isinstance(value, (str, int, float)) and value == value and str(value).strip():
            return str(value).strip()
    return ""
