import numpy as np
import pytest

from components.control.minhash import LARGE_BUCKET, band_keys, bands_for, candidate_pairs, hash_shingles, signatures


@pytest.mark.parametrize(("jaccard", "permutations"), [(0.7, 128), (0.5, 128), (0.9, 128), (0.3, 256), (0.7, 16)])
def test_bands_miss_a_pair_at_the_threshold_less_than_once_in_a_thousand(jaccard, permutations):
    bands, rows = bands_for(jaccard, permutations)
    assert bands * rows <= permutations
    assert rows == 1 or (1 - jaccard**rows) ** bands < 0.001


def test_signatures_estimate_jaccard_and_repeat():
    a = {str(n) for n in range(100)}
    b = {str(n) for n in range(20, 120)}  # Jaccard 80/120
    hashed = hash_shingles([a, b])
    first = signatures(hashed, 512, seed=1)
    assert first.shape == (2, 512)
    assert np.mean(first[0] == first[1]) == pytest.approx(80 / 120, abs=0.07)
    assert np.array_equal(first, signatures(hashed, 512, seed=1))
    assert not np.array_equal(first, signatures(hashed, 512, seed=2))


def test_keys_are_equal_exactly_where_bands_are():
    rows = np.array([[1, 2, 3, 4], [1, 2, 9, 4], [2, 1, 3, 4]], dtype=np.uint32)
    keys = band_keys(rows, bands=2, rows=2)
    assert keys[0, 0] == keys[1, 0] != keys[2, 0]
    assert keys[0, 1] == keys[2, 1] != keys[1, 1]


def pairs(keys):
    return {(int(p) >> 32, int(p) & 0xFFFFFFFF) for band in candidate_pairs(np.array(keys, dtype=np.uint64)) for p in band}


def test_all_pairs_of_a_small_bucket_are_candidates_earlier_first():
    assert pairs([[7, 1], [8, 2], [7, 3], [7, 2]]) == {(0, 2), (0, 3), (2, 3), (1, 3)}


def test_a_large_bucket_pairs_every_member_with_the_first_and_does_not_explode():
    size = 2000
    found = pairs([[5]] * size)
    assert {(0, n) for n in range(1, size)} <= found
    assert {(n - 1, n) for n in range(1, size)} <= found
    assert len(found) <= 2 * LARGE_BUCKET * size
    assert all(a < b for a, b in found)
