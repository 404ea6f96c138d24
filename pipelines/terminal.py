"""What `psyche run` shows: a line per stage with counts, rate and time left, and the closing table."""

import re
from typing import Any

from rich.console import Console
from rich.table import Table

from pipelines.run_state import RunFolder

STAGE_ORDER = (
    "ingest", "cleaning", "questions", "control", "rationales", "dialogues", "selection", "sft", "grpo",
    "evaluation-base", "evaluation-sft", "evaluation-final", "gate", "registry", "deployment", "report",
)  # fmt: skip
BASELINES_AFTER = STAGE_ORDER.index("evaluation-final") + 1
INNER_TASK = re.compile(r"Inner task failed: \S*?'([\w-]+)'")


def duration(seconds: float) -> str:
    """Formats seconds: 75 -> "1:15"."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def stages(run: RunFolder) -> list[str]:
    """Returns the stages in the order of the DAG, with the evaluations of the recipe's baselines."""
    baselines = sorted((run.summaries().keys() | run.progress().keys()) - set(STAGE_ORDER))
    return [*STAGE_ORDER[:BASELINES_AFTER], *baselines, *STAGE_ORDER[BASELINES_AFTER:]]


def live_table(run: RunFolder) -> Table:
    """Returns the table shown while the pipeline runs."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for width in (18, 12, 50, 12):
        table.add_column(min_width=width, no_wrap=True)
    summaries, progress = run.summaries(), run.progress()
    for stage in stages(run):
        done = summaries.get(stage)
        if done and done["status"] != "running":
            mark = "[green]done[/]" if done["status"] == "done" else "[red]failed[/]"
            table.add_row(stage, mark, counts(done), duration(done["seconds"]))
        elif stage in progress:
            table.add_row(f"[bold]{stage}[/]", "[cyan]running[/]", progress_text(progress[stage]), duration(progress[stage]["seconds"]))
        else:
            table.add_row(f"[dim]{stage}[/]", "", "", "")
    return table


def counts(s: dict[str, Any]) -> str:
    """Formats a stage's records: every input is kept or rejected; what is kept may give several outputs."""
    return f"{s['in']} in, {s['kept']} kept, {s['rejected']} rejected, {s['out']} out"


def progress_text(p: dict[str, Any]) -> str:
    """Formats one stage's progress: counts, rate, time left."""
    rate = p["done"] / p["seconds"] if p["seconds"] else 0.0
    of = f"/{p['total']}" if p["total"] else ""
    left = f", {duration((p['total'] - p['done']) / rate)} left" if p["total"] and rate else ""
    return f"{p['done']}{of} {p['what']}, {rate:.1f}/s{left}"


def closing_table(run: RunFolder) -> Table:
    """Returns the table at the end: stage, seconds, in = kept + rejected, out, LLM calls, tokens."""
    table = Table(title=f"run {run.id}", title_justify="left", box=None, pad_edge=False)
    table.add_column("stage")
    for name in ("seconds", "in", "kept", "rejected", "out", "LLM calls", "tokens"):
        table.add_column(name, justify="right")
    summaries = run.summaries()
    total = 0.0
    for stage in stages(run):
        if stage not in summaries:
            continue
        s = summaries[stage]
        llm = s["llm"]
        tokens = llm.get("prompt_tokens", 0) + llm.get("completion_tokens", 0)
        total += s["seconds"]
        table.add_row(
            stage, f"{s['seconds']:.1f}", str(s["in"]), str(s["kept"]), str(s["rejected"]), str(s["out"]),
            f"{llm.get('calls', 0):.0f}" if llm else "", f"{tokens:.0f}" if llm else "",
        )  # fmt: skip
    table.add_row("[bold]stages together[/]", f"[bold]{total:.1f}[/]", "", "", "", "", "", "")
    return table


def failure(run: RunFolder) -> str:
    """Returns one sentence on why the pipeline ended early."""
    summaries = run.summaries()
    for stage in stages(run):
        if summaries.get(stage, {}).get("status") == "failed":
            return f"Stage {stage} failed. {summaries[stage]['error']}"
    log = run.logs / "pipeline.log"
    running = [stage for stage in stages(run) if summaries.get(stage, {}).get("status") == "running"]
    # A stage that is killed while it starts has not reported yet: then kfp.local's own last line names it.
    named = INNER_TASK.findall(log.read_text(encoding="utf-8", errors="replace")) if log.exists() else []
    for stage in running + named[-1:]:
        return f"Stage {stage} was killed before it finished: see {log}."
    return f"The pipeline ended early: see the end of {run.logs / 'pipeline.log'}."


def console() -> Console:
    """Returns the console of this process."""
    return Console(highlight=False)
