"""What of one text of an answer may be sent on, decided while it arrives: think blocks go, a violation ends the text."""

from collections import deque
from dataclasses import dataclass, field

from components.guard.fold import Folder
from components.guard.markup import Markup
from components.guard.output import Kind, find_violations
from components.guard.suspicion import Suspicion
from components.guard.think import Piece, ThinkTags


@dataclass
class OutputFilter:
    """Offsets count characters of the text as the model wrote it.

    Attributes:
        hide_thinking: Whether think blocks are left out.
        think_open: The text begins inside a think block.
        length: Characters that came in.
        settled: Of text[:settled] it is known what may be sent.
        cut_at: Where the violation begins that ended the text, if one did.
    """

    hide_thinking: bool = True
    think_open: bool = False
    length: int = 0
    settled: int = 0
    cut_at: int | None = None
    _tags: ThinkTags = field(init=False)
    _markup: Markup = field(default_factory=Markup)
    _folder: Folder = field(default_factory=Folder)
    _suspicion: Suspicion = field(default_factory=Suspicion)
    _offsets: list[int] = field(default_factory=list)
    _pieces: deque[Piece] = field(default_factory=deque)
    _finished: bool = False

    def __post_init__(self) -> None:
        self._tags = ThinkTags(depth=int(self.think_open and self.hide_thinking))

    @property
    def kind(self) -> Kind | None:
        """The violation that ended the text."""
        return self._suspicion.kind

    def feed(self, text: str) -> None:
        """Adds a piece of the text."""
        self.length += len(text)
        if self.kind is None and not self._finished:
            self._take(text, final=False)
        else:
            self.settled = self.length

    def finish(self) -> None:
        """Ends the text: everything is settled now."""
        if not self._finished and self.kind is None:
            self._take("", final=True)
        self._finished, self.settled = True, self.length

    def visible(self, start: int, end: int) -> str:
        """Returns what may be sent of text[start:end]; ask in the order of the text and up to `settled` only."""
        while self._pieces and self._pieces[0].start + len(self._pieces[0].text) <= start:
            self._pieces.popleft()
        return "".join(p.text[max(start - p.start, 0) : max(end - p.start, 0)] for p in self._pieces if p.start < end)

    def _take(self, text: str, final: bool) -> None:
        shown = self._tags.feed(text, final) if self.hide_thinking else [Piece(self.length - len(text), text)]
        self._pieces += shown
        seen = [part for piece in shown for part in self._markup.feed(piece)]
        if final:
            seen += self._markup.feed(Piece(self.length, ""), final=True)
        folded = ""
        for part in seen:
            plain, offsets = self._folder.feed(part.text, part.start)
            folded += plain
            self._offsets += offsets
        if final:
            plain, offsets = self._folder.finish()
            folded += plain
            self._offsets += offsets
        self._suspicion.feed(folded, final)
        self._settle()

    def _settle(self) -> None:
        clear = self._suspicion.clear
        if self.kind is not None:
            self._cut(self._offsets[clear])
            return
        decided = min(self._tags.decided if self.hide_thinking else self.length, self._markup.held_from)
        self.settled = self._offsets[clear] if clear < len(self._offsets) else decided
        del self._offsets[: self._suspicion.trim()]

    def _cut(self, at: int) -> None:
        self.cut_at, self.settled = at, self.length
        self._pieces = deque(Piece(p.start, p.text[: at - p.start]) for p in self._pieces if p.start < at)


def guard_text(text: str, hide_thinking: bool, think_open: bool = False) -> tuple[str, Kind | None]:
    """Returns what may be sent of a whole text, and the violation that ended it.

    Raises:
        TypeError: It is no text.
    """
    if not isinstance(text, str):
        raise TypeError("an answer's text is no string")
    if hide_thinking:
        text = "".join(piece.text for piece in ThinkTags(depth=int(think_open), recall=True).feed(text, final=True))
    found = find_violations(text)
    return (text[: found[0].start], found[0].kind) if found else (text, None)
