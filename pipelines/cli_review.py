"""`psyche review`: human review of questions through Label Studio (paper, data curation step 3)."""

import secrets
import time
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Human review of questions through Label Studio (paper, data curation step 3).", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="folder with tasks.json and config.xml")]


@app.command()
def export(
    dataset: Annotated[Path, typer.Argument(help="output of the stage control")],
    folder: Folder = Path("review"),
    with_rejected: Annotated[bool, typer.Option("--with-rejected", help="also ask about what the LLM filter left out")] = False,
) -> None:
    """Write tasks and labelling config; LLM scores become pre-annotations."""
    from components.control.review import export_tasks

    typer.echo(f"{export_tasks(dataset, folder, with_rejected)} tasks in {folder}")


@app.command()
def serve(
    folder: Folder = Path("review"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="port on this machine")] = 8080,
    user: Annotated[str, typer.Option(help="e-mail address of the first reviewer")] = "reviewer@example.org",
    command: Annotated[str, typer.Option(help="the label-studio program, installed in an environment of its own")] = "label-studio",
) -> None:
    """Run Label Studio with the tasks until Ctrl-C."""
    from components.control.label_studio import serve as run_server

    password = secrets.token_urlsafe(9)
    with run_server(folder, port, user, password, secrets.token_hex(20), command) as server:
        typer.echo(f"Label Studio: {server.url}, user {user}, password {password}. Ctrl-C stops it.")
        while True:
            time.sleep(1)


@app.command(name="import")
def import_command(
    exported: Annotated[Path, typer.Argument(help="Label Studio's JSON export")],
    decisions: Annotated[Path, typer.Argument(help="file to write; a recipe names it in control.review_decisions")] = Path(
        "decisions.jsonl"
    ),
) -> None:
    """Turn reviewers' annotations into decisions and print how far they agree."""
    from components.control.review import import_decisions

    typer.echo(import_decisions(exported, decisions))
    typer.echo(f"decisions: {decisions}; use them with --set control.review_decisions={decisions}")
