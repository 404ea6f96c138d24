"""The reward parts in the form TRL calls: one score per completion, columns of the dataset as keyword lists."""

from collections.abc import Callable
from typing import Any

from components.grpo.rewards.correctness import correctness_reward
from components.grpo.rewards.elastic import elastic_reward
from components.grpo.rewards.format import format_reward
from components.grpo.rewards.language import language_reward
from components.grpo.rewards.length import length_reward
from components.grpo.settings import GRPOSettings

RewardFunction = Callable[..., list[float | None]]


def _texts(completions: list[Any]) -> list[str]:
    """Returns the text of each completion; TRL hands on chat completions as a list with one message."""
    return [c if isinstance(c, str) else "".join(m["content"] or "" for m in c) for c in completions]


def reward_functions(settings: GRPOSettings) -> tuple[list[RewardFunction], list[float]]:
    """Returns the reward functions of weight above 0 and their weights; a function's name names its metric."""
    limit = settings.rollout.max_completion_length

    def format(completions: list[Any], labels: list[str], **_: Any) -> list[float | None]:
        return [format_reward(*pair) for pair in zip(_texts(completions), labels, strict=True)]

    def correctness(completions: list[Any], key: list[str], labels: list[str], **_: Any) -> list[float | None]:
        return [correctness_reward(*triple) for triple in zip(_texts(completions), key, labels, strict=True)]

    def elastic(completions: list[Any], key: list[str], labels: list[str], **_: Any) -> list[float | None]:
        return [elastic_reward(*triple) for triple in zip(_texts(completions), key, labels, strict=True)]

    def length(completion_ids: list[list[int]], **_: Any) -> list[float | None]:
        return [length_reward(len(ids), limit, buffer=max(limit // 4, 1)) for ids in completion_ids]

    def language(completions: list[Any], language: list[str], **_: Any) -> list[float | None]:
        return [language_reward(*pair) for pair in zip(_texts(completions), language, strict=True)]

    weights = settings.rewards.model_dump()
    used = [f for f in (format, correctness, elastic, length, language) if weights[f.__name__] > 0]
    return used, [weights[f.__name__] for f in used]
