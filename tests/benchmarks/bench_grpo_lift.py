"""Does GRPO raise the reward? The demo's recipe and sample data: one SFT, then 60 steps of GRPO with each of three seeds.

As in the pipeline, SFT learns from other questions than GRPO: it gets every second question of the bank, with its
explanation as the rationale, and the posts with their replies; GRPO gets the other half. A step takes a tenth of its
prompts, so that the first ten steps and the last ten see every prompt once, and rewards are compared prompt by prompt.
Writes the curve to docs/grpo-lift.svg. Trainings are kept in build/grpo-lift-<settings>: one that is there is not repeated, one that was stopped goes on.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean

from components.common.benchmarks import BenchmarkItem, load_questions
from components.common.dataset import DatasetWriter
from components.common.records import Dialogue, Message, Question, Record
from components.common.scores.statistics import paired_test
from components.common.storage import PROJECT_ROOT
from pipelines.recipe import Recipe, load_recipe
from tests.benchmarks.harness import machine
from tests.benchmarks.line_chart import Line, line_chart

SEEDS, STEPS, WINDOW = (1, 2, 3), 60, 10
PROMPTS, COMPLETIONS = 3, 4  # of a step
SAMPLES = PROJECT_ROOT / "pipelines" / "samples" / "en"
CURVE = PROJECT_ROOT / "docs" / "grpo-lift.svg"
SETTINGS = (
    "sft.launch.threads_per_process=1",
    "grpo.launch.threads_per_process=1",
    "grpo.learning_rate=3.0e-4",
    "grpo.warmup_steps=3",
    f"grpo.max_steps={STEPS}",
    f"grpo.prompts_per_generation={PROMPTS}",
    f"grpo.prompts_per_step={PROMPTS}",
    f"grpo.num_generations={COMPLETIONS}",
    f"grpo.per_device_batch_size={PROMPTS * COMPLETIONS}",
    f"grpo.log_completions={PROMPTS * COMPLETIONS}",
    "grpo.rollout.max_completion_length=64",
    "grpo.checkpoint.every_steps=10",  # a stopped training goes on where it was
)
Rewards = dict[str, dict[str, list[float]]]


def questions() -> list[Question]:
    """Returns the demo's question bank."""
    items = load_questions("plain", "samples://en/question_bank.jsonl", "en")
    return [item.question for item in items if isinstance(item, BenchmarkItem)]


def dialogues() -> list[Dialogue]:
    """Returns the demo's posts with their replies."""
    rows = map(json.loads, (SAMPLES / "posts.jsonl").read_text(encoding="utf-8").splitlines())
    turns = ((row["id"], [Message(role="user", content=row["post"]), Message(role="assistant", content=row["reply"])]) for row in rows)
    return [Dialogue(id=name, language="en", messages=messages) for name, messages in turns]


def dataset(directory: Path, records: Iterable[Record], model: type[Record]) -> str:
    """Writes a Dataset artifact and returns its path."""
    writer = DatasetWriter(directory, model, "bench")
    for record in records:
        writer.add(record)
    writer.close({})
    return str(directory)


def sft_model(folder: Path, recipe: Recipe) -> str:
    """Returns the URI of the SFT model."""
    from components.sft.sft import run

    model = folder / "store" / "sft" / "sft"
    if not (model / "config.json").exists():
        os.environ["PSYCHE_RUN_ID"] = "sft"
        learnt = [q.model_copy(update={"rationale": q.explanation}) for q in questions()[::2]]
        inputs = dataset(folder / "rest", learnt, Question), dataset(folder / "dialogues", dialogues(), Dialogue)
        run(recipe.settings("sft"), recipe.base_model, *inputs, str(folder / "sft"))
    return str(model)


