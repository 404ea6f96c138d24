"""Checks of the Kubernetes API: which kinds it serves, and what the caller may do."""

from dataclasses import dataclass
from typing import Any

from components.preflight.findings import Finding
from components.preflight.settings import PreflightSettings


@dataclass(frozen=True)
class Kind:
    """A resource that a run uses; any one of `versions` will do."""

    group: str
    plural: str
    versions: tuple[str, ...]
    provider: str


PIPELINE = Kind(
    "pipelines.kubeflow.org", "pipelines", ("v2beta1",), "Kubeflow Pipelines 2.14 or later with --pipelinesStoreKubernetes=true"
)
PIPELINE_VERSION = Kind("pipelines.kubeflow.org", "pipelineversions", ("v2beta1",), PIPELINE.provider)
INFERENCE_SERVICE = Kind("serving.kserve.io", "inferenceservices", ("v1beta1",), "KServe 0.16 or later")
SERVING_RUNTIME = Kind("serving.kserve.io", "servingruntimes", ("v1alpha1",), "KServe 0.16 or later")
STORAGE_CONTAINER = Kind("serving.kserve.io", "clusterstoragecontainers", ("v1alpha1",), "KServe 0.16 or later")
TRAIN_JOB = Kind("trainer.kubeflow.org", "trainjobs", ("v1alpha1",), "Kubeflow Trainer 2.2 or later")
TRAINING_RUNTIME = Kind("trainer.kubeflow.org", "trainingruntimes", ("v1alpha1",), "Kubeflow Trainer 2.2 or later")

LOCAL_CACHE = Kind("serving.kserve.io", "localmodelnamespacecaches", ("v1alpha1",), "KServe 0.16 or later with local model caches")
HTTP_ROUTE = Kind("gateway.networking.k8s.io", "httproutes", ("v1",), "the Gateway API 1.0 or later")
CONFIG_MAP = Kind("", "configmaps", ("v1",), "Kubernetes")
DISRUPTION_BUDGET = Kind("policy", "poddisruptionbudgets", ("v1",), "Kubernetes")

# Server-side apply asks for `create`, too, where the object is new.
APPLIED, REMOVED = ("get", "create", "patch"), ("get", "create", "patch", "delete")


def kinds(settings: PreflightSettings) -> list[Kind]:
    """Returns the custom resources that a recipe's stages apply or refer to."""
    found = []
    if serving := settings.serving:
        found += [INFERENCE_SERVICE, SERVING_RUNTIME]
        found += [HTTP_ROUTE] if serving.canary else []
        found += [LOCAL_CACHE] if serving.local_cache else []
    return found + ([TRAIN_JOB, TRAINING_RUNTIME] if settings.trainjobs else [])


def rights(settings: PreflightSettings) -> list[tuple[Kind, str]]:
    """Returns what the account of a run must be allowed in the namespace of the workloads."""
    found: list[tuple[Kind, tuple[str, ...]]] = []
    if serving := settings.serving:
        found += [(INFERENCE_SERVICE, REMOVED), (DISRUPTION_BUDGET, REMOVED), (CONFIG_MAP, APPLIED)]
        found += [(HTTP_ROUTE, APPLIED)] if serving.canary else []
        found += [(LOCAL_CACHE, APPLIED)] if serving.local_cache else []
    if settings.trainjobs:
        found.append((TRAIN_JOB, ("get", "create", "delete")))
    return [(kind, verb) for kind, verbs in found for verb in verbs]


def check_served(api: Any, kind: Kind) -> Finding:
    """Asks the API server whether it serves a kind.

    Args:
        api: A kubernetes.client.ApiClient.
        kind: What is looked for.
    """
    from kubernetes.client import ApiException

    what = f"{kind.plural}.{kind.group}"
    for version in kind.versions:
        try:
            found = api.call_api(f"/apis/{kind.group}/{version}", "GET", response_type="object", auth_settings=["BearerToken"])[0]
        except ApiException as error:
            if error.status == 404:
                continue
            raise
        if any(r["name"] == kind.plural for r in found.get("resources", [])):
            return Finding("ok", what, f"{version} is served")
    return Finding("error", what, f"{' or '.join(kind.versions)} is not served: install {kind.provider}.")


def check_allowed(api: Any, namespace: str, kind: Kind, verb: str, account: str = "") -> Finding:
    """Asks the API server whether the caller, or a ServiceAccount `namespace:name`, may do something.

    Asking for another account needs the right to create SubjectAccessReviews, which administrators have.
    """
    from kubernetes import client

    attributes = client.V1ResourceAttributes(namespace=namespace, group=kind.group, resource=kind.plural, verb=verb)
    reviews = client.AuthorizationV1Api(api)
    if account:
        user = f"system:serviceaccount:{account}"
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{account.partition(':')[0]}", "system:authenticated"]
        spec = client.V1SubjectAccessReviewSpec(user=user, groups=groups, resource_attributes=attributes)
        review = reviews.create_subject_access_review(client.V1SubjectAccessReview(spec=spec))
    else:
        own = client.V1SelfSubjectAccessReview(spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes))
        review = reviews.create_self_subject_access_review(own)
    who = f"ServiceAccount {account}" if account else "this account"
    what = f"may {verb} {kind.plural} in {namespace}"
    if review.status.allowed:
        return Finding("ok", what, f"{who} may")
    return Finding("error", what, f"{who} may not: apply manifests/base (or ask an administrator to), it holds the Roles.")
