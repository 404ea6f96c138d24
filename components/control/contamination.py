"""Overlap of training items with the evaluation suites: verbatim, shuffled, reworded, or about the same case.

Candidates come from MinHash LSH (stem and options together), from an index of the n-grams that few suite items share
and from one of halves of their options; every candidate is then measured exactly, so that a match can be shown with its figure.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from components.common.benchmarks import BadRow, BenchmarkItem, load_cases, load_questions
from components.common.errors import UserError
from components.common.records import Language, Question
from components.control.minhash import band_keys, hash_shingles, signatures
from components.control.option_sets import Options, agreement, halves, options_of, shared_signs
from components.control.settings import ContaminationSettings, Suite
from components.control.text import jaccard, normalise, question_shingles, shingles, stem_text

Name = TypeVar("Name", int, str)
# 64 bands of 2 rows find a pair of Jaccard 0.3 with probability 0.998.
PERMUTATIONS, BANDS, ROWS = 128, 64, 2
# An n-gram that more suite texts than this share ("which of the following") tells nothing.
COMMON_SHARE, COMMON_LEAST = 0.01, 10
# Shorter texts are shared by unrelated questions: "Which of the following is true?"
LEAST_STEM_SHINGLES, LEAST_CASE_SHINGLES = 12, 30
# Options count as the same from this agreement on: all but one of four, or all with a word changed in each.
SAME_OPTIONS = 0.6
# The more text the options share, the less the stems have to: four long options in common are no accident, four names of feelings may be.
PER_SIGN, MOST_SIGNS = 0.01, 25
CANDIDATES = 20


@dataclass(frozen=True)
class Overlap:
    """Why an item counts as contaminated: by which measure, how much, with which item of which suite."""

    measure: str
    value: float
    item: str


@dataclass(frozen=True)
class _Item:
    name: str
    whole: set[str]
    stem: set[str]
    pairs: set[str]
    options: Options


class SuiteIndex:
    """All items of all suites, ready to be compared with."""

    def __init__(self, settings: ContaminationSettings, seed: int) -> None:
        self.settings, self.seed = settings, seed
        self._items: list[_Item] = []
        self._cases: dict[str, tuple[str, set[str]]] = {}
        self._bands: list[dict[int, list[int]]] = [defaultdict(list) for _ in range(BANDS)]
        self._grams: dict[str, list[int]] = {}
        self._halves: dict[frozenset[str], list[int]] = {}
        self._case_grams: dict[str, list[str]] = {}
        self.unreadable = 0

    def load(self, suites: Iterable[Suite]) -> None:
        """Reads the suites; rows that are no items are counted in `unreadable`.

        Raises:
            UserError: A suite holds nothing that can be read: nothing would be kept out of the training data.
        """
        for suite in suites:
            known = len(self._items) + len(self._cases)
            for item in load_questions(suite.layout, suite.uri, suite.language, reject_single_letter_multi=False, withheld_keys=True):
                self._add(item, suite)
            if suite.layout == "pceb":
                for case in load_cases(suite.uri, suite.language):
                    if not isinstance(case, BadRow):
                        self._add_case(case.context, suite.language, f"{suite.uri}#{case.number}")
            if len(self._items) + len(self._cases) == known:
                raise UserError(
                    f"Suite {suite.uri} gave no item in the layout {suite.layout}: check its layout, and that its files are UTF-8."
                )
        self._index()

    def _add(self, item: BenchmarkItem | BadRow, suite: Suite) -> None:
        if isinstance(item, BadRow):
            self.unreadable += 1
            return
        name = f"{item.question.source}#{item.number}"
        # A bank may hold a case question with its case text or without.
        stems = [item.question.stem, f"{item.context}\n{item.question.stem}"] if item.context else [item.question.stem]
        for stem in stems:
            question = item.question.model_copy(update={"stem": stem})
            self._items.append(_Item(name, self._whole(question), self._stem(question), pairs_of(question), options_of(question)))
        if item.context:
            self._add_case(item.context, suite.language, name)

    def _add_case(self, context: str, language: Language, name: str) -> None:
        grams = self._shingles(context, language)
        if len(grams) >= LEAST_CASE_SHINGLES:
            self._cases.setdefault(context, (name, grams))

    def _shingles(self, text: str, language: Language) -> set[str]:
        return shingles(normalise(text, language), self.settings.shingle, self.settings.shingle - 1)

    def _stem(self, question: Question) -> set[str]:
        return shingles(stem_text(question), self.settings.shingle, self.settings.shingle - 1)

    def _whole(self, question: Question) -> set[str]:
        return question_shingles(question, self.settings.shingle, self.settings.shingle - 1)

    def _index(self) -> None:
        for keys, number in zip(self._keys([item.whole for item in self._items]), range(len(self._items)), strict=True):
            for band, key in zip(self._bands, keys, strict=True):
                band[key].append(number)
        common = max(COMMON_LEAST, round(COMMON_SHARE * len(self._items)))
        stems: dict[str, list[int]] = defaultdict(list)
        option_halves: dict[frozenset[str], list[int]] = defaultdict(list)
        for number, item in enumerate(self._items):
            for gram in item.stem:
                stems[gram].append(number)
            for half in halves(item.options):
                option_halves[half].append(number)
        self._halves = dict(option_halves)
        self._grams = {gram: numbers for gram, numbers in stems.items() if len(numbers) <= common}
        cases: dict[str, list[str]] = defaultdict(list)
        for context, (_, grams) in self._cases.items():
            for gram in grams:
                cases[gram].append(context)
        self._case_grams = {gram: contexts for gram, contexts in cases.items() if len(contexts) <= common}

    def _keys(self, sets: Sequence[set[str]]) -> list[list[int]]:
        if not sets:
            return []
        return band_keys(signatures(hash_shingles(sets), PERMUTATIONS, self.seed), BANDS, ROWS).tolist()  # type: ignore[no-any-return]

    def overlaps(self, questions: Sequence[Question]) -> Iterator[Overlap | None]:
        """Yields, question by question, its strongest overlap with a suite, or None."""
        wholes = [self._whole(q) for q in questions]
        keys: Sequence[Sequence[int]] = self._keys(wholes) if self._items else [()] * len(questions)
        for question, whole, own in zip(questions, wholes, keys, strict=True):
            stem = self._stem(question)
            near = {number for band, key in zip(self._bands, own, strict=False) for number in band.get(key, ())}
            shared = Counter(number for gram in stem for number in self._grams.get(gram, ()))
            near.update(most_shared(shared))
            item = _Item("", whole, stem, pairs_of(question), options_of(question))
            near.update(number for half in halves(item.options) for number in self._halves.get(half, ()))
            found = [overlap for number in near for overlap in [self._compare(item, self._items[number])] if overlap]
            case = self._same_case(stem)
            yield max(found + ([case] if case else []), key=lambda o: (o.value, o.item), default=None)

    def _compare(self, new: _Item, item: _Item) -> Overlap | None:
        s = self.settings
        value = jaccard(new.whole, item.whole)
        if value >= s.whole:
            return Overlap("whole", value, item.name)
        value = jaccard(new.stem, item.stem)
        if value >= s.stem and len(item.stem) >= LEAST_STEM_SHINGLES:
            return Overlap("stem", value, item.name)
        value = jaccard(new.pairs, item.pairs)
        least = s.options - PER_SIGN * min(shared_signs(new.options, item.options), MOST_SIGNS)
        same = value >= least and agreement(new.options, item.options) >= SAME_OPTIONS
        return Overlap("options", value, item.name) if same else None

    def _same_case(self, stem: set[str]) -> Overlap | None:
        shared = Counter(context for gram in stem for context in self._case_grams.get(gram, ()))
        for context in most_shared(shared, 1):
            name, grams = self._cases[context]
            value = len(grams & stem) / len(grams)
            if value >= self.settings.case:
                return Overlap("case", value, name)
        return None


def most_shared(shared: Counter[Name], n: int = CANDIDATES) -> list[Name]:
    """Returns the most frequent names; which of equal ones must not depend on the order of a set, which differs from process to process."""
    return heapq.nsmallest(n, shared, key=lambda name: (-shared[name], name))


def pairs_of(question: Question) -> set[str]:
    """Returns the stem's pairs of characters (English: words): what a reworded stem still shares."""
    return shingles(stem_text(question), 2, 2)
