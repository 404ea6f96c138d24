"""What a check found: one line, with the fix when something is wrong."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One line of `psyche doctor` and of the pipeline's preflight step.

    Attributes:
        level: `error` stops a run, `warning` does not.
        what: The thing checked, in a few words.
        detail: For `ok` what was seen; otherwise one sentence with the problem and the fix.
    """

    level: Level
    what: str
    detail: str

    def __str__(self) -> str:
        return f"{self.level:<8} {self.what}: {self.detail}"
