"""Recall and false alarms on the labelled sets. Some are held out: nobody reads their rows, only these shares."""

import json
import re

import pytest

from components.guard.measure import CALIBRATION, DATA, DEVELOPMENT, HELD_OUT, NEXT, SETS, table, total


# The weights were fitted to these: lower figures would mean that they no longer are.
@pytest.mark.parametrize("name", DEVELOPMENT)
def test_development_sets(name):
    row = total(name)
    assert not row.explicit.rows or row.explicit.share >= 0.96
    assert not row.indirect.rows or row.indirect.share >= 0.94
    assert row.alarms.share <= 0.1


def test_the_thresholds_keep_what_they_were_chosen_for():
    row = total(CALIBRATION)
    assert row.alarms.share <= 0.02
    assert row.explicit.share >= 0.99
    assert row.indirect.share >= 0.9


def test_obfuscated_set():
    row = total("obfuscated")
    assert row.explicit.share == 1
    assert row.alarms.share <= 0.05


HINTS_NOT_REACHED = pytest.mark.xfail(strict=True, reason="held-out hints: docs/safety.md")
ALARMS_NOT_REACHED = pytest.mark.xfail(strict=True, reason="held-out false alarms: docs/safety.md")


@pytest.mark.parametrize("name", [pytest.param("test", marks=HINTS_NOT_REACHED), "test2"])
def test_held_out_indirect(name):
    assert total(name).indirect.share >= 0.9


@pytest.mark.parametrize("name", ["test", "test2"])
def test_held_out_explicit(name):
    assert total(name).explicit.share == 1


@pytest.mark.parametrize("name", ["test", *(pytest.param(name, marks=ALARMS_NOT_REACHED) for name in ("test2", "everyday"))])
def test_held_out_false_alarms(name):
    row = total(name)
    assert row.alarms.rows
    assert row.alarms.share <= 0.02


@pytest.mark.parametrize("name", [CALIBRATION, NEXT, *(name for name in DEVELOPMENT if name != "dev")])
def test_rows_are_well_formed(name):
    rows = [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len({row["id"] for row in rows}) == len(rows) == len({row["text"] for row in rows})
    for row in rows:
        assert set(row) == {"id", "language", "tier", "category", "text"}
        assert re.fullmatch(rf"{name}-(?:zh|en)-\d{{3,4}}", row["id"])
        assert (row["tier"] == "none") == (row["category"] == "none")


def test_no_development_row_is_held_out():
    def texts(name):
        return {json.loads(line)["text"].strip() for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()}

    shared = sum(len(texts(name) & texts(held_out)) for name in (*DEVELOPMENT, CALIBRATION, NEXT) for held_out in HELD_OUT)
    assert shared == 0


def test_the_table_has_a_line_for_every_set_and_language():
    lines = list(table())
    assert len(lines) == 2 + 3 * len(SETS)


def test_the_table_holds_figures_only():
    for line in list(table())[2:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[1] in ("zh", "en", "both")
        assert all(re.fullmatch(r"-|\d\.\d{3} \(\d+/\d+\)", cell) for cell in cells[2:])
