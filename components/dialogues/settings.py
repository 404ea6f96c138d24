"""Settings of empathetic dialogue synthesis."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from components.common.llm import LLMSettings


class DialoguesSettings(BaseModel):
    """How plain replies are rewritten and what a rewrite must pass (paper, data curation step 5)."""

    model_config = ConfigDict(extra="forbid")

    teacher: LLMSettings = Field(description="LLM that rewrites replies")
    judge: LLMSettings | None = Field(default=None, description="LLM that scores rewrites by the rubric; none: the teacher")
    attempts: int = Field(default=2, ge=1, description="tries per post until a rewrite passes; choice")
    min_score: int = Field(default=4, ge=1, le=5, description="lowest passing score on every point of the rubric; choice")
    min_length_ratio: float = Field(default=0.6, gt=0, description="shortest rewrite against the original reply, in characters; choice")
    max_length_ratio: float = Field(default=4.0, gt=0, description="longest rewrite against the original reply, in characters; choice")
    max_reply_chars: int = Field(default=1500, ge=80, description="most characters of a rewrite in the JSON schema; choice")
    rewrite: Literal["full", "opening"] = Field(
        default="full",
        description="full: the teacher rewrites the whole reply, as in the paper; opening, for teachers too small for that: it chooses the "
        "feeling, the sentence that shows it and a frame that names both, and the original reply follows unchanged; choice",
    )
    country: str = Field(default="", description="ISO country code of the help lines in the crisis template; empty: by language")
    limit: int | None = Field(
        default=None, gt=0, description="pilot runs: most posts, and most source dialogues, that are rewritten, drawn by seed; none: all"
    )
    seed: int = Field(default=42, description="seed of sampling; paper, section 3")
