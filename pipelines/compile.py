"""`psyche compile`: a recipe becomes a Pipeline and a PipelineVersion for `kubectl apply --server-side`.

A PipelineVersion's spec is immutable in KFP, so its name carries a hash of its content: a changed recipe is a new
version beside the old ones, an unchanged one compiles to the same bytes.
"""

import functools
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import yaml

from components.common.errors import UserError
from components.common.storage import PROJECT_ROOT
from pipelines.kfp_release import TTL, knows
from pipelines.pods import configure, llms
from pipelines.recipe import STAGES, Recipe

COMPILED = PROJECT_ROOT / "manifests" / "pipelines"
HASH_LENGTH = 10
MAX_BYTES = 1 << 20
SETTINGS_OF = {"baselines": "evaluation"}
HEADER = "# Made by `psyche compile {name}`; do not edit. Apply: kubectl apply --server-side -f {file}\n"


def compile_recipe(recipe: Recipe, path: Path | None = None) -> Path:
    """Compiles a recipe to custom resources.

    Args:
        recipe: The recipe.
        path: File to write; manifests/pipelines/NAME.yaml if None.

    Returns:
        The file written.

    Raises:
        UserError: The cluster section contradicts the stages, or the result is too large for the API server.
    """
    path = path or COMPILED / f"{recipe.name}.yaml"
    text = HEADER.format(name=recipe.name, file=path.name) + manifests(recipe)
    if len(text.encode()) > MAX_BYTES:
        raise UserError(
            f"{recipe.name} compiles to {len(text.encode())} bytes and the API server takes {MAX_BYTES}: shorten the recipe's lists."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def pipeline_name(recipe: Recipe) -> str:
    """Returns the name of a recipe's Pipeline resource."""
    return recipe.name if recipe.name.startswith("psyche") else f"psyche-{recipe.name}"


def manifests(recipe: Recipe) -> str:
    """Returns Pipeline and PipelineVersion of a recipe as YAML, the same bytes for the same recipe and code."""
    check_launchers(recipe)
    pipeline, version = _compile(cluster_pipeline(recipe), recipe)
    content = json.dumps([version["spec"]["pipelineSpec"], version["spec"].get("platformSpec")], sort_keys=True)
    name = f"{pipeline_name(recipe)}-{hashlib.sha256(content.encode()).hexdigest()[:HASH_LENGTH]}"
    version["metadata"]["name"] = version["spec"]["displayName"] = name
    for manifest in (pipeline, version):
        manifest["metadata"]["labels"] = {"app.kubernetes.io/part-of": "psyche-r1", "psyche-r1/recipe": recipe.name}
    return yaml.safe_dump_all([pipeline, version], sort_keys=True, width=140, allow_unicode=True)


def cluster_pipeline(recipe: Recipe) -> Any:
    """Returns the recipe's pipeline as a cluster runs it: a preflight step in front, and every task's pod configured."""
    from kfp import dsl
    from kfp.dsl.pipeline_context import Pipeline

    from components.preflight.component import preflight
    from pipelines.psyche_r1 import build_pipeline

    plain = build_pipeline(recipe)
    needs = preflight_settings(recipe)

    @functools.wraps(plain.pipeline_func)
    def configured(*args: Any, **kwargs: Any) -> None:
        check = preflight(settings=needs).set_caching_options(False)  # what was there yesterday may be gone
        plain.pipeline_func(*args, **kwargs)
        for task in Pipeline.get_default_pipeline().tasks.values():
            stage = task.component_spec.name
            settings = needs if task is check else recipe.settings(SETTINGS_OF.get(stage, stage))
            configure(task, stage, settings, recipe.cluster, (recipe.name, recipe.fingerprint()))
            if task is not check and not any(channel.task_name for channel in task.channel_inputs):
                task.after(check)

    keep = dsl.PipelineConfig(ttl_seconds_after_finished=recipe.cluster.keep_finished_s if knows(recipe.cluster.kfp, TTL) else None)
    spec = plain.component_spec
    return dsl.pipeline(name=pipeline_name(recipe), description=spec.description, pipeline_config=keep)(configured)


def preflight_settings(recipe: Recipe) -> dict[str, Any]:
    """Returns what the preflight step checks for a recipe."""
    found = {json.dumps(llm, sort_keys=True): llm for stage in STAGES for llm in llms(recipe.settings(stage))}
    launches = [getattr(recipe, stage).launch for stage in ("sft", "grpo")]
    trainjobs = [launch.trainjob for launch in launches if launch.launcher == "trainjob"]
    needs: dict[str, Any] = {
        "llms": [found[key] for key in sorted(found)],
        "trainjobs": bool(trainjobs),
        "training_runtimes": sorted({job.runtime for job in trainjobs if job.runtime_kind == "TrainingRuntime"}),
    }
    if recipe.deployment.target == "kserve":
        kserve = recipe.deployment.kserve
        needs["serving"] = {
            "runtime": kserve.runtime,
            "api_key_env": kserve.api_key_env,
            "canary": kserve.canary is not None,
            "local_cache": kserve.local_cache is not None,
        }
    return needs


def check_launchers(recipe: Recipe) -> None:
    """Refuses a recipe whose training starts more processes than its pod has GPUs.

    Raises:
        UserError: With the two numbers.
    """
    for stage in ("sft", "grpo"):
        launch = recipe.settings(stage).get("launch", {})
        processes, gpus = launch.get("processes_per_node", 1), recipe.cluster.pod(stage).gpus
        if launch.get("launcher") == "torchrun" and processes != max(gpus, 1):
            raise UserError(
                f"{recipe.name}: {stage}.launch.processes_per_node is {processes} "
                f"but cluster.stages.{stage}.gpus is {gpus}: make them equal."
            )


def _compile(pipeline: Any, recipe: Recipe) -> tuple[dict[str, Any], dict[str, Any]]:
    from kfp.compiler import Compiler
    from kfp.compiler.compiler_utils import KubernetesManifestOptions

    options = KubernetesManifestOptions(
        pipeline_name=pipeline_name(recipe), namespace=recipe.cluster.namespace, include_pipeline_manifest=True
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        Compiler().compile(pipeline, str(path), kubernetes_manifest_options=options, kubernetes_manifest_format=True)
        first, second = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    return first, second
