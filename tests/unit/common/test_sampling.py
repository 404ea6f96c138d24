"""Which part of a dataset a pilot run works on."""

import pytest

from components.common.sampling import drawn


@pytest.mark.parametrize(("total", "limit"), [(0, None), (5, None), (5, 5), (5, 9), (0, 3)])
def test_without_a_limit_that_binds_everything_is_drawn(total, limit):
    assert all(place in drawn(total, limit, 42) for place in range(total))


def test_a_draw_has_the_limit_s_size_and_hangs_on_the_seed_alone():
    one, again, other = ([p for p in range(1000) if p in drawn(1000, 50, seed)] for seed in (1, 1, 2))
    assert len(one) == 50
    assert one == again
    assert one != other
