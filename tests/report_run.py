"""An invented pipeline run for the tests of the report: every dataset, results of three models, logs."""

import json
import random
from pathlib import Path

from components.common.dataset import DatasetWriter, write_text
from components.common.records import Dialogue, Message, Option, Passage, Post, Question, Step, Vote
from components.common.scores import Cell, Figure, RawReply, Sample, Score, compute_figures
from components.common.scores.figures import nest
from components.report.datasets import TABLES

HOSTILE = '</script><script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">'
WORDS = Path(__file__).with_name("__init__.py").parent.parent / "pipelines" / "samples" / "en" / "textbook"
SELECTORS = ("phi-4", "llama-3.1-8b", "qwen2.5-7b")


def words(rng: random.Random, n: int) -> str:
    """Returns `n` words drawn from the sample textbook, so that text compresses about as real text does."""
    if not hasattr(words, "pool"):
        words.pool = " ".join(p.read_text(encoding="utf-8") for p in sorted(WORDS.glob("*.md"))).split()
    return " ".join(rng.choices(words.pool, k=n))


EXTRAS = {
    "cleaning": {"rule_emoji": 7, "rule_links": 3},
    "control": {"scores": {"clarity_5": 9, "clarity_3": 2, "correctness_4": 11}, "suite_rows_unreadable": 0},
    "selection": {
        "agreement": [
            {
                "a": "phi-4",
                "b": "qwen2.5-7b",
                "questions": 24,
                "same_answer": 0.5,
                "kappa_answer": None,
                "same_verdict": 0.6,
                "kappa_verdict": 0.2,
            }
        ]
    },
}


def _record(kind: type, rng: random.Random, i: int, stem: str = ""):
    origin = {"language": "en", "field": rng.choice(["learning", "personality"]), "source": "samples://en", "licence": "CC-BY-4.0"}
    steps = [Step(stage="questions", prompt="questions/ask.en@12345678", model="teacher")]
    if kind is Passage:
        return Passage(id=f"p{i:05d}", title=words(rng, 3), text=words(rng, 80), **origin)
    if kind is Post:
        return Post(id=f"t{i:05d}", text=words(rng, 40), reply=words(rng, 40), **origin)
    if kind is Dialogue:
        messages = [Message(role="user", content=words(rng, 30)), Message(role="assistant", content=words(rng, 60))]
        return Dialogue(id=f"d{i:05d}", messages=messages, steps=steps, **origin)
    right = [rng.random() < 0.5 for _ in SELECTORS]
    votes = [
        Vote(selector=s, reply="", answer="A" if r else rng.choice(["B", ""]), correct=r) for s, r in zip(SELECTORS, right, strict=True)
    ]
    options = [Option(label=label, text=words(rng, 5)) for label in "ABCD"]
    return Question(
        id=f"q{i:05d}",
        kind="single",
        stem=stem or words(rng, 20),
        options=options,
        key="A",
        rationale=words(rng, 60),
        votes=votes,
        steps=steps,
        **origin,
    )


def write_datasets(folder: Path, records: int = 12, seed: int = 1) -> dict[str, str]:
    """Writes one Dataset artifact per table of the DAG; the first question of each is hostile."""
    rng = random.Random(seed)
    for table in TABLES:
        writer = DatasetWriter(folder / table.name, table.record, table.stage)
        for i in range(records):
            writer.add(_record(table.record, rng, i, HOSTILE if i == 0 else ""))
        for i in range(rng.randrange(1, 4)):
            writer.reject(_record(table.record, rng, records + i), rng.choice(["too_short", "duplicate", "<b>odd</b>"]))
        writer.close({"stage": table.stage, "in": records + 3, **EXTRAS.get(table.stage, {})})
    return {table.name: str(folder / table.name) for table in TABLES}


def write_training_log(store: Path, run_id: str, steps: int = 30) -> None:
    """Writes the log of both trainings where the training stages put it."""
    rng = random.Random(2)
    for stage, metric in (("sft", "loss"), ("grpo", "reward")):
        rows = [
            {"step": s, metric: round(2 - s / steps + rng.random() / 5, 4), "learning_rate": 1e-5, "epoch": s / steps}
            for s in range(1, steps + 1)
        ]
        write_text(store / run_id / stage / "training" / "log_history.jsonl", "".join(json.dumps(r) + "\n" for r in rows))


MODELS = {"base": 0.3, "sft": 0.5, "final": 0.7}  # share of right answers
CHECKS = {"suicide": ("crisis_recognised", "resource_given", "no_method"), "figurative speech": ("answers",)}


def _reply(rng: random.Random, letters: str, length: int) -> tuple[str, str, RawReply]:
    reasoning, final = words(rng, length), f"{words(rng, length // 4)} Answer: {letters}"
    return reasoning, final, RawReply(text=f"<think>{reasoning}</think>{final}", finish_reason="stop", letters=letters)


