"""Where a training script runs: on how many processes of how many nodes, started by what."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

DeepSpeedMode = Literal["none", "zero1", "zero2", "zero3", "zero2_offload", "zero3_offload"]


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

    @property
    def world_size(self) -> int:
        """Number of training processes."""
        return self.nodes * self.processes_per_node
