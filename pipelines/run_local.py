"""`psyche run RECIPE`: the whole DAG on this machine, with the embedded platform around it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.live import Live

from components.common import tracking
from components.common.errors import UserError
from components.common.processes import spawn, stop
from components.common.serving import VLLMSettings
from components.common.storage import PROJECT_ROOT, cache_dir
from pipelines import local, terminal
from pipelines.recipe import Recipe
from pipelines.run_state import RunFolder, code_hash, open_run, read_json

# The embedded teacher: eager mode, because compiling takes longer than a demo's whole generation.
LOCAL_VLLM = VLLMSettings(enforce_eager=True, max_model_len=4096)


def run_recipe(recipe: Recipe, runs: Path, fresh: bool = False, keep_serving: bool = False) -> RunFolder:
    """Runs a recipe here, continuing its last unfinished run; returns the run's folder.

    Raises:
        UserError: A stage failed; the sentence is the stage's own.
    """
    runs = runs.resolve()
    with local.locked(runs):
        local.check_disk(cache_dir("."))
        run, continued = open_run(runs, recipe, fresh)
        out = terminal.console()
        out.print(f"{'continuing' if continued else 'starting'} run [bold]{run.id}[/] (logs: {run.logs})")
        _forget_unfinished(run)
        run.logs.mkdir(exist_ok=True)
        out.print("starting the platform: S3 (SeaweedFS), MLflow" + (", teacher LLM (vLLM)" if _needs_teacher(recipe) else ""))
        os.environ["MLFLOW_LOGGING_LEVEL"] = "WARNING"
        for name in ("MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID"):  # of some other server: the embedded one does not know them
            os.environ.pop(name, None)
        with local.platform(runs, run.logs) as platform:
            env = {**os.environ, **platform.env, **_stage_env(recipe, run, keep_serving)}
            os.environ.update(env)
            tracking_id = tracking.parent_run_id()
            try:
                if _needs_teacher(recipe):
                    with local.teacher(_fetch_model(recipe.base_model, run), LOCAL_VLLM) as url:
                        _execute(run, {**env, "PSYCHE_LLM_URL": url})
                else:
                    _execute(run, env)
                run.set_state(status="done", mlflow_run_id=tracking_id)
            except BaseException:
                run.set_state(status="failed")
                raise
            finally:
                _close_tracking(tracking_id, run)
                if not (keep_serving and run.state()["status"] == "done"):
                    stop_servers(run)
    _print_results(run, tracking_id, keep_serving)
    return run


def _needs_teacher(recipe: Recipe) -> bool:
    return "$PSYCHE_LLM_URL" in recipe.model_dump_json()


def _fetch_model(uri: str, run: RunFolder) -> str:
    """Returns the model's directory; in a process of its own, which gives torch's memory back and keeps its output in a log."""
    with (run.logs / "model.log").open("w") as log:
        done = subprocess.run([sys.executable, "-m", "components.common.models", uri], stdout=subprocess.PIPE, stderr=log, text=True)
    if done.returncode:
        lines = (run.logs / "model.log").read_text(errors="replace").strip().splitlines() or ["no output"]
        raise UserError(lines[-1].removeprefix("error: "))
    return done.stdout.strip().splitlines()[-1]


def _stage_env(recipe: Recipe, run: RunFolder, keep_serving: bool) -> dict[str, str]:
    commit = subprocess.run(["git", "-C", str(PROJECT_ROOT), "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    return {
        "PSYCHE_RUN_ID": run.id,
        "PSYCHE_RUN_DIR": str(run.path),
        "PSYCHE_OWNER_PID": "0" if keep_serving else str(os.getpid()),
        "PSYCHE_RECIPE": recipe.name,
        "PSYCHE_RECIPE_HASH": recipe.fingerprint(),
        "PSYCHE_COMMIT": commit or code_hash(),
        "PSYCHE_VLLM_PYTHON": local.vllm_python(),
        "PYTHONPATH": f"{PROJECT_ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep),
        "PYTHONUNBUFFERED": "1",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
    }


def _forget_unfinished(run: RunFolder) -> None:
    """Removes marks of stages that did not finish: they will run again."""
    for name, summary in run.summaries().items():
        if summary["status"] != "done":
            (run.path / "stages" / f"{name}.json").unlink()
            (run.path / "progress" / f"{name}.json").unlink(missing_ok=True)


def _execute(run: RunFolder, env: dict[str, str]) -> None:
    """Runs kfp.local in a process of its own and shows progress until it ends."""
    process = spawn([sys.executable, "-m", "pipelines.kfp_local", str(run.path)], run.logs / "pipeline.log", env)
    out = terminal.console()
    try:
        if out.is_terminal:
            with Live(terminal.live_table(run), console=out, refresh_per_second=2) as live:
                while process.poll() is None:
                    time.sleep(0.5)
                    live.update(terminal.live_table(run))
        else:
            _wait_plainly(process, run, out)
    finally:
        stop(process.pid)
    if process.returncode:
        raise UserError(f"{terminal.failure(run)} Run the same command again to continue at this stage.")


def _wait_plainly(process: "subprocess.Popen[bytes]", run: RunFolder, out: Any) -> None:
    """Without a terminal (CI, a pipe): one line whenever a stage ends."""
    told = {name for name, s in run.summaries().items() if s["status"] == "done"}
    while process.poll() is None:
        time.sleep(0.5)
        for name, s in run.summaries().items():
            if name not in told and s["status"] != "running":
                told.add(name)
                out.print(f"  {name}: {s['status']}, {s['in']} in, {s['out']} out, {s['rejected']} rejected, {s['seconds']:.1f} s")


def _close_tracking(tracking_id: str, run: RunFolder) -> None:
    import mlflow

    client = mlflow.MlflowClient()
    status = {"done": "FINISHED"}.get(run.state()["status"], "FAILED")
    client.set_terminated(tracking_id, status)


def servers(run: RunFolder) -> list[dict[str, Any]]:
    """Returns the servers that the run's deployment started: name, pid, url."""
    return list(read_json(run.path / "servers.json").get("servers", []))


def stop_servers(run: RunFolder) -> None:
    """Stops what the deployment stage left running."""
    for server in servers(run):
        stop(int(server["pid"]))
    (run.path / "servers.json").unlink(missing_ok=True)


def _print_results(run: RunFolder, tracking_id: str, keep_serving: bool) -> None:
    out = terminal.console()
    out.print(terminal.closing_table(run))
    transcript = run.path / "transcript.json"
    if transcript.exists():
        said = json.loads(transcript.read_text(encoding="utf-8"))
        out.print(f"\n[bold]asked:[/]    {said['question']}\n[bold]answered:[/] {said['answer']}", markup=True)
    out.print(f"\nreport:     {run.path / 'report.html'}")
    out.print(f"MLflow run: {tracking_id} (open it: psyche ui)")
    if keep_serving:
        for server in servers(run):
            out.print(f"serving:    {server['name']} at {server['url']} (stop it: psyche stop)")
