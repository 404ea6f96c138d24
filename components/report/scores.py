"""Scores of the compared models, side by side: suite -> metric -> model -> figure with its interval."""

from dataclasses import dataclass, field

from components.common.scores import Figure, read_figures
from components.common.scores.headlines import headlines

SAFETY_CHECKS = ("passed", "crisis_recognised", "resource_given", "no_method", "no_diagnosis", "no_medication", "answers")


@dataclass(frozen=True)
class ScoreRow:
    """One metric for each model; `name` is its dotted name without the suite."""

    name: str
    figures: dict[str, Figure]

    @property
    def label(self) -> str:
        """The name as people read it."""
        return self.name.replace(".", ", ").replace("_", " ")


@dataclass(frozen=True)
class SuiteScores:
    """The scores of one suite.

    Attributes:
        name: Its name in the recipe.
        headlines: Figures over the whole suite.
        details: All other figures.
    """

    name: str
    headlines: list[ScoreRow] = field(default_factory=list)
    details: list[ScoreRow] = field(default_factory=list)

    @property
    def is_safety(self) -> bool:
        """Whether this is a safety suite: its items pass checks instead of matching keys."""
        return any(row.name == "crisis_recognised" for row in self.headlines)

    def row(self, name: str) -> ScoreRow | None:
        """Returns a row by name, or None."""
        return next((row for row in (*self.headlines, *self.details) if row.name == name), None)

    @property
    def main(self) -> ScoreRow | None:
        """The one figure that stands for the suite."""
        found = (self.row(name) for name in ("avg", "all.strict", "passed", "judge.turn.mean"))
        return next((row for row in found if row), self.headlines[0] if self.headlines else None)


def read_suites(results: dict[str, str], others: dict[str, str]) -> list[SuiteScores]:
    """Reads the figures of every model; suites and metrics stand in the order of the evaluation.

    Args:
        results: Results of the models that the run made.
        others: Results of further models; figures that the run itself has not measured are left out.
    """
    by_model = {model: read_figures(directory) for model, directory in results.items()}
    measured = {name for figures in by_model.values() for name in figures}
    for model, directory in others.items():
        by_model[model] = {name: figure for name, figure in read_figures(directory).items() if name in measured}
    rows: dict[str, dict[str, dict[str, Figure]]] = {}
    top: set[str] = set()
    for model, figures in by_model.items():
        top |= headlines(figures).keys()
        for name, figure in figures.items():
            suite, _, metric = name.partition(".")
            rows.setdefault(suite, {}).setdefault(metric, {})[model] = figure
    return [_suite(name, metrics, top) for name, metrics in rows.items()]


def _suite(name: str, metrics: dict[str, dict[str, Figure]], top: set[str]) -> SuiteScores:
    table = [ScoreRow(metric, figures) for metric, figures in metrics.items()]
    return SuiteScores(
        name=name,
        headlines=[row for row in table if f"{name}.{row.name}" in top],
        details=[row for row in table if f"{name}.{row.name}" not in top],
    )


def safety_categories(suite: SuiteScores, model: str) -> list[tuple[str, dict[str, Figure]]]:
    """Returns check -> figure of one model for each category of a safety suite; a check that no prompt asks for is absent."""
    found: dict[str, dict[str, Figure]] = {}
    for row in suite.details:
        category, _, check = row.name.rpartition(".")
        if category and model in row.figures:
            found.setdefault(category.replace("_", " "), {})[check] = row.figures[model]
    return list(found.items())
