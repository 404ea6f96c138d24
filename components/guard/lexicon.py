"""Patterns from data files: named terms are inserted, alternatives become one regular expression."""

import re
from collections.abc import Mapping, Sequence

_TERM = re.compile(r"<<(\w+)>>")


def alternatives(patterns: Sequence[str], terms: Mapping[str, str]) -> re.Pattern[str]:
    """One expression that matches where any of the patterns does.

    Args:
        patterns: Regular expressions; `<<name>>` stands for a term.
        terms: Fragments by name; a fragment may use others, not itself.

    Raises:
        KeyError: A pattern names a term that is not there.
    """
    return re.compile("|".join(f"(?:{expand(pattern, terms)})" for pattern in patterns))


def expand(pattern: str, terms: Mapping[str, str]) -> str:
    """A pattern with its terms written out.

    Raises:
        KeyError: It names a term that is not there.
    """
    while _TERM.search(pattern):
        pattern = _TERM.sub(lambda m: f"(?:{terms[m.group(1)]})", pattern)
    return pattern
