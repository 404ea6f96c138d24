"""The reply as the user would see it: the crisis guard's rules around the model's reply."""

from dataclasses import dataclass

from components.common.records import Language


@dataclass(frozen=True)
class Guarded:
    """What the guard made of one turn.

    Attributes:
        visible: The text that reaches the user.
        tier: Crisis tier of the user's message: explicit, indirect or none.
        notice: The guard's crisis message is part of the visible text.
        violations: Kinds of forbidden content left in the visible text.
    """

    visible: str
    tier: str
    notice: bool
    violations: frozenset[str]


def guard_reply(message: str, reply: str, language: Language) -> Guarded:
    """Applies the guard to one turn: an explicit crisis never reaches the model, an indirect one gets help added to its reply."""
    from components.guard.messages import safe_message
    from components.guard.output import find_violations
    from components.guard.rules import classify

    tier = classify(message).tier
    notice = safe_message(language)
    unsafe = tier == "explicit" or bool(find_violations(reply))
    visible = notice if unsafe else (f"{reply}\n\n{notice}" if tier == "indirect" else reply)
    kinds = frozenset(v.kind for v in find_violations(visible)) if not unsafe else frozenset[str]()
    return Guarded(visible, tier, unsafe or tier == "indirect", kinds)
