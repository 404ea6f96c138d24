"""What the guard does with one request, before the model sees it: a pure function of the request's body."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Any

from components.common.prompts import load_prompt
from components.guard.messages import safe_message
from components.guard.normalise import bases
from components.guard.requests import texts
from components.guard.rules import NO_CRISIS, SEVERITY, Crisis, Tier, classify, matched_rule
from components.guard.settings import GuardSettings

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Rules take more than linear time: longer texts are judged in pieces that overlap by more than any phrase is long.
PIECE, OVERLAP = 2000, 200


@dataclass(frozen=True)
class Decision:
    """`opening` goes in front of the answer, `closing` behind it; `ask_model` is False when the model is not asked at all."""

    tier: Tier
    category: str
    language: str
    opening: str
    closing: str
    ask_model: bool
    body: dict[str, Any]

    @property
    def message(self) -> str:
        """What a person in crisis must see even when the model fails; empty if there is no crisis."""
        return (self.opening or self.closing).strip()

    def message_alone(self) -> "Decision":
        """Returns the same finding answered by the message, in one choice however many were asked for."""
        body: dict[str, Any] = {name: self.body[name] for name in ("model", "stream") if name in self.body}
        return replace(self, opening=self.message + "\n\n", closing="", ask_model=False, body=body)


def decide(body: dict[str, Any], settings: GuardSettings, opinion: Crisis | None = None) -> Decision:
    """Classifies what the user says and prepares the request for the model.

    The last turn decides about the safe message. Earlier turns count as well until the message stands in the conversation; then they
    only keep the model under the safety prompt.

    Args:
        body: The checked request.
        settings: Policy, country, limits.
        opinion: What the guard model says of the turns; it counts where it is the more severe, or where it may lower.
    """
    limited = _limit_tokens(body, settings.max_tokens)
    turns = user_turns(body)
    found = [_judge_parts(parts) for parts in _newest(_turns_in_parts(body), settings.max_text_chars)]
    language = language_of(turns)
    message = safe_message(language, settings.country)
    worst = max(found, key=_severity, default=NO_CRISIS)
    now = found[-1] if found and _was_shown(body, message) else worst
    if opinion is not None:
        now, worst = (_second(first, opinion, turns, settings) for first in (now, worst))
    if worst.tier == "none":
        return Decision("none", "none", language, "", "", True, limited)
    is_chat = "messages" in body
    guided = _with_safety_prompt(limited, load_prompt("guard", "safety", language).render()) if is_chat else limited
    if now.tier == "explicit":
        # A bare completion has no system prompt that could hold the model to anything.
        ask_model = is_chat and settings.crisis_policy == "message_then_model"
        return Decision("explicit", now.category, language, message + "\n\n", "", ask_model, guided)
    closing = "\n\n" + message if now.tier == "indirect" else ""
    return Decision(now.tier, now.category, language, "", closing, True, guided)


def _second(first: Crisis, opinion: Crisis, turns: list[str], settings: GuardSettings) -> Crisis:
    """The lexicons' finding after the guard model was heard."""
    if _severity(opinion) >= _severity(first):
        return opinion if _severity(opinion) > _severity(first) else first
    known = settings.guard_model_lowers and first.tier == "explicit" and any(matched_rule(t).tier == "explicit" for t in turns)
    return opinion if settings.guard_model_lowers and not known else first


def may_change(decision: Decision, settings: GuardSettings) -> bool:
    """Returns whether the guard model could change what was decided without it."""
    return decision.tier != "explicit" or settings.guard_model_lowers


def language_of(turns: list[str]) -> str:
    """Returns the language in which the guard speaks to whoever wrote this."""
    return "zh" if any(_CHINESE.search(turn) for turn in turns) else "en"


def user_turns(body: dict[str, Any]) -> list[str]:
    """Returns the user's turns; messages in a row are one turn. Without any, everything counts as the user's."""
    return ["\n".join(parts) for parts in _turns_in_parts(body)]


def _turns_in_parts(body: dict[str, Any]) -> list[list[str]]:
    if "messages" not in body:
        # Empty ones say nothing, but a request has room for tens of thousands of them.
        return [[prompt] for prompt in texts(body["prompt"]) if prompt]
    messages = body["messages"]
    turns = [[t for m in run for t in texts(m.get("content"))] for role, run in groupby(messages, _role) if role == "user"]
    return turns or [[t for m in messages for t in texts(m.get("content"))]]


def _newest(turns: list[list[str]], most: int) -> list[list[str]]:
    """Returns the end of a conversation that is too long to be judged: such a request is refused, unless its end shows danger."""
    kept: list[list[str]] = []
    for parts in reversed(turns):
        written_out = [unicodedata.normalize("NFKC", part) for part in parts]
        kept.insert(0, written_out if sum(map(len, written_out)) <= most else ["\n".join(written_out)[-most:]])
        most -= sum(map(len, written_out))
        if most <= 0:
            break
    return kept


def _judge_parts(parts: list[str]) -> Crisis:
    """Judges a turn of several messages or content parts; a word may be split between them."""
    joined = dict.fromkeys(("\n".join(parts), "".join(parts)))
    return max((judge(text) for text in joined), key=_severity)


def judge(text: str) -> Crisis:
    """Returns the most severe crisis of a text of any length."""
    forms = bases(text)
    if max(map(len, forms)) <= PIECE:
        return _classify(text) if len(text) <= PIECE else classify(text)
    # Cut only what padding was taken from: it could push the words of a sentence into different pieces.
    return max((_classify(piece) for form in forms for piece in _pieces(form)), key=_severity)


@lru_cache(maxsize=1024)
def _classify(piece: str) -> Crisis:
    """Judges once what a conversation repeats with every request: at most 1024 texts of PIECE characters and findings, 16 MB."""
    return classify(piece)


def _severity(crisis: Crisis) -> int:
    return SEVERITY[crisis.tier]


def size(body: dict[str, Any]) -> int:
    """Returns the number of characters that `decide` has to judge, ligatures written out."""
    return sum(len(unicodedata.normalize("NFKC", turn)) for turn in user_turns(body))


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, max(len(text) - OVERLAP, 1), PIECE - OVERLAP):
        yield text[start : start + PIECE]


def _role(message: dict[str, Any]) -> str:
    return message["role"]


def _was_shown(body: dict[str, Any], message: str) -> bool:
    said = (t for m in body.get("messages", []) if m["role"] == "assistant" for t in texts(m.get("content")))
    return any(message in text for text in said)


def _limit_tokens(body: dict[str, Any], most: int | None) -> dict[str, Any]:
    if most is None:
        return body
    limits = {k: min(body[k], most) for k in ("max_tokens", "max_completion_tokens") if body.get(k) is not None}
    return {**body, **(limits or {"max_tokens": most})}


def _with_safety_prompt(body: dict[str, Any], prompt: str) -> dict[str, Any]:
    kept = [m for m in body["messages"] if m["role"] not in ("system", "developer")]
    return {**body, "messages": [{"role": "system", "content": prompt}, *kept]}
