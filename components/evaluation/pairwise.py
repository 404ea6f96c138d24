"""An LLM judge that prefers one of two answers to the same item; each pair is asked in both orders."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.common.dataset import read_records
from components.common.errors import UserError
from components.common.llm import LLM, Chat, LLMError, LLMSettings, ask_all
from components.common.prompts import load_prompt
from components.common.scores import Cell, Sample, Score
from components.common.stage import Stage
from components.evaluation.settings import JudgeSettings
from components.evaluation.suites.task import FIGURES

VERDICTS = {"first": 1, "second": -1, "tie": 0}
PREFERRED, CONSISTENT = "judge_preferred", "judge_pair_agreement"


@dataclass(frozen=True)
class Preference:
    """Verdict on one pair: +1 ours, -1 theirs, 0 a tie or a verdict that changed with the order; `consistent`: it did not change."""

    value: float
    consistent: bool


def prefer_samples(
    stage: Stage, settings: JudgeSettings, samples: Sequence[Sample], reference: str, call_log: str, max_failed: float
) -> None:
    """Adds `judge_preferred` (1 ours, 0.5 tie, 0 theirs) and `judge_pair_agreement` to the samples that the reference has, too.

    Args:
        stage: The running stage.
        settings: The judge and the kinds of samples that it judges.
        samples: Samples of this model, extended in place.
        reference: Results of the model that it is compared with.
        call_log: Where finished calls are remembered.
        max_failed: Share of pairs that may get no verdict.

    Raises:
        UserError: More pairs got no verdict than `max_failed` allows.
    """
    theirs = {sample.id: sample for sample in read_records(reference, Sample) if sample.kind in settings.kinds}
    pairs = [(sample, theirs[sample.id]) for sample in samples if sample.id in theirs]
    if not pairs:
        return
    stage.progress.start("pairs", len(pairs))
    found = asyncio.run(prefer(settings.llm, pairs, call_log, stage.llm))
    for (sample, _), preference in zip(pairs, found, strict=True):
        stage.progress.advance()
        if preference:
            sample.other += [
                Score(name=PREFERRED, value=(preference.value + 1) / 2),
                Score(name=CONSISTENT, value=float(preference.consistent)),
            ]
    failed = found.count(None)
    stage.extra["judge_pairs_failed"] = stage.extra.get("judge_pairs_failed", 0) + failed  # over all suites
    if failed > max_failed * len(pairs):
        raise UserError(f"The judge {settings.llm.label} failed on {failed} of {len(pairs)} pairs: mend the endpoint or raise max_failed.")


def preference_figures(samples: Sequence[Sample]) -> FIGURES:
    """Returns the share of answers that were preferred (ties count half) and of verdicts that survived the swap, per kind."""
    kinds = dict.fromkeys(s.kind for s in samples if s.score(PREFERRED) is not None)
    names = {"preferred": PREFERRED, "pair_agreement": CONSISTENT}
    return {f"judge.{kind}.{name}": [Cell(score=score, kind=kind)] for kind in kinds for name, score in names.items()}


async def prefer(
    settings: LLMSettings, pairs: Sequence[tuple[Sample, Sample]], call_log: str | None, usage: dict[str, float]
) -> list[Preference | None]:
    """Asks the judge which answer of each pair is better, in both orders; None where it gave no verdict."""
    async with LLM(settings, call_log, usage) as judge:

        async def work(pair: tuple[Sample, Sample]) -> Preference | None:
            ours, theirs = pair
            try:
                straight, swapped = await _verdict(judge, ours, theirs), -await _verdict(judge, theirs, ours)
            except LLMError:
                return None
            return Preference(float(straight) if straight == swapped else 0.0, straight == swapped)

        return [preference async for _, preference in ask_all(pairs, work, 2 * settings.concurrency)]


async def _verdict(judge: LLM, first: Sample, second: Sample) -> int:
    """Returns 1 if the first answer is preferred, -1 if the second, 0 for a tie."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"better": {"type": "string", "enum": list(VERDICTS)}},
        "required": ["better"],
        "additionalProperties": False,
    }
    prompt = load_prompt("evaluation", "judge_pair", first.language)
    text = prompt.render(prompt=first.prompt, reference=first.key, first=first.final, second=second.final)
    data = (await judge.chat(Chat([{"role": "user", "content": text}], schema=schema))).json()
    better = data.get("better") if isinstance(data, dict) else None
    if better not in VERDICTS:
        raise LLMError("the judge's reply names no better answer")
    return VERDICTS[better]
