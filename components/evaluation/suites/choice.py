"""Multiple-choice questions: how they are scored and which figures every such suite reports (spec section 5)."""

from collections import Counter
from collections.abc import Iterable, Iterator

from components.common.answers import Parsed, parse_reply
from components.common.benchmarks import BadRow, BenchmarkItem
from components.common.llm import Reply
from components.common.question_prompt import question_messages
from components.common.scores import Cell, Sample
from components.evaluation.suites.task import FIGURES, Failure, Task, raw_reply, truncated_share

KINDS = ("single", "multi")


def strict_score(letters: str, key: str) -> float:
    """Returns 1 if the letters equal the key, whatever their order, else 0.

    >>> strict_score("BA", "AB"), strict_score("A", "AB"), strict_score("", "A")
    (1.0, 0.0, 0.0)
    """
    return float(bool(letters) and set(letters) == set(key))


def elastic_score(letters: str, key: str) -> float:
    """Returns 1 for the key, |letters| / |key| for a proper part of it, 0 with any wrong letter.

    >>> elastic_score("AB", "AB"), elastic_score("A", "AB"), elastic_score("ABC", "AB")
    (1.0, 0.5, 0.0)
    """
    chosen, right = set(letters), set(key)
    return len(chosen) / len(right) if chosen and chosen <= right else 0.0


def majority(letters: list[str]) -> str:
    """Returns the most frequent parsed answer; of equally frequent ones the first. Unparsable replies have no vote.

    >>> majority(["A", "", "B", "B"]), majority(["C", "A"]), majority([""])
    ('B', 'C', '')
    """
    votes = Counter(answer for answer in letters if answer)
    return max(votes, key=lambda answer: votes[answer]) if votes else ""


def choice_task(item: BenchmarkItem, number: int = 1) -> Task:
    """Returns the task of a question; `number` tells apart exact duplicates."""
    suffix = f"-{number}" if number > 1 else ""
    return Task(item.id + suffix, f"{item.domain}/{item.question.kind}", question_messages(item.question, item.context), item)


def choice_tasks(items: Iterable[BenchmarkItem | BadRow]) -> Iterator[Task | BadRow]:
    """Yields the tasks of a suite's questions; rows that are none are passed on."""
    seen: Counter[str] = Counter()
    for item in items:
        if isinstance(item, BadRow):
            yield item
        else:
            seen[item.id] += 1
            yield choice_task(item, seen[item.id])


def score_choice(suite: str, task: Task, replies: list[Reply | Failure]) -> Sample:
    """Parses the replies to a question and scores the majority of their letters."""
    item: BenchmarkItem = task.item
    question = item.question
    labels = "".join(o.label for o in question.options)
    parsed = [parse_reply(r.text, labels, r.reasoning) if isinstance(r, Reply) else Parsed("", "", "", False) for r in replies]
    letters = majority([p.letters for p in parsed])
    shown = next((p for p in parsed if p.letters == letters), parsed[0])
    return Sample(
        id=task.id,
        suite=suite,
        domain=item.domain or "general",
        subject=item.subject,
        exam=item.exam,
        number=item.number,
        kind=question.kind,
        language=question.language,
        prompt=task.messages[-1]["content"],
        key=question.key,
        replies=[raw_reply(r, p.letters, p.well_formed) for r, p in zip(replies, parsed, strict=True)],
        letters=letters,
        reasoning=shown.reasoning,
        final=shown.final,
        strict=strict_score(letters, question.key) if question.key else None,
        elastic=elastic_score(letters, question.key) if question.key else None,
        answered=float(bool(letters)),
        well_formed=sum(p.well_formed for p in parsed) / len(parsed),
        truncated=truncated_share(replies),
    )


def choice_figures(samples: list[Sample]) -> FIGURES:
    """Returns the figures of every multiple-choice suite: over all items, and per domain and type."""
    figures: FIGURES = {f"all.{score}": [Cell(score=score)] for score in ("strict", "elastic", "answered", "well_formed", "truncated")}
    figures["all.strict_answered"] = [Cell(score="strict", answered_only=True)]
    for domain in sorted({s.domain for s in samples if s.kind in KINDS}):
        for kind in KINDS:
            for score in ("strict", "elastic") if kind == "multi" else ("strict",):
                cell = Cell(score=score, domain=domain, kind=kind)
                place = f"{figure_name(domain)}.{kind}.{score}"
                figures[place] = [cell]
                figures[f"{place}_answered"] = [cell.model_copy(update={"answered_only": True})]
    return figures


def figure_name(text: str) -> str:
    """Returns a text as one part of a figure's dotted name."""
    return "_".join(text.replace(".", " ").split())
