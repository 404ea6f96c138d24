"""Reads a list of option letters at a given place: "B", "A, C and D", "(A)(C)", "A、C和D", "ACD", "**B**"."""

import re
from dataclasses import dataclass

_OPEN = r"""[\s"'*_`(\[{【《「『“‘$<:~]{0,16}"""
_CLOSE = r"""(?:[ \t]*["'*_`)\]}】》」』”’$>~]){0,8}"""
_ITEM = re.compile(
    rf"{_OPEN}(?:\\(?:text|mathrm|mathbf|textbf)\s*\{{\s*|(?i:options?|choices?)\s+|选项\s*)?[(\"'*_`\[【$]{{0,4}}([A-H]{{1,8}})(?![A-Za-z0-9])(选项|项)?{_CLOSE}"
)
_JOIN = re.compile(
    r"\s*(?:[,、;&+]|\b(?:and|plus)\b|以及|和|与|及|跟)(?:\s*(?:[,、;&+]|\b(?:and|plus|also)\b|以及|和|与|及))*\s*|\.(?=[A-H](?:[\s.,;、。)]|$))"
)
_LOWER = re.compile(rf"{_OPEN}([a-h](?:[ \t]*(?:[,、;&+]|\band\b)[ \t]*[a-h]|[a-h])*){_CLOSE}[.。]?{_CLOSE}(?=\n|$)")

_EXCLUDED = re.compile(r"[\s,]*(?:而\s*)?(?:不是|而非|并非|not|rather than|instead of)\s*(?:option\s*|选项\s*)?[A-H](?![A-Za-z])")
_ALTERNATIVE = re.compile(
    r"\s*[,(]?\s*(?:(?:/|\||\bor\b|and/or|或者?|还是|抑或)\s*|(?:and\s+|和|、)?(?:possibly|maybe|perhaps|probably|可能|也许)\s*|(?<=\()\s*(?:and|plus|或|和)\s*)"
    r"(?:(?i:option)\s*|选项\s*|选择?\s*)?[\"'*(\[]*[A-H](?![A-Za-z])"
)
_RANGE = re.compile(r"\s*(?:-|–|—|~|\bto\b|\bthrough\b|至|到)\s*[\"'*(\[]*[A-H](?![A-Za-z])")
# "C > B > A" ranks, "A~C" is a range: a lone sign between two bare letters closes nothing.
_RANKED = re.compile(r"\s*[<>~]\s*[A-H](?![A-Za-z])")
_REFUTED = re.compile(
    r"\s*(?:是|都|均|也|are|is|were|was)?\s*(?:all|both|also)?\s*(?:不(?:正确|对|是|符合|选|属于|应)|错|(?:not|never|wrong|incorrect|false|isn't|aren't)\b)"
)
# What begins a sentence about the letter before it: "A is irrelevant", "A项与本案无关".
_SENTENCE = re.compile(
    r"\s+(?:is|are|was|were|does|do|has|have|refers?|describes?|means?)\b(?!\s+(?:(?:all|both|also|the)\s+)*(?:correct|right|true|best))"
    r"|(?:是|为|属|更|比|能|可|不|主要|也|只|的|错)(?!正确|对|符合)|(?<=项)(?=[\u4e00-\u9fff])(?!正确|对|符合|均|都|是正确)"
)
_ASKED = re.compile(r"\s*[吗呢]?\s*\?|\s*吗")
_WORD = re.compile(r"[ \t]+([a-z]+)")
_PLAIN_WORDS = frozenset(
    [
        "is",
        "are",
        "was",
        "were",
        "because",
        "since",
        "as",
        "and",
        "for",
        "which",
        "with",
        "while",
        "but",
        "so",
        "due",
        "given",
        "it",
        "that",
        "not",
        "rather",
        "however",
    ]
)
# What may follow a letter without a blank in Chinese; anything else ("A型", "ABC理论") makes it a part of a term.
_HAN = re.compile(r"[\u4e00-\u9fff]")
_HAN_AFTER = re.compile(
    "选|项|正确|错|对|都|均|是|为|和|与|及|以|或|还|两|三|四|五|这|那|而|因|由|不|共|吗|呢|吧|符合|最|该|此|本|其|理由|解析|解释|分析|说明|故|所|了|即|也|能|可|属|更|比|主要|并|但|至|到|跟|的"
)


