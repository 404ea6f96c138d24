"""The `psyche` command. An error is one sentence and exit code 1 (2: a wrong command line); `--debug` anywhere shows the traceback."""

import contextlib
import errno
import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer.exceptions import TyperException

from components.common.errors import UserError
from pipelines import cli_cluster, cli_review
from pipelines.cli_cluster import NO_OVERRIDES, Overrides, RecipeName

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help=__doc__)
app.add_typer(cli_cluster.app)
app.add_typer(cli_review.app, name="review")

# What to do about a failure of the file system, wherever it comes from.
HINTS = {
    errno.ENOSPC: "free some space or set PSYCHE_HOME and --runs elsewhere",
    errno.EEXIST: "name a folder, not a file",
    errno.ENOTDIR: "name a folder, not a file",
    errno.EISDIR: "name a file, not a folder",
    errno.EACCES: "change its permissions, or name another one",
    errno.EROFS: "name another one with --runs or PSYCHE_HOME",
}

Runs = Annotated[Path, typer.Option("--runs", help="folder of runs and of the embedded platform's data")]


@app.command()
def run(
    recipe: RecipeName,
    overrides: Overrides = NO_OVERRIDES,
    runs: Runs = Path("runs"),
    fresh: Annotated[bool, typer.Option("--fresh", help="start anew instead of continuing an unfinished run")] = False,
    keep_serving: Annotated[bool, typer.Option("--keep-serving", help="leave the final endpoint up")] = False,
    cluster: Annotated[
        bool, typer.Option("--cluster", help="apply the pipeline to the cluster of your kubeconfig and run it there")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say how many LLM calls, tokens and money it may cost, and stop")] = False,
) -> None:
    """Run a recipe's whole pipeline, on this machine or in a cluster."""
    from pipelines.recipe import load_recipe

    if dry_run:
        from pipelines import estimate, terminal

        terminal.console().print(estimate.table(load_recipe(recipe, list(overrides))))
        return
    if cluster:
        if fresh or keep_serving:
            raise UserError("--fresh and --keep-serving concern a run on this machine: leave them out with --cluster.")
        from pipelines.cluster import run_on_cluster

        run_on_cluster(load_recipe(recipe, list(overrides)))
        return
    from pipelines.run_local import run_recipe

    loaded = load_recipe(recipe, [*overrides, "deployment.target=local"])
    run_recipe(loaded, runs, fresh, keep_serving)


@app.command()
def stop(runs: Runs = Path("runs")) -> None:
    """Stop what `psyche run --keep-serving` left up."""
    from pipelines.run_local import servers, stop_servers
    from pipelines.run_state import all_runs

    serving = [run for run in all_runs(runs) if servers(run)]
    if not serving:
        raise UserError(f"Nothing of a run in {runs} is being served: name another folder with --runs.")
    for one in serving:
        stop_servers(one)
    typer.echo("stopped")


@app.command()
def ui(runs: Runs = Path("runs")) -> None:
    """Open the embedded MLflow and S3 servers until Ctrl-C."""
    from pipelines import local

    with local.locked(runs), local.platform(runs, runs / "platform" / "logs") as platform:
        typer.echo(f"MLflow: {platform.mlflow.url}\nS3:     {platform.s3.url}\nCtrl-C stops them.")
        with contextlib.suppress(KeyboardInterrupt):  # the way to stop it is no failure
            while True:
                time.sleep(1)


@app.command()
def serve(
    model: Annotated[str, typer.Argument(help="a registered version (name/3, name@champion) or a model directory or URI")],
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="the endpoint's port; a free one if not given")] = None,
    max_model_len: Annotated[int, typer.Option(min=1, help="most tokens of a conversation")] = 4096,
    expose_reasoning: Annotated[bool, typer.Option("--expose-reasoning", help="let think blocks through the guard")] = False,
    runs: Runs = Path("runs"),
) -> None:
    """Serve a model behind the crisis guard until Ctrl-C."""
    from pipelines.serve import serve_model

    serve_model(model, port, runs, max_model_len, expose_reasoning)


@app.command()
def chat(
    question: Annotated[str | None, typer.Argument(help="ask this, print the answer and leave")] = None,
    url: Annotated[str, typer.Option(help="endpoint ending in /v1; default: the one that is up on this machine")] = "",
    model: Annotated[str, typer.Option(help="served name; default: the endpoint's first")] = "",
    system: Annotated[str, typer.Option(help="system prompt")] = "",
    prefix: Annotated[bool, typer.Option("--prefix", help="ask for think tags in front of every turn (paper, section 4)")] = False,
    language: Annotated[Literal["zh", "en"], typer.Option(help="language of that prefix")] = "zh",
    max_tokens: Annotated[int, typer.Option(min=1, help="most tokens of a reply")] = 2048,
    show_reasoning: Annotated[bool, typer.Option("--show-reasoning", help="show the reasoning instead of folding it")] = False,
    runs: Runs = Path("runs"),
) -> None:
    """Talk to a served model."""
    from pipelines.chat import ask, converse, open_conversation, screen

    if question is not None and not question.strip():
        raise UserError("The question is empty: write one, or leave it out to open the conversation.")
    talk = open_conversation(url, model, runs)
    talk.system, talk.prefix, talk.language, talk.max_tokens = system, prefix, language, max_tokens
    if question:
        ask(talk, question, screen(show_reasoning))
    else:
        converse(talk, screen(show_reasoning))


@app.command()
def docs() -> None:
    """Write docs/recipe.md and docs/components.md from the code."""
    from pipelines.docs import write_docs

    for path in write_docs():
        typer.echo(path)


def bypass_proxies() -> None:
    """Lets this process and its children reach the servers of this machine where the environment names a proxy."""
    for name in ("no_proxy", "NO_PROXY"):  # programs differ in which one they read
        listed = os.environ.get(name) or os.environ.get(name.swapcase(), "")
        hosts = [host.strip() for host in listed.split(",") if host.strip()]
        if "*" not in hosts:
            os.environ[name] = ",".join(dict.fromkeys([*hosts, "127.0.0.1", "localhost"]))


def main() -> None:
    """Entry point: turns every error into one sentence, unless `--debug` is given."""
    debug = "--debug" in sys.argv
    sys.argv = [a for a in sys.argv if a != "--debug"]
    bypass_proxies()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell hands it down ignored
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    try:
        code = app(standalone_mode=False)
        if code == 130:  # typer catches Ctrl-C and returns the shell's code for it
            raise KeyboardInterrupt
        if code:
            sys.exit(code)
    except KeyboardInterrupt:
        print("\ninterrupted: what it had started on this machine was stopped; run the same command again to continue.", file=sys.stderr)
        sys.exit(130)
    except UserError as error:
        if debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except TyperException as error:  # a wrong command line; without a message: typer has shown the help
        if message := error.format_message():
            print(f"error: {message.rstrip('.')}: see psyche --help.", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        if debug:
            raise
        hint = HINTS.get(error.errno or 0, "run with --debug for details")
        print(f"error: {error.strerror or error} ({error.filename or os.getcwd()}): {hint}.", file=sys.stderr)
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        print(f"error: {type(error).__name__}: {error}. Run with --debug for the traceback.", file=sys.stderr)
        sys.exit(1)
