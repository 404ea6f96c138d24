"""Strict validation of Kubernetes objects: unknown fields are refused, for built-in kinds and for custom resources.

Built-in kinds come from the package kubernetes-validate. Custom resources are checked against the openAPIV3Schema of
CRDs found in PSYCHE_CRDS (a folder of CRD files, any depth; default ../shared/crds beside the repository).
"""

import copy
import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

REPOSITORY = Path(__file__).parents[2]
CRDS = Path(os.environ.get("PSYCHE_CRDS") or REPOSITORY.parent / "shared" / "crds")
BUILT_IN = re.compile(r"^(v1|(apps|batch|policy|autoscaling)/v\d+|[a-z.]+\.k8s\.io/v\d+)$")
KUBERNETES_VERSIONS = ("1.31", "1.37")


class UnknownKindError(Exception):
    """There is no schema of this kind at hand, so nothing can be said."""


def problems(manifest: dict[str, Any]) -> list[str]:
    """Returns what is wrong with one object, as sentences; none if it is valid.

    Raises:
        UnknownKindError: No schema of this kind is at hand.
    """
    return list(_problems(json.dumps(manifest, sort_keys=True, default=str)))


@cache  # every kustomization repeats the base
def _problems(text: str) -> tuple[str, ...]:
    manifest = json.loads(text)
    return tuple(_built_in_problems(manifest) if _is_built_in(manifest["apiVersion"]) else _custom_problems(manifest))


def _built_in_problems(manifest: dict[str, Any]) -> list[str]:
    found = []
    for version in KUBERNETES_VERSIONS:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            found.append(f"Kubernetes {version}: {_where(error)}: {error.message[:300]}")
        except kubernetes_validate.SchemaNotFoundError as error:
            found.append(f"Kubernetes {version}: {error.message}")
    return found


def _is_built_in(api_version: str) -> bool:
    return bool(BUILT_IN.match(api_version)) and not api_version.startswith(("gateway.networking.k8s.io", "kueue.x-k8s.io"))


def _custom_problems(manifest: dict[str, Any]) -> list[str]:
    schema = crd_schema(manifest["apiVersion"], manifest["kind"])
    errors = jsonschema.Draft202012Validator(schema).iter_errors(manifest)
    found = [f"{_where(e)}: {e.message[:300]}" for e in errors]
    # CRDs leave `metadata` to the API server; a ConfigMap carries the same object, so its strict schema serves.
    probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": manifest["metadata"]}
    return found + problems(probe)


@cache
def crd_schema(api_version: str, kind: str) -> dict[str, Any]:
    """Returns the strict JSON schema of a custom resource.

    Raises:
        UnknownKindError: No CRD file defines it.
    """
    group, _, version = api_version.partition("/")
    path = _crd_files().get((group, kind))
    if path is None:
        raise UnknownKindError(f"no CRD of {api_version} {kind} below {CRDS}")
    crd = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    served = {v["name"]: v["schema"]["openAPIV3Schema"] for v in crd["spec"]["versions"] if v["served"]}
    if version not in served:
        raise UnknownKindError(f"{path.name} serves {', '.join(served)}, not {version}")
    schema = _strict(copy.deepcopy(served[version]))
    schema["properties"]["metadata"] = {"type": "object"}
    return schema


def crd_scope(api_version: str, kind: str) -> str | None:
    """Returns Namespaced or Cluster; None if no CRD file defines the kind."""
    path = _crd_files().get((api_version.partition("/")[0], kind))
    found = path and re.search(r"^  scope: (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else None


@cache
def _crd_files() -> dict[tuple[str, str], Path]:
    """Indexes the CRD files by group and kind without parsing megabytes of YAML."""
    index = {}
    for path in CRDS.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        group = re.search(r"^  group: (\S+)$", text, re.MULTILINE)
        kind = re.search(r"^    kind: (\S+)$", text, re.MULTILINE)
        if group and kind:
            index[group.group(1), kind.group(1)] = path
    return index


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Closes every object, as the API server's strict field validation does: what is not declared is an error."""
    for key in ("properties", "patternProperties"):
        for name, inner in schema.get(key, {}).items():
            schema[key][name] = _strict(inner)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            schema[key] = _strict(schema[key])
    if schema.get("x-kubernetes-embedded-resource"):
        for name in ("apiVersion", "kind", "metadata"):
            schema.setdefault("properties", {}).setdefault(name, {})
    is_open = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if schema.get("type") == "object" and not is_open:
        schema["additionalProperties"] = False
    if schema.get("nullable") and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    return schema


def _where(error: jsonschema.ValidationError) -> str:
    return ".".join(str(x) for x in error.absolute_path) or "(top level)"
