"""Checks of the Kubernetes API: which kinds it serves, and what the caller may do."""

from dataclasses import dataclass
from typing import Any

from components.preflight.findings import Finding


@dataclass(frozen=True)
class Kind:
    """A custom resource that a run uses; any one of `versions` will do."""

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
TRAIN_JOB = Kind("trainer.kubeflow.org", "trainjobs", ("v1alpha1",), "Kubeflow Trainer 2.2 or later")
TRAINING_RUNTIME = Kind("trainer.kubeflow.org", "trainingruntimes", ("v1alpha1",), "Kubeflow Trainer 2.2 or later")

DEPLOYER = [(INFERENCE_SERVICE, verb) for verb in ("get", "create", "patch", "delete")]
TRAINING_LAUNCHER = [(TRAIN_JOB, verb) for verb in ("get", "create", "delete")]


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
