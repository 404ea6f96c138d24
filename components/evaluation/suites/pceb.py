"""PCEB: multiple choice in three domains, and case questions with reference answers (spec section 5)."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from components.common.answers import parse_reply
from components.common.benchmarks import BadRow, CaseItem, load_cases, load_questions
from components.common.benchmarks.settings import SuiteSettings
from components.common.llm import Reply
from components.common.prompts import load_prompt
from components.common.question_prompt import system_prompt
from components.common.scores import Cell, Sample, Score
from components.evaluation.suites.choice import choice_figures, choice_tasks, score_choice
from components.evaluation.suites.task import FIGURES, Failure, Task, raw_reply, truncated_share
from components.evaluation.suites.text_metrics import text_scores

DOMAINS = ("moral", "theory", "case")
TEXT_METRICS = ("rouge1", "rougeL", "bleu4")


@dataclass(frozen=True)
class PCEB:
    """The psychological counselling examination benchmark in its original layout."""

    settings: SuiteSettings

    @property
    def name(self) -> str:
        """Name in scores and gate rules."""
        return self.settings.name

    def tasks(self) -> Iterator[Task | BadRow]:
        """Yields the multiple-choice questions, then the case questions."""
        yield from choice_tasks(load_questions("pceb", self.settings.uri, self.settings.language))
        seen: Counter[str] = Counter()
        for case in load_cases(self.settings.uri, self.settings.language):
            if isinstance(case, CaseItem):
                seen[case.id] += 1
                yield case_task(case, seen[case.id])
            else:
                yield case

    def score(self, task: Task, replies: list[Reply | Failure]) -> Sample:
        """Scores one item."""
        return score_case(self.name, task, replies) if isinstance(task.item, CaseItem) else score_choice(self.name, task, replies)

    def figures(self, samples: list[Sample]) -> FIGURES:
        """Returns the figures per domain and type, Avg and (Avg) on both denominators, and those of the case questions."""
        return choice_figures(samples) | average_figures() | {f"essay.{m}": [Cell(score=m, kind="case")] for m in TEXT_METRICS}


def average_figures() -> FIGURES:
    """Returns Avg (six strict values) and (Avg) (three SMCQ strict, three MMCQ elastic), over all and over answered items."""
    figures: FIGURES = {}
    for name, multi_score in (("avg", "strict"), ("avg_elastic", "elastic")):
        for suffix, answered_only in (("", False), ("_answered", True)):
            figures[name + suffix] = [
                Cell(score=score, domain=domain, kind=kind, answered_only=answered_only)
                for domain in DOMAINS
                for kind, score in (("single", "strict"), ("multi", multi_score))
            ]
    return figures


def case_task(case: CaseItem, number: int = 1) -> Task:
    """Returns the task of a case question."""
    user = load_prompt("evaluation", "essay", case.language).render(context=case.context, question=case.question)
    messages = [{"role": "system", "content": system_prompt("case", case.language)}, {"role": "user", "content": user}]
    return Task(case.id + (f"-{number}" if number > 1 else ""), "case/essay", messages, case)


def score_case(suite: str, task: Task, replies: list[Reply | Failure]) -> Sample:
    """Scores a case question: the mean of each metric over the replies; the think block is not part of the answer."""
    case: CaseItem = task.item
    parsed = [parse_reply(r.text, reasoning=r.reasoning) if isinstance(r, Reply) else None for r in replies]
    finals = [p.final if p else "" for p in parsed]
    each = [text_scores(final, case.reference, case.language) for final in finals]
    return Sample(
        id=task.id,
        suite=suite,
        domain="case",
        exam=case.exam,
        number=case.number,
        kind="case",
        language=case.language,
        prompt=task.messages[-1]["content"],
        key=case.reference,
        replies=[raw_reply(r) for r in replies],
        reasoning=next((p.reasoning for p in parsed if p), ""),
        final=finals[0],
        truncated=truncated_share(replies),
        other=[Score(name=m, value=sum(s[m] for s in each) / len(each)) for m in TEXT_METRICS],
    )
