"""`psyche run RECIPE --dry-run`: the calls, tokens and money that the stages may cost, before any is spent.

Sources are read (and fetched, if they are remote), nothing is written and no LLM is asked. Figures are upper bounds: cleaning,
decontamination and duplicates only take records away, and every loop is counted to its last round with the longest texts allowed.
An LLM judge of the evaluation is not counted.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from components.common.benchmarks import BadRow
from components.common.llm import Chat, LLMSettings
from components.common.llm.estimate import Estimate, estimate
from components.common.records import Dialogue, Option, Passage, Post, Question, Record
from components.control.quality import plan as plan_filter
from components.dialogues.requests import plan as plan_rewrite
from components.dialogues.synthesise import opening_exchange
from components.guard.rules import classify
from components.ingest.fields import plan as plan_field
from components.ingest.sources import plan as planned_files
from components.ingest.sources import read_planned
from components.questions.requests import plan as plan_questions
from components.rationales.requests import plan as plan_rationales
from components.selection.requests import plan as plan_votes
from pipelines.recipe import Recipe

SAMPLE = 200  # records of a kind whose requests are written out; the others are taken to be like them

Plan = Callable[[Any, Any], Iterator[tuple[LLMSettings, Chat]]]


@dataclass
class Population:
    """Records of one kind: their number, and a sample of them (reservoir sampling, so memory does not grow)."""

    rng: random.Random
    count: int = 0
    sample: list[Any] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Counts a record and perhaps takes it into the sample."""
        self.count += 1
        if len(self.sample) < SAMPLE:
            self.sample.append(record)
        elif (place := self.rng.randrange(self.count)) < SAMPLE:
            self.sample[place] = record

    def most(self, limit: int | None) -> int:
        """Returns how many of them a stage with such a limit works on."""
        return self.count if limit is None else min(self.count, limit)


@dataclass(frozen=True)
class Row:
    """What one stage may cost."""

    stage: str
    records: int
    cost: Estimate


def populations(recipe: Recipe) -> dict[type[Record], Population]:
    """Reads all sources and counts their records by kind."""
    kinds: tuple[type[Record], ...] = (Passage, Question, Post, Dialogue)
    found = {kind: Population(random.Random(recipe.seed)) for kind in kinds}
    for source in recipe.ingest.sources:
        for file in planned_files(source):
            for record in read_planned(file, recipe.ingest, {}):
                if not isinstance(record, BadRow):
                    found[type(record)].add(record)
    return found


def costs(records: int, sample: list[Any], plan: Plan, settings: Any) -> Estimate:
    """Returns what `records` records cost that are like those of the sample."""
    if not sample:
        return Estimate()
    total = sum((estimate(plan(record, settings)) for record in sample), Estimate())
    return total * (records / len(sample))


def longest_question(recipe: Recipe) -> Question:
    """Returns the longest question that the teacher may write: none is there yet to look at."""
    text = ("\u5b57" if recipe.language == "zh" else "x") * recipe.questions.max_text_chars
    options = [Option(label="ABCDEFGH"[i], text=text) for i in range(recipe.questions.options)]
    return Question(id="", language=recipe.language, kind="multi", stem=text, options=options, key="AB", explanation=text)


def rewritable(post: Post, settings: Any) -> Iterator[tuple[LLMSettings, Chat]]:
    """Yields the requests about a post; crisis posts get the fixed message instead."""
    if classify(post.text).tier == "none":
        yield from plan_rewrite(post, settings)


def rows(recipe: Recipe) -> list[Row]:
    """Returns one row per stage that asks an LLM, in the order of the stages."""
    found = populations(recipe)
    passages, bank, posts, dialogues = (found[kind] for kind in (Passage, Question, Post, Dialogue))
    asked = passages.most(recipe.questions.limit)
    written = Population(random.Random(), asked * (recipe.questions.single_per_passage + recipe.questions.multi_per_passage))
    kept, generated = bank.most(recipe.control.limit), written.most(recipe.control.limit)
    longest = [longest_question(recipe)]

    def all_questions(plan: Plan, settings: Any) -> Estimate:
        return costs(kept, bank.sample, plan, settings) + costs(generated, longest, plan, settings)

    exchanges = [post for dialogue in dialogues.sample if (post := opening_exchange(dialogue))]
    spoken, told = (p.most(recipe.dialogues.limit) for p in (posts, dialogues))
    talk = costs(spoken, posts.sample, rewritable, recipe.dialogues) + costs(told, exchanges, rewritable, recipe.dialogues)
    return [
        Row("ingest", passages.count, costs(passages.count, passages.sample, plan_field, recipe.ingest)),
        Row("questions", asked, costs(asked, passages.sample, plan_questions, recipe.questions)),
        Row("control", kept + generated, all_questions(plan_filter, recipe.control)),
        Row("rationales", kept + generated, all_questions(plan_rationales, recipe.rationales)),
        Row("selection", kept + generated, all_questions(plan_votes, recipe.selection)),
        Row("dialogues", spoken + told, talk),
    ]


def table(recipe: Recipe) -> Table:
    """Returns the table that the terminal shows."""
    shown = Table(title=f"{recipe.name}: at most, before anything is spent", title_justify="left", box=None, pad_edge=False)
    shown.add_column("stage")
    for name in ("records", "LLM calls", "prompt tokens", "reply tokens", "money"):
        shown.add_column(name, justify="right")
    found = rows(recipe)
    total = sum((row.cost for row in found), Estimate())
    for name, records, e in [*((r.stage, f"{r.records:,}", r.cost) for r in found), ("together", "", total)]:
        shown.add_row(name, records, f"{e.calls:,.0f}", f"{e.prompt_tokens:,.0f}", f"{e.completion_tokens:,.0f}", f"{e.cost:,.2f}")
    return shown
