"""Memory of one training process, part by part, in bytes per GPU.

Bytes per parameter of mixed-precision AdamW: bfloat16 weights 2 and gradients 2, float32 master weights 4 and moments
8 (ZeRO, Rajbhandari et al. 2020, section 3.1). ZeRO-1, 2, 3 divide the last 12, then also the gradients, then also the
weights by the number of processes. Without DeepSpeed, autocast keeps float32 weights and gradients, and a bfloat16 copy.
"""

from dataclasses import dataclass

from components.common.launch.settings import DeepSpeedMode
from components.common.launch.shape import Shape

GB = 1e9
OVERHEAD = 2.5 * GB  # CUDA context, NCCL buffers, allocator's fragments
HEAD_TILE = 1.0 * GB  # vocabulary tiles of the loss
QUANTISED = 0.55  # bytes per parameter of a 4-bit base with its scales


@dataclass(frozen=True)
class Load:
    """What a training asks of a GPU.

    Attributes:
        micro_tokens: Tokens of one forward and backward pass on one process.
        reference: A reference model is held (GRPO with a KL term, full fine-tuning).
        vllm_share: Part of the GPU's memory that a colocated vLLM takes, while activations are not there.
    """

    method: str
    precision: str
    lora_rank: int
    gradient_checkpointing: bool
    deepspeed: DeepSpeedMode
    world_size: int
    micro_tokens: int
    reference: bool = False
    vllm_share: float = 0.0
    gpu_memory_gb: float = 80.0


def memory(shape: Shape, load: Load) -> dict[str, float]:
    """Returns bytes per GPU by part; "cpu" is what offloading takes of the machine's memory per process."""
    states = _full(shape, load) if load.method == "full" else _adapters(shape, load)
    parts = {
        **states,
        "reference": _reference(shape, load),
        "activations": activations(shape, load.micro_tokens, load.gradient_checkpointing),
        "loss head": HEAD_TILE + (4.0 * shape.vocab * shape.hidden if load.method == "full" else 0.0),
        "overhead": OVERHEAD,
    }
    vllm = load.vllm_share * load.gpu_memory_gb * GB
    # A colocated vLLM sleeps during the optimiser step: its memory and that of activations are needed in turns.
    parts["vllm"] = max(vllm - parts["activations"] - parts["loss head"], 0.0)
    return parts


def total(parts: dict[str, float]) -> float:
    """Returns the bytes on the GPU."""
    return sum(value for name, value in parts.items() if name != "cpu")


def _stage(mode: DeepSpeedMode) -> int:
    return 0 if mode == "none" else int(mode[4])


def _full(shape: Shape, load: Load) -> dict[str, float]:
    n, world, stage = float(shape.parameters), load.world_size, _stage(load.deepspeed)
    low = load.precision == "bf16"
    if stage == 0:
        return {"weights": n * (6 if low else 4), "gradients": n * (8 if world > 1 else 4), "optimiser": n * 8, "cpu": 0.0}
    width = 2.0 if low else 4.0
    weights, gradients, optimiser = n * width, n * width, n * (12 if low else 8)
    optimiser /= world
    gradients /= world if stage >= 2 else 1
    weights = weights / world + 2 * width * shape.layer_parameters if stage == 3 else weights
    if not load.deepspeed.endswith("offload"):
        return {"weights": weights, "gradients": gradients, "optimiser": optimiser, "cpu": 0.0}
    kept = 2 * width * shape.layer_parameters if stage == 3 else weights
    return {"weights": kept, "gradients": gradients, "optimiser": 0.0, "cpu": optimiser + (weights - kept)}


def _adapters(shape: Shape, load: Load) -> dict[str, float]:
    base = shape.parameters * {"lora": 2.0 if load.precision == "bf16" else 4.0, "qlora": QUANTISED}[load.method]
    if _stage(load.deepspeed) == 3:
        base = base / load.world_size + 4.0 * shape.layer_parameters
    trained = float(shape.lora_parameters(load.lora_rank))
    return {"weights": base + 4 * trained, "gradients": 4 * trained, "optimiser": 8 * trained, "cpu": 0.0}


def _reference(shape: Shape, load: Load) -> float:
    if not load.reference or load.method != "full":  # under adapters the base itself is the reference
        return 0.0
    width = 2.0 if load.precision == "bf16" else 4.0
    return shape.parameters * width / (load.world_size if _stage(load.deepspeed) == 3 else 1)


def activations(shape: Shape, tokens: int, checkpointing: bool) -> float:
    """Returns the bytes that the backward pass needs: every layer's, or with checkpointing its input and one layer's.

    Per token and layer in bfloat16: norms, projections, attention output, the four tensors of the gated MLP. Attention
    weights are never held (flash attention or SDPA).
    """
    inner, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    layer = 2.0 * tokens * (9 * shape.hidden + 2 * inner + 2 * kv + 4 * shape.intermediate)
    return 2.0 * tokens * shape.hidden * shape.layers + layer if checkpointing else layer * shape.layers
