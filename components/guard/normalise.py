"""Readings of a text with disguises undone, so that rules need to know only plain wording.

A disguise is ambiguous ("4" is a digit, an `a` or a Chinese `die`), so `readings` returns several candidates instead of one guess.
The tables are data: data/normalise.yaml and data/traditional.json.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

CJK = "\u3400-\u4dbf\u4e00-\u9fff"
_SYLLABLE = (
    r"(?:(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?"
    r"(?:i?ang|i?ong|uang|[aeiu]ng|iao|uai|[ui]an|[aeu]n|in|ai|ei|ao|ou|ia|ie|iu|ua|ui|uo|ue|er|[aeiou]))"
)
_PINYIN_WORD = re.compile(rf"(?:{_SYLLABLE}){{1,4}}[1-5]?")
_LATIN_WORD = re.compile(r"[a-z]+[1-5]?")
_SEPARATOR = r"[ \t\r\n./\\\-_*|~+=#^\u00b7\u2022\u2026\u2027\u30fb\u3001:]"
_SPACED_CJK = re.compile(rf"(?<=[{CJK}]){_SEPARATOR}+(?=[{CJK}])")
_SPACED_LETTERS = re.compile(r"(?<![a-z0-9])[a-z](?:[^a-z0-9,;!?\u4e00-\u9fff]{1,2}[a-z]){2,}(?![a-z0-9])")
_WORD = re.compile(r"[a-z0-9]+")


class _Homophone(BaseModel):
    model_config = ConfigDict(extra="forbid")
    find: re.Pattern[str]
    to: str
    unless: re.Pattern[str] | None = None


class _Tables(BaseModel):
    model_config = ConfigDict(extra="forbid")
    leet: dict[str, str]
    spelling: dict[str, str]
    english_homophones: list[tuple[re.Pattern[str], str]]
    fuzzy: list[str]
    segment: str
    chinese_homophones: list[_Homophone]
    pinyin: dict[str, str]


@cache
def _tables() -> _Tables:
    path = Path(__file__).parent / "data" / "normalise.yaml"
    return _Tables.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def plain(text: str) -> str:
    """NFKC, lower case, no invisible characters, no accents on Latin letters, emoji as spaces, no apostrophes."""
    folded = unicodedata.normalize("NFKC", text).lower()
    kept = "".join(_visible(c) for c in unicodedata.normalize("NFKD", folded))
    kept = re.sub(r"[\u2018\u2019\u02bc`\u00b4']", "", kept)
    simplified = kept.translate(traditional())
    return re.sub(r"[ \t\r\f\v]*\n\s*", "\n", re.sub(r"[ \t]{3,}", "  ", simplified)).strip()


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cf", "Mn", "Me", "Cs", "Co", "Cn") or (category == "Cc" and character not in "\n\t\r"):
        return ""
    return " " if category in ("So", "Sk", "Zs") else character


@cache
def traditional() -> dict[int, int]:
    """Traditional characters and their simplified forms, for `str.translate`."""
    path = Path(__file__).parent / "data" / "traditional.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    return str.maketrans(table["traditional"], table["simplified"])


def readings(text: str) -> list[str]:
    """The text in its plain form first, then as each disguise would have it; without duplicates."""
    base = join_spaced(plain(text))
    candidates = [base, english(base), english(leet(base)), chinese_homophones(base)]
    for source in (base, leet(base)):
        candidates.append(chinese_homophones(pinyin(source)))
    return list(dict.fromkeys(candidates))


def join_spaced(text: str) -> str:
    """Joins Chinese characters and single Latin letters that blanks or signs keep apart."""
    joined = _SPACED_CJK.sub("", text)
    joined = _SPACED_LETTERS.sub(lambda m: " ".join(_joined_words(m.group())), joined)
    return re.sub(r"(?<=[a-z,.;!?]) {2,}", " ", joined)


def _joined_words(run: str) -> Iterator[str]:
    # Two blanks separate words in "k i l l  m y s e l f"; within a word the letters have one sign between them.
    for part in re.split(r"\s{2,}", run):
        letters = re.sub(r"[^a-z]", "", part)
        yield " ".join(_segment(letters) or [letters])


@cache
def _vocabulary() -> frozenset[str]:
    return frozenset(_tables().segment.split())


def _segment(letters: str) -> list[str] | None:
    # best[i]: the split of letters[:i] into the fewest known words.
    best: list[list[str] | None] = [[]] + [None] * len(letters)
    for end in range(1, len(letters) + 1):
        for start in range(max(0, end - 10), end):
            before = best[start]
            current = best[end]
            if before is None or letters[start:end] not in _vocabulary():
                continue
            if current is None or len(before) + 1 < len(current):
                best[end] = [*before, letters[start:end]]
    return best[-1]


def english(text: str) -> str:
    """Spelling variants, typing errors in key words and English homophones made plain."""
    tables = _tables()
    words = _WORD.sub(lambda m: tables.spelling.get(m.group()) or _typing_errors().get(m.group()) or _fuzzy(m.group()), text)
    for pattern, replacement in tables.english_homophones:
        words = pattern.sub(lambda m, r=replacement: m.expand(r), words)  # type: ignore[misc]
    return words


@cache
def _typing_errors() -> dict[str, str]:
    """Every key word with two neighbouring letters swapped, except where that is another word."""
    swapped = {w[:i] + w[i + 1] + w[i] + w[i + 2 :]: w for w in _tables().fuzzy for i in range(len(w) - 1)}
    return {wrong: right for wrong, right in swapped.items() if wrong not in _vocabulary()}


def _fuzzy(word: str) -> str:
    """A long key word with one letter missing or doubled is that word."""
    return _dropped_letters().get(word, word)


@cache
def _dropped_letters() -> dict[str, str]:
    long = [w for w in _tables().fuzzy if len(w) >= 6]
    dropped = {w[:i] + w[i + 1 :]: w for w in long for i in range(1, len(w))}
    doubled = {w[:i] + w[i] + w[i:]: w for w in long for i in range(len(w))}
    return {wrong: right for wrong, right in (dropped | doubled).items() if wrong not in long and len(wrong) >= 6}


def leet(text: str) -> str:
    """Digits and signs that stand for letters, in words that also hold a letter; numbers such as years stay."""
    table = str.maketrans(_tables().leet)
    return re.sub(
        r"(?<![a-z0-9@$!])(?![0-9]{2,}s?(?![a-z0-9@$!]))[a-z0-9@$!]*[0-9@$][a-z0-9@$!]*", lambda m: m.group().translate(table), text
    )


def pinyin(text: str) -> str:
    """Pinyin phrases as characters, where the Latin part of the text reads as pinyin; else the text unchanged."""
    words = _LATIN_WORD.findall(text)
    if not words or sum(bool(_PINYIN_WORD.fullmatch(w)) for w in words) < 0.7 * len(words):
        return text
    replaced = _pinyin_pattern().sub(lambda m: _pinyin_phrases()[re.sub(r"[^a-z]", "", m.group())], text)
    return re.sub(rf"(?<=[{CJK}])\s+(?=[{CJK}])", "", replaced)


@cache
def _pinyin_phrases() -> dict[str, str]:
    return {phrase.replace(" ", ""): characters for phrase, characters in _tables().pinyin.items()}


@cache
def _pinyin_pattern() -> re.Pattern[str]:
    phrases = sorted(_tables().pinyin, key=len, reverse=True)
    syllables = "|".join(p.replace(" ", r"[1-5]?[\s\-_.*]*") + "[1-5]?" for p in phrases)
    return re.compile(rf"(?<![a-z])(?:{syllables})(?![a-z])")


def chinese_homophones(text: str) -> str:
    """Chinese characters that borrow the sound of a crisis word replaced by it, unless the text explains them."""
    for entry in _tables().chinese_homophones:
        if not (entry.unless and entry.unless.search(text)):
            text = entry.find.sub(entry.to, text)
    return text
