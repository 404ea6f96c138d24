"""Our training against TRL and LLaMA-Factory as they come: the same model, data, adapters and number of passes, one process.

Times are those that transformers' trainer reports (`train_runtime`): start-up and saving are left out for all.
Needs PSYCHE_BENCH_MODEL (a local model directory) and, for LLaMA-Factory, PSYCHE_LLAMAFACTORY_PYTHON (an interpreter with
`llamafactory`). On CPU its environment needs the CPU build of torch, no torchvision, and an empty module `torchaudio`.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from components.common.question_prompt import question_messages
from components.common.records import Dialogue, Question
from components.common.storage import PROJECT_ROOT
from tests.benchmarks.bench_grpo_lift import dataset, questions
from tests.benchmarks.chats import chats, dialogues
from tests.benchmarks.harness import Contender, Figures, compare

PEERS = Path(__file__).parent / "training_peers"
DIALOGUES, BATCH, ROW = 8, 8, 1024
PROMPTS, GROUP, TOKENS, STEPS = 2, 4, 32, 1
TUNING = {"method": "lora", "lora_rank": 16, "lora_alpha": 32, "gradient_checkpointing": False}
SFT = {
    "learning_rate": 2e-5,
    "epochs": 1,
    "global_batch_size": BATCH,
    "per_device_batch_size": 1,  # a packed row
    "packing": True,
    "max_length": ROW,
    "tuning": TUNING,
    "checkpoint": {"every_steps": 0},
}
GRPO = {
    "max_steps": STEPS,
    "prompts_per_generation": PROMPTS,
    "prompts_per_step": PROMPTS,
    "num_generations": GROUP,
    "per_device_batch_size": PROMPTS * GROUP,
    "rewards": {"format": 0.0, "correctness": 1.0},
    "rollout": {"max_completion_length": TOKENS},
    "tuning": TUNING,
    "checkpoint": {"every_steps": 0},
}
TRL_GRPO = {  # what is the same in both; all else is TRL's default
    "max_steps": STEPS,
    "per_device_train_batch_size": PROMPTS * GROUP,
    "num_generations": GROUP,
    "max_completion_length": TOKENS,
    "beta": 0.001,
}
PACKAGES = ("torch", "trl", "transformers")
RUNTIME = re.compile(r"'train_runtime': '?([\d.]+)")


def call(command: list[str]) -> str:
    """Runs a peer in a process of its own and returns its last line.

    Raises:
        RuntimeError: It failed.
    """
    env = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT), "CUDA_VISIBLE_DEVICES": "", "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:3])} failed: {' | '.join(done.stderr.strip().splitlines()[-5:])}")
    return (done.stdout.strip().splitlines() or [""])[-1]


def ours_sft(model: str) -> Figures:
    """Runs our SFT stage."""
    from components.sft.sft import run

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["PSYCHE_MODEL_STORE"] = str(folder / "store")
        inputs = dataset(folder / "rest", [], Question), dataset(folder / "dialogues", dialogues(DIALOGUES), Dialogue)
        run(SFT, model, *inputs, str(folder / "model"))
        return {"non-padding tokens/s": tokens(model) / runtime(folder / "model-work" / "sft-training.log")}


def runtime(log: Path) -> float:
    """Returns the seconds that the trainer of a finished stage logged."""
    return float(RUNTIME.findall(log.read_text(encoding="utf-8"))[-1])


def tokens(model: str) -> int:
    """Returns the tokens of all chats under the model's chat template."""
    from components.common.training.model import load_tokenizer

    tokenizer = load_tokenizer(model)
    return sum(len(tokenizer.apply_chat_template(row["messages"], return_dict=True)["input_ids"]) for row in chats(dialogues(DIALOGUES)))


