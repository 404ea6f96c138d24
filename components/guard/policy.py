"""What the guard does with one request, before the model sees it: a pure function of the request's body."""

import re
from dataclasses import dataclass
from typing import Any

from components.common.prompts import load_prompt
from components.guard.messages import safe_message
from components.guard.rules import classify
from components.guard.settings import GuardSettings

_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Decision:
    """`opening` goes in front of the answer, `closing` behind it; `ask_model` is False when the model is not asked at all."""

    tier: str
    category: str
    opening: str
    closing: str
    ask_model: bool
    body: dict[str, Any]


def decide(body: dict[str, Any], settings: GuardSettings) -> Decision:
    """Classifies what the user says, in all user turns, and prepares the request for the model."""
    texts = user_texts(body)
    found = [classify(text) for text in texts]
    tier = next((t for t in ("explicit", "indirect") if any(c.tier == t for c in found)), "none")
    category = next((c.category for c in found if c.tier == tier), "none")
    limited = {**body, "max_tokens": min(int(body.get("max_tokens") or settings.max_tokens), settings.max_tokens)}
    if tier == "none":
        return Decision(tier, category, "", "", True, limited)
    language = "zh" if any(_CHINESE.search(t) for t in texts) else "en"
    message = safe_message(language, settings.country)
    guided = _with_safety_prompt(limited, load_prompt("guard", "safety", language).render())
    if tier == "explicit":
        return Decision(tier, category, message + "\n\n", "", settings.crisis_policy == "message_then_model", guided)
    return Decision(tier, category, "", "\n\n" + message, True, guided)


def user_texts(body: dict[str, Any]) -> list[str]:
    """Returns the texts of a chat's user turns, or of a completion's prompt."""
    if "messages" not in body:
        prompt = body.get("prompt", "")
        return [p for p in (prompt if isinstance(prompt, list) else [prompt]) if isinstance(p, str)]
    texts: list[str] = []
    for message in body["messages"]:
        if isinstance(message, dict) and message.get("role") == "user":
            content = message.get("content")
            parts = content if isinstance(content, list) else [{"text": content}]
            texts += [str(p["text"]) for p in parts if isinstance(p, dict) and p.get("text")]
    return texts


def _with_safety_prompt(body: dict[str, Any], prompt: str) -> dict[str, Any]:
    if "messages" not in body:
        return body
    return {**body, "messages": [{"role": "system", "content": prompt}, *(m for m in body["messages"] if m.get("role") != "system")]}
