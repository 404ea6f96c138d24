"""Readings of a text with disguises undone, so that rules need to know only plain wording.

A disguise is ambiguous ("4" is a digit, an `a` or a Chinese `die`), so `readings` returns several candidates instead of one guess.
The tables are data, see disguises.py.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache

from components.guard.disguises import lookalikes, tables, traditional, vocabulary
from components.guard.pinyin import pinyin

CJK = "\u3400-\u4dbf\u4e00-\u9fff"
_SEPARATOR = r"[ \t\r\n./\\\-_*|~+=#^\u00b7\u2022\u2026\u2027\u30fb\u3001:]"
_SPACED_CJK = re.compile(rf"(?<=[{CJK}]){_SEPARATOR}+(?=[{CJK}])")
# Single characters with a stop behind each: nobody writes a sentence so.
_STOPPED_CJK = re.compile(rf"(?<![{CJK}])[{CJK}](?:[,;!?\u3002] ?[{CJK}]){{2,}}(?![{CJK}])")
_STOPS = re.compile(r"[,;!?\u3002 ]")
_SPACED_LETTERS = re.compile(r"(?<![a-z0-9])[a-z](?:[^a-z0-9,;!?\u4e00-\u9fff]{1,2}[a-z]){2,}(?![a-z0-9])")
_WORD = re.compile(r"[a-z0-9]+")
# Longer ones are no words, and cost more than they can hide.
_JOINED = re.compile(r"(?<![a-z0-9])[a-z]{8,200}(?![a-z0-9])")
# Letters without a shape: blank in Korean and Braille writing.
_FILLERS = "\u115f\u1160\u3164\uffa0\u2800"
# Without this a run of carriage returns would take quadratic time.
_LINE_END = re.compile(r"\r\n?")
# A line that no stop ends goes on in the next one, unless that is an option ("b. ...").
_WRAP = re.compile(r"(?<=[a-z0-9,])\n(?=[a-z0-9])(?![a-z0-9]{1,2}[.)])")


def plain(text: str) -> str:
    """NFKC, lower case, no invisible characters, no accents on Latin letters, emoji as spaces, no apostrophes."""
    folded = unicodedata.normalize("NFKC", text).lower()
    kept = "".join(map(_visible, unicodedata.normalize("NFKD", folded)))
    kept = re.sub(r"[\u2018\u2019\u02bc`\u00b4']", "", kept)
    simplified = _LINE_END.sub("\n", kept.translate(traditional()))
    return re.sub(r"[ \t]*\n\s*", "\n", re.sub(r"[ \t]{3,}", "  ", simplified)).strip()


@lru_cache(maxsize=4096)
def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cf", "Mn", "Me", "Cs", "Co", "Cn") or character in _FILLERS or (category == "Cc" and character not in "\n\t\r"):
        return ""
    return " " if category in ("So", "Sk", "Zs", "Zl", "Zp") else character


def readings(text: str) -> list[str]:
    """The text in its plain form first, then as each disguise would have it; without duplicates."""
    return list(dict.fromkeys(reading for base in bases(text) for reading in _disguises_undone(base)))


def bases(text: str) -> list[str]:
    """The plain forms from which the readings come: as typed, with letters of other scripts as those they look like, lines unwrapped.

    What pads a text is gone in them: their length is that of what somebody reads.
    """
    forms = [text]
    if not lookalikes().keys().isdisjoint(map(ord, text)):
        decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text))
        forms.append(decomposed.translate(lookalikes()))
    found = [join_spaced(plain(form)) for form in forms]
    return list(dict.fromkeys(found + [_WRAP.sub(" ", form) for form in found]))


def _disguises_undone(base: str) -> Iterator[str]:
    unleeted = leet(base)
    yield from (base, english(base), english(unleeted), chinese_homophones(base))
    yield from (chinese_homophones(pinyin(source)) for source in (base, unleeted))


def join_spaced(text: str) -> str:
    """Joins Chinese characters and single Latin letters that blanks or signs keep apart."""
    joined = _STOPPED_CJK.sub(lambda m: _STOPS.sub("", m.group()), _SPACED_CJK.sub("", text))
    joined = _SPACED_LETTERS.sub(lambda m: " ".join(_joined_words(m.group())), joined)
    return re.sub(r"(?<=[a-z,.;!?]) {2,}", " ", joined)


def _joined_words(run: str) -> Iterator[str]:
    # Two blanks separate words in "k i l l  m y s e l f"; within a word the letters have one sign between them.
    for part in re.split(r"\s{2,}", run):
        letters = re.sub(r"[^a-z]", "", part)
        yield " ".join(_segment(letters) or [letters])


def _segment(letters: str) -> list[str] | None:
    """Returns letters as the fewest known words; None if they are not made of known words."""
    # best[i]: (number of words, start of the last one) of the best split of letters[:i].
    best: list[tuple[int, int] | None] = [(0, 0)] + [None] * len(letters)
    for end in range(1, len(letters) + 1):
        starts = (s for s in range(max(0, end - 10), end) if best[s] and letters[s:end] in vocabulary())
        best[end] = min(((best[s][0] + 1, s) for s in starts), default=None)  # type: ignore[index]
    words: list[str] = []
    end = len(letters)
    while end and (split := best[end]):
        words.append(letters[split[1] : end])
        end = split[1]
    return words[::-1] if not end else None


def english(text: str) -> str:
    """Spelling variants, typing errors in key words and English homophones made plain."""
    spelling = tables().spelling
    words = _WORD.sub(lambda m: spelling.get(m.group()) or _typing_errors().get(m.group()) or _fuzzy(m.group()), _unjoined(text))
    for pattern, replacement in tables().english_homophones:
        words = pattern.sub(lambda m, r=replacement: m.expand(r), words)  # type: ignore[misc]
    return words


def _unjoined(text: str) -> str:
    """Words without blanks between them ("iwanttodie"), where they name a crisis, as words."""
    return _JOINED.sub(lambda m: " ".join(_segment(m.group()) or [m.group()]) if _crisis().search(m.group()) else m.group(), text)


@cache
def _crisis() -> re.Pattern[str]:
    return re.compile("|".join(tables().joined.split()))


@cache
def _typing_errors() -> dict[str, str]:
    """Every key word with two neighbouring letters swapped, except where that is another word."""
    swapped = {w[:i] + w[i + 1] + w[i] + w[i + 2 :]: w for w in tables().fuzzy for i in range(len(w) - 1)}
    return {wrong: right for wrong, right in swapped.items() if wrong not in vocabulary()}


def _fuzzy(word: str) -> str:
    """A long key word with one letter missing or doubled is that word."""
    return _dropped_letters().get(word, word)


@cache
def _dropped_letters() -> dict[str, str]:
    long = [w for w in tables().fuzzy if len(w) >= 6]
    dropped = {w[:i] + w[i + 1 :]: w for w in long for i in range(1, len(w))}
    doubled = {w[:i] + w[i] + w[i:]: w for w in long for i in range(len(w))}
    return {wrong: right for wrong, right in (dropped | doubled).items() if wrong not in long and len(wrong) >= 6}


def leet(text: str) -> str:
    """Digits and signs that stand for letters, in words that also hold a letter; numbers such as years stay."""
    table = str.maketrans(tables().leet)
    return re.sub(
        r"(?<![a-z0-9@$!])(?![0-9]{2,}s?(?![a-z0-9@$!]))[a-z0-9@$!]*[0-9@$][a-z0-9@$!]*", lambda m: m.group().translate(table), text
    )


def chinese_homophones(text: str) -> str:
    """Chinese characters that borrow the sound of a crisis word replaced by it, unless the text explains them."""
    for entry in tables().chinese_homophones:
        if not (entry.unless and entry.unless.search(text)):
            text = entry.find.sub(entry.to, text)
    return text