@dataclass(frozen=True)
class LetterList:
    """Letters found, and where the list ends. `ambiguous`: there are letters, but they are no commitment ("A or B")."""

    letters: str
    end: int
    ambiguous: bool = False


def read_letters(text: str, position: int) -> LetterList | None:
    """Reads the list of letters that begins at `position`; None if there is none.

    Lower-case letters count only where they fill the rest of the line.
    """
    item = _ITEM.match(text, position)
    if not item:
        return _read_lower(text, position)
    items = [item]
    joins: list[str] = []
    while joined := _next_item(text, items[-1]):
        joins.append(joined[0])
        items.append(joined[1])
    if len(items) > 1 and _SENTENCE.match(text, items[-1].end()):
        # "B, C, A is irrelevant": from the last comma on it is another sentence.
        last = max((i for i, join in enumerate(joins) if join.strip() == ","), default=None)
        if last is None:
            return LetterList("", items[-1].end(), ambiguous=True)
        items, joins = items[: last + 1], joins[:last]
        return _make(items, ambiguous=False)
    end = items[-1].end()
    if not _follows_well(text, items[-1].end(1)):
        return None
    letters = "".join(i[1] for i in items)
    if _RANKED.match(text, items[-1].end(1)):
        return LetterList("", end, ambiguous=True)
    return _make(items, _ambiguous(text, end, letters, blank_join=any(not join.strip() and " " in join for join in joins)))


def _next_item(text: str, item: re.Match[str]) -> tuple[str, re.Match[str]] | None:
    """Returns the next letter of the list and the separator in front of it; without a separator it must stand on the same line."""
    if _RANKED.match(text, item.end(1)):
        return None
    join = _JOIN.match(text, item.end())
    start = join.end() if join else item.end()
    following = _ITEM.match(text, start)
    if not following or not _follows_well(text, following.end(1)):
        return None
    separator = text[item.end() : start] if join else text[item.end() : following.start(1)]
    return None if not join and "\n" in separator else (separator, following)


def _make(items: list[re.Match[str]], ambiguous: bool) -> LetterList | None:
    """Returns the list; None if a run repeats a letter, which makes it a word or an abbreviation."""
    if any(len(set(item[1])) < len(item[1]) for item in items):
        return None
    return LetterList("".join(sorted({letter for item in items for letter in item[1]})), items[-1].end(), ambiguous)


def _read_lower(text: str, position: int) -> LetterList | None:
    match = _LOWER.match(text, position)
    if not match:
        return None
    letters = re.sub(r"\band\b|[^a-h]", " ", match[1]).split()
    if any(list(run) != sorted(set(run)) for run in letters):  # a word such as "bed"
        return None
    return LetterList("".join(sorted(set("".join(letters).upper()))), match.end())


def _follows_well(text: str, end: int) -> bool:
    """Returns whether the letters that end here are not a part of a Chinese term."""
    return not _HAN.match(text, end) or bool(_HAN_AFTER.match(text, end))


def _ambiguous(text: str, end: int, letters: str, blank_join: bool) -> bool:
    if _EXCLUDED.match(text, end):
        return False
    if any(pattern.match(text, end) for pattern in (_ALTERNATIVE, _RANGE, _REFUTED, _ASKED)):
        return True
    # "Answer: A learned response" begins with an article; "D ABC theory" is a label and the option's text.
    word = _WORD.match(text, end)
    return bool(word) and (letters == "A" or blank_join) and word[1] not in _PLAIN_WORDS  # type: ignore[index]
