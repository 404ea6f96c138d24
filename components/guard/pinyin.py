"""Chinese crisis words written in pinyin, with or without blanks, tone marks and tone digits."""

import re
from functools import cache, lru_cache

from components.guard.disguises import tables

_SYLLABLE = re.compile(
    r"(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?"
    r"(?:i?ang|i?ong|uang|[aeiu]ng|iao|uai|[ui]an|[aeu]n|in|ai|ei|ao|ou|ia|ie|iu|ua|ui|uo|ue|er|[aeiou])"
)
_LONGEST_SYLLABLE = 6
_PINYIN_WORD = re.compile(rf"(?:{_SYLLABLE.pattern}){{1,4}}[1-5]?")
_LATIN_WORD = re.compile(r"[a-z]+[1-5]?")
# Three syllables: shorter joined words are found by the pattern of phrases, in texts that read as pinyin.
_SHORTEST_JOINED = 7
_JOINED_WORD = re.compile(rf"(?<![a-z])[a-z]{{{_SHORTEST_JOINED},}}(?![a-z])")
_BLANKS = re.compile(r"(?<=[\u3400-\u4dbf\u4e00-\u9fff])\s+(?=[\u3400-\u4dbf\u4e00-\u9fff])")


def pinyin(text: str) -> str:
    """Pinyin phrases as characters, where the Latin part of the text reads as pinyin; else only joined ones that name a crisis."""
    replaced = _JOINED_WORD.sub(lambda m: _split(m.group()) or m.group(), text)
    words = _LATIN_WORD.findall(replaced)
    if words and sum(bool(_PINYIN_WORD.fullmatch(w)) for w in words) >= 0.7 * len(words):
        replaced = _pattern().sub(lambda m: _phrases()[re.sub(r"[^a-z]", "", m.group())], replaced)
    return _BLANKS.sub("", replaced) if replaced != text else text


@lru_cache(maxsize=4096)
def _split(word: str) -> str | None:
    """Returns a joined word with its phrases as characters; None if it is no pinyin from end to end, or names no crisis."""
    if not _crisis().search(word):
        return None
    # found[i]: how well phrases explain word[:i] (long ones weigh more), its text, and whether it names a crisis.
    found: list[tuple[int, str, bool] | None] = [(0, "", False)] + [None] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - _longest_phrase()), end):
            before, piece = found[start], word[start:end]
            characters = _phrases().get(piece)
            if before is None or (characters is None and (len(piece) > _LONGEST_SYLLABLE or not _SYLLABLE.fullmatch(piece))):
                continue
            weight, crisis = len(piece) ** 2 if characters else 0, before[2] or bool(_crisis().fullmatch(piece))
            found[end] = max(found[end] or (-1, "", False), (before[0] + weight, before[1] + (characters or piece), crisis))
    whole = found[-1]
    return whole[1] if whole is not None and whole[2] else None


@cache
def _crisis() -> re.Pattern[str]:
    return re.compile("|".join(tables().pinyin_joined.split()))


@cache
def _phrases() -> dict[str, str]:
    return {phrase.replace(" ", ""): characters for phrase, characters in tables().pinyin.items()}


@cache
def _longest_phrase() -> int:
    return max(map(len, _phrases()))


@cache
def _pattern() -> re.Pattern[str]:
    phrases = sorted(tables().pinyin, key=len, reverse=True)
    syllables = "|".join(p.replace(" ", r"[1-5]?[\s\-_.*]*") + "[1-5]?" for p in phrases)
    return re.compile(rf"(?<![a-z])(?:{syllables})(?![a-z])")
