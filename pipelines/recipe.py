"""The recipe: one YAML file that says how a model is made. Typed; unknown keys are refused with the nearest right name.

Some values concern several stages. They stand once at the top of the recipe and are the default of the field of the
same name in every stage's section: `seed`, `language`, `teacher`, `sources` (ingest) and `suites`.
"""

import copy
import difflib
import hashlib
import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.cleaning.settings import CleaningSettings
from components.common.benchmarks.settings import SuiteSettings
from components.common.errors import UserError
from components.common.llm import LLMSettings
from components.common.records import Language
from components.control.settings import ControlSettings
from components.deployment.settings import DeploymentSettings
from components.dialogues.settings import DialoguesSettings
from components.evaluation.settings import EvaluationSettings
from components.gate.settings import GateSettings
from components.grpo.settings import GRPOSettings
from components.ingest.settings import IngestSettings
from components.questions.settings import QuestionsSettings
from components.rationales.settings import RationalesSettings
from components.registry.settings import RegistrySettings
from components.report.settings import ReportSettings
from components.selection.settings import SelectionSettings
from components.sft.settings import SFTSettings
from pipelines.cluster_settings import ClusterSettings

RECIPES = Path(__file__).parent / "recipes"
SHARED = ("seed", "language", "teacher", "sources", "suites")


class Recipe(BaseModel):
    """A whole recipe. Stage sections hold that stage's settings; see docs/recipe.md for every field."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$", description="DNS label: names pipeline, runs and model")
    description: str = Field(default="", description="what the recipe is for, in one sentence")
    language: Language = Field(default="zh", description="language of prompts and data (paper: Chinese)")
    seed: int = Field(default=42, description="paper, section 3")
    base_model: str = Field(description="directory, hf://org/name, s3://bucket/prefix or pypi://package@version")
    teacher: LLMSettings = Field(description="the teacher LLM: writes questions, rationales and rewrites, scores quality")
    sources: list[Any] = Field(min_length=1, description="where raw data comes from; see ingest.sources")
    suites: list[SuiteSettings] = Field(min_length=1, description="benchmarks; training data that overlaps them is removed")
    ingest: IngestSettings
    cleaning: CleaningSettings
    questions: QuestionsSettings
    control: ControlSettings
    rationales: RationalesSettings
    dialogues: DialoguesSettings
    selection: SelectionSettings
    sft: SFTSettings
    grpo: GRPOSettings
    evaluation: EvaluationSettings
    gate: GateSettings
    registry: RegistrySettings
    deployment: DeploymentSettings
    report: ReportSettings
    cluster: ClusterSettings = ClusterSettings()

    def settings(self, stage: str) -> dict[str, Any]:
        """Returns a stage's settings as the plain dictionary that the pipeline passes to its component."""
        # A KFP struct holds no null; every optional field's default is null, so leaving it out says the same.
        return dict(getattr(self, stage).model_dump(mode="json", exclude_none=True))

    def fingerprint(self) -> str:
        """Returns a hash of all values: equal recipes have equal fingerprints."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


STAGES = (
    "ingest", "cleaning", "questions", "control", "rationales", "dialogues", "selection", "sft", "grpo", "evaluation",
    "gate", "registry", "deployment", "report",
)  # fmt: skip


def find_recipe(name: str) -> Path:
    """Returns the path of a recipe given by file or by the name of one that is shipped.

    Raises:
        UserError: There is no such recipe; the nearest name is suggested.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return path
    shipped = {p.stem: p for p in RECIPES.glob("*.yaml")}
    if name in shipped:
        return shipped[name]
    raise UserError(f"No recipe {name!r}{_did_you_mean(name, list(shipped))}: give a YAML file or one of {', '.join(sorted(shipped))}.")


def load_recipe(name: str, overrides: list[str] | None = None) -> Recipe:
    """Loads a recipe and applies `--set key.path=value` overrides (values are YAML).

    Raises:
        UserError: Unknown recipe, broken YAML, unknown key or bad value: one sentence with the fix.
    """
    path = find_recipe(name)
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path.name} is not valid YAML ({str(error).splitlines()[0]}): correct it.") from error
    if not isinstance(raw, dict):
        raise UserError(f"{path.name} holds no recipe: it must be a mapping with name, base_model, teacher, sources, suites.")
    raw.pop("x-anchors", None)  # a place for YAML anchors
    for override in overrides or []:
        _apply(raw, override)
    return validate(raw, path.name)


