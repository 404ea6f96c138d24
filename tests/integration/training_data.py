"""Small record sets for the training tests."""

from pathlib import Path

from components.common.dataset import DatasetWriter
from components.common.records import Dialogue, Message, Option, Question

FACTS = ["memory", "attention", "emotion", "learning", "language", "sleep", "stress", "identity"]


def questions(count: int, rationale: bool = True) -> list[Question]:
    """Returns questions of different lengths; every second one has two right options."""
    made = []
    for i in range(count):
        topic = FACTS[i % len(FACTS)]
        options = [Option(label=label, text=f"{topic} {label.lower()} {i}") for label in "ABCD"]
        reason = f"The passage on {topic} says so. " * (1 + i % 3) if rationale else ""
        key, kind = ("AC", "multi") if i % 2 else ("BDCA"[i % 4], "single")
        made.append(
            Question(id=f"q{i}", language="en", kind=kind, stem=f"What is {topic} {i}?", options=options, key=key, rationale=reason)
        )
    return made


def dialogues(count: int) -> list[Dialogue]:
    """Returns single-turn dialogues."""
    turns = [(f"I feel lost about {FACTS[i % 8]}.", f"That sounds hard. Begin with {FACTS[i % 8]} and rest.") for i in range(count)]
    return [
        Dialogue(id=f"d{i}", language="en", messages=[Message(role="user", content=u), Message(role="assistant", content=a)])
        for i, (u, a) in enumerate(turns)
    ]


def write(directory: Path, records: list) -> str:
    """Writes a Dataset artifact and returns its path."""
    model = type(records[0]) if records else Question
    writer = DatasetWriter(directory, model, "test")
    for record in records:
        writer.add(record)
    writer.close({})
    return str(directory)
