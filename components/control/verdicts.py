"""What the checks without an LLM say about every question, in the paper's order: suite overlap, then duplicates."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.common.dataset import count_records, read_records
from components.common.records import Question, content_id
from components.common.sampling import drawn
from components.control.contamination import SuiteIndex
from components.control.duplicates import Duplicate, DuplicateSearch
from components.control.settings import ControlSettings
from components.control.text import normalise

BATCH = 2000


@dataclass(frozen=True)
class Verdict:
    """Why a question is left out."""

    reason: str
    detail: str


@dataclass
class Verdicts:
    """Verdicts by the place of a question in the inputs, and the clusters of duplicates behind them."""

    by_place: dict[int, Verdict] = field(default_factory=dict)
    clusters: list[dict[str, Any]] = field(default_factory=list)
    suite_rows_unreadable: int = 0


def find_verdicts(inputs: Sequence[str], settings: ControlSettings) -> Verdicts:
    """Reads all questions once, in batches, and judges them; memory grows by a few hundred bytes per question."""
    index = SuiteIndex(settings.contamination, settings.seed)
    index.load(settings.suites)
    search = DuplicateSearch(settings.duplicates, settings.seed)
    verdicts = Verdicts(suite_rows_unreadable=index.unreadable)
    places, ids, answers = [], [], []  # of the questions in the duplicate search
    place = 0
    for batch in _batches(q for directory in inputs for q in read_records(directory, Question)):
        clean = []
        for question, overlap in zip(batch, index.overlaps(batch), strict=True):
            if overlap:
                verdicts.by_place[place] = Verdict("contaminated", f"{overlap.measure} {overlap.value:.2f} with {overlap.item}")
            else:
                clean.append(question)
                places.append(place)
                ids.append(question.id)
                answers.append(answer_hash(question))
            place += 1
        search.add(clean)
    duplicates = search.find()
    for number, verdict in judge_duplicates(duplicates, ids, answers).items():
        verdicts.by_place[places[number]] = verdict
    verdicts.clusters = clusters(duplicates, ids)
    verdicts.by_place.update(beyond_limit([count_records(d) for d in inputs], verdicts.by_place, settings))
    return verdicts


def beyond_limit(sizes: Sequence[int], judged: Container[int], settings: ControlSettings) -> dict[int, Verdict]:
    """Returns the verdicts on what a pilot run leaves out, by place: input by input, all but `limit` of the unjudged questions."""
    found: dict[int, Verdict] = {}
    start = 0
    for size in sizes if settings.limit else ():
        left = [place for place in range(start, start + size) if place not in judged]
        kept = drawn(len(left), settings.limit, settings.seed)
        found.update({place: Verdict("beyond_limit", "") for number, place in enumerate(left) if number not in kept})
        start += size
    return found


def _batches(questions: Iterator[Question]) -> Iterator[list[Question]]:
    batch: list[Question] = []
    for question in questions:
        batch.append(question)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def answer_hash(question: Question) -> int:
    """Returns a hash of the texts of the right options, whatever their letters and order."""
    right = sorted(normalise(o.text, question.language) for o in question.options if o.label in question.key)
    return int(content_id(*right), 16)


def judge_duplicates(duplicates: dict[int, Duplicate], ids: Sequence[str], answers: Sequence[int]) -> dict[int, Verdict]:
    """Returns the verdicts on duplicates, by number.

    Of the same question with different answers at least one is wrong, and nobody knows which: both go.
    """
    found: dict[int, Verdict] = {}
    for number, duplicate in sorted(duplicates.items()):
        other = duplicate.representative
        exact = duplicate.similarity == 1
        if exact and answers[number] != answers[other]:
            found[number] = Verdict("contradictory_key", f"another key than {ids[other]}")
            found[other] = Verdict("contradictory_key", f"another key than {ids[number]}")
            continue
        reason = "exact_duplicate" if exact else "near_duplicate"
        found[number] = Verdict(reason, f"Jaccard {duplicate.similarity:.2f} with {ids[other]}")
    return found


def clusters(duplicates: dict[int, Duplicate], ids: Sequence[str]) -> list[dict[str, Any]]:
    """Returns one entry per cluster: its representative and its members with their Jaccard similarity to it."""
    members: dict[int, list[dict[str, Any]]] = {}
    for number, duplicate in sorted(duplicates.items()):
        members.setdefault(duplicate.representative, []).append({"id": ids[number], "jaccard": round(duplicate.similarity, 4)})
    return [{"representative": ids[number], "members": group} for number, group in sorted(members.items())]
