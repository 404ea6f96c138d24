"""An invented pipeline run for the tests of the report: every dataset, results of three models, logs."""

import json
import random
from pathlib import Path

from components.common.dataset import DatasetWriter, write_text
from components.common.records import Dialogue, Message, Option, Passage, Post, Question, Step, Vote
from components.report.datasets import TABLES

HOSTILE = '</script><script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">'
WORDS = Path(__file__).with_name("__init__.py").parent.parent / "pipelines" / "samples" / "en" / "textbook"
SELECTORS = ("phi-4", "llama-3.1-8b", "qwen2.5-7b")


def words(rng: random.Random, n: int) -> str:
    """Returns `n` words drawn from the sample textbook, so that text compresses about as real text does."""
    if not hasattr(words, "pool"):
        words.pool = " ".join(p.read_text(encoding="utf-8") for p in sorted(WORDS.glob("*.md"))).split()
    return " ".join(rng.choices(words.pool, k=n))


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
        writer.close({"stage": table.stage, "in": records + 3})
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


def write_decision(path: Path, verdict: str = "promote") -> str:
    """Writes the gate's file."""
    write_text(path, json.dumps({"verdict": verdict, "reason": "all rules passed"}))
    return str(path)
