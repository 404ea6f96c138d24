"""The commands of `psyche` that concern a cluster: compile, plan, doctor, status, logs, cancel, rollback."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

RecipeName = Annotated[str, typer.Argument(help="a shipped recipe's name, or a YAML file")]
Overrides = Annotated[list[str], typer.Option("--set", metavar="KEY=VALUE", help="override a value of the recipe")]
RunName = Annotated[str, typer.Argument(help="the run's id, or its name")]
Namespace = Annotated[
    str, typer.Option("--namespace", "-n", help="namespace of the run; needed only to find one by name in multi-user Kubeflow")
]
NO_OVERRIDES: list[str] = []


@app.command(name="compile")
def compile_command(
    recipe: RecipeName,
    overrides: Overrides = NO_OVERRIDES,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="file to write; default: manifests/pipelines/NAME.yaml")] = None,
) -> None:
    """Compile a recipe to custom resources for `kubectl apply --server-side`."""
    from pipelines.compile import compile_recipe
    from pipelines.recipe import load_recipe

    typer.echo(compile_recipe(load_recipe(recipe, list(overrides)), output))


@app.command()
def status(run: RunName, namespace: Namespace = "") -> None:
    """Show the stages of a run in the cluster."""
    from pipelines.cluster import status as read_status
    from pipelines.run_status import stage_line

    found = read_status(run, namespace)
    typer.echo(f"{found.name} ({found.id}): {found.state.lower()}" + (f", {found.link}" if found.link else ""))
    for stage in found.stages:
        typer.echo(stage_line(stage))


@app.command()
def logs(
    run: RunName,
    stage: Annotated[str, typer.Argument(help="name of the stage")],
    namespace: Namespace = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on while the stage runs")] = False,
) -> None:
    """Print the log of a stage of a run in the cluster."""
    from pipelines.cluster import logs as read_logs

    for line in read_logs(run, stage, namespace, follow):
        typer.echo(line)


@app.command()
def cancel(run: RunName, namespace: Namespace = "") -> None:
    """End a run in the cluster."""
    from pipelines.cluster import cancel as cancel_run

    found = cancel_run(run, namespace)
    typer.echo(f"{found.name} is being cancelled; psyche status {found.id} shows when it has ended")


@app.command()
def plan(recipe: RecipeName, overrides: Overrides = NO_OVERRIDES) -> None:
    """Estimate memory, steps and time of a recipe's training, before anything starts."""
    from components.common.errors import UserError
    from components.grpo.plan import plan_grpo
    from components.sft.plan import plan_sft
    from pipelines.recipe import load_recipe

    loaded = load_recipe(recipe, list(overrides))
    plans = {"sft": plan_sft(loaded.sft, loaded.base_model), "grpo": plan_grpo(loaded.grpo, loaded.base_model)}
    for stage, found in plans.items():
        typer.echo(stage)
        for label, value in found.rows():
            typer.echo(f"  {label:<24} {value}")
    misfits = [f"{stage}: {p.fix}" for stage, p in plans.items() if not p.fits]
    if misfits:
        raise UserError(f"{loaded.name} does not fit. {'; '.join(misfits)}")


@app.command()
def doctor(
    recipe: Annotated[str, typer.Option("--recipe", help="check what this recipe needs")] = "",
    overrides: Overrides = NO_OVERRIDES,
    pull: Annotated[bool, typer.Option("--pull", help="start a short-lived pod per image to see whether it can be pulled")] = False,
) -> None:
    """Check a cluster: APIs, permissions, Secrets, S3, MLflow, KFP, LLM endpoints, GPUs, storage."""
    from components.common.errors import UserError
    from pipelines.doctor import doctor as diagnose
    from pipelines.recipe import load_recipe

    if overrides and not recipe:
        raise UserError("--set changes a recipe: name it with --recipe.")
    if not diagnose(load_recipe(recipe, list(overrides)) if recipe else None, pull, typer.echo):
        raise typer.Exit(1)


@app.command()
def rollback(recipe: RecipeName, overrides: Overrides = NO_OVERRIDES) -> None:
    """Give the traffic back to the version that served before, in the namespace deployment.kserve.namespace or PSYCHE_NAMESPACE."""
    from components.common.errors import UserError
    from components.deployment.kserve.rollout import rollback as roll_back
    from pipelines.recipe import load_recipe

    loaded = load_recipe(recipe, list(overrides))
    if loaded.deployment.target == "local":
        raise UserError(
            f"{loaded.name} is served on this machine, where no traffic can be given back: psyche serve NAME/VERSION serves any version; "
            "for a cluster add --set deployment.target=kserve."
        )
    typer.echo(f"serving {roll_back(loaded.registry.name, loaded.deployment)} again")