def _choice(rng: random.Random, i: int, prompt: str, share: float, length: int) -> Sample:
    kind = ("single", "multi")[i % 2]
    key = "A" if kind == "single" else "AC"
    letters = key if rng.random() < share else rng.choice(["B", "D", ""])
    reasoning, final, reply = _reply(rng, letters, length)
    if i == 0:
        reasoning, final = HOSTILE, HOSTILE
    return Sample(
        id=f"i{i:05d}", suite="pceb", domain=("moral", "theory", "case")[i % 3], exam="demo", number=str(i), kind=kind, language="en", prompt=prompt, key=key,
        replies=[reply], letters=letters, reasoning=reasoning, final=final, strict=float(letters == key), elastic=float(letters == key),
        answered=float(bool(letters)), well_formed=float(rng.random() < share), truncated=float(rng.random() < 0.05),
    )  # fmt: skip


def _safety(rng: random.Random, i: int, prompt: str, share: float) -> Sample:
    category = list(CHECKS)[i % len(CHECKS)]
    checks = {name: float(rng.random() < share + 0.25) for name in CHECKS[category]}
    reasoning, final, reply = _reply(rng, "", 40)
    return Sample(
        id=f"s{i:05d}", suite="safety", domain=category, kind="prompt", language="en", prompt=prompt, key=", ".join(checks), replies=[reply],
        reasoning=reasoning, final=final, truncated=0.0, other=[Score(name=n, value=v) for n, v in {**checks, "passed": min(checks.values())}.items()],
    )  # fmt: skip


def _figures(samples: list[Sample]) -> dict[str, Figure]:
    choice = [s for s in samples if s.suite == "pceb"]
    specs = {f"all.{score}": [Cell(score=score)] for score in ("strict", "elastic", "answered", "well_formed", "truncated")}
    for domain in ("moral", "theory", "case"):
        specs |= {f"{domain}.{kind}.strict": [Cell(score="strict", domain=domain, kind=kind)] for kind in ("single", "multi")}
        specs[f"{domain}.multi.elastic"] = [Cell(score="elastic", domain=domain, kind="multi")]
    specs["avg"] = [Cell(score="strict", domain=d, kind=k) for d in ("moral", "theory", "case") for k in ("single", "multi")]
    specs["avg_elastic"] = [
        Cell(score={"single": "strict", "multi": "elastic"}[c.kind], domain=c.domain, kind=c.kind) for c in specs["avg"]
    ]
    figures = {f"pceb.{n}": f for n, f in compute_figures(choice, specs, 200, 1).items()}
    safe = [s for s in samples if s.suite == "safety"]
    names = ["passed", *sorted({n for checks in CHECKS.values() for n in checks})]
    specs = {n: [Cell(score=n)] for n in names} | {f"{c.replace(' ', '_')}.{n}": [Cell(score=n, domain=c)] for c in CHECKS for n in names}
    return figures | {f"safety.{n}": f for n, f in compute_figures(safe, specs, 200, 1).items()}


def write_results(folder: Path, items: int = 120, length: int = 60, seed: int = 3) -> dict[str, str]:
    """Writes the results of three models on the same items, scored as the evaluation scores them."""
    rng = random.Random(seed)
    prompts = [words(rng, 40) for _ in range(items)]
    prompts[0] = HOSTILE
    for model, share in MODELS.items():
        writer = DatasetWriter(folder / model, Sample, f"evaluation-{model}")
        samples = [_choice(rng, i, p, share, length) for i, p in enumerate(prompts)]
        samples += [_safety(rng, i, p, share) for i, p in enumerate(prompts[: max(8, items // 10)])]
        for sample in samples:
            writer.add(sample)
        writer.close({"stage": f"evaluation-{model}"})
        write_text(folder / model / "scores.json", json.dumps(nest(_figures(samples))))
    return {model: str(folder / model) for model in MODELS}


def write_decision(path: Path, verdict: str = "promote") -> str:
    """Writes the gate's file: one rule with a paired test that holds, one threshold that does not."""
    numbers = (
        "candidate",
        "low",
        "high",
        "n",
        "reference",
        "difference",
        "difference_low",
        "difference_high",
        "p_value",
        "minimum_detectable",
    )
    paired = dict(zip(numbers, (0.7, 0.6, 0.8, 120, 0.3, 0.4, 0.3, 0.5, 0.001, 0.08), strict=True))
    threshold = dict.fromkeys(numbers) | {"candidate": 0.9, "low": 0.8, "high": 0.95, "n": 60}
    rule = {"threshold": None, "value": "point", "test": "above", "margin": 0.0, "confidence": 0.95, "allow_missing": False}
    rules = [
        {"rule": {**rule, "metric": "pceb.avg", "compare": "base"}, "passed": True, "reason": "above base", "method": "mcnemar", **paired},
        {
            "rule": {**rule, "metric": "safety.passed", "compare": "threshold", "threshold": 0.98},
            "passed": False,
            "reason": "<b>0.9</b> < 0.98",
            "method": "",
            **threshold,
        },
    ]
    override = {"verdict": verdict, "reason": "a test needs both", "person": "<i>someone</i>"}
    write_text(
        path,
        json.dumps({"verdict": verdict, "by_rules": "reject", "champion": "", "rules": rules, "holm": [0.001, None], "override": override}),
    )
    return str(path)
