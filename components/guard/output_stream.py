"""What of a model's answer may be sent on, decided piece by piece: the think block goes, violations end the answer.

A tail of the text is held back, so that nothing has been sent of a violation by the time that it is complete.
"""

from dataclasses import dataclass, field

from components.guard.output import find_violations

HOLD_CHARACTERS = 160
OPEN, CLOSE = "<think>", "</think>"


@dataclass
class OutputFilter:
    """Takes text in pieces and gives back what may be sent."""

    expose_reasoning: bool = False
    kind: str = ""
    _raw: str = ""
    _thinking: bool = False
    _clean: str = ""
    _sent: int = 0
    _pieces: list[str] = field(default_factory=list)

    def feed(self, piece: str) -> str:
        """Adds a piece; returns the text that is now safe to send. After a violation (`kind` is set) nothing more comes."""
        if self.kind:
            return ""
        self._clean += piece if self.expose_reasoning else self._strip(piece)
        return self._release(len(self._clean) - HOLD_CHARACTERS)

    def finish(self) -> str:
        """Returns the rest at the end of the answer."""
        if self.kind:
            return ""
        if not self.expose_reasoning and not self._thinking:
            self._clean += self._raw
            self._raw = ""
        return self._release(len(self._clean))

    def _release(self, upto: int) -> str:
        found = find_violations(self._clean)
        if found:
            self.kind = found[0].kind
            upto = min(upto, found[0].start)
        out = self._clean[self._sent : max(upto, self._sent)]
        self._sent += len(out)
        return out

    def _strip(self, piece: str) -> str:
        """Removes think blocks, also where a tag is split over pieces."""
        self._raw += piece
        out = ""
        while self._raw:
            tag = CLOSE if self._thinking else OPEN
            at = self._raw.find(tag)
            if at >= 0:
                out += "" if self._thinking else self._raw[:at]
                self._raw = self._raw[at + len(tag) :]
                self._thinking = not self._thinking
                continue
            keep = next((n for n in range(len(tag) - 1, 0, -1) if self._raw.endswith(tag[:n])), 0)
            out += "" if self._thinking else self._raw[: len(self._raw) - keep]
            self._raw = self._raw[len(self._raw) - keep :]
            break
        return out