def completions(folder: Path, recipe: Recipe, base: str, seed: int) -> list[dict]:
    """Returns every completion of the training with this seed, with its reward parts."""
    from components.grpo.grpo import run

    log = folder / "store" / f"seed-{seed}" / "grpo" / "training" / "completions.jsonl"
    if not log.exists():
        os.environ["PSYCHE_RUN_ID"] = f"seed-{seed}"
        challenging = dataset(folder / f"challenging-{seed}", questions()[1::2], Question)
        run({**recipe.settings("grpo"), "seed": seed}, base, challenging, str(folder / f"grpo-{seed}"))
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def rewards(row: dict, recipe: Recipe) -> dict[str, float]:
    """Returns the reward of a completion and its parts."""
    parts = {name.removeprefix("reward_"): value for name, value in row.items() if name.startswith("reward_")}
    weights = recipe.grpo.rewards.model_dump()
    return {"reward": sum(weights[name] * value for name, value in parts.items()), **parts}


def by_prompt(rows: list[dict], recipe: Recipe) -> Rewards:
    """Returns, for each part of the reward and each prompt, the rewards of its completions."""
    found: Rewards = {}
    for row in rows:
        for name, value in rewards(row, recipe).items():
            found.setdefault(name, {}).setdefault(row["prompt"], []).append(value)
    return found


def table_rows(name: str, trainings: list[list[dict]], recipe: Recipe) -> list[str]:
    """Returns one row per part of the reward: means of both windows over the prompts, and their difference."""
    before = [by_prompt([r for r in rows if r["step"] <= WINDOW], recipe) for rows in trainings]
    after = [by_prompt([r for r in rows if r["step"] > STEPS - WINDOW], recipe) for rows in trainings]
    lines = []
    for part in before[0]:
        pairs = [(fmean(a[part][p]), fmean(b[part][p])) for b, a in zip(before, after, strict=True) for p in b[part]]
        test = paired_test([[new for new, _ in pairs]], [[old for _, old in pairs]])
        means = f"{fmean(old for _, old in pairs):.3f} | {fmean(new for new, _ in pairs):.3f}"
        lines.append(f"| {name} | {part} | {means} | {test.difference:+.3f} ({test.low:+.3f} to {test.high:+.3f}) |")
    return lines


def curve(rows: list[dict], recipe: Recipe) -> list[float]:
    """Returns the mean reward of the ten steps up to each step from the tenth on."""
    steps = [fmean(rewards(r, recipe)["reward"] for r in rows if r["step"] == step) for step in range(1, STEPS + 1)]
    return [fmean(steps[end - WINDOW : end]) for end in range(WINDOW, STEPS + 1)]


def run() -> str:
    """Trains what is missing, writes the curve and returns the table."""
    recipe = load_recipe("demo", list(SETTINGS))
    digest = hashlib.sha256(json.dumps([recipe.settings("sft"), recipe.settings("grpo")]).encode()).hexdigest()[:8]
    folder = PROJECT_ROOT / "build" / f"grpo-lift-{digest}"
    os.environ["PSYCHE_MODEL_STORE"] = str(folder / "store")
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    base = sft_model(folder, recipe)
    trainings = {seed: completions(folder, recipe, base, seed) for seed in SEEDS}
    lines = [Line(f"seed {seed}", curve(rows, recipe)) for seed, rows in trainings.items()]
    CURVE.write_text(line_chart(lines, first=WINDOW, x="step", y=f"mean reward of the last {WINDOW} steps"), encoding="utf-8")
    rows = [line for seed, found in trainings.items() for line in table_rows(f"seed {seed}", [found], recipe)]
    rows += table_rows("all", list(trainings.values()), recipe)
    head = f"| training | part | steps 1 to {WINDOW} | steps {STEPS - WINDOW + 1} to {STEPS} | difference (95% interval) |"
    table = "\n".join([head, "|---|---|---:|---:|---|", *rows])
    return f"### GRPO's lift, {PROMPTS} prompts x {COMPLETIONS} completions a step\n\n{table}\n\n{machine(('torch', 'trl'))}\n"
