"""A whole answer: think blocks are taken out, violations end it, the safe message goes around it."""

from collections.abc import Collection
from typing import Any

from components.guard.messages import safe_message
from components.guard.output import Kind
from components.guard.output_stream import guard_text
from components.guard.policy import Decision
from components.guard.settings import GuardSettings

REASONING_FIELDS = ("reasoning_content", "reasoning")
_CHOICE_FIELDS = frozenset({"index", "finish_reason", "stop_reason"})


def notice(language: str, country: str) -> str:
    """Returns what stands in place of a forbidden passage."""
    return "\n\n" + safe_message(language, country)


def text_holder(choice: dict[str, Any], name: str) -> tuple[dict[str, Any], str, bool]:
    """Finds the text of a choice and drops what else could carry one: refusals, calls of tools, audio, log probabilities.

    Args:
        choice: Of an answer or an event; changed in place. Empty fields stay as they are.
        name: Where a chat keeps its text: message or delta.

    Returns:
        What holds the text, the name of the text in it, and whether something was dropped.
    """
    if name not in choice:
        return choice, "text", _drop(choice, _CHOICE_FIELDS | {"text", *REASONING_FIELDS})
    dropped = _drop(choice, _CHOICE_FIELDS | {name})
    return choice[name], "content", _drop(choice[name], {"role", "content", *REASONING_FIELDS}) or dropped


def _drop(fields: dict[str, Any], kept: Collection[str]) -> bool:
    unchecked = [name for name, value in fields.items() if value and name not in kept]
    for name in unchecked:
        del fields[name]
    return bool(unchecked)


def guard_answer(data: dict[str, Any], decision: Decision, settings: GuardSettings) -> tuple[bool, list[Kind]]:
    """Changes an answer in place.

    Returns:
        Whether anything was changed, and the violations that ended a choice.

    Raises:
        KeyError, TypeError, AttributeError: It is no completion.
    """
    changed, kinds = False, []
    for choice in data["choices"]:
        holder, name, dropped = text_holder(choice, "message")
        changed |= dropped
        before = holder.get(name) or ""
        text, kind = guard_text(before, not settings.expose_reasoning, settings.think_open and name == "content")
        if kind:
            kinds.append(kind)
            text += notice(decision.language, settings.country)
            choice["finish_reason"] = "content_filter"
        text = decision.opening + text + decision.closing
        if text != before:
            holder[name], changed = text, True
        for field in REASONING_FIELDS:
            changed |= _guard_reasoning(holder, field, settings, kinds)
    return changed, kinds


def _guard_reasoning(holder: dict[str, Any], field: str, settings: GuardSettings, kinds: list[Kind]) -> bool:
    if not holder.get(field):
        return False
    if not settings.expose_reasoning:
        holder[field] = None
        return True
    text, kind = guard_text(holder[field], hide_thinking=False)
    holder[field] = text
    if kind:
        kinds.append(kind)
    return kind is not None
