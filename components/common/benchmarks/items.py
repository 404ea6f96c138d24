"""What the benchmark loaders yield."""

from dataclasses import dataclass
from typing import Literal

from components.common.records import Language, Question, content_id

Layout = Literal["pceb", "cpsyexam", "plain"]
Kind = Literal["single", "multi"]


@dataclass(frozen=True)
class BenchmarkItem:
    """One multiple-choice question and where in its benchmark it stands.

    Attributes:
        question: The question; the stem without case text and without the 单选/多选 prefix.
        domain: "moral", "theory" or "case" (PCEB), "KG" or "CA" (CPsyExam), the field (plain).
        subject: Task file without domain and type, for instance "GEE-普通心理学" (CPsyExam), else "".
        exam: Examination or folder, for instance "simulation" or "GEE".
        number: Number in its file; "3.2" is the second question of case 3.
        context: Case text, "" if the question stands alone.
    """

    question: Question
    domain: str
    subject: str = ""
    exam: str = ""
    number: str = ""
    context: str = ""

    @property
    def id(self) -> str:
        """Content hash of case text, stem and options: equal for exact duplicates."""
        return content_id("item", self.context, self.question.id)


@dataclass(frozen=True)
class CaseItem:
    """One case question with a reference answer (PCEB essays); marking points stay in the reference."""

    context: str
    question: str
    reference: str
    language: Language
    exam: str
    number: str
    source: str

    @property
    def id(self) -> str:
        """Content hash of case text and question."""
        return content_id("case", self.context, self.question)


@dataclass(frozen=True)
class BadRow:
    """A row (or a whole file) that is no usable item: raw JSON, a reason that is counted, and what was seen."""

    row: str
    reason: str
    detail: str = ""


class MalformedError(Exception):
    """Raised inside the loaders: this row is no item; becomes a `BadRow`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason, self.detail = reason, detail
