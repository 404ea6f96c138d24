"""The one answer parser: evaluation, rewards, rationales and selection all read replies through it.

A reply is an optional think block and an answer. The answer is the letters that the reply commits to, sorted and
without repeats ("BA" -> "AB"). A reply that commits to nothing, or to two different things, is unparsable: never
guessed. The table of forms is in docs/answers.md and tests/unit/common/test_answers.py.
"""

import re
import unicodedata
from dataclasses import dataclass

THINK = re.compile(r"<think>(.*?)</think>", re.DOTALL)


@dataclass(frozen=True)
class Parsed:
    """A parsed reply.

    Attributes:
        letters: Sorted distinct letters, "" when unparsable.
        reasoning: Content of the think block, "" if there is none.
        final: What stands after the think block.
        well_formed: Exactly one think block with content, nothing before it, and a parsable answer after it.
    """

    letters: str
    reasoning: str
    final: str
    well_formed: bool


_LETTER = r"[A-H]"
_RUN = rf"{_LETTER}{{1,8}}(?![A-Za-z])"
_GROUP = rf"(?:{_RUN}(?:(?:\s*(?:[,、,/&+;]|\band\b|和|与|及|以及|\s)\s*)+{_RUN})*|[a-h](?=[\s.。)\]】}}*\"']*$))"
_STATED = re.compile(
    r"(?i:(?:the\s+)?(?:final\s+|correct\s+|right\s+|best\s+)*(?:answers?|options?|choices?)\s*(?:is|are|should be|would be)?|(?:正确|最终|参考|最佳)*(?:答案|选项)\s*(?:应该是|应为|应是|是|为|选)?|(?:应选|应该选|故选|因此选|所以选|选择|选))"
    rf"\s*[:：]?\s*[\s\"'*_`({{\[(【《「]*({_GROUP})(?![A-Za-z])",
    re.MULTILINE,
)
_BOXED = re.compile(r"\\boxed\s*\{\s*(?:\\text\s*\{)?\s*([^{}]*)\}")
_JSON = re.compile(r"\"answers?\"\s*:\s*\"?(\[[^\]]*\]|[^\",}]*)")
_BARE = re.compile(rf"^[\s\"'*_`(\[【]*({_GROUP})(?![A-Za-z])[\s\"'*_`)\]】.。]*$")
_LEAD = re.compile(rf"^[\s\"'*_`(\[【]*({_LETTER})[)\]】]?[.、:：]\s*\S")


def _letters(text: str) -> str:
    return "".join(sorted(set(re.findall(_LETTER, re.sub(r"\band\b", " ", text).upper()))))


def parse_reply(reply: str, labels: str = "ABCDEFGH", reasoning: str = "") -> Parsed:
    """Parses one reply.

    Args:
        reply: The raw text.
        labels: Letters that the question offers; others make the reply unparsable.
        reasoning: The think block, when the server's reasoning parser has already separated it.
    """
    text = unicodedata.normalize("NFKC", reply)
    blocks = THINK.findall(text)
    if reasoning:
        final, thought, one_block = text, reasoning, not blocks and "<think>" not in text
    elif blocks:
        head, _, rest = text.partition("<think>")
        final = text.rpartition("</think>")[2]
        thought = blocks[-1].strip()
        one_block = text.count("<think>") == 1 == text.count("</think>") and bool(thought) and not head.strip()
    else:
        final, thought, one_block = text.rpartition("</think>")[2], "", False
        if "<think>" in final:  # never closed: the reply was cut while thinking
            final = ""
    letters = parse_letters(final, labels)
    return Parsed(letters, thought, final.strip(), one_block and bool(letters))


def parse_letters(final: str, labels: str = "ABCDEFGH") -> str:
    """Returns the letters that an answer (without think block) commits to, or "" if none or contradictory."""
    text = unicodedata.normalize("NFKC", final).strip()
    if not text:
        return ""
    for pattern in (_BOXED, _JSON, _STATED):
        found = {_letters(m) for m in pattern.findall(text)} - {""}
        if len(found) > 1:
            return ""
        if found:
            return _offered(found.pop(), labels)
    lines = [line for line in text.splitlines() if line.strip()]
    for line in (lines[0], lines[-1]):
        match = _BARE.match(line)
        if match:
            return _offered(_letters(match.group(1)), labels)
    leads = {m.group(1).upper() for m in map(_LEAD.match, lines) if m}
    return _offered(leads.pop(), labels) if len(leads) == 1 else ""


def _offered(letters: str, labels: str) -> str:
    return letters if letters and set(letters) <= set(labels) else ""
