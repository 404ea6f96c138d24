"""The figures at the top of the page."""

from dataclasses import dataclass

from components.report.datasets import Flow
from components.report.scores import ScoreRow, SuiteScores
from components.report.stages import StageCost

CANDIDATE, BASE = "final", "base"


@dataclass(frozen=True)
class Card:
    """One figure at the top of the page."""

    label: str
    value: str
    detail: str = ""


def summary_cards(suites: list[SuiteScores], flows: list[Flow], costs: list[StageCost]) -> list[Card]:
    """Returns the scores of the candidate beside those of the base model, then what they were made from."""
    return [*score_cards(suites), *data_cards(flows), *cost_cards(costs)]


def score_cards(suites: list[SuiteScores]) -> list[Card]:
    """Returns one card per suite, and one for the rate of well-formed answers."""
    cards = []
    for suite in suites:
        for row in (suite.main, suite.row("all.well_formed")):
            card = _score_card(suite, row) if row else None
            if card:
                cards.append(card)
    return cards


def _score_card(suite: SuiteScores, row: ScoreRow) -> Card | None:
    figure, base = row.figures.get(CANDIDATE), row.figures.get(BASE)
    if figure is None:
        return None
    detail = f"{figure.low:.1%} to {figure.high:.1%}" + (f"; base {base.value:.1%}" if base else "")
    return Card(f"{suite.name}: {row.label}", f"{figure.value:.1%}", detail)


def data_cards(flows: list[Flow]) -> list[Card]:
    """Returns the sizes of the two training sets and the number of rejected records."""
    records = {flow.table.name: flow.records for flow in flows}
    rest, talks = records["rest"], records["dialogues"]
    return [
        Card("SFT set", f"{rest + talks:,}", f"{rest:,} questions, {talks:,} dialogues"),
        Card("GRPO set", f"{records['challenging']:,}", "challenging questions"),
        Card("Rejected records", f"{sum(flow.rejected for flow in flows):,}", "each with a reason"),
    ]


def cost_cards(costs: list[StageCost]) -> list[Card]:
    """Returns the time of the stages and the tokens of the LLMs."""
    seconds, tokens = sum(c.seconds for c in costs), sum(c.prompt_tokens + c.completion_tokens for c in costs)
    return [
        Card("Time in stages", f"{seconds / 60:.1f} min", f"{len(costs)} stages"),
        Card("LLM tokens", f"{tokens:,}", f"{sum(c.calls for c in costs):,} calls"),
    ]
