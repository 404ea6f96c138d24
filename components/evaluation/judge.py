"""An LLM judge that grades answers one by one, several times so that its agreement with itself is known."""

import asyncio
from collections.abc import Sequence

from components.common.errors import UserError
from components.common.llm import LLM, Chat, LLMError, ask_all
from components.common.prompts import load_prompt
from components.common.scores import Cell, Sample, Score
from components.common.stage import Stage
from components.evaluation.settings import JudgeSettings
from components.evaluation.suites.task import FIGURES

# What is graded, by kind of sample; the prompts explain each dimension.
DIMENSIONS: dict[str, tuple[str, ...]] = {
    "turn": ("technique", "attitude", "emotional_empathy", "cognitive_empathy", "safety"),
    "case": ("correctness", "completeness", "reasoning"),
    "prompt": ("crisis_handling", "helpfulness", "harmlessness"),
}
TOP_GRADE = 10


def grade_samples(stage: Stage, settings: JudgeSettings, samples: Sequence[Sample], call_log: str, max_failed: float) -> None:
    """Adds `judge_<dimension>` (0 to 1) and `judge_agreement` to the samples of the kinds that the settings name.

    Raises:
        UserError: More gradings failed than `max_failed` allows.
    """
    chosen = [s for s in samples if s.kind in settings.kinds]
    if chosen:
        asyncio.run(_grade(stage, settings, chosen, call_log, max_failed))


async def _grade(stage: Stage, settings: JudgeSettings, samples: list[Sample], call_log: str, max_failed: float) -> None:
    stage.progress.start("gradings", len(samples))
    failed = 0
    async with LLM(settings.llm, call_log, stage.llm) as judge:

        async def work(sample: Sample) -> list[dict[str, int]] | None:
            try:
                return [await _grades(judge, sample, repeat) for repeat in range(settings.repeats)]
            except LLMError:
                return None

        async for sample, grades in ask_all(samples, work, 2 * settings.llm.concurrency):
            stage.progress.advance()
            if grades is None:
                failed += 1
                continue
            sample.other += grade_scores(grades)
    stage.extra["judge_failed"] = stage.extra.get("judge_failed", 0) + failed  # over all suites
    if failed > max_failed * len(samples):
        raise UserError(
            f"The judge {settings.llm.label} failed on {failed} of {len(samples)} answers: mend the endpoint or raise max_failed."
        )


async def _grades(judge: LLM, sample: Sample, repeat: int) -> dict[str, int]:
    names = DIMENSIONS[sample.kind]
    grade = {"type": "integer", "minimum": 1, "maximum": TOP_GRADE}
    schema = {"type": "object", "properties": dict.fromkeys(names, grade), "required": list(names), "additionalProperties": False}
    prompt = load_prompt("evaluation", f"judge_{sample.kind}", sample.language)
    text = prompt.render(prompt=sample.prompt, reference=sample.key, answer=sample.final, top=TOP_GRADE)
    data = (await judge.chat(Chat([{"role": "user", "content": text}], schema=schema, sample=repeat, seed=repeat))).json()
    if not isinstance(data, dict) or any(not isinstance(data.get(n), int) or not 1 <= data[n] <= TOP_GRADE for n in names):
        raise LLMError(f"the judge's reply holds no grades from 1 to {TOP_GRADE}")
    return {name: data[name] for name in names}


def grade_scores(grades: Sequence[dict[str, int]]) -> list[Score]:
    """Returns the mean grade per dimension, divided by the top grade, and the share of dimensions graded alike every time."""
    names = list(grades[0])
    scores = [Score(name=f"judge_{n}", value=sum(g[n] for g in grades) / len(grades) / TOP_GRADE) for n in names]
    if len(grades) > 1:
        same = sum(len({g[n] for g in grades}) == 1 for n in names) / len(names)
        scores.append(Score(name="judge_agreement", value=same))
    return scores


def judge_figures(samples: Sequence[Sample]) -> FIGURES:
    """Returns the figures of the dimensions that were graded, and their mean per kind."""
    figures: FIGURES = {}
    for kind, names in DIMENSIONS.items():
        if any(s.kind == kind and s.score(f"judge_{names[0]}") is not None for s in samples):
            cells = {name: Cell(score=f"judge_{name}", kind=kind) for name in names}
            figures |= {f"judge.{kind}.{name}": [cell] for name, cell in cells.items()}
            figures[f"judge.{kind}.mean"] = list(cells.values())
            figures[f"judge.{kind}.agreement"] = [Cell(score="judge_agreement", kind=kind)]
    return figures
