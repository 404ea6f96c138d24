"""Which figures of a suite stand for it where there is no room for all: its averages, not its domains."""

from components.common.scores.figures import Figure

POOLED, JUDGE = "all", "judge"


def headlines(figures: dict[str, Figure]) -> dict[str, Figure]:
    """Returns the figures over a whole suite: "pceb.avg", "pceb.all.strict", "psydt.judge.turn.mean", not "pceb.moral.single.strict"."""
    return {name: figure for name, figure in figures.items() if _is_headline(name.split("."))}


def _is_headline(parts: list[str]) -> bool:
    pooled = len(parts) == 3 and parts[1] == POOLED
    graded = len(parts) == 4 and parts[1] == JUDGE and parts[3] == "mean"
    return len(parts) == 2 or pooled or graded
