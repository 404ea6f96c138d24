"""How alike the options of two questions are: as a set, in any order, with one or two of them reworded."""

from collections.abc import Iterator, Mapping
from itertools import combinations

from components.common.records import Question
from components.control.text import jaccard, normalise, shingles

# Option text -> its character pairs, or words: finer shingles than those of stems because options are short.
Options = Mapping[str, set[str]]


def options_of(question: Question) -> Options:
    """Returns the normalised options with their character pairs (English: words)."""
    texts = (normalise(option.text, question.language) for option in question.options)
    return {text: shingles(text, 2, 1) for text in texts}


def halves(options: Options) -> Iterator[frozenset[str]]:
    """Yields every half of a set of options, of two options or more: two sets that share half their options share one of them."""
    for half in combinations(sorted(options), max(2, len(options) // 2)):
        yield frozenset(half)


def agreement(options: Options, others: Options) -> float:
    """Returns how well the options stand for the others: the mean of each other's best Jaccard similarity, 0 to 1."""
    best = (
        1.0 if text in options else max((jaccard(signs, own) for own in options.values()), default=0.0) for text, signs in others.items()
    )
    return sum(best) / len(others) if others else 0.0


def shared_signs(options: Options, others: Options) -> int:
    """Returns how much text is the same: the number of characters (English: words) of the options that both sets hold."""
    return sum(len(text.split()) if " " in text else len(text) for text in options.keys() & others.keys())
