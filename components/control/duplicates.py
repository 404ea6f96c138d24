"""Exact and near duplicates among all questions of a run (paper, data curation step 3: MinHash LSH for diversity)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from components.common.records import Question
from components.control.minhash import band_keys, bands_for, candidate_pairs, hash_shingles, signatures
from components.control.settings import DuplicateSettings
from components.control.text import jaccard, option_shingles, question_shingles


@dataclass(frozen=True)
class Duplicate:
    """Why a question is left out: the number of the earlier, kept one that stands for it, and their Jaccard similarity."""

    representative: int
    similarity: float


@dataclass
class DuplicateSearch:
    """Collects questions in batches, then finds the duplicates among them.

    Memory: 4 bytes per shingle and 8 per band of each question, no texts. The shingles of the options come first in each
    set: questions about one case share most of their text, and are the same only if their options are alike too.
    """

    settings: DuplicateSettings
    seed: int
    _sets: list[NDArray[np.uint32]] = field(default_factory=list)
    _options: list[int] = field(default_factory=list)
    _keys: list[NDArray[np.uint64]] = field(default_factory=list)

    def add(self, questions: Sequence[Question]) -> None:
        """Appends a batch; questions are numbered in the order in which they are added."""
        s = self.settings
        options = [option_shingles(q, s.characters, s.words) for q in questions]
        wholes = [question_shingles(q, s.characters, s.words) for q in questions]
        hashed = hash_shingles([[*own, *(whole - own)] for own, whole in zip(options, wholes, strict=True)])
        self._options.extend(map(len, options))
        bands, rows = bands_for(s.jaccard, s.permutations)
        self._keys.append(band_keys(signatures(hashed, s.permutations, self.seed), bands, rows))
        # Half of each hash suffices to compare two sets of a hundred.
        self._sets.extend(np.array(hashes, dtype=np.uint64).astype(np.uint32) for hashes in hashed)

    def find(self) -> dict[int, Duplicate]:
        """Returns the questions to leave out: each is similar to an earlier one that stays, and no two that stay are similar."""
        if not self._keys:
            return {}
        found: dict[int, Duplicate] = {}
        pairs = np.zeros(0, dtype=np.uint64)
        for band in candidate_pairs(np.concatenate(self._keys)):
            pairs = np.union1d(pairs, band)
        later = (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)
        earlier = (pairs >> np.uint64(32)).astype(np.int64)
        for place in np.argsort(later, kind="stable"):
            one, other = int(earlier[place]), int(later[place])
            if one in found:
                continue
            similarity = self._similarity(one, other)
            if similarity >= self.settings.jaccard and (other not in found or similarity > found[other].similarity):
                found[other] = Duplicate(one, similarity)
        return found

    def _similarity(self, one: int, other: int) -> float:
        a, b = self._sets[one], self._sets[other]
        if min(len(a), len(b)) < self.settings.jaccard * max(len(a), len(b)):
            return 0.0  # the sizes alone rule it out
        similarity = jaccard(set(a.tolist()), set(b.tolist()))
        own, other_own = (set(self._sets[n][: self._options[n]].tolist()) for n in (one, other))
        if similarity < self.settings.jaccard or jaccard(own, other_own) >= self.settings.options or not own:
            return similarity
        return 0.0
