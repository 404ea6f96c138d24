"""The record schema: what flows between stages, once, for all of them.

Ids are content hashes, so the same text gets the same id in every run and on every machine. Origin (source and
licence) and the steps that made a record (stage, prompt, model) travel with it.
"""

import hashlib
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Language = Literal["en", "zh"]
Role = Literal["system", "user", "assistant"]


def content_id(*parts: str) -> str:
    """Returns the first 16 hex digits of the SHA-256 of `parts`, joined by a separator that text cannot hold."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Step(BaseModel):
    """One thing that was done to a record: by which stage, with which prompt (name@hash) and which model."""

    stage: str
    prompt: str = ""
    model: str = ""


class Record(BaseModel):
    """What every record has. `extra` fields are refused so that a schema drift is seen at once."""

    model_config = ConfigDict(extra="forbid")

    id: str
    language: Language
    field: str = Field(default="", description="field of psychology, or topic of a post")
    source: str = Field(default="", description="URI the record came from")
    licence: str = "unknown"
    steps: list[Step] = []


class Passage(Record):
    """A piece of text that questions can be asked about."""

    title: str = ""
    text: str

    @classmethod
    def make_id(cls, text: str) -> str:
        """The id of a passage: a hash of its text."""
        return content_id("passage", text)


class Option(BaseModel):
    """One answer option: `label` is a letter from A to H."""

    label: str
    text: str


class Round(BaseModel):
    """One round of iterative prompt-rationale optimisation (paper, data curation step 4)."""

    round: int = Field(description="0 is the initial instance; 1..T are proposals")
    prompt: str
    rationale: str
    answer: str = Field(description="parsed letters, empty when unparsable")
    accepted: bool


class Vote(BaseModel):
    """One sample of one selector LLM on one question (paper, data curation step 6)."""

    selector: str
    reply: str
    answer: str = Field(description="parsed letters, empty when unanswered or unparsable")
    correct: bool


class Question(Record):
    """A multiple-choice question with its key: SMCQ (`single`) or MMCQ (`multi`)."""

    kind: Literal["single", "multi"]
    stem: str
    options: list[Option]
    key: str = Field(description='right letters, sorted: "B" or "ACD"')
    span: str = Field(default="", description="the sentence of the passage that supports the key")
    passage_id: str = ""
    explanation: str = ""
    difficulty: str = ""
    rationale: str = Field(default="", description="accepted reasoning; empty when none matched the key")
    rationale_prompt: str = ""
    history: list[Round] = []
    votes: list[Vote] = []

    @classmethod
    def make_id(cls, stem: str, options: list[Option]) -> str:
        """The id of a question: a hash of stem and options, not of the key."""
        return content_id("question", stem, *(f"{o.label}.{o.text}" for o in options))


class Post(Record):
    """A help-seeking post with a supporter's plain reply."""

    text: str
    reply: str

    @classmethod
    def make_id(cls, text: str, reply: str) -> str:
        """The id of a post: a hash of the post and its reply."""
        return content_id("post", text, reply)


class Message(BaseModel):
    """One turn of a dialogue."""

    role: Role
    content: str


class Dialogue(Record):
    """A dialogue: of a source (multi-turn), or made by the `dialogues` stage (single-turn)."""

    messages: list[Message]
    emotion: str = Field(default="", description="feeling that the reply names and validates")
    crisis: str = Field(default="none", description="tier of the crisis rules: explicit, indirect or none")

    @classmethod
    def make_id(cls, messages: list[Message]) -> str:
        """The id of a dialogue: a hash of its turns."""
        return content_id("dialogue", *(f"{m.role}:{m.content}" for m in messages))


class Rejected(BaseModel):
    """A record that a stage did not let through, with the reason: nothing is dropped silently."""

    id: str
    stage: str
    reason: str = Field(description="short machine-readable reason, counted in stats.json")
    detail: str = ""
    record: str = Field(description="the record, or the raw row, as JSON")


AnyRecord = TypeVar("AnyRecord", bound=Record)


def identify(record: AnyRecord) -> AnyRecord:
    """Returns the record with the id of its content: for stages that make or change texts."""
    match record:
        case Passage():
            new = Passage.make_id(record.text)
        case Question():
            new = Question.make_id(record.stem, record.options)
        case Post():
            new = Post.make_id(record.text, record.reply)
        case Dialogue():
            new = Dialogue.make_id(record.messages)
        case _:
            raise TypeError(f"{type(record).__name__} has no content id")
    return record.model_copy(update={"id": new})
