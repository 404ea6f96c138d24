"""The objects that a deployment applies, rendered from the YAML templates beside this package."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.common.errors import UserError
from components.common.serving import reasoning_plugin
from components.deployment.registered import ModelVersion
from components.deployment.settings import CanarySettings, DeploymentSettings

TEMPLATES = Path(__file__).parents[1] / "templates"
DNS_LABEL = re.compile(r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")  # room for -v123 and KServe's -predictor in 63 characters

PLUGIN_FOLDER = "/plugins"
MODEL = "psyche-r1/model"  # label of every InferenceService of a model
VERSION, PREVIOUS_VERSION, PREVIOUS_SPEC = "psyche-r1/version", "psyche-r1/previous-version", "psyche-r1/previous-spec"


@dataclass(frozen=True)
class Served:
    """What an InferenceService serves or served: the version and the whole spec, so that a rollback restores both."""

    version: str
    spec: dict[str, Any]


def service_name(version: ModelVersion, settings: DeploymentSettings) -> str:
    """Returns the InferenceService of a version: one per version under a canary, one for all otherwise.

    Raises:
        UserError: The registered model's name cannot name Kubernetes objects.
    """
    if not DNS_LABEL.match(version.name):
        raise UserError(
            f"Model name {version.name!r} cannot name Kubernetes objects: set registry.name to 40 lower-case letters and digits at most."
        )
    return f"{version.name}-v{version.number}" if settings.kserve.canary else version.name


def inference_service(version: ModelVersion, settings: DeploymentSettings, namespace: str) -> dict[str, Any]:
    """Returns the InferenceService of a version."""
    if settings.kserve.scale.max_replicas > settings.kserve.scale.min_replicas and not settings.kserve.prometheus_url:
        raise UserError("kserve.scale asks for autoscaling, which reads Prometheus: set kserve.prometheus_url or equal replica bounds.")
    plugin = plugin_config(settings, namespace)
    return _render(
        "inferenceservice",
        name=service_name(version, settings),
        namespace=namespace,
        model=version.name,
        version=str(version),
        uri=version.uri,
        kserve=settings.kserve,
        scale=settings.kserve.scale,
        args=vllm_arguments(version.name, settings),
        plugin=plugin["metadata"]["name"] if plugin else "",
        plugin_folder=PLUGIN_FOLDER,
    )


def plugin_config(settings: DeploymentSettings, namespace: str) -> dict[str, Any] | None:
    """Returns the ConfigMap with the vLLM plugin that the reasoning parser needs; None where vLLM brings the parser along."""
    path = reasoning_plugin(settings.vllm.reasoning_parser)
    if path is None:
        return None
    content = path.read_text(encoding="utf-8")
    name = f"vllm-{path.stem.replace('_', '-')}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"
    return _render("configmap", name=name, namespace=namespace, file=path.name, content=content)


def with_previous(manifest: dict[str, Any], previous: Served | None) -> dict[str, Any]:
    """Returns the manifest with a note of what it replaces, which `previous_of` reads back."""
    if previous is None:
        return manifest
    notes = {PREVIOUS_VERSION: previous.version, PREVIOUS_SPEC: json.dumps(previous.spec, sort_keys=True)}
    metadata = manifest["metadata"]
    return {**manifest, "metadata": {**metadata, "annotations": {**metadata["annotations"], **notes}}}


def served_by(service: dict[str, Any]) -> Served:
    """Returns what an InferenceService serves."""
    notes = service["metadata"].get("annotations") or {}
    return Served(notes.get(VERSION, "a version that was not deployed by psyche"), service["spec"])


def previous_of(service: dict[str, Any]) -> Served | None:
    """Returns what an InferenceService served before, if a deployment noted it."""
    notes = service["metadata"].get("annotations") or {}
    return Served(notes[PREVIOUS_VERSION], json.loads(notes[PREVIOUS_SPEC])) if PREVIOUS_SPEC in notes else None


def restored(service: dict[str, Any], served: Served, note: Served | None) -> dict[str, Any]:
    """Returns the InferenceService as it serves `served` again, with `note` as what a rollback goes to from there."""
    metadata = {k: service["metadata"][k] for k in ("name", "namespace", "labels") if k in service["metadata"]}
    metadata["annotations"] = {"serving.kserve.io/deploymentMode": "Standard", VERSION: served.version}
    if "autoScaling" in served.spec["predictor"]:
        metadata["annotations"]["serving.kserve.io/autoscalerClass"] = "keda"
    return with_previous({"apiVersion": service["apiVersion"], "kind": service["kind"], "metadata": metadata, "spec": served.spec}, note)


def vllm_arguments(model: str, settings: DeploymentSettings) -> list[str]:
    """Returns what the recipe says about vLLM; the served name is the model's, so that it is the same in every version."""
    vllm = settings.vllm
    arguments = [
        f"--served-model-name={model}",
        f"--dtype={vllm.dtype}",
        f"--max-model-len={vllm.max_model_len}",
        f"--tensor-parallel-size={vllm.tensor_parallel_size}",
    ]
    if vllm.reasoning_parser:
        arguments.append(f"--reasoning-parser={vllm.reasoning_parser}")
        if plugin := reasoning_plugin(vllm.reasoning_parser):
            arguments.append(f"--reasoning-parser-plugin={PLUGIN_FOLDER}/{plugin.name}")
    if vllm.enforce_eager:
        arguments.append("--enforce-eager")
    return arguments + vllm.extra_args


