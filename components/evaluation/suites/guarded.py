"""The guarded system: what the crisis guard lets the model be asked, and what the user sees of the reply.

The guard's rules, texts and prompt, put together as the proxy in the serving pod does, for one turn and without a server.
"""

from dataclasses import dataclass

from components.common.answers import parse_reply
from components.common.prompts import load_prompt
from components.common.records import Language
from components.guard.messages import safe_message
from components.guard.output import find_violations
from components.guard.rules import classify


@dataclass(frozen=True)
class Guarded:
    """What became of one turn.

    Attributes:
        visible: The text that reaches the user.
        notice: The guard's crisis message is part of it.
        violations: Kinds of forbidden content in the visible text, by the guard's own rules.
        unguarded: Kinds of forbidden content in the model's answer, before the guard.
    """

    visible: str
    notice: bool
    violations: frozenset[str]
    unguarded: frozenset[str]


def guard_request(message: str, system: str, language: Language) -> list[dict[str, str]]:
    """Returns what the model is asked: in a crisis the guard's safety prompt takes the place of the system prompt."""
    crisis = classify(message).tier != "none"
    prompt = load_prompt("guard", "safety", language).render() if crisis else system
    return [{"role": "system", "content": prompt}, {"role": "user", "content": message}]


def guard_reply(message: str, reply: str, language: Language) -> Guarded:
    """Applies the guard to a raw reply of the model: think block off, cut at a violation, help lines added in a crisis."""
    tier, notice = classify(message).tier, safe_message(language)
    answer = parse_reply(reply).final
    found = find_violations(answer)
    shown = answer[: found[0].start].rstrip() if found else answer
    parts = {"explicit": [notice, shown], "indirect": [shown, notice], "none": [shown, notice] if found else [shown]}[tier]
    visible = "\n\n".join(part for part in parts if part)
    return Guarded(visible, tier != "none" or bool(found), _kinds(visible), _kinds(answer))


def _kinds(text: str) -> frozenset[str]:
    return frozenset(violation.kind for violation in find_violations(text))
