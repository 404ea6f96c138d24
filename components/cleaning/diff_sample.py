"""A sample of before/after pairs for people to look at."""

import difflib
import random
import re
from dataclasses import dataclass, field
from pathlib import Path

from components.common.dataset import write_text

PIECES = re.compile(r"[^\n\u3002\uff01\uff1f.!?]*[\n\u3002\uff01\uff1f.!?]*")


@dataclass
class DiffSample:
    """A uniform sample of the records that cleaning changed (reservoir sampling: one pass, memory of the sample)."""

    size: int
    seed: int
    seen: int = 0
    pairs: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def offer(self, record_id: str, before: str, after: str) -> None:
        """Considers one record; unchanged ones are passed over."""
        if before == after or not self.size:
            return
        self.seen += 1
        if len(self.pairs) < self.size:
            self.pairs.append((record_id, before, after))
            return
        place = self._random.randrange(self.seen)
        if place < self.size:
            self.pairs[place] = (record_id, before, after)

    def write(self, path: Path) -> None:
        """Writes the sample as Markdown: per record the pieces that were removed (-) and added (+)."""
        parts = [f"# What cleaning changed\n\n{len(self.pairs)} of {self.seen} changed records, drawn with seed {self.seed}.\n"]
        for record_id, before, after in self.pairs:
            parts.append(f"## {record_id}\n\n````diff\n{diff(before, after)}\n````\n")
        write_text(path, "\n".join(parts))


def diff(before: str, after: str) -> str:
    """Returns the sentences that differ, as diff lines."""
    old, new = ([p.rstrip("\n") for p in PIECES.findall(text) if p.strip()] for text in (before, after))
    lines = [line.rstrip("\n") for line in difflib.unified_diff(old, new, lineterm="", n=0)]
    return "\n".join(line.replace("\n", " ") for line in lines if not line.startswith(("---", "+++", "@@")))
