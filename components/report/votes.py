"""How the selector LLMs voted: per selector, between selectors, and how many were right (paper, data curation step 6)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from components.common.records import Question


@dataclass(frozen=True)
class Votes:
    """Counts over all questions that were voted on.

    Attributes:
        selectors: Names, in the order of first appearance.
        questions: Number of questions.
        right: Questions that each selector got right at least once.
        unparsable: Samples per selector without a parsable answer.
        samples: Samples per selector.
        both: both[i][j]: questions that selectors i and j both got right.
        by_count: by_count[n]: questions that exactly n selectors got right; by_count[0] is the challenging set.
    """

    selectors: list[str]
    questions: int
    right: list[int]
    unparsable: list[int]
    samples: list[int]
    both: list[list[int]]
    by_count: list[int]


def count_votes(questions: Iterable[Question]) -> Votes:
    """Counts the votes of the questions that have any."""
    names: list[str] = []
    rows: list[set[str]] = []
    unparsable: Counter[str] = Counter()
    samples: Counter[str] = Counter()
    for question in questions:
        if not question.votes:
            continue
        for vote in question.votes:
            if vote.selector not in names:
                names.append(vote.selector)
            samples[vote.selector] += 1
            unparsable[vote.selector] += not vote.answer
        rows.append({v.selector for v in question.votes if v.correct})
    both = [[sum(a in row and b in row for row in rows) for b in names] for a in names]
    sizes = Counter(len(row) for row in rows)
    return Votes(
        selectors=names,
        questions=len(rows),
        right=[both[i][i] for i in range(len(names))],
        unparsable=[unparsable[n] for n in names],
        samples=[samples[n] for n in names],
        both=both,
        by_count=[sizes[n] for n in range(len(names) + 1)],
    )
