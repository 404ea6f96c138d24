"""`psyche run RECIPE`: the whole DAG on this machine, with the embedded platform around it."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.live import Live
from rich.markup import escape

from components.common import tracking
from components.common.errors import UserError
from components.common.fetch import REMOTE
from components.common.models import local_model
from components.common.processes import spawn, stop, stop_recorded, wrapped
from components.common.serving import VLLMSettings
from components.common.storage import PROJECT_ROOT, cache_dir, split_s3
from components.ingest.fetch import fetch
from pipelines import local, terminal
from pipelines.recipe import STAGES, Recipe
from pipelines.run_state import RunFolder, code_hash, open_run, read_json

# The embedded teacher: eager mode, because compiling takes longer than a demo's whole generation; JSON without spaces, because a
# small model otherwise spends every tenth token on them.
LOCAL_VLLM = VLLMSettings(
    enforce_eager=True,
    max_model_len=4096,
    extra_args=["--structured-outputs-config", '{"backend": "xgrammar", "disable_any_whitespace": true}'],
)


def run_recipe(recipe: Recipe, runs: Path, fresh: bool = False, keep_serving: bool = False) -> RunFolder:
    """Runs a recipe here, continuing its last unfinished run; returns the run's folder.

    Raises:
        UserError: Something is missing that a run needs, or a stage failed; the sentence is the stage's own.
    """
    runs = runs.resolve()
    check_local_sources(recipe)
    local.vllm_python()
    if _on_a_store_elsewhere(recipe.base_model):
        local_model(recipe.base_model)  # now: the embedded S3 server takes that store's place in the environment
    with local.locked(runs):
        local.check_disk(cache_dir("."), "set PSYCHE_HOME to a folder elsewhere")
        run, continued = open_run(runs, recipe, fresh)
        out = terminal.console()
        out.print(f"{'continuing' if continued else 'starting'} run [bold]{run.id}[/] (logs: {run.logs})", soft_wrap=True)
        _forget_unfinished(run)
        run.logs.mkdir(exist_ok=True)
        taught = _taught_stages(recipe) - _done(run)
        out.print("starting the platform: S3 (SeaweedFS), MLflow" + (", teacher LLM (vLLM)" if taught else ""))
        os.environ |= {"MLFLOW_LOGGING_LEVEL": "WARNING", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}
        with local.platform(runs, run.logs) as platform:
            env = {**os.environ, **platform.env, **_stage_env(recipe, run, keep_serving)}
            os.environ.update(env)
            tracking_id = tracking.parent_run_id()
            try:
                with contextlib.ExitStack() as stack:
                    if taught:
                        env["PSYCHE_LLM_URL"] = stack.enter_context(local.teacher(_fetch_model(recipe.base_model, run), LOCAL_VLLM))

                    def watch() -> None:
                        local.check_space_left(run.path)
                        platform.check()
                        if taught <= _done(run):  # leaves its memory to training
                            stack.close()

                    _execute(run, env, watch)
                run.set_state(status="done", mlflow_run_id=tracking_id)
            except BaseException:
                with contextlib.suppress(OSError):  # a full disk: a run that is only "started" is continued just as well
                    run.set_state(status="failed")
                raise
            finally:
                _close_tracking(tracking_id, run)
                if not (keep_serving and run.state()["status"] == "done"):
                    stop_servers(run)
    _print_results(run, tracking_id, keep_serving)
    return run


def check_local_sources(recipe: Recipe) -> None:
    """Looks for the files on this machine before anything is started; what is remote, the stage `ingest` fetches.

    Raises:
        UserError: A source does not exist, holds nothing that can be read, or is on a store that no stage will reach.
    """
    for uri in [*(s.uri for s in recipe.ingest.sources), *(s.uri for s in recipe.suites)]:
        if _on_a_store_elsewhere(uri):
            raise UserError(f"{uri}: a run on this machine reads its own S3 server only: download it and name the folder.")
    for source in recipe.ingest.sources:
        if not source.uri.startswith(REMOTE):
            fetch(source.uri)


def _on_a_store_elsewhere(uri: str) -> bool:
    return uri.startswith("s3://") and split_s3(uri)[0] != local.BUCKET


def _taught_stages(recipe: Recipe) -> set[str]:
    """Returns the stages that call the embedded LLM, by the names under which they report."""
    stages = {stage for stage in STAGES if "$PSYCHE_LLM_URL" in json.dumps(recipe.settings(stage))}
    if "evaluation" in stages:  # as judge or baseline
        names = ("base", "sft", "final", *(llm.name for llm in recipe.evaluation.baselines))
        stages = stages - {"evaluation"} | {f"evaluation-{name}" for name in names}
    return stages


def _done(run: RunFolder) -> set[str]:
    return {name for name, summary in run.summaries().items() if summary["status"] == "done"}


def _fetch_model(uri: str, run: RunFolder) -> str:
    """Returns the model's directory; in a process of its own, which gives torch's memory back and keeps its output in a log."""
    command = wrapped([sys.executable, "-m", "components.common.models", uri])
    with (run.logs / "model.log").open("w") as log:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
    if done.returncode:
        lines = (run.logs / "model.log").read_text(errors="replace").strip().splitlines() or ["no output"]
        raise UserError(lines[-1].removeprefix("error: "))
    return done.stdout.strip().splitlines()[-1]


def _stage_env(recipe: Recipe, run: RunFolder, keep_serving: bool) -> dict[str, str]:
    return {
        "PSYCHE_RUN_ID": run.id,
        "PSYCHE_RUN_DIR": str(run.path),
        "PSYCHE_OWNER_PID": "0" if keep_serving else str(os.getpid()),
        "PSYCHE_RECIPE": recipe.name,
        "PSYCHE_RECIPE_HASH": recipe.fingerprint(),
        "PSYCHE_COMMIT": _commit() or code_hash(),
        "PSYCHE_VLLM_PYTHON": local.vllm_python(),
        "PYTHONPATH": f"{PROJECT_ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep),
        "PYTHONUNBUFFERED": "1",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
    }


def _commit() -> str:
    """Returns the commit of this clone; "" without git, or where the project was unpacked from an archive."""
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run(["git", "-C", str(PROJECT_ROOT), "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    return ""


def _forget_unfinished(run: RunFolder) -> None:
    """Removes marks of stages that did not finish: they will run again."""
    for name, summary in run.summaries().items():
        if summary["status"] != "done":
            (run.path / "stages" / f"{name}.json").unlink()
            (run.path / "progress" / f"{name}.json").unlink(missing_ok=True)


def _execute(run: RunFolder, env: dict[str, str], meanwhile: Callable[[], None]) -> None:
    """Runs kfp.local in a process of its own; shows progress and calls `meanwhile` twice a second until it ends."""
    process = spawn([sys.executable, "-m", "pipelines.kfp_local", str(run.path)], run.logs / "pipeline.log", env)
    out = terminal.console()
    try:
        if out.is_terminal:
            with Live(terminal.live_table(run), console=out, refresh_per_second=2) as live:
                while process.poll() is None:
                    time.sleep(0.5)
                    live.update(terminal.live_table(run))
                    meanwhile()
        else:
            _wait_plainly(process, run, out, meanwhile)
    finally:
        stop(process.pid)
    if process.returncode:
        raise UserError(f"{terminal.failure(run)} Run the same command again to continue at this stage.")


def _wait_plainly(process: "subprocess.Popen[bytes]", run: RunFolder, out: Any, meanwhile: Callable[[], None]) -> None:
    """Without a terminal (CI, a pipe): one line whenever a stage ends."""
    told = _done(run)
    while process.poll() is None:
        time.sleep(0.5)
        for name, s in run.summaries().items():
            if name not in told and s["status"] != "running":
                told.add(name)
                out.print(f"  {name}: {s['status']}, {terminal.counts(s)}, {s['seconds']:.1f} s")
        meanwhile()


def _close_tracking(tracking_id: str, run: RunFolder) -> None:
    import mlflow
    from mlflow.exceptions import MlflowException

    done = run.state()["status"] == "done"
    try:
        mlflow.MlflowClient().set_terminated(tracking_id, "FINISHED" if done else "FAILED")
    except MlflowException:
        if done:  # else: what ended the run, a full disk for instance, may have ended MLflow too, and is the error to report
            raise


def servers(run: RunFolder) -> list[dict[str, Any]]:
    """Returns the servers that the run's deployment started: name, pid, url."""
    return list(read_json(run.path / "servers.json").get("servers", []))


def stop_servers(run: RunFolder) -> None:
    """Stops what the deployment stage left running."""
    for server in servers(run):
        stop_recorded(int(server["pid"]))
    (run.path / "servers.json").unlink(missing_ok=True)


def _print_results(run: RunFolder, tracking_id: str, keep_serving: bool) -> None:
    out = terminal.console()
    out.print(terminal.closing_table(run))
    transcript = run.path / "transcript.json"
    if transcript.exists():
        said = json.loads(transcript.read_text(encoding="utf-8"))
        out.print(f"\n[bold]asked:[/]    {said['question']}\n[bold]answered:[/] {escape(said['answer'])}")
    out.print(f"\nreport:     {run.path / 'report.html'}", soft_wrap=True)
    out.print(f"MLflow run: {tracking_id} (open it: psyche ui)")
    if keep_serving:
        for server in servers(run):
            out.print(f"serving:    {server['name']} at {server['url']} (stop it: psyche stop)", soft_wrap=True)
