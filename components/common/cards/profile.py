"""What a dataset is made of, counted record by record while it is written; memory does not grow with it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from components.common.records import Record, Step


@dataclass
class Profile:
    """Counts of one dataset.

    Attributes:
        languages: Records per language. licences: records per licence. steps: records per (stage, prompt, model) that made them.
        sizes: Records per power of two that their own texts' characters stay below.
    """

    languages: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    steps: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    sizes: Counter[int] = field(default_factory=Counter)

    def add(self, record: BaseModel) -> None:
        """Counts a record; one that has no language, licence or steps counts by its size alone."""
        shared = {name: getattr(record, name, None) for name in ("language", "licence", "steps")}
        if shared["language"]:
            self.languages[str(shared["language"])] += 1
        if shared["licence"]:
            self.licences[str(shared["licence"])] += 1
        self.steps.update({(s.stage, s.prompt, s.model) for s in shared["steps"] or () if isinstance(s, Step)})
        self.sizes[text_length(record).bit_length()] += 1


def text_length(value: Any) -> int:
    """Returns the characters of all texts of a value; of a record without those that every record has (id, source, steps)."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, BaseModel):
        return sum(text_length(v) for name, v in value.__dict__.items() if name not in Record.model_fields)
    return sum(map(text_length, value)) if isinstance(value, list) else 0
