"""The guarded system: what the crisis guard sends to the model, and what the user sees of the reply.

The same policy and the same output filter as in the serving pod, so the suite measures what people would meet.
"""

from dataclasses import dataclass

from components.common.records import Language
from components.guard.messages import safe_message
from components.guard.output import find_violations
from components.guard.output_stream import OutputFilter
from components.guard.policy import Decision, decide
from components.guard.settings import GuardSettings


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


def guard_request(messages: list[dict[str, str]]) -> Decision:
    """Returns the guard's decision on a chat; `body["messages"]` is what the model is asked."""
    return decide({"messages": messages}, GuardSettings())


def guard_reply(decision: Decision, reply: str, language: Language) -> Guarded:
    """Applies the guard to a raw reply of the model."""
    output = OutputFilter()
    text = output.feed(reply) + output.finish()
    stopped = bool(output.kind)
    if stopped:
        text += "\n\n" + safe_message(language)
    crisis = decision.tier != "none"
    visible = decision.opening + text.lstrip() + decision.closing if crisis else text
    return Guarded(visible.strip(), crisis or stopped, _kinds(visible), _kinds(reply.rpartition("</think>")[2]))


def _kinds(text: str) -> frozenset[str]:
    return frozenset(violation.kind for violation in find_violations(text))