def write_lines(path: Path, rows: list[dict[str, Any]]) -> str:
    """Writes JSON lines and returns the path."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def trl_sft(model: str) -> Figures:
    """Runs the plain TRL script."""
    with tempfile.TemporaryDirectory() as folder:
        data = write_lines(Path(folder) / "chats.jsonl", chats(dialogues(DIALOGUES)))
        figures = json.loads(call([sys.executable, str(PEERS / "trl_sft.py"), model, data, folder]))
    return {"non-padding tokens/s": tokens(model) / figures["train_runtime"]}


def llamafactory(model: str, python: str, **changes: Any) -> Figures:
    """Runs LLaMA-Factory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_lines(folder / "chats.jsonl", chats(dialogues(DIALOGUES)))
        (folder / "dataset_info.json").write_bytes((PEERS / "dataset_info.json").read_bytes())
        places = {"model_name_or_path": model, "dataset_dir": name, "output_dir": f"{name}/out"}
        config = {**json.loads((PEERS / "llamafactory.json").read_text()), **places, **changes}
        (folder / "config.yaml").write_text(json.dumps(config))  # JSON is YAML, and .json is read wrongly
        call([python, "-m", "llamafactory.cli", "train", str(folder / "config.yaml")])
        figures = json.loads((folder / "out" / "train_results.json").read_text())
    return {"non-padding tokens/s": tokens(model) / figures["train_runtime"]}


def ours_grpo(model: str) -> Figures:
    """Runs our GRPO stage."""
    from components.grpo.grpo import run

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["PSYCHE_MODEL_STORE"] = str(folder / "store")
        trained = run(GRPO, model, dataset(folder / "challenging", questions(), Question), str(folder / "model"))
        history = (Path(trained.uri) / "training" / "log_history.jsonl").read_text().splitlines()
        lengths = [json.loads(line)["completions/mean_length"] for line in history]
        seconds = runtime(folder / "model-work" / "grpo-training.log") / STEPS
    return {"seconds/step": seconds, "tokens/completion": sum(lengths) / len(lengths)}


def trl_grpo(model: str) -> Figures:
    """Runs the plain TRL script on the same prompts."""
    rows = [{"prompt": question_messages(q), "key": q.key, "labels": "".join(o.label for o in q.options)} for q in questions()]
    with tempfile.TemporaryDirectory() as folder:
        data = write_lines(Path(folder) / "prompts.jsonl", rows)
        figures = json.loads(call([sys.executable, str(PEERS / "trl_grpo.py"), model, data, folder, json.dumps(TRL_GRPO)]))
    return {"seconds/step": figures["train_runtime"] / STEPS, "tokens/completion": figures["mean_length"]}


def sft_table(model: str, factory: str) -> str:
    """Compares SFT; without an interpreter `factory`, LLaMA-Factory is left out."""
    contenders = [Contender("TRL, defaults", lambda: trl_sft(model))]
    if factory:
        contenders.append(Contender("LLaMA-Factory, defaults", lambda: llamafactory(model, factory)))
        contenders.append(Contender("LLaMA-Factory, bf16", lambda: llamafactory(model, factory, bf16=True, use_cpu=True)))
    contenders.append(Contender("ours", lambda: ours_sft(model)))
    title = f"SFT on a batch of {DIALOGUES} dialogues, {tokens(model)} tokens"
    return compare(title, contenders, rounds=3, warmup=0, packages=PACKAGES).markdown()


def grpo_table(model: str) -> str:
    """Compares GRPO."""
    contenders = [Contender("TRL", lambda: trl_grpo(model)), Contender("ours", lambda: ours_grpo(model))]
    title = f"GRPO, {PROMPTS} prompts x {GROUP} completions a step"
    return compare(title, contenders, rounds=3, warmup=0, packages=PACKAGES).markdown()


def run() -> str:
    """Measures and returns both tables."""
    model = os.environ.get("PSYCHE_BENCH_MODEL", "")
    if not model:
        return "### Training against TRL and LLaMA-Factory\n\nNot run: PSYCHE_BENCH_MODEL is not set.\n"
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    return "\n".join([sft_table(model, os.environ.get("PSYCHE_LLAMAFACTORY_PYTHON", "")), grpo_table(model)])
