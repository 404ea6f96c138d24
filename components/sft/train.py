"""SFT by TRL: the script that torchrun starts, the same on one CPU, on GPUs of a pod and on several nodes."""

from typing import Any

from components.common.training.config import TrainingConfig
from components.common.training.script import main
from components.sft.settings import SFTSettings


def arguments(config: TrainingConfig, settings: SFTSettings, padding_free: bool) -> Any:
    """Returns the SFTConfig of paper section 3."""
    from trl import SFTConfig

    from components.common.training.arguments import shared_arguments

    shared = shared_arguments(config, settings.tuning, settings.launch, settings.checkpoint, settings.seed)
    return SFTConfig(
        **shared,
        per_device_train_batch_size=settings.per_device_batch_size,
        learning_rate=settings.learning_rate,
        num_train_epochs=settings.epochs,
        max_steps=settings.max_steps,
        warmup_steps=settings.warmup_ratio,
        lr_scheduler_type=settings.scheduler,
        adam_beta1=0.9,
        adam_beta2=0.999,
        adam_epsilon=1e-8,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        max_length=settings.max_length if settings.packing else None,  # the prepared samples are cut already
        packing=settings.packing,
        packing_strategy="bfd",
        padding_free=padding_free,
        logging_steps=settings.log_every,
    )


def train(config: TrainingConfig) -> None:
    """Trains on the prepared samples and saves the model."""
    import torch
    from datasets import load_dataset
    from trl import SFTTrainer

    from components.common.training.cpu_head import use_dense_head
    from components.common.training.loop import callbacks, train_and_save
    from components.common.training.model import load_model, load_tokenizer, lora_config
    from components.common.training.save import model_card
    from components.sft.segment_attention import use_segments

    settings = SFTSettings.model_validate(config.settings)
    use_dense_head()
    tokenizer = load_tokenizer(config.base_model)
    segments = not torch.cuda.is_available() and settings.tuning.attention == "sdpa"
    args = arguments(config, settings, padding_free=segments)  # before the model: ZeRO-3 shards it while loading
    model = load_model(config.base_model, settings.tuning)
    if segments:
        use_segments(model)
    data = load_dataset("parquet", data_files=f"{config.data}/data/*.parquet", split="train", cache_dir=f"{config.work}/cache")
    trainer = SFTTrainer(
        model=model,
        args=args,
        train_dataset=data.select_columns(["input_ids", "labels"]),
        processing_class=tokenizer,
        peft_config=lora_config(settings.tuning),
        callbacks=callbacks(config, settings.checkpoint),
    )
    card = model_card("SFT model of Psyche-R1", config.base_model, "Supervised fine-tuning (stage 1 of 2).", config.settings)
    train_and_save(trainer, tokenizer, config, settings.checkpoint, card)


if __name__ == "__main__":
    main(train)
