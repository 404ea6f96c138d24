"""The pods that KFP makes for a task: image, resources, environment, volumes, all set on the KFP task object."""

import re
from typing import Any

from kfp import kubernetes
from kfp.dsl import PipelineTask

from pipelines.cluster_settings import ClusterSettings, PodSettings
from pipelines.kfp_release import OPTIONAL_ENV, SECURITY_CONTEXT, knows

ADDRESSES = ("AWS_ENDPOINT_URL", "AWS_REGION", "MLFLOW_S3_ENDPOINT_URL", "PSYCHE_MODEL_STORE", "PSYCHE_NAMESPACE")
# Optional: KFP's MLflow plugin, where it is on, sets the first itself; without the second a retried pod pays for its LLM calls again.
OPTIONAL = ("MLFLOW_TRACKING_URI", "PSYCHE_CHECKPOINT_URI")
S3_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
MLFLOW_KEYS = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
HUB_KEYS = ("HF_TOKEN",)
RECIPE_HASH = "psyche-r1/recipe-hash"
CALLS_LLM = "psyche-r1/calls-llm"
RUN_ID_LABEL = "pipeline/runid"
CACHE = "/cache"


def configure(task: PipelineTask, stage: str, settings: dict[str, Any], cluster: ClusterSettings, recipe: tuple[str, str]) -> None:
    """Applies the recipe's cluster section to one task.

    Args:
        task: The task, before its pipeline is final.
        stage: Its stage's name.
        settings: The stage's settings; API keys and `$VARIABLES` in it become environment variables.
        cluster: The recipe's cluster section.
        recipe: Name and fingerprint of the recipe.
    """
    pod = cluster.pod(stage)
    image = cluster.images.reference(image_name(task.container_spec.image))
    task.set_container_image(image)
    _set_resources(task, pod)
    _set_environment(task, settings, cluster)
    _set_identity(task, image, recipe)
    kubernetes.empty_dir_mount(task, "cache", CACHE, size_limit=pod.cache_size)
    if pod.shared_memory:
        kubernetes.empty_dir_mount(task, "shared-memory", "/dev/shm", medium="Memory", size_limit=pod.shared_memory)
    if knows(cluster.kfp, SECURITY_CONTEXT):
        # KFP itself drops all capabilities, forbids privilege escalation and sets the seccomp profile.
        kubernetes.set_security_context(task, run_as_non_root=True)
    kubernetes.set_timeout(task, pod.timeout_s)
    if cluster.images.pull_secrets:
        kubernetes.set_image_pull_secrets(task, cluster.images.pull_secrets)
    if pod.retries:
        task.set_retry(pod.retries, backoff_duration="60s", backoff_factor=2, backoff_max_duration="1800s")
    if not pod.reuse_results:
        task.set_caching_options(False)
    elif pod.cache_key:
        task.set_caching_options(True, cache_key=f"{pod.cache_key}-{task.name}")  # a stage may be several tasks


def image_name(reference: str) -> str:
    """Returns the last part of an image reference.

    >>> image_name("registry.example:5000/team/pipeline:1.2")
    'pipeline'
    """
    return reference.rpartition("/")[2].partition("@")[0].partition(":")[0]


def _set_resources(task: PipelineTask, pod: PodSettings) -> None:
    task.set_cpu_request(pod.cpu).set_memory_request(pod.memory).set_memory_limit(pod.memory)
    if pod.gpus:
        task.set_accelerator_type(pod.accelerator).set_accelerator_limit(pod.gpus)
    for key, value in sorted(pod.node_selector.items()):
        kubernetes.add_node_selector(task, key, value)
    for toleration in pod.tolerations:
        kubernetes.add_toleration(task, **toleration.model_dump())


def _set_environment(task: PipelineTask, settings: dict[str, Any], cluster: ClusterSettings) -> None:
    addresses = sorted({*ADDRESSES, *variables(settings)} - {*OPTIONAL})
    kubernetes.use_config_map_as_env(task, cluster.config_map, _same(addresses))
    kubernetes.use_config_map_as_env(task, cluster.config_map, _same(OPTIONAL), optional=True)
    kubernetes.use_secret_as_env(task, cluster.secrets.s3, _same(S3_KEYS))
    kubernetes.use_secret_as_env(task, cluster.secrets.mlflow, _same(MLFLOW_KEYS), optional=True)
    kubernetes.use_secret_as_env(task, cluster.secrets.hub, _same(HUB_KEYS), optional=True)
    if llms(settings):
        kubernetes.add_pod_label(task, CALLS_LLM, "true")  # what components/keda wakes the teachers by
    keys = api_keys(settings)
    if keys:
        kubernetes.use_secret_as_env(task, cluster.secrets.llm, _same(keys))
    if not knows(cluster.kfp, OPTIONAL_ENV):
        platform = task.platform_config["kubernetes"]
        for source in platform["configMapAsEnv"] + platform["secretAsEnv"]:
            source.pop("optional", None)  # kfp-kubernetes always writes it


def _set_identity(task: PipelineTask, image: str, recipe: tuple[str, str]) -> None:
    name, fingerprint = recipe
    # HOME: the image runs under any uid, and only the scratch disk is sure to be writable.
    for key, value in {"HOME": CACHE, "PSYCHE_HOME": CACHE, "PSYCHE_IMAGE": image, "PSYCHE_RECIPE": name}.items():
        task.set_env_variable(key, value)
    kubernetes.use_field_path_as_env(task, "PSYCHE_RUN_ID", f"metadata.labels['{RUN_ID_LABEL}']")
    # As an annotation and not a plain variable: those are part of KFP's cache key, and any change would redo every stage.
    kubernetes.add_pod_annotation(task, RECIPE_HASH, fingerprint)
    kubernetes.use_field_path_as_env(task, "PSYCHE_RECIPE_HASH", f"metadata.annotations['{RECIPE_HASH}']")


def llms(value: Any) -> list[dict[str, Any]]:
    """Returns every LLM section in a stage's settings, however deep."""
    if isinstance(value, dict):
        inner = [found for item in value.values() for found in llms(item)]
        return [value, *inner] if "base_urls" in value and "model" in value else inner
    if isinstance(value, list):
        return [found for item in value for found in llms(item)]
    return []


def api_keys(value: Any) -> list[str]:
    """Returns the environment variables that hold the keys of LLMs and of our own endpoint, wherever the settings name one."""
    if isinstance(value, dict):
        own = {value["api_key_env"]} if value.get("api_key_env") else set()
        return sorted(own.union(*(api_keys(item) for item in value.values())))
    if isinstance(value, list):
        return sorted({key for item in value for key in api_keys(item)})
    return []


def variables(value: Any) -> set[str]:
    """Returns the names of the `$VARIABLES` that the LLM sections of a stage's settings use."""
    texts = [text for llm in llms(value) for text in (llm["model"], *llm["base_urls"])]
    return {name for text in texts for name in re.findall(r"\$\{?([A-Z][A-Z0-9_]*)\}?", text)}


def _same(keys: Any) -> dict[str, str]:
    return {key: key for key in keys}
