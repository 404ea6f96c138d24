"""Memory and time of a training before it starts, and the smallest change that makes one fit that does not."""

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from components.common.errors import UserError
from components.common.launch.memory import GB, Load, memory, total
from components.common.launch.settings import DeepSpeedMode
from components.common.launch.shape import Shape

log = logging.getLogger("psyche")
SHARDED: tuple[DeepSpeedMode, ...] = ("zero1", "zero2", "zero3", "zero2_offload", "zero3_offload")
USABLE = 0.95  # of a GPU's memory
MFU = 0.4  # share of the peak arithmetic that dense training reaches
BYTES_PER_SECOND = 2e12  # of GPU memory: bounds the speed of decoding


@dataclass(frozen=True)
class Work:
    """How much a training computes.

    Attributes:
        tokens_per_step: Tokens that one optimiser step trains on, over all processes.
        steps: Optimiser steps; None if the number of samples is not known yet.
        decode_tokens: Longest completion that a step samples; 0 for SFT.
        reference: Tokens also pass through a reference model.
    """

    tokens_per_step: int
    steps: int | None
    decode_tokens: int = 0
    reference: bool = False


@dataclass(frozen=True)
class Plan:
    """What `psyche plan` prints of one training stage."""

    parameters: int
    trainable: int
    parts: dict[str, float]
    fits: bool
    fix: str
    tokens_per_step: int
    steps: int | None
    step_seconds: float
    gpus: int

    @property
    def gpu_gb(self) -> float:
        """Gigabytes per GPU."""
        return total(self.parts) / GB

    def rows(self) -> list[tuple[str, str]]:
        """Returns label and value of each line of the table."""
        rows = [("parameters", f"{self.parameters / 1e9:.2f} B, {self.trainable / 1e6:.1f} M trained")]
        rows += [(f"memory: {name}", f"{value / GB:.1f} GB") for name, value in self.parts.items() if value >= 0.05 * GB]
        rows.append(("memory per GPU", f"{self.gpu_gb:.1f} GB" + ("" if self.fits else f", does not fit: {self.fix}")))
        rows.append(("tokens per step", f"{self.tokens_per_step:,}"))
        if self.steps is not None:
            rows.append(("steps", f"{self.steps:,}"))
            rows.append(("time (rough)", f"{self.steps * self.step_seconds / 3600:.1f} h"))
        else:
            rows.append(("time per step (rough)", f"{self.step_seconds:.0f} s"))
        return [*rows, ("GPUs", str(self.gpus))]


def make_plan(shape: Shape, load: Load, work: Work, gpu_tflops: float) -> Plan:
    """Returns the plan of a training."""
    fits = _fits(shape, load)
    return Plan(
        parameters=shape.parameters,
        trainable=shape.parameters if load.method == "full" else shape.lora_parameters(load.lora_rank),
        parts=memory(shape, load),
        fits=fits,
        fix="" if fits else smallest_change(shape, load),
        tokens_per_step=work.tokens_per_step,
        steps=work.steps,
        step_seconds=step_seconds(shape, load, work, gpu_tflops),
        gpus=load.world_size,
    )


def require_fit(make: Callable[[], Plan], stage: str, gpu_memory_gb: float) -> None:
    """Refuses a training that cannot fit; a model that cannot be estimated is let through with a warning.

    Raises:
        UserError: With the memory it needs and the smallest change that makes it fit.
    """
    try:
        plan = make()
    except UserError as error:
        log.warning("memory is not checked: %s", error)
        return
    if not plan.fits:
        raise UserError(f"{stage} needs about {plan.gpu_gb:.0f} GB per GPU of {gpu_memory_gb:.0f} GB: {plan.fix}.")


def step_seconds(shape: Shape, load: Load, work: Work, gpu_tflops: float) -> float:
    """Returns a rough time of one optimiser step: arithmetic at MFU, and decoding bound by memory bandwidth."""
    passes = 6 if load.method == "full" else 4  # forward 2, backward 4 with and 2 without weight gradients
    passes += 2 * load.gradient_checkpointing + 2 * work.reference
    training = passes * shape.parameters * work.tokens_per_step / (load.world_size * gpu_tflops * 1e12 * MFU)
    return training + work.decode_tokens * 2 * shape.parameters / BYTES_PER_SECOND


def _fits(shape: Shape, load: Load) -> bool:
    usable = USABLE * load.gpu_memory_gb * GB
    return total(memory(shape, load)) <= usable and (not load.vllm_share or load.vllm_share >= smallest_vllm_share(shape, load))


def smallest_change(shape: Shape, load: Load) -> str:
    """Returns the first single change that makes the training fit, else the shortest row of changes, as words."""
    for change in _changes(shape, load):
        if _fits(shape, change.apply(load)):
            return change.words
    together: dict[str, str] = {}
    for change in _changes(shape, load):
        load = change.apply(load)
        together[change.setting] = change.words
        if _fits(shape, load):
            return " and ".join(together.values())
    return "use GPUs with more memory or a smaller model"


@dataclass(frozen=True)
class Change:
    """A change of one setting that saves memory."""

    setting: str
    words: str
    apply: Callable[[Load], Load]


def _changes(shape: Shape, load: Load) -> Iterator[Change]:
    """Yields changes from the one that costs least to the one that changes most."""
    if not load.gradient_checkpointing:
        yield _change("tuning.gradient_checkpointing", "true", gradient_checkpointing=True)
    share = smallest_vllm_share(shape, load)
    if load.vllm_share and share != load.vllm_share:
        yield _change("rollout.vllm_memory", f"{share:g}", vllm_share=share)
    for divisor in (2, 4, 8, 16):
        words = f"divide per_device_batch_size by {divisor}"
        yield Change("per_device_batch_size", words, lambda x, d=divisor: replace(x, micro_tokens=max(load.micro_tokens // d, 1)))  # type: ignore[misc]
    modes: list[DeepSpeedMode] = ["none", *SHARDED] if load.world_size > 1 else ["none", "zero2_offload", "zero3_offload"]
    for mode in modes[modes.index(load.deepspeed) + 1 :] if load.deepspeed in modes else []:
        yield _change("launch.deepspeed", mode, deepspeed=mode)
    if load.method == "full":
        yield _change("tuning.method", "lora", method="lora")
    if load.method != "qlora":
        yield _change("tuning.method", "qlora", method="qlora")


def _change(setting: str, value: str, **changed: Any) -> Change:
    return Change(setting, f"set {setting} to {value}", lambda x: replace(x, **changed))


def smallest_vllm_share(shape: Shape, load: Load) -> float:
    """Returns the share of a GPU that vLLM needs for bfloat16 weights and a key-value cache of a fifth of them."""
    return math.ceil(20 * 1.2 * 2 * shape.parameters / (load.gpu_memory_gb * GB)) / 20
