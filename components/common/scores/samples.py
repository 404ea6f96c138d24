"""The per-item record of an evaluation."""

from pydantic import BaseModel, ConfigDict, Field

from components.common.records import Language


class RawReply(BaseModel):
    """One reply as it came, and what was read in it."""

    text: str
    reasoning: str = Field(default="", description="think block that the server had separated itself")
    finish_reason: str = ""
    letters: str = Field(default="", description="parsed letters, empty when unparsable")
    well_formed: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    error: str = Field(default="", description="why the endpoint gave no reply; counts as unanswered")


class Score(BaseModel):
    """A named value of one item: a check of the safety suite, a ROUGE value, a judge's grade."""

    name: str
    value: float


class Sample(BaseModel):
    """One item of one suite with its replies and scores; the `id` is the same for every model, so that items can be paired."""

    model_config = ConfigDict(extra="forbid")

    id: str
    suite: str
    domain: str = Field(default="", description="PCEB domain, KG or CA, category of the safety suite, field")
    subject: str = Field(default="", description="subject of the examination, tier of the safety suite")
    exam: str = ""
    number: str = ""
    kind: str = Field(description="single, multi, case, prompt or turn")
    language: Language
    prompt: str = Field(description="the user turn")
    key: str = Field(default="", description="right letters, or the reference answer")
    replies: list[RawReply]
    letters: str = Field(default="", description="majority of the replies' letters; empty when unparsable")
    reasoning: str = ""
    final: str = Field(default="", description="what the user would see: after the think block, behind the guard in the safety suite")
    strict: float | None = None
    elastic: float | None = None
    answered: float | None = None
    well_formed: float | None = Field(default=None, description="share of the replies that are well formed")
    truncated: float | None = Field(default=None, description="share of the replies that were cut at the token limit")
    other: list[Score] = []

    def score(self, name: str) -> float | None:
        """Returns a score by name; None where it does not apply to this item."""
        if name in ("strict", "elastic", "answered", "well_formed", "truncated"):
            value: float | None = getattr(self, name)
            return value
        return next((s.value for s in self.other if s.name == name), None)
