"""Checks that an object is there which a run refers to by name."""

from collections.abc import Callable
from typing import Any

from components.preflight.findings import Finding
from components.preflight.permissions import Kind


def check_exists(read: Callable[[str, str], Any], kind: str, name: str, namespace: str, fix: str) -> Finding:
    """Reads an object.

    Args:
        read: Takes name and namespace; a method of a kubernetes client.
        kind: For the sentence.
        name: Of the object.
        namespace: Of the object.
        fix: What to do if it is missing.
    """
    from kubernetes.client import ApiException

    what = f"{kind} {namespace}/{name}"
    try:
        read(name, namespace)
    except ApiException as error:
        if error.status != 404:
            raise
        return Finding("error", what, f"is missing: {fix}.")
    return Finding("ok", what, "is there")


def check_runtime(api: Any, kind: Kind, name: str, namespace: str) -> Finding:
    """Looks for a ServingRuntime or TrainingRuntime that the recipe names."""
    from kubernetes import client

    def read(name: str, namespace: str) -> Any:
        return client.CustomObjectsApi(api).get_namespaced_custom_object(kind.group, kind.versions[0], namespace, kind.plural, name)

    return check_exists(read, kind.plural.removesuffix("s"), name, namespace, "apply manifests/base")
