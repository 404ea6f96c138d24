"""The whole curation on real sources with a small model: the funnel from sources to training data (curation.yaml).

Needs PSYCHE_BENCH_MODEL (a local model directory), an interpreter with vLLM (PSYCHE_VLLM_PYTHON, else this one), the folder
PSYCHE_CORPORA (openstax-psychology-2e/, smilechat/) and the folder PSYCHE_BENCH_DATA (pceb/, cpsyexam/train/). It works in
PSYCHE_BENCH_FOLDER and goes on where it was interrupted: finished stages and finished calls are kept.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from components.cleaning.clean import run as cleaning
from components.common.dataset import read_records
from components.common.records import Passage
from components.common.serving import VLLMSettings, served
from components.control.control import run as control
from components.dialogues.synthesise import run as dialogues
from components.ingest.ingest import run as ingest
from components.questions.generate import run as questions
from components.rationales.rationalise import run as rationales
from components.selection.select import run as selection
from pipelines.recipe import Recipe, load_recipe
from tests.benchmarks.harness import machine
from tests.integration.test_curation import TEXTBOOK, references, surviving

SHARED = Path(__file__).parents[3] / "shared"
CORPORA = Path(os.environ.get("PSYCHE_CORPORA") or SHARED / "corpora")
DATA = Path(os.environ.get("PSYCHE_BENCH_DATA") or SHARED / "bench")
FOLDER = Path(os.environ.get("PSYCHE_BENCH_FOLDER") or Path(tempfile.gettempdir()) / "psyche-curation")
# Left free, a small model fills its few tokens with line breaks: of 100 zero-shot votes 64 were cut off before their letter.
DENSE_JSON = ["--structured-outputs-config", '{"backend": "guidance", "disable_any_whitespace": true}']
KINDS = ("passages", "questions", "posts", "dialogues")
# stage -> its logic, what it reads, what it writes
STAGES: dict[str, tuple[Callable[..., None], tuple[str, ...], tuple[str, ...]]] = {
    "ingest": (ingest, (), KINDS),
    "cleaning": (cleaning, KINDS, tuple(f"clean_{kind}" for kind in KINDS)),
    "questions": (questions, ("clean_passages",), ("generated",)),
    "control": (control, ("generated", "clean_questions"), ("controlled",)),
    "rationales": (rationales, ("controlled",), ("reasoned",)),
    "selection": (selection, ("reasoned",), ("challenging", "rest")),
    "dialogues": (dialogues, ("clean_posts", "clean_dialogues"), ("empathetic",)),
}


def recipe(model: str) -> Recipe:
    """Returns curation.yaml with the sources and the suite of this machine."""
    places = [CORPORA / "openstax-psychology-2e", CORPORA / "smilechat", DATA / "cpsyexam" / "train"]
    suite = {"name": "pceb", "kind": "pceb", "uri": str(DATA / "pceb"), "language": "zh"}
    values = {"base_model": model, "sources": [str(p) for p in places], "suites": [suite]}
    return load_recipe(str(Path(__file__).with_name("curation.yaml")), [f"{k}={json.dumps(v)}" for k, v in values.items()])


def curate(chosen: Recipe) -> None:
    """Runs the stages that have not finished."""
    os.environ["PSYCHE_RUN_DIR"] = str(FOLDER)
    for name, (run_stage, inputs, outputs) in STAGES.items():
        if summary(name).get("status") != "done":
            run_stage(chosen.settings(name), *(str(FOLDER / d) for d in (*inputs, *outputs)))


def summary(stage: str) -> dict[str, Any]:
    """Returns what a stage reported on leaving, {} if it has not run."""
    path = FOLDER / "stages" / f"{stage}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def rows() -> Iterator[str]:
    """Yields the lines of the funnel; calls are those of all attempts."""
    yield "| stage | in | out | left out | calls | seconds |"
    yield "|---|---:|---:|---|---:|---:|"
    for stage in STAGES:
        s = summary(stage)
        reasons = ", ".join(f"{n:,} `{reason}`" for reason, n in sorted(s["reasons"].items(), key=lambda pair: -pair[1]))
        calls = s["llm"].get("calls", 0) + s["llm"].get("calls_saved", 0)
        yield f"| {stage} | {s['in']:,} | {s['out']:,} | {reasons} | {calls:,.0f} | {s['seconds']:,.0f} |"


def run() -> str:
    """Curates and returns the funnel."""
    model = os.environ.get("PSYCHE_BENCH_MODEL", "")
    if not model or not TEXTBOOK.is_dir():
        return "### Curation of real sources\n\nNot run: PSYCHE_BENCH_MODEL names no model directory, or PSYCHE_CORPORA is not there.\n"
    if any(summary(stage).get("status") != "done" for stage in STAGES):
        with served(model, "psyche-local", VLLMSettings(enforce_eager=True, max_model_len=4096, extra_args=DENSE_JSON)) as server:
            os.environ["PSYCHE_LLM_URL"] = server.url
            curate(recipe(model))
    left = surviving(TEXTBOOK, list(read_records(FOLDER / "clean_passages", Passage)))
    table = "\n".join(rows())
    return f"### Curation of real sources\n\n{table}\n\nReferences left: {len(left)} of {len(references(TEXTBOOK))}. {machine()}\n"
