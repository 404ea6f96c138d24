"""The GRPO stage: challenging questions to prompts, the training by torchrun, the model in the store (paper, section 3)."""

import logging
from typing import Any

from components.common.errors import UserError
from components.common.launch.plan import require_fit
from components.common.models import local_model
from components.common.stage import open_stage
from components.common.training.run import Trained, on_gpus, run_training, work_dir
from components.grpo.batch import grpo_accumulation
from components.grpo.plan import plan_grpo
from components.grpo.settings import GRPOSettings

log = logging.getLogger("psyche")


def run(settings: dict[str, Any] | GRPOSettings, base_model: str, challenging: str, model: str) -> Trained:
    """Trains `base_model` (the SFT model) on the questions that every selector got wrong.

    Args:
        settings: GRPOSettings or its dict.
        base_model: URI of the model to start from.
        challenging: Dataset of Question.
        model: Path of the Model artifact; scratch files go beside it, the weights to the model store.
    """
    settings = GRPOSettings.model_validate(settings)
    with open_stage("grpo", settings) as stage:
        from components.common.training.model import load_tokenizer
        from components.grpo.prepare import prepare

        accumulation = grpo_accumulation(settings)
        work, base = work_dir(model), str(local_model(base_model))
        prompts = prepare(stage, challenging, load_tokenizer(base), settings.rollout.max_prompt_length, work / "data")
        if not prompts:
            return _no_prompts(settings, base_model)
        if prompts < settings.prompts_per_generation:
            raise UserError(
                f"GRPO has {prompts} prompts, fewer than prompts_per_generation {settings.prompts_per_generation}: "
                "lower it and prompts_per_step."
            )
        gpus = on_gpus(settings.launch, settings.tuning)
        if settings.rollout.engine != "transformers" and not gpus:
            raise UserError(f"rollout.engine {settings.rollout.engine} needs GPUs and there are none: use transformers.")
        if gpus:
            require_fit(lambda: plan_grpo(settings, base, prompts), stage.name, settings.launch.gpu_memory_gb)
        uri, history = run_training(stage, "components.grpo.train", settings, base_model, base, work, accumulation)
        final = closing_figures(history)
        stage.extra |= final
    return Trained(uri, final)


def _no_prompts(settings: GRPOSettings, base_model: str) -> Trained:
    """Hands on the SFT model if the settings allow it.

    Raises:
        UserError: They do not.
    """
    if not settings.allow_empty:
        raise UserError(
            "GRPO has no challenging question: use harder selectors or more questions, or set allow_empty to keep the SFT model."
        )
    log.warning("no challenging question: the SFT model %s is the final model", base_model)
    return Trained(base_model, {"prompts": 0.0})


def closing_figures(history: list[dict[str, Any]]) -> dict[str, float]:
    """Returns the mean reward of the first and the last quarter of the generations, and the last KL.

    Steps that reuse the completions of an earlier step log no reward.
    """
    rewards = [float(m["reward"]) for m in history if "reward" in m]
    quarter = max(len(rewards) // 4, 1)
    first, last = sum(rewards[:quarter]) / quarter, sum(rewards[-quarter:]) / quarter
    return {"reward_first_quarter": first, "reward_last_quarter": last, "final_kl": float(history[-1].get("kl", 0.0))}
