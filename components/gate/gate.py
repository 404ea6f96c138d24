"""The promotion gate: results of base, SFT, final and champion -> promote or reject, with every rule's numbers."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from components.common import tracking
from components.common.dataset import write_text
from components.common.scores.results import load_results, write_names
from components.common.scores.statistics import holm
from components.common.stage import open_stage
from components.gate.champion import ALIAS, load_champion
from components.gate.rules import Outcome, check_rule
from components.gate.settings import GateSettings, Override


class Decision(BaseModel):
    """The verdict and how it came about; `by_rules` is what the rules alone say."""

    verdict: str
    by_rules: str
    champion: str
    rules: list[Outcome]
    holm: list[float | None]
    override: Override | None = None


def run(settings: dict[str, Any] | GateSettings, base: str, sft: str, final: str, decision: str, champion: str) -> str:
    """Runs the stage.

    Args:
        settings: Validated or raw settings.
        base: Directory of the base model's results.
        sft: Directory of the SFT model's results.
        final: Directory of the candidate's results.
        decision: Path of the JSON file to write.
        champion: Directory that receives the results of the champion, for the report.

    Returns:
        "promote" or "reject".
    """
    chosen = GateSettings.model_validate(settings)
    with open_stage("gate", chosen) as stage:
        kept = Path(champion) / ALIAS
        holder = load_champion(chosen.model_name, kept)
        write_names(champion, [ALIAS] if kept.exists() else [])
        references = {"base": load_results("base", base), "sft": load_results("sft", sft), ALIAS: holder}
        candidate = load_results("final", final)
        outcomes = []
        for rule in chosen.rules:
            outcomes.append(check_rule(rule, candidate, references, chosen))
            stage.taken += 1
            stage.keep()
        result = decide(outcomes, chosen.override, holder.name if holder else "")
        write_text(Path(decision), result.model_dump_json(indent=2))
        tracking.log_artifact(decision)
        stage.extra.update(
            {"verdict": result.verdict, "promoted": int(result.verdict == "promote"), "rules_failed": sum(not o.passed for o in outcomes)}
        )
    return result.verdict


def decide(outcomes: list[Outcome], override: Override | None, champion: str) -> Decision:
    """Returns the decision: every rule must hold, unless a person has overridden them."""
    by_rules = "promote" if outcomes and all(o.passed for o in outcomes) else "reject"
    corrected = iter(holm([o.p_value for o in outcomes if o.p_value is not None]))
    return Decision(
        verdict=override.verdict if override else by_rules,
        by_rules=by_rules,
        champion=champion,
        rules=outcomes,
        holm=[None if o.p_value is None else next(corrected) for o in outcomes],
        override=override,
    )
