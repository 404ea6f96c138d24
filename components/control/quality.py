"""The LLM filter: rubric scores per item (paper, data curation step 3)."""

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.common.llm import LLM, Chat, LLMError, LLMSettings, ask_all
from components.common.prompts import load_prompt
from components.common.records import Question, Step
from components.control.settings import ControlSettings

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parent / "schemas" / "scores.json").read_text(encoding="utf-8"))


class Scores(BaseModel):
    """The rubric: each from 1 (bad) to 5 (good)."""

    model_config = ConfigDict(extra="ignore")

    answerability: int = Field(ge=1, le=5)
    correctness: int = Field(ge=1, le=5)
    clarity: int = Field(ge=1, le=5)
    relevance: int = Field(ge=1, le=5)

    def below(self, least: int) -> list[str]:
        """Returns the names and values of the scores below `least`."""
        return [f"{name}={value}" for name, value in self.model_dump().items() if value < least]


@dataclass(frozen=True)
class Judged:
    """A question with its scores, or with the reason why it has none."""

    question: Question
    scores: Scores | None
    step: Step
    error: str = ""


def score_chat(question: Question) -> Chat:
    """Returns the request for the scores of a question."""
    text = load_prompt("control", "filter", question.language).render(question=question)
    return Chat([{"role": "user", "content": text}], schema=SCHEMA, temperature=0.0)


def plan(question: Question, settings: ControlSettings) -> Iterator[tuple[LLMSettings, Chat]]:
    """Yields the request about a question and the LLM it goes to, for the estimate before a run."""
    if settings.filter_llm:
        yield settings.filter_llm, score_chat(question)


async def judge(questions: Iterable[Question], llm: LLM) -> AsyncIterator[Judged]:
    """Yields the questions in order, each with its scores."""

    async def one(question: Question) -> tuple[Scores | None, str]:
        try:
            return Scores.model_validate((await llm.chat(score_chat(question))).json()), ""
        except (LLMError, ValidationError) as error:
            return None, str(error).splitlines()[0]

    async for question, (scores, error) in ask_all(questions, one, window=4 * llm.settings.concurrency):
        version = load_prompt("control", "filter", question.language).version
        yield Judged(question, scores, Step(stage="control", prompt=version, model=llm.settings.label), error)
