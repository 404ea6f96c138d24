"""A plain TRL GRPO with adapters: `trl_grpo.py MODEL PROMPTS.jsonl OUTPUT SETTINGS`; prints the training's figures as JSON."""

import json
import sys

import torch
from datasets import load_dataset
from peft import LoraConfig
from trl import GRPOConfig, GRPOTrainer

from components.grpo.rewards.correctness import correctness_reward


def correctness(completions: list, key: list[str], labels: list[str], **_: object) -> list[float]:
    """Scores chat completions."""
    texts = [c[0]["content"] for c in completions]
    return [correctness_reward(*row) for row in zip(texts, key, labels, strict=True)]


if __name__ == "__main__":
    model, prompts, output, settings = sys.argv[1:]
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=correctness,
        args=GRPOConfig(
            output_dir=output,
            save_strategy="no",
            report_to="none",
            logging_steps=1,
            use_cpu=not torch.cuda.is_available(),
            **json.loads(settings),
        ),
        train_dataset=load_dataset("json", data_files=prompts, split="train"),
        peft_config=LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, target_modules="all-linear"),
    )
    figures = trainer.train().metrics
    lengths = [row["completions/mean_length"] for row in trainer.state.log_history if "completions/mean_length" in row]
    print(json.dumps({**figures, "mean_length": sum(lengths) / len(lengths)}))
