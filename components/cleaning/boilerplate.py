"""Lines that recur across texts: running headers, footers, disclaimers, signatures.

First pass: count the short lines of all texts in a table of fixed size. Second pass: drop those at the threshold.
"""

import hashlib
import re
from collections.abc import Iterable

import numpy as np

ROWS, COLUMNS = 3, 1 << 21
DIGITS = re.compile(r"\d+")


class LineCounts:
    """Approximate counts of lines in 25 MB, whatever their number (a count-min sketch: never too low).

    Three independent columns per line: with a million distinct lines about 7% of the cells of a row are shared by
    several frequent lines, so all three are shared for fewer than one line in a thousand.
    """

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self._cells = np.zeros((ROWS, COLUMNS), dtype=np.uint32)

    def add(self, text: str) -> None:
        """Counts each distinct short line of one text once."""
        for line in {key for key in map(self._key, text.split("\n")) if key}:
            for row, column in enumerate(_columns(line)):
                self._cells[row, column] += 1

    def count(self, line: str) -> int:
        """Returns in how many texts the line occurs, at least."""
        key = self._key(line)
        return min(int(self._cells[row, column]) for row, column in enumerate(_columns(key))) if key else 0

    def _key(self, line: str) -> str:
        """Returns what makes lines equal: digits do not matter (page 3, page 4), long lines have no key."""
        squeezed = " ".join(line.split())
        return DIGITS.sub("0", squeezed) if len(squeezed) <= self.longest else ""


def _columns(line: str) -> list[int]:
    digest = hashlib.blake2b(line.encode("utf-8", "replace"), digest_size=4 * ROWS).digest()
    return [int.from_bytes(digest[4 * i : 4 * i + 4], "little") % COLUMNS for i in range(ROWS)]


def count_lines(texts: Iterable[str], longest: int) -> LineCounts:
    """Counts the lines of all texts: the first pass. A text that comes again, as a post does with each of its replies, counts once."""
    counts = LineCounts(longest)
    seen: set[int] = set()
    for text in texts:
        digest = int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little")
        if digest not in seen:
            seen.add(digest)
            counts.add(text)
    return counts


def drop_boilerplate(text: str, counts: LineCounts, threshold: int) -> tuple[str, int]:
    """Drops the lines that occur in at least `threshold` texts; returns the text and how many went.

    A text of one line is what somebody said, not what surrounds it.
    """
    lines = text.split("\n")
    kept = [line for line in lines if counts.count(line) < threshold]
    return ("\n".join(kept), len(lines) - len(kept)) if len(lines) > 1 else (text, 0)
