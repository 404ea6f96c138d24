"""Saves a trained model as a plain Hugging Face directory: bfloat16 safetensors, tokenizer, chat template, card."""

import json
from pathlib import Path
from typing import Any

from components.common.storage import upload_dir
from components.common.training.config import TrainingConfig
from components.common.training.model import stop_tokens

# Paper, section 4: how the authors' chat script samples.
GENERATION = {"do_sample": True, "temperature": 0.7, "top_p": 0.9, "max_new_tokens": 2048}


def save_model(trainer: Any, tokenizer: Any, config: TrainingConfig, card: str) -> None:
    """Writes the consolidated model on the main process and uploads it to `config.model_uri`.

    Every process must call this: ZeRO-3 gathers the weights collectively.
    """
    from transformers import PreTrainedModel

    directory = Path(config.work) / "model"
    model = trainer.accelerator.unwrap_model(trainer.model)
    state = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    if trainer.accelerator.is_main_process:
        plain = model if isinstance(model, PreTrainedModel) else merge_adapters(model, state, config.base_model)
        _write(plain, state if plain is model else plain.state_dict(), tokenizer, directory)
        (directory / "README.md").write_text(card, encoding="utf-8")
        _add_history(Path(config.work), directory)
        upload_dir(directory, config.model_uri)
    trainer.accelerator.wait_for_everyone()


def merge_adapters(model: Any, state: dict[str, Any], base_model: str) -> Any:
    """Merges the adapters into a fresh copy of the base, in float32: also right for a 4-bit or a sharded base.

    Args:
        model: The PEFT model that was trained.
        state: Its state dict, whole.
        base_model: Directory of the base.

    Returns:
        The merged model in bfloat16, as it is saved.
    """
    import torch
    from peft import get_peft_model, set_peft_model_state_dict
    from transformers import AutoModelForCausalLM
    from transformers.integrations.deepspeed import unset_hf_deepspeed_config

    unset_hf_deepspeed_config()  # under ZeRO-3 loading would shard the copy and wait for the other processes
    base = AutoModelForCausalLM.from_pretrained(base_model, dtype=torch.float32, trust_remote_code=False)
    merged = get_peft_model(base, model.peft_config["default"])
    adapters = {k.replace(".default.", "."): v.float().cpu() for k, v in state.items() if "lora_" in k}
    set_peft_model_state_dict(merged, adapters)
    # Cast in place, matrix by matrix: a bfloat16 copy beside the float32 one would take half as much memory again.
    return merged.merge_and_unload().to(torch.bfloat16)


def _write(model: Any, state: dict[str, Any], tokenizer: Any, directory: Path) -> None:
    import torch
    from transformers import GenerationConfig

    tied = set(model.all_tied_weights_keys)  # casting breaks the sharing, and the same matrix would be written twice
    half = {k: v.detach().to(torch.bfloat16).cpu() if v.is_floating_point() else v.cpu() for k, v in state.items() if k not in tied}
    model.config.dtype = torch.bfloat16
    model.config.use_cache = True
    stops = stop_tokens(tokenizer, model)
    model.generation_config = GenerationConfig(**GENERATION, eos_token_id=stops, pad_token_id=tokenizer.pad_token_id)
    model.save_pretrained(directory, state_dict=half)
    tokenizer.save_pretrained(directory)


def _add_history(work: Path, directory: Path) -> None:
    """Puts the curves and the sample completions beside the weights, where the report finds them."""
    target = directory / "training"
    target.mkdir(exist_ok=True)
    for name in ("log_history.jsonl", "completions.jsonl", "config.json"):
        if (work / name).exists():
            (target / name).write_bytes((work / name).read_bytes())


def model_card(title: str, base_model: str, body: str, settings: dict[str, Any]) -> str:
    """Returns a first model card in the style of the Hugging Face hub; the registry writes the full one."""
    from jinja2 import Template

    template = Template((Path(__file__).parent / "model_card.j2").read_text(encoding="utf-8"), keep_trailing_newline=True)
    shown = json.dumps(settings, indent=2, ensure_ascii=False)
    return template.render(title=title, base_model=base_model, body=body, settings=shown)
