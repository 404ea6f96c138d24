"""Settings of the stage `control`."""

from pydantic import BaseModel, ConfigDict, Field

from components.common.benchmarks import Layout
from components.common.llm import LLMSettings
from components.common.records import Language


class Suite(BaseModel):
    """An evaluation suite that no training item may overlap with."""

    model_config = ConfigDict(extra="forbid")

    layout: Layout = Field(description="form of the files: pceb, cpsyexam or plain")
    uri: str = Field(min_length=1, description="folder, file or zip: a path, samples://, s3://, http(s):// or hf://datasets/")
    language: Language = Field(default="zh", description="language of its questions")


class ContaminationSettings(BaseModel):
    """When an item counts as overlapping with a suite's item: any one of the four measures suffices."""

    model_config = ConfigDict(extra="forbid")

    shingle: int = Field(default=3, ge=2, description="choice: characters per shingle in Chinese; English takes one word fewer")
    whole: float = Field(default=0.5, gt=0, le=1, description="choice: least Jaccard similarity of stem and options together")
    stem: float = Field(default=0.7, gt=0, le=1, description="choice: least Jaccard similarity of the stems alone")
    options: float = Field(
        default=0.27,
        gt=0,
        le=1,
        description="choice: least Jaccard similarity of the stems' pairs of characters (English: of words) where the options are alike; "
        "each of the first 25 characters (English: words) that the options share takes 0.01 off it",
    )
    case: float = Field(default=0.6, gt=0, le=1, description="choice: least share of a suite's case text that the item holds")


class DuplicateSettings(BaseModel):
    """Near duplicates by MinHash LSH; candidates are verified by their exact Jaccard similarity."""

    model_config = ConfigDict(extra="forbid")

    characters: int = Field(default=5, ge=1, description="choice: characters per shingle in Chinese")
    words: int = Field(default=3, ge=1, description="choice: words per shingle in English")
    permutations: int = Field(default=128, ge=16, description="choice: length of the MinHash signature")
    jaccard: float = Field(default=0.7, gt=0, le=1, description="choice: from this similarity on, the later item is left out")
    options: float = Field(
        default=0.25, ge=0, le=1, description="choice: least similarity of the options alone: questions about one case share a long stem"
    )


class ControlSettings(BaseModel):
    """Decontamination, then the paper's order: MinHash LSH, LLM filter, human reviewer."""

    model_config = ConfigDict(extra="forbid")

    suites: list[Suite] = Field(default=[], description="every suite of the recipe's evaluation")
    contamination: ContaminationSettings = ContaminationSettings()
    duplicates: DuplicateSettings = DuplicateSettings()
    filter_llm: LLMSettings | None = Field(default=None, description="LLM that scores items; none: the filter is off")
    min_score: int = Field(default=4, ge=1, le=5, description="choice: every score of the rubric must reach this")
    review_decisions: str = Field(default="", description="decisions of human reviewers (psyche review import); empty: no human review")
    limit: int | None = Field(
        default=None,
        gt=0,
        description="pilot runs: most bank items, and most generated ones, that pass decontamination and duplicate search; none: all",
    )
    seed: int = Field(default=42, description="paper, section 3")