def validate(raw: dict[str, Any], where: str) -> Recipe:
    """Builds a Recipe from plain values, shared ones spread into the stages.

    Raises:
        UserError: Unknown key or bad value.
    """
    raw = copy.deepcopy(raw)
    if "sources" in raw and not isinstance(raw["sources"], list):
        raw["sources"] = [raw["sources"]]
    for stage in STAGES:
        section = raw.setdefault(stage, {})
        if not isinstance(section, dict):
            raise UserError(f"{where}: {stage} must be a mapping of settings, not {section!r}.")
        fields = Recipe.model_fields[stage].annotation.model_fields  # type: ignore[union-attr]
        for key in SHARED:
            default = None if Recipe.model_fields[key].is_required() else Recipe.model_fields[key].default
            value = raw.get(key, default)
            if key in fields and value is not None:
                value = _training_free(value) if (stage, key) == ("control", "suites") else value
                section.setdefault(key, copy.deepcopy(value))
    _name_model_once(raw["gate"], raw["registry"], where)
    try:
        recipe = Recipe.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"{where}: {_explain(error, raw)}") from error
    _require_suites(recipe, where)
    return recipe


def _require_suites(recipe: Recipe, where: str) -> None:
    """Refuses a gate rule that no model could keep: it would be found out after the training.

    Raises:
        UserError: A rule asks for a figure of a suite that is not evaluated.
    """
    suites = [suite.name for suite in recipe.evaluation.suites]
    for rule in recipe.gate.rules:
        if rule.metric.partition(".")[0] not in suites:
            raise UserError(
                f"{where}: the gate's rule on {rule.metric} needs a suite of that name, and there are {', '.join(suites)}: "
                "set gate.rules, or add the suite."
            )


def _name_model_once(gate: dict[str, Any], registry: dict[str, Any], where: str) -> None:
    """Gives gate and registry the model name that one of them states.

    Under two names the gate would find no champion, and a rule that allows a missing one would hold for every candidate.

    Raises:
        UserError: They state different names.
    """
    names = {"gate.model_name": gate.get("model_name"), "registry.name": registry.get("name")}
    stated = {name for name in names.values() if name is not None}
    if len(stated) > 1:
        shown = " and ".join(f"{key} {name!r}" for key, name in names.items())
        raise UserError(f"{where}: {shown} must be the same model: set registry.name alone.")
    for name in stated:
        gate["model_name"] = registry["name"] = name


def _training_free(suites: Any) -> Any:
    """Returns the suites of questions in the form that control keeps out of the training data (safety holds no questions)."""
    layouts = {"pceb": "pceb", "cpsyexam": "cpsyexam", "mcq": "plain"}
    if not isinstance(suites, list) or not all(isinstance(s, dict) for s in suites):
        return []  # malformed: Recipe.suites itself says so
    kept = [s for s in suites if s.get("kind") in layouts]
    return [{"layout": layouts[s["kind"]], **{k: s[k] for k in ("uri", "language") if k in s}} for s in kept]


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise UserError(f"--set {override!r} is not KEY=VALUE: write --set sft.learning_rate=2e-5.")
    *parents, last = key.split(".")
    target: Any = raw
    for parent in parents:
        target = target.setdefault(parent, {}) if isinstance(target, dict) else None
    if not isinstance(target, dict):
        raise UserError(f"--set {key}: {'.'.join(parents)} is no section of the recipe.")
    try:
        target[last] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise UserError(f"--set {override!r} is not valid YAML after '=': quote it or close its brackets.") from error


def _did_you_mean(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f", did you mean {near[0]!r}?" if near else ""


def _explain(error: ValidationError, raw: dict[str, Any]) -> str:
    # A misspelt key is also a missing one: the misspelling says more.
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    loc = [str(x) for x in first["loc"]]
    where = ".".join(loc)
    if first["type"] == "extra_forbidden":
        return f"unknown key {where!r}{_did_you_mean(loc[-1], _known_keys(loc[:-1])) or '.'} Known: docs/recipe.md."
    if first["type"] == "missing":
        return f"{where} is missing: add it."
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{where}: {first['msg']}, got {json.dumps(first.get('input'), default=str, ensure_ascii=False)[:80]}{more}."


def _known_keys(path: list[str]) -> list[str]:
    model: Any = Recipe
    for name in path:
        if name.isdigit():
            continue
        info = model.model_fields.get(name) if isinstance(model, type) and issubclass(model, BaseModel) else None
        model = _inner_model(info.annotation) if info else None
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _inner_model(annotation: Any) -> Any:
    """Returns the pydantic model in an annotation such as list[Model] or Model | None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for m in map(_inner_model, getattr(annotation, "__args__", ())) if m), None)
