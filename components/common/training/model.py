"""Loads the model and tokenizer that a training starts from."""

from typing import Any

from components.common.training.settings import TuningSettings


def load_tokenizer(path: str) -> Any:
    """Returns the tokenizer, with a padding token that is not the end-of-turn token where the vocabulary allows it."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


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
