"""Where a training script runs: on how many processes of how many nodes, started by what."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

DeepSpeedMode = Literal["none", "zero1", "zero2", "zero3", "zero2_offload", "zero3_offload"]


class TrainJobSettings(BaseModel):
    """What a Kubeflow TrainJob asks of the cluster beside its size."""

    model_config = ConfigDict(extra="forbid")

    runtime: str = Field(default="psyche-torch", description="name of the runtime (manifests/base/training)")
    runtime_kind: Literal["TrainingRuntime", "ClusterTrainingRuntime"] = Field(default="TrainingRuntime", description="kind of the runtime")
    namespace: str = Field(default="", description="namespace of the TrainJob; empty: $PSYCHE_NAMESPACE, or this pod's")
    image: str = Field(default="", description="training image; empty: the runtime's")
    gpu_resource: str = Field(default="nvidia.com/gpu", description="resource name of a GPU, one per process; empty: train on CPU")
    cpu: str = Field(default="", description="CPUs per node, requested; empty: the runtime's")
    memory: str = Field(default="", description="memory per node, requested and limit; empty: the runtime's")
    node_selector: dict[str, str] = Field(default={}, description="labels of the nodes to train on")
    tolerations: list[dict[str, str]] = Field(default=[], description="taints that the training pods tolerate")
    queue: str = Field(default="", description="Kueue LocalQueue; empty: none")
    deadline_s: int | None = Field(default=None, gt=0, description="seconds until the cluster ends the TrainJob; none: no limit")
    pending_s: int | None = Field(default=None, gt=0, description="seconds to wait for the first pod to run; none: no limit")


class LaunchSettings(BaseModel):
    """The launcher of a training script and the size of its world."""

    model_config = ConfigDict(extra="forbid")

    launcher: Literal["torchrun", "trainjob"] = Field(
        default="torchrun", description="torchrun: processes in this pod or on this machine; trainjob: a Kubeflow TrainJob"
    )
    nodes: int = Field(default=1, gt=0, description="machines; more than one needs the trainjob launcher")
    processes_per_node: int = Field(default=1, gt=0, description="processes per machine, one per GPU (paper: 8)")
    threads_per_process: int = Field(default=1, gt=0, description="OpenMP threads of each process; more than 1 only on idle cores")
    deepspeed: DeepSpeedMode = Field(default="none", description="choice: ZeRO stage, a JSON file in components/common/launch/deepspeed")
    gpu_memory_gb: float = Field(default=80, gt=0, description="choice: memory of one GPU, for the estimate before the start")
    gpu_tflops: float = Field(default=312, gt=0, description="choice: peak bf16 TFLOPS of one GPU (A100: 312, H100: 989), for the estimate")
    trainjob: TrainJobSettings = Field(default=TrainJobSettings(), description="for the trainjob launcher")

    @property
    def world_size(self) -> int:
        """Number of training processes."""
        return self.nodes * self.processes_per_node
