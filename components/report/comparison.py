"""Which differences between the models are more than chance, and how ours stand beside the published rows."""

from dataclasses import dataclass
from itertools import combinations

from components.common.scores import read_figures
from components.common.scores.compare import PCEB_COLUMNS, Comparison, TableRow, compare_models, pceb_table, published
from components.common.scores.results import Results, load_results
from components.report.scores import SuiteScores


@dataclass(frozen=True)
class Pair:
    """The figures of two models on the same items; the first is the one that comes later in the pipeline."""

    ours: str
    theirs: str
    comparisons: list[Comparison]


def compare_all(results: dict[str, str], others: dict[str, str], suites: list[SuiteScores]) -> list[Pair]:
    """Tests every later model against every earlier one, and the last against all others, on each suite's main figure and form."""
    loaded = {name: load_results(name, directory) for name, directory in {**results, **others}.items()}
    metrics = [f"{suite.name}.{row.name}" for suite in suites for row in (suite.main, suite.row("all.well_formed")) if row]
    candidate = list(results)[-1]
    pairs = [(later, earlier) for earlier, later in combinations(results, 2)][::-1] + [(candidate, other) for other in others]
    return [_pair(loaded[ours], loaded[theirs], metrics) for ours, theirs in pairs]


def _pair(ours: Results, theirs: Results, metrics: list[str]) -> Pair:
    return Pair(ours.name, theirs.name, compare_models(ours, theirs, metrics))


@dataclass(frozen=True)
class PublishedTable:
    """The paper's table with our rows first; `asked` of `published_items` questions were asked here."""

    columns: list[str]
    rows: list[TableRow]
    source: str
    asked: int
    published_items: int


def published_table(results: dict[str, str], suites: list[SuiteScores]) -> PublishedTable | None:
    """Returns the published rows beside ours where the run evaluated that benchmark, told by the suite's name, else None.

    A suite of another name in the same layout, such as the demo's, holds other questions: nothing is put beside those.
    """
    data = published()
    suite = next((s for s in suites if s.name == data.suite_kind), None)
    if suite is None:
        return None
    models = {name: read_figures(directory) for name, directory in results.items()}
    asked = suite.row("all.strict")
    return PublishedTable(
        columns=list(PCEB_COLUMNS),
        rows=pceb_table(models, suite.name),
        source=data.source,
        asked=max((figure.n for figure in asked.figures.values()), default=0) if asked else 0,
        published_items=data.items["mcq"],
    )