def local_cache(version: ModelVersion, settings: DeploymentSettings, namespace: str) -> dict[str, Any] | None:
    """Returns the cache of a version's files on the nodes; None where the recipe asks for none."""
    if settings.kserve.local_cache is None:
        return None
    return _render(
        "localmodelcache",
        name=f"{version.name}-v{version.number}",
        namespace=namespace,
        uri=version.uri,
        cache=settings.kserve.local_cache,
        service_account=settings.kserve.service_account,
    )


def disruption_budget(name: str, namespace: str) -> dict[str, Any]:
    """Returns the PodDisruptionBudget of an InferenceService."""
    return _render("poddisruptionbudget", name=name, namespace=namespace)


@dataclass(frozen=True)
class Split:
    """How traffic is shared between InferenceServices of one model.

    Attributes:
        stable: The one that serves; "" before the first.
        candidate: The one on trial; "" when none is.
        previous: The one that served before: where a rollback goes.
        weight: Percent of traffic of the candidate.
    """

    stable: str
    candidate: str = ""
    previous: str = ""
    weight: int = 0

    @property
    def weights(self) -> dict[str, int]:
        """Percent of traffic per InferenceService."""
        if not self.stable:
            return {self.candidate: 100}
        return {self.stable: 100 - self.weight, self.candidate: self.weight} if self.candidate else {self.stable: 100}


def http_route(model: str, namespace: str, canary: CanarySettings, split: Split) -> dict[str, Any]:
    """Returns the HTTPRoute that shares a model's traffic."""
    return _render(
        "httproute", model=model, namespace=namespace, gateway=canary.gateway, hostname=canary.hostname, stable=split.stable,
        candidate=split.candidate, previous=split.previous, weights=split.weights,
    )  # fmt: skip


def read_split(route: dict[str, Any] | None) -> Split:
    """Reads back how an HTTPRoute of ours shares the traffic."""
    if route is None:
        return Split("")
    notes = route["metadata"].get("annotations") or {}
    candidate = notes.get("psyche-r1/candidate", "")
    weights = {
        ref["name"].removesuffix("-predictor"): ref.get("weight", 1) for rule in route["spec"]["rules"] for ref in rule["backendRefs"]
    }
    return Split(notes.get("psyche-r1/stable", ""), candidate, notes.get("psyche-r1/previous", ""), weights.get(candidate, 0))


def _render(template: str, **values: Any) -> dict[str, Any]:
    import yaml
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return dict(yaml.safe_load(environment.get_template(f"{template}.yaml.j2").render(**values)))
