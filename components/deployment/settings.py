"""What a recipe says about serving."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from components.common.records import Language
from components.common.serving import VLLMSettings

REASONING_PARSER = "think_text"
QUANTITY = r"^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"


class SmokeSettings(BaseModel):
    """How long and with what the freshly started model is tried."""

    model_config = ConfigDict(extra="forbid")

    max_tokens: int = Field(default=256, gt=0, description="choice: most tokens of one smoke test reply")
    timeout_s: float = Field(default=300.0, gt=0, description="choice: seconds until a smoke test request counts as failed")


class ScaleSettings(BaseModel):
    """Autoscaling by KEDA on vLLM's own metrics; off while both bounds are equal."""

    model_config = ConfigDict(extra="forbid")

    min_replicas: int = Field(default=1, ge=1, description="choice: replicas that are always up")
    max_replicas: int = Field(default=1, ge=1, description="choice: most replicas; more than min_replicas needs KEDA and prometheus_url")
    waiting_requests: float = Field(default=4, gt=0, description="choice: queued requests per replica above which replicas are added")
    kv_cache: float = Field(
        default=0.8, gt=0, le=1, description="choice: used share of the KV cache per replica above which replicas are added"
    )


class CanarySettings(BaseModel):
    """A new version takes traffic in steps; a failed check gives all of it back to the former one."""

    model_config = ConfigDict(extra="forbid")

    gateway: str = Field(pattern=r"^[a-z0-9.-]+/[a-z0-9.-]+$", description="namespace/name of the Gateway that the HTTPRoute attaches to")
    hostname: str = Field(default="", description="host name of the endpoint; empty: every host of the Gateway")
    steps: list[Annotated[int, Field(ge=1, le=100)]] = Field(
        default=[10, 50, 100], min_length=1, description="choice: percent of traffic that the new version gets, step by step"
    )
    step_seconds: float = Field(default=120.0, ge=0, description="choice: seconds of traffic before a step is judged")
    probes: int = Field(
        default=10,
        ge=1,
        description="choice: chat requests of our own to the new version in each step, so that it is never judged on nothing",
    )
    max_error_rate: float = Field(
        default=0.01, ge=0, le=1, description="choice: share of failed requests above which the new version is withdrawn"
    )
    max_latency_s: float = Field(default=60.0, gt=0, description="choice: 95th percentile of request seconds above which it is withdrawn")
    max_violation_rate: float = Field(
        default=0.05, ge=0, le=1, description="choice: share of replies that the guard had to correct above which it is withdrawn"
    )


class LocalCacheSettings(BaseModel):
    """Model files kept on the nodes' disks, so that a replica does not fetch them again (KServe's LocalModelNamespaceCache)."""

    model_config = ConfigDict(extra="forbid")

    node_groups: list[str] = Field(min_length=1, description="LocalModelNodeGroups of the cluster whose nodes keep the files")
    model_size: str = Field(pattern=QUANTITY, description="disk that one version takes")


class KServeSettings(BaseModel):
    """The InferenceService in the cluster."""

    model_config = ConfigDict(extra="forbid")

    namespace: str = Field(default="", description="namespace of the InferenceService; empty: PSYCHE_NAMESPACE")
    runtime: str = Field(default="psyche-vllm", description="ServingRuntime, which also brings the guard: see manifests/base/serving")
    service_account: str = Field(default="psyche-serving", description="ServiceAccount whose Secret opens the model store")
    gpus: int = Field(default=1, ge=0, description="GPUs per replica; 0 for the CPU runtime")
    cpu: str = Field(default="4", pattern=QUANTITY, description="CPU request per replica")
    memory: str = Field(default="24Gi", pattern=QUANTITY, description="memory request and limit per replica")
    node_selector: dict[str, str] = Field(default={}, description="labels that the nodes must have")
    scale: ScaleSettings = ScaleSettings()
    local_cache: LocalCacheSettings | None = Field(default=None, description="none: every new replica fetches the model from the store")
    canary: CanarySettings | None = Field(
        default=None, description="none: the InferenceService is updated in place by KServe's rolling update"
    )
    prometheus_url: str = Field(
        default="",
        description="Prometheus that scrapes guard and vLLM, more often than step_seconds; empty: the canary is judged by its probes alone",
    )
    service_url: str = Field(
        default="http://{service}.{namespace}.svc/v1", description="URL of a predictor's Service; change it where the cluster's DNS differs"
    )
    api_key_env: str = Field(default="", description="environment variable with a key that the guard accepts; empty: it asks for none")
    ready_timeout_s: float = Field(default=1800.0, gt=0, description="choice: seconds until the model must be ready")
    hopeless_after_s: float = Field(
        default=120.0, ge=0, description="choice: seconds after which a failure that does not heal by itself ends the wait"
    )


def _with_reasoning_parser(vllm: VLLMSettings) -> VLLMSettings:
    """A recipe that sets another field of `vllm` must not lose the parser by that."""
    return vllm if "reasoning_parser" in vllm.model_fields_set else vllm.model_copy(update={"reasoning_parser": REASONING_PARSER})


class DeploymentSettings(BaseModel):
    """Where the registered model is served, and what it is asked first."""

    model_config = ConfigDict(extra="forbid")

    target: Literal["local", "kserve"] = Field(default="kserve", description="this machine, or an InferenceService in the cluster")
    language: Language = Field(default="zh", description="language of the smoke test's prompts")
    question: str = Field(default="", description="what the served model is asked first, for the transcript; empty: one of ours")
    temperature: float = Field(default=0.7, ge=0, description="paper, section 4")
    top_p: float = Field(default=0.9, gt=0, le=1, description="paper, section 4")
    max_tokens: int = Field(default=2048, gt=0, description="paper, section 4")
    vllm: Annotated[VLLMSettings, AfterValidator(_with_reasoning_parser)] = Field(
        default=VLLMSettings(reasoning_parser=REASONING_PARSER),
        description=f"how vLLM is started; choice: reasoning parser {REASONING_PARSER}, which splits think blocks as the paper writes them",
    )
    guard_env: dict[str, str] = Field(default={}, description="PSYCHE_GUARD_* variables of the local crisis guard, by full name")
    kserve: KServeSettings = KServeSettings()
    smoke: SmokeSettings = SmokeSettings()

    @model_validator(mode="after")
    def _gpus_suffice(self) -> Self:
        if 0 < self.kserve.gpus < self.vllm.tensor_parallel_size:
            raise ValueError("vllm.tensor_parallel_size is larger than kserve.gpus")
        return self
