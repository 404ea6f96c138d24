"""MinHash signatures (rensa, in Rust) and their LSH bands (numpy)."""

from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
MISS = 0.001
LARGE_BUCKET = 32


def bands_for(jaccard: float, permutations: int) -> tuple[int, int]:
    """Returns (bands, rows per band): the most rows that miss a pair of exactly this similarity less than once in a thousand.

    More rows mean fewer false candidates; those cost time only, because candidates are verified.
    """
    for rows in range(permutations, 1, -1):
        bands = permutations // rows
        if (1 - jaccard**rows) ** bands < MISS:
            return bands, rows
    return permutations, 1


def signatures(sets: Sequence[Sequence[int]], permutations: int, seed: int) -> NDArray[np.uint32]:
    """Returns the MinHash signatures, shape (sets, permutations), of sets of 64-bit hashes."""
    from rensa import RMinHash

    matrix = RMinHash.digest_matrix_from_token_hash_sets(sets, permutations, seed)
    return np.array(matrix.to_rows(), dtype=np.uint32).reshape(len(sets), permutations)


def hash_shingles(sets: Iterable[Collection[str]]) -> list[list[int]]:
    """Returns 64-bit hashes of the shingles, set by set and in order; the same on every machine."""
    from rensa import RMinHash

    return RMinHash.hash_token_sets([list(s) for s in sets])  # type: ignore[no-any-return]


def band_keys(signature: NDArray[np.uint32], bands: int, rows: int) -> Keys:
    """Returns one key per band, shape (sets, bands): equal keys mean equal rows of that band."""
    multiplier = np.uint64(0x9E3779B97F4A7C15)
    keys = np.zeros((len(signature), bands), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for row in range(rows):
            keys = (keys ^ signature[:, row : bands * rows : rows].astype(np.uint64)) * multiplier
            keys ^= keys >> np.uint64(29)
    return keys


def candidate_pairs(keys: Keys) -> Iterator[NDArray[np.uint64]]:
    """Yields, band by band, the pairs (earlier << 32 | later) of sets that share the band's key.

    In a bucket of many sets each is paired with the first and with the previous `LARGE_BUCKET` ones only: whatever is
    similar to something is similar to one of these, or shares another band with it.
    """
    for band in range(keys.shape[1]):
        column = keys[:, band]
        order = np.argsort(column, kind="stable")
        ranked = column[order]
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        sizes = np.diff(np.r_[starts, len(ranked)])
        members: Keys = order.astype(np.uint64)
        twos = starts[sizes == 2]  # nearly all buckets
        found = [(members[twos] << np.uint64(32)) | members[twos + 1]]
        for start, size in zip(starts[sizes > 2], sizes[sizes > 2], strict=True):
            found.append(_pairs(members[start : start + size]))
        yield np.concatenate(found)


def _pairs(members: NDArray[np.uint64]) -> NDArray[np.uint64]:
    earlier, later = np.triu_indices(len(members), k=1) if len(members) <= 2 * LARGE_BUCKET else _near_pairs(len(members))
    return (members[earlier] << np.uint64(32)) | members[later]


def _near_pairs(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    later = np.arange(size)
    firsts = [(np.full(size - k - 1, k), later[k + 1 :]) for k in range(LARGE_BUCKET)]
    previous = [(later[:-k], later[k:]) for k in range(1, LARGE_BUCKET + 1)]
    return np.concatenate([a for a, _ in firsts + previous]), np.concatenate([b for _, b in firsts + previous])
