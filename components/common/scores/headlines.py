"""Which figures of a suite stand for it where there is no room for all: its averages, not its domains."""

from components.common.scores.figures import Figure

POOLED = "all"


def headlines(figures: dict[str, Figure]) -> dict[str, Figure]:
    """Returns the figures over a whole suite: "pceb.avg" and "pceb.all.strict", not "pceb.moral.single.strict"."""
    return {name: figure for name, figure in figures.items() if _is_headline(name.split("."))}


def _is_headline(parts: list[str]) -> bool:
    return len(parts) == 2 or (len(parts) == 3 and parts[1] == POOLED)
