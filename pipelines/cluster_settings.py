"""What a recipe says about the cluster: images, secrets by name, and the pods that KFP makes for its stages."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pipelines.kfp_release import Release

StageName = Literal[
    "preflight", "ingest", "cleaning", "questions", "control", "rationales", "dialogues", "selection", "sft", "grpo",
    "evaluation", "baselines", "gate", "registry", "deployment", "report",
]  # fmt: skip
QUANTITY = r"^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
# Where single-user KFP runs and looks for pipelines.
NAMESPACE = "kubeflow"
DNS_LABEL = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"


def _pinned(tag: str) -> str:
    if tag == "latest":
        raise ValueError("latest names no version: give the tag that was built")
    return tag


class ImageSettings(BaseModel):
    """Where the project's own images are pulled from."""

    model_config = ConfigDict(extra="forbid")

    registry: str = Field(default="ghcr.io/psyche-r1", pattern=r"^\S+[^/]$", description="registry and repository prefix")
    tag: Annotated[str, AfterValidator(_pinned)] = Field(
        default="0.1.0", pattern=r"^\w[\w.-]*$", description="tag of all images; never latest"
    )
    digests: dict[Literal["pipeline", "train"], str] = Field(default={}, description="sha256:... per image; wins over the tag")
    pull_secrets: list[str] = Field(default=[], description="names of image pull Secrets")

    def reference(self, name: str) -> str:
        """Returns the full reference of an image such as `pipeline` or `train`."""
        digest = dict(self.digests).get(name)  # type: ignore[call-overload]
        return f"{self.registry}/{name}@{digest}" if digest else f"{self.registry}/{name}:{self.tag}"


class Toleration(BaseModel):
    """A taint that a stage's pods tolerate."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(description="key of the taint")
    operator: Literal["Exists", "Equal"] = Field(default="Exists", description="Exists ignores the value")
    value: str | None = Field(default=None, description="value of the taint, with operator Equal")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(default=None, description="none: every effect")


class PodSettings(BaseModel):
    """The pod of one stage. A stage's section changes only the fields it names; the others are those of `cluster.pods`."""

    model_config = ConfigDict(extra="forbid")

    cpu: str = Field(default="1", pattern=QUANTITY, description="CPU request; there is no CPU limit, idle cores are free")
    memory: str = Field(default="4Gi", pattern=QUANTITY, description="memory request and limit")
    gpus: int = Field(default=0, ge=0, description="accelerators of the pod")
    accelerator: str = Field(default="nvidia.com/gpu", description="resource name of the accelerators")
    node_selector: dict[str, str] = Field(default={}, description="labels that the node must have")
    tolerations: list[Toleration] = Field(default=[], description="taints that the pod tolerates")
    shared_memory: str = Field(default="", pattern=rf"^$|{QUANTITY}", description="size of /dev/shm; empty: the container runtime's 64 MiB")
    cache_size: str = Field(default="20Gi", pattern=QUANTITY, description="scratch disk at /cache for models, data and compiled kernels")
    retries: int = Field(default=2, ge=0, description="choice: further attempts of a failed pod; a retried stage resumes where it can")
    timeout_s: int = Field(default=86400, gt=0, description="choice: seconds until the pod is ended")
    reuse_results: bool = Field(default=True, description="take the outputs of an earlier run with the same inputs, image and settings")
    cache_key: str = Field(
        default="",
        description="key of reused results in place of inputs, image and settings: survives a new image tag, misses a changed input",
    )


class SecretNames(BaseModel):
    """Names of the Secrets; manifests/secrets says which keys they hold."""

    model_config = ConfigDict(extra="forbid")

    s3: str = Field(default="psyche-s3", pattern=DNS_LABEL, description="AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY")
    mlflow: str = Field(
        default="psyche-mlflow", pattern=DNS_LABEL, description="MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD; optional"
    )
    llm: str = Field(
        default="psyche-llm", pattern=DNS_LABEL, description="the keys that api_key_env of the recipe's LLMs and of deployment.kserve name"
    )
    hub: str = Field(default="psyche-hub", pattern=DNS_LABEL, description="HF_TOKEN; optional")


class ClusterSettings(BaseModel):
    """Images, secrets and resources of the pods that the pipeline makes."""

    model_config = ConfigDict(extra="forbid")

    namespace: str = Field(
        default=NAMESPACE,
        pattern=DNS_LABEL,
        description="where pipeline and runs live: a profile's namespace, or KFP's own in single-user mode",
    )
    kfp: Release = Field(
        default="2.17", description="oldest KFP server that must run it; what that one would refuse is left out (docs/cluster.md)"
    )
    service_account: str = Field(default="psyche-pipeline", pattern=DNS_LABEL, description="ServiceAccount of the run's pods")
    images: ImageSettings = ImageSettings()
    config_map: str = Field(
        default="psyche-env", pattern=DNS_LABEL, description="ConfigMap with the addresses of S3, MLflow and the teacher LLM"
    )
    secrets: SecretNames = SecretNames()
    pods: PodSettings = PodSettings()
    stages: dict[StageName, PodSettings] = Field(default={}, description="deviations from `pods`, per stage")
    keep_finished_s: int = Field(
        default=604800, gt=0, description="choice: seconds that pods of a finished run are kept for their logs; KFP 2.17"
    )

    def pod(self, stage: str) -> PodSettings:
        """Returns the pod settings of a stage: `pods`, changed by what the stage's section names."""
        own = dict(self.stages).get(stage)  # type: ignore[call-overload]
        return self.pods.model_copy(update={name: getattr(own, name) for name in own.model_fields_set}) if own else self.pods
