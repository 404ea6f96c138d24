"""A plain TRL SFT with adapters, defaults else: `trl_sft.py MODEL CHATS.jsonl OUTPUT`; prints the training's figures as JSON."""

import json
import sys

import torch
from datasets import load_dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

if __name__ == "__main__":
    model, chats, output = sys.argv[1:]
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(output_dir=output, num_train_epochs=1, save_strategy="no", report_to="none", use_cpu=not torch.cuda.is_available()),
        train_dataset=load_dataset("json", data_files=chats, split="train"),
        peft_config=LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, target_modules="all-linear"),
    )
    print(json.dumps(trainer.train().metrics))
