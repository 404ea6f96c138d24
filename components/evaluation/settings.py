"""Settings of the evaluation stage (paper, sections 4 and 5)."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from components.common.benchmarks.settings import SuiteSettings
from components.common.llm import LLMSettings
from components.common.serving import VLLMSettings


class SamplingSettings(BaseModel):
    """How replies are sampled; the defaults are the paper's, temperature 0 is greedy."""

    model_config = ConfigDict(extra="forbid")

    temperature: float = Field(default=0.7, ge=0, description="paper, section 4: 0.7")
    top_p: float = Field(default=0.9, gt=0, le=1, description="paper, section 4: 0.9")
    max_tokens: int = Field(default=2048, gt=0, description="paper, section 4: 2,048")
    n: int = Field(default=1, ge=1, description="choice: replies per item; letters by majority vote")


class JudgeSettings(BaseModel):
    """An LLM that grades answers where no key can."""

    model_config = ConfigDict(extra="forbid")

    llm: LLMSettings = Field(description="the judge; it should not be a model that is judged")
    kinds: list[Literal["turn", "case", "prompt"]] = Field(
        default=["turn", "case"], description="choice: what it grades: dialogue turns, case questions, prompts of the safety suite"
    )
    pairwise: bool = Field(
        default=False, description="choice: also ask which answer is better, the model's or the base model's, in both orders"
    )
    repeats: int = Field(default=2, ge=1, description="choice: gradings per answer; from 2 on, its agreement with itself is reported")


class BertScoreSettings(BaseModel):
    """The encoder behind BERTScore."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(
        description="encoder: directory, hf://org/name or s3://bucket/prefix, for instance hf://google-bert/bert-base-chinese"
    )
    layer: int = Field(
        default=-1, description="choice: hidden layer whose vectors are compared; -1 is the last (its authors take 8 for bert-base-chinese)"
    )
    batch_size: int = Field(default=16, gt=0, description="choice: texts encoded at once")


COLUMNS = ("base", "sft", "final", "champion")


def _named(baselines: list[LLMSettings]) -> list[LLMSettings]:
    names = [b.name for b in baselines]
    if any(not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", name) or name in COLUMNS for name in names) or len(set(names)) < len(names):
        raise ValueError(f"each needs a name of its own in lower case, other than {', '.join(COLUMNS)}")
    return baselines


class EvaluationSettings(BaseModel):
    """Asks a model every item of every suite, scores the replies and computes figures with intervals."""

    model_config = ConfigDict(extra="forbid")

    suites: list[SuiteSettings] = Field(min_length=1, description="benchmarks, asked in this order")
    sampling: SamplingSettings = Field(default=SamplingSettings(), description="sampling of the replies")
    llm: LLMSettings | None = Field(default=None, description="endpoint to ask; none: model_uri is served by vLLM inside the stage")
    baselines: Annotated[list[LLMSettings], AfterValidator(_named)] = Field(
        default=[], description="choice: further endpoints that are asked the same items; columns of their name in the report"
    )
    predictions: str = Field(
        default="", description="JSON lines of id and reply (a text or a list of n) that are scored instead of asking a model"
    )
    vllm: VLLMSettings = Field(default=VLLMSettings(), description="how the model is served")
    concurrency: int = Field(default=32, gt=0, description="choice: requests in flight at the model that the stage serves")
    timeout_s: float = Field(default=600.0, gt=0, description="choice: seconds until a request at the model that the stage serves is lost")
    judge: JudgeSettings | None = Field(default=None, description="LLM judge; none: no grades, and suites of kind psydt are refused")
    bertscore: BertScoreSettings | None = Field(default=None, description="BERTScore of case questions; none: not computed")
    max_failed: float = Field(
        default=0.02, ge=0, le=1, description="choice: share of requests that may fail before the figures mean nothing"
    )
    resamples: int = Field(default=2000, gt=0, description="choice: bootstrap resamples of each interval")
    seed: int = Field(default=42, description="paper, section 3")
