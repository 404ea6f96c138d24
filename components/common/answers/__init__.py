"""The one answer parser: evaluation, rewards, rationales and selection all read replies through it.

A reply is an optional think block and an answer. The answer is the letters that the reply commits to, sorted and
without repeats ("BA" -> "AB"). A reply that commits to nothing, or to two different things, is unparsable: never
guessed. The forms that are read are in docs/answers.md; the proof is tests/data/replies.jsonl.
"""

import unicodedata
from dataclasses import dataclass

from components.common.answers.commitment import committed_letters
from components.common.answers.think import split_think

LABELS = "ABCDEFGH"

__all__ = ["Parsed", "parse_letters", "parse_reply"]


@dataclass(frozen=True)
class Parsed:
    """A parsed reply.

    Attributes:
        letters: Sorted distinct letters, "" when unparsable.
        reasoning: Content of the think block, "" if there is none.
        final: What stands outside the think block.
        well_formed: Exactly one think block with content, nothing before it, and a parsable answer after it.
    """

    letters: str
    reasoning: str
    final: str
    well_formed: bool


def parse_reply(reply: str, labels: str = LABELS, reasoning: str = "") -> Parsed:
    """Parses one reply.

    Args:
        reply: The raw text.
        labels: Letters that the question offers; others make the reply unparsable.
        reasoning: The think block, when the server's reasoning parser has already separated it.
    """
    # Only letters are read in normalised form: reasoning and answer are trained and scored on with their own punctuation.
    parts = split_think(reply)
    letters = parse_letters(parts.outside, labels)
    one_block = parts.tags == 0 if reasoning.strip() else parts.one_leading_block
    return Parsed(letters, reasoning.strip() or parts.inside, parts.outside, one_block and bool(letters))


def parse_letters(final: str, labels: str = LABELS) -> str:
    """Returns the letters that an answer (without think block) commits to, or "" if none or contradictory."""
    letters = committed_letters(unicodedata.normalize("NFKC", final), labels)
    return letters if set(letters) <= set(labels) else ""
