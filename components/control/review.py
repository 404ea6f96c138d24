"""Human review through Label Studio: tasks out, decisions back (paper, data curation step 3: human reviewer).

Two reviewers judge each item. An item stays if all who judged it agree to keep it (or to correct its key in the same
way), and goes otherwise; items that nobody judged stay. Cohen's kappa says how far the reviewers agree.
"""

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from components.common.dataset import read_records, write_text
from components.common.errors import UserError
from components.common.records import Question, Rejected
from components.common.storage import get_bytes, local_path

CONFIG = Path(__file__).parent / "label_studio.xml"
DecisionName = Literal["keep", "reject", "fix_key"]


class Decision(BaseModel):
    """What the reviewers decided on one question."""

    model_config = ConfigDict(extra="forbid")

    id: str
    decision: DecisionName
    key: str = ""
    agreed: bool = True
    faults: list[str] = []
    comments: list[str] = []


class Judgement(BaseModel):
    """What one reviewer said about one question."""

    decision: DecisionName
    key: str = ""
    faults: list[str] = []
    comment: str = ""


class Agreement(BaseModel):
    """How the review went."""

    items: int
    reviewers: int
    doubly_judged: int
    agreement: float
    kappa: float
    decisions: dict[str, int]


def export_tasks(dataset: str | Path, target: Path, with_rejected: bool = False) -> int:
    """Writes `tasks.json` and `config.xml` for Label Studio; returns the number of tasks.

    Args:
        dataset: Output of `control`. Its LLM scores become pre-annotations.
        target: Folder to write to.
        with_rejected: Also ask about items that the LLM filter left out.
    """
    scores = _scores(Path(dataset) / "scores.jsonl")
    tasks = [task(q, scores.get(q.id), "keep") for q in read_records(dataset, Question)]
    for rejected in read_records(dataset, Rejected, "rejected") if with_rejected else ():
        if rejected.reason == "low_quality":
            question = Question.model_validate_json(rejected.record)
            tasks.append(task(question, scores.get(question.id), "reject"))
    write_text(target / "tasks.json", json.dumps(tasks, ensure_ascii=False, indent=1))
    write_text(target / "config.xml", CONFIG.read_text(encoding="utf-8"))
    return len(tasks)


def _scores(path: Path) -> dict[str, dict[str, int]]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {row.pop("id"): row for row in map(json.loads, lines)}


def task(question: Question, scores: Mapping[str, int] | None, suggestion: DecisionName) -> dict[str, Any]:
    """Returns one Label Studio task; where an LLM has scored the item, its suggestion is the pre-annotation."""
    data = {
        "id": question.id,
        "stem": question.stem,
        "options": "\n".join(f"{o.label}. {o.text}" for o in question.options),
        "key": question.key,
        "kind": question.kind,
        "field": question.field,
        "support": question.span or question.explanation or "-",
        "scores": ", ".join(f"{k} {v}" for k, v in (scores or {}).items()) or "-",
    }
    result = {"from_name": "decision", "to_name": "stem", "type": "choices", "value": {"choices": [suggestion]}}
    predictions = [{"model_version": "filter_llm", "score": min(scores.values()) / 5, "result": [result]}] if scores else []
    return {"data": data, "predictions": predictions}


def import_decisions(export: Path, target: Path) -> Agreement:
    """Reads Label Studio's JSON export, writes the decisions as JSON lines and returns how far the reviewers agree.

    Raises:
        UserError: The file is no such export, or holds no annotation.
    """
    judgements = read_export(export)
    decisions = [decide(item, list(by.values())) for item, by in sorted(judgements.items())]
    write_text(target, "".join(d.model_dump_json() + "\n" for d in decisions))
    pairs = list(itertools.chain.from_iterable(_pairs(by) for by in judgements.values()))
    return Agreement(
        items=len(decisions),
        reviewers=len({who for by in judgements.values() for who in by}),
        doubly_judged=sum(len(by) > 1 for by in judgements.values()),
        agreement=sum(a == b for a, b in pairs) / len(pairs) if pairs else float("nan"),
        kappa=cohens_kappa(pairs),
        decisions=dict(Counter(d.decision for d in decisions)),
    )


def read_export(path: Path) -> dict[str, dict[str, Judgement]]:
    """Returns the judgements by question and reviewer; of several by one reviewer the last counts.

    Raises:
        UserError: The file is no JSON export of Label Studio, or holds no annotation.
    """
    found: dict[str, dict[str, Judgement]] = defaultdict(dict)
    try:
        for item in json.loads(path.read_text(encoding="utf-8")):
            for annotation in item["annotations"]:
                judgement = None if annotation.get("was_cancelled") else _judgement(annotation["result"])
                if judgement:
                    found[str(item["data"]["id"])][_reviewer(annotation)] = judgement
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is no JSON export of Label Studio ({error}): export the project again in the format JSON.") from error
    if not found:
        raise UserError(f"{path} holds no annotations: let the reviewers submit theirs, then export again.")
    return dict(found)


def _reviewer(annotation: Mapping[str, Any]) -> str:
    who = annotation.get("completed_by")
    return str(who.get("id") if isinstance(who, dict) else who)


def _judgement(results: Sequence[Mapping[str, Any]]) -> Judgement | None:
    values = {r["from_name"]: r["value"] for r in results}
    if "decision" not in values:
        return None
    return Judgement(
        decision=values["decision"]["choices"][0],
        key="".join(sorted(values.get("key", {}).get("choices", []))),
        faults=sorted(values.get("faults", {}).get("choices", [])),
        comment=" ".join(values.get("comment", {}).get("text", [])),
    )


def decide(item: str, judgements: Sequence[Judgement]) -> Decision:
    """Returns the decision of all reviewers together; a disagreement, or a correction without a key, is a rejection."""
    verdicts = {(j.decision, j.key if j.decision == "fix_key" else "") for j in judgements}
    agreed = len(verdicts) == 1
    decision, key = next(iter(verdicts)) if agreed else ("reject", "")
    if decision == "fix_key" and not key:
        decision = "reject"
    faults = sorted({f for j in judgements for f in j.faults})
    comments = [j.comment for j in judgements if j.comment]
    return Decision(id=item, decision=decision, key=key, agreed=agreed, faults=faults, comments=comments)


def _pairs(by: Mapping[str, Judgement]) -> Iterable[tuple[str, str]]:
    ordered = [by[who].decision for who in sorted(by)]
    return itertools.combinations(ordered, 2)


def cohens_kappa(pairs: Sequence[tuple[str, str]]) -> float:
    """Returns Cohen's kappa of paired labels: 1 perfect, 0 what chance gives, NaN without pairs.

    With more than two reviewers the pairs of all are pooled.
    """
    if not pairs:
        return float("nan")
    total = len(pairs)
    observed = sum(a == b for a, b in pairs) / total
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    expected = sum(first[label] * second[label] for label in first) / total**2
    return 1.0 if expected == 1 else (observed - expected) / (1 - expected)


def load_decisions(uri: str) -> dict[str, Decision]:
    """Reads decisions by question id; an empty URI means that nobody reviewed.

    Raises:
        UserError: The file is missing or holds something else.
    """
    if not uri:
        return {}
    try:
        # Not splitlines: a comment may hold other line separators.
        lines = get_bytes(uri if uri.startswith("s3://") else str(local_path(uri))).decode("utf-8").split("\n")
        decisions = [Decision.model_validate_json(line) for line in lines if line.strip()]
    except (OSError, ValidationError, UnicodeDecodeError, UserError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{uri} holds no review decisions ({reason}): make it with `psyche review import`.") from error
    return {d.id: d for d in decisions}
