"""How far an unfinished text is safe: where could a forbidden passage begin that is not complete yet?

The patterns are those of output.py, asked for partial matches: of "... you have clin" everything from "you" on is held back, of
"the memory" nothing. So harmless words leave at once, and nothing has left of a passage by the time that it is complete.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import regex
import yaml

from components.guard.lexicon import expand
from components.guard.output import PATIENCE, Kind, violations_in

_WINDOW = 600
# The only Latin letters that a Chinese pattern begins with.
LATIN_NAME = "ssri"
_SENTENCE_END = regex.compile(r"[.!?]\s|[\u3002\uff01\uff1f\n]")


@dataclass
class Suspicion:
    """Attributes.

    window: The folded text from the beginning of a sentence on; older text has been dropped.
    clear: window[:clear] is safe.
    kind: What was found, if anything; the passage begins at `clear` then.
    """

    window: str = ""
    clear: int = 0
    kind: Kind | None = None

    def feed(self, folded: str, final: bool = False) -> None:
        """Adds folded text and moves `clear`."""
        self.window += folded
        while self.kind is None and self.clear < len(self.window):
            match = _pattern().search(self.window, self.clear, partial=True)
            if match is None:
                self.clear = len(self.window)
            elif match.partial and not final:
                self.clear = match.start()
                return
            elif not self._judge(match.end(), final):
                return

    def trim(self) -> int:
        """Drops sentences that nothing depends on any more; returns how many characters went."""
        if len(self.window) < _WINDOW:
            return 0
        # At least one character stays before `clear`: patterns look at it for the edge of a word.
        ends = [m.end() for m in _SENTENCE_END.finditer(self.window, 0, max(self.clear - 1, 0))]
        cut = max(ends[-1] if ends else 0, self.clear - _WINDOW)
        self.window, self.clear = self.window[cut:], self.clear - cut
        return cut

    def _judge(self, end: int, final: bool) -> bool:
        """Judges the sentence around a match once it is complete, for its end may make it harmless; returns whether it was."""
        close = _SENTENCE_END.search(self.window, max(end - 1, 0))
        if close is None and not final and len(self.window) - end < PATIENCE:
            return False
        until = len(self.window) if close is None else close.end()
        found = next((v for v in violations_in(self.window) if self.clear <= v.start < until), None)
        if found:
            self.kind, self.clear = found.kind, found.start
        else:
            self.clear = until
        return True


@cache
def _pattern() -> regex.Pattern[str]:
    """All patterns, sorted by what they can begin with: most places in a text can begin none, which is then known at one glance."""
    english, chinese = beginnings()
    return regex.compile(rf"\b(?=[a-z])(?:{'|'.join(english)})|(?=[^\x00-\x7f]|{LATIN_NAME})(?:{'|'.join(chinese)})")


def beginnings() -> tuple[list[str], list[str]]:
    """The patterns that begin at the edge of a Latin word, and those that begin with Chinese characters or LATIN_NAME."""
    path = Path(__file__).parent / "data" / "output.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    patterns = [f"(?:{expand(pattern, data['terms'])})" for rule in data["rules"] for pattern in rule["patterns"]]
    english = [pattern for pattern in patterns if pattern.startswith(r"(?:\b")]
    return english, [pattern for pattern in patterns if pattern not in english]
