"""Settings of the stage `ingest`: which sources, and how they become records."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from components.common.llm import LLMSettings
from components.common.records import Language

Kind = Literal["passages", "question_bank", "posts", "dialogues"]
Layout = Literal["plain", "pceb", "cpsyexam", "smilechat", "cpsycoun", "messages"]


class Source(BaseModel):
    """One place that data comes from. A bare URI string stands for a source whose kind is seen from its files."""

    model_config = ConfigDict(extra="forbid")

    uri: str = Field(
        min_length=1,
        description="file or folder: local path, samples://, s3://bucket/prefix, http(s):// file, hf://datasets/org/name[/folder]",
    )
    kind: Kind | Literal["auto"] = Field(default="auto", description="what the source holds; auto looks at each file")
    layout: Layout | Literal["auto"] = Field(default="auto", description="how rows are laid out; auto looks at the first rows")
    language: Language | None = Field(default=None, description="language of the text; none: detected per record")
    field: str = Field(default="", description="field of psychology of everything in the source; a file's own field wins")
    licence: str = Field(default="unknown", description="licence of the source; a file's own front matter wins")


class IngestSettings(BaseModel):
    """How sources are read and split."""

    model_config = ConfigDict(extra="forbid")

    sources: list[Source] = Field(min_length=1, description="where the data comes from")
    max_tokens: int = Field(default=512, ge=32, description="choice: largest passage, in estimated tokens")
    overlap_tokens: int = Field(
        default=64, ge=0, description="choice: tokens at the end of a passage that open the next one of its section"
    )
    traditional_to_simplified: bool = Field(default=False, description="choice: convert Traditional to Simplified Chinese (OpenCC, t2s)")
    reject_single_letter_multi: bool = Field(
        default=True, description="choice: leave out multiple-answer items of CPsyExam whose key is one letter"
    )
    ocr: LLMSettings | None = Field(
        default=None, description="vision model that reads scanned PDF pages and images of pages; none: they are rejected"
    )
    field_llm: LLMSettings | None = Field(
        default=None, description="LLM that names the field of passages without one; none: it stays empty"
    )
    seed: int = Field(default=42, description="paper, section 3")

    @field_validator("sources", mode="before")
    @classmethod
    def _bare_uris(cls, value: Any) -> Any:
        """Accepts `uri`, `uri,uri` and lists that mix URIs with full sources: what `--set sources=...` gives."""
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, dict):
            value = [value]
        return [{"uri": item} if isinstance(item, str) else item for item in value]
