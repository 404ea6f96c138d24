"""Loads the model and tokenizer that a training starts from."""

import json
from pathlib import Path
from typing import Any

from components.common.errors import UserError
from components.common.training.settings import TuningSettings


def load_tokenizer(path: str) -> Any:
    """Returns the tokenizer; where it has no padding token, its end token pads: labels and masks leave padding out.

    Raises:
        UserError: It cannot be read, has neither of the two, no chat template that takes a system turn, or more tokens
            than the model.
    """
    from jinja2 import TemplateError
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} holds no tokenizer that can be read ({str(error).splitlines()[0]}): complete the model.") from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token is None:
        raise UserError(f"The tokenizer of {path} has neither a padding nor an end token: set one in its tokenizer_config.json.")
    if tokenizer.chat_template is None:
        raise UserError(f"The tokenizer of {path} has no chat template: take the instruction-tuned model, or add a chat_template.jinja.")
    turns = [{"role": role, "content": role} for role in ("system", "user", "assistant")]
    try:
        tokenizer.apply_chat_template(turns, tokenize=False)
    except TemplateError as error:
        raise UserError(f"The chat template of {path} takes no system, user and assistant turn ({error}): use another template.") from error
    _require_embeddings(path, len(tokenizer))
    return tokenizer


def _require_embeddings(path: str, tokens: int) -> None:
    config = Path(path) / "config.json"
    known = json.loads(config.read_text(encoding="utf-8")).get("vocab_size") if config.exists() else None
    if known and tokens > known:  # on a GPU the first such token ends a training with "device-side assert triggered"
        raise UserError(
            f"The tokenizer of {path} has {tokens} tokens, the model embeds {known}: resize its embeddings, or take its own one."
        )


def stop_tokens(tokenizer: Any, model: Any) -> list[int]:
    """Returns the ids that end a reply: those the model had, the tokenizer's, and what the chat template puts after a turn.

    They may differ: a template of `<|im_end|>` on a base model whose end token is `<|endoftext|>` teaches the former.
    """
    known = model.generation_config.eos_token_id if model.generation_config else None
    stops = [tokenizer.eos_token_id, *(known if isinstance(known, list) else [known])]
    turns = [{"role": "user", "content": "question"}, {"role": "assistant", "content": "reply"}]
    after = tokenizer.apply_chat_template(turns, tokenize=False).rpartition("reply")[2].lstrip()
    first = next(iter(tokenizer(after, add_special_tokens=False)["input_ids"]), None)
    if first in tokenizer.added_tokens_decoder and tokenizer.added_tokens_decoder[first].special:
        stops.append(first)
    return list(dict.fromkeys(stop for stop in stops if stop is not None))


def load_model(path: str, tuning: TuningSettings) -> Any:
    """Returns the causal LM in the precision that training needs.

    Full fine-tuning holds float32 master weights, because AdamW's update at a learning rate of 1e-6 is below the
    resolution of bfloat16. Under adapters the frozen base may be bfloat16.
    """
    import torch
    from transformers import AutoModelForCausalLM

    low = tuning.method != "full" and tuning.precision == "bf16"
    return AutoModelForCausalLM.from_pretrained(
        path,
        dtype=torch.bfloat16 if low else torch.float32,
        attn_implementation=tuning.attention,
        quantization_config=_quantization(tuning),
        trust_remote_code=False,
    )


def _quantization(tuning: TuningSettings) -> Any:
    if tuning.method != "qlora":
        return None
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.bfloat16
    )


def lora_config(tuning: TuningSettings) -> Any:
    """Returns the PEFT configuration, or None for full fine-tuning."""
    if tuning.method == "full":
        return None
    from peft import LoraConfig

    return LoraConfig(
        task_type="CAUSAL_LM",
        r=tuning.lora_rank,
        lora_alpha=tuning.lora_alpha,
        lora_dropout=tuning.lora_dropout,
        target_modules="all-linear",
    )
