"""CPsyExam: knowledge (KG) and case analysis (CA) questions of four examinations, zero- and few-shot (spec section 5)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from components.common.benchmarks import BadRow, BenchmarkItem, load_questions
from components.common.benchmarks.settings import SuiteSettings
from components.common.errors import UserError
from components.common.llm import Reply
from components.common.prompts import load_prompt
from components.common.question_prompt import render_question
from components.common.scores import Cell, Sample
from components.evaluation.suites.choice import KINDS, choice_figures, choice_tasks, score_choice
from components.evaluation.suites.task import FIGURES, Failure, Task

DOMAINS = ("KG", "CA")


@dataclass(frozen=True)
class CPsyExam:
    """The Chinese psychology examination benchmark, train/dev/test layout."""

    settings: SuiteSettings

    @property
    def name(self) -> str:
        """Name in scores and gate rules."""
        return self.settings.name

    def tasks(self) -> Iterator[Task | BadRow]:
        """Yields the questions, with worked examples before each if the recipe wants them."""
        for task in choice_tasks(self._load(self.settings.uri, self.settings.withheld_keys)):
            yield self._with_shots(task) if self.settings.shots and isinstance(task, Task) else task

    def _load(self, uri: str, withheld: bool = False) -> Iterator[BenchmarkItem | BadRow]:
        return load_questions(
            "cpsyexam",
            uri,
            self.settings.language,
            reject_single_letter_multi=self.settings.reject_single_letter_multi,
            withheld_keys=withheld,
        )

    @cached_property
    def _examples(self) -> dict[tuple[str, str], list[BenchmarkItem]]:
        """The first examples of each domain and type; one more than needed, in case a question is its own example."""
        if not self.settings.shots_uri:
            raise UserError(f"Suite {self.name} asks for {self.settings.shots} shots but has no shots_uri: name the dev or train split.")
        found: dict[tuple[str, str], list[BenchmarkItem]] = {}
        for item in self._load(self.settings.shots_uri):
            if isinstance(item, BenchmarkItem):
                cell = found.setdefault((item.domain, item.question.kind), [])
                if len(cell) <= self.settings.shots:
                    cell.append(item)
        return found

    def _with_shots(self, task: Task) -> Task:
        item: BenchmarkItem = task.item
        pool = [e for e in self._examples.get((item.domain, item.question.kind), []) if e.id != item.id][: self.settings.shots]
        if len(pool) < self.settings.shots:
            raise UserError(f"{self.settings.shots_uri} holds {len(pool)} examples of {task.cell}, {self.settings.shots} are asked for.")
        shots = [{"question": render_question(e.question), "key": e.question.key} for e in pool]
        prompt = load_prompt("evaluation", "shots", item.question.language)
        system, user = task.messages
        text = prompt.render(shots=shots, question=user["content"])
        return Task(task.id, task.cell, [system, {"role": "user", "content": text}], item)

    def score(self, task: Task, replies: list[Reply | Failure]) -> Sample:
        """Scores one item."""
        return score_choice(self.name, task, replies)

    def figures(self, samples: list[Sample]) -> FIGURES:
        """Returns the figures per KG/CA and type, pooled and as the mean over subjects, and (MCQA + MRQA) / 2 on both definitions."""
        figures = choice_figures(samples)
        subjects: dict[tuple[str, str], set[str]] = {}
        for sample in samples:
            subjects.setdefault((sample.domain, sample.kind), set()).add(sample.subject)
        for domain in ("", *DOMAINS):
            prefix = f"{domain}." if domain else ""
            figures[f"{prefix}mean_of_types"] = [Cell(score="strict", domain=domain, kind=kind) for kind in KINDS]
            by_subject = {kind: subject_cells(subjects, domain, kind) for kind in KINDS}
            for kind in KINDS:
                figures[f"{domain or 'all'}.{kind}.strict_by_subject"] = by_subject[kind]
            if all(by_subject.values()):
                figures[f"{prefix}mean_of_types_by_subject"] = [*by_subject["single"], *by_subject["multi"]]
        return figures


def subject_cells(subjects: dict[tuple[str, str], set[str]], domain: str, kind: str) -> list[Cell]:
    """Returns one cell per subject, whose weights sum to 1, so that the cells of several types can be put together.

    Args:
        subjects: (domain, kind) -> the subjects that occur.
        domain: KG or CA; "" for both.
        kind: single or multi.
    """
    found = [(d, subject) for (d, k), names in sorted(subjects.items()) if k == kind and domain in ("", d) for subject in sorted(names)]
    return [Cell(score="strict", domain=d, kind=kind, subject=subject, weight=1 / len(found)) for d, subject in found]
