"""Question texts as sets of shingles."""

import re
import unicodedata

from components.common.records import Language, Question

NOT_A_SIGN = re.compile(r"[^\w]|_")
ITEM_NUMBER = re.compile(r"^\s*\d{1,4}\s*[.\u3001\uff0e)\uff09]\s*(?!\d)")
WORD = re.compile(r"[^\W_]+")
IDEOGRAPH = re.compile(r"[\u3400-\u9fff]")


def normalise(text: str, language: Language) -> str:
    """Returns the text without what does not change its meaning: width, case, punctuation, in Chinese also spaces."""
    folded = unicodedata.normalize("NFKC", text).lower()
    # A text of the other script (an English stem in a Chinese bank) is read by its own script.
    if language == "zh" and IDEOGRAPH.search(folded):
        return NOT_A_SIGN.sub("", folded)
    return " ".join(WORD.findall(folded))


def shingles(normalised: str, characters: int, words: int) -> set[str]:
    """Returns the shingles of a normalised text: words where it has spaces, else characters; a shorter text is one shingle."""
    if not normalised:
        return set()
    if " " not in normalised:
        return {normalised[i : i + characters] for i in range(max(1, len(normalised) - characters + 1))}
    tokens = normalised.split(" ")
    return {" ".join(tokens[i : i + words]) for i in range(max(1, len(tokens) - words + 1))}


def stem_text(question: Question) -> str:
    """Returns the normalised stem without the number that some banks put in front of it."""
    return normalise(ITEM_NUMBER.sub("", question.stem), question.language)


def option_shingles(question: Question, characters: int, words: int) -> set[str]:
    """Returns the shingles of the options; none crosses a border, so the order of the options is no matter."""
    texts = (normalise(option.text, question.language) for option in question.options)
    return set().union(*(shingles(text, characters, words) for text in texts))


def question_shingles(question: Question, characters: int, words: int) -> set[str]:
    """Returns the shingles of stem and options."""
    return shingles(stem_text(question), characters, words) | option_shingles(question, characters, words)


def jaccard(a: set[int] | set[str], b: set[int] | set[str]) -> float:
    """Returns the exact Jaccard similarity of two sets, 0 for two empty ones."""
    common = len(a & b)  # type: ignore[operator]
    return common / (len(a) + len(b) - common) if common else 0.0
