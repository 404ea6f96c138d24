"""The benchmark harness: order of rounds, medians, ratios, table, and the command that finds scripts."""

import math
import sys

import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks import harness
from tests.benchmarks.harness import Contender, Result, compare, machine, measure


def test_rounds_alternate_and_every_second_one_goes_backwards():
    order = []
    contenders = [Contender(n, lambda n=n: order.append(n)) for n in "abc"]
    result = compare("order", contenders, rounds=3, warmup=1)
    assert "".join(order) == "cba" + "abc" + "cba" + "abc"
    assert {n: len(rows) for n, rows in result.rounds.items()} == {"a": 3, "b": 3, "c": 3}


def test_medians_and_ratios_are_those_of_the_rounds():
    rounds = {"old": [{"seconds": s} for s in (4.0, 2.0, 9.0)], "new": [{"seconds": s} for s in (1.0, 2.0, 1.0)]}
    result = Result("t", rounds)
    assert result.medians() == {"old": {"seconds": 4.0}, "new": {"seconds": 1.0}}
    assert result.ratios() == {"old": 1.0, "new": 0.25}


def test_a_baseline_of_zero_has_no_ratio():
    result = Result("t", {"a": [{"errors": 0.0}], "b": [{"errors": 2.0}]})
    assert all(math.isnan(r) for r in result.ratios("errors").values())
    assert "| b | 2 (2 to 2) | nan |" in result.markdown()


def test_the_table_shows_every_figure_with_its_spread_and_the_machine():
    rounds = {"direct": [{"seconds": 2.0, "tokens/s": 100.0}], "guard": [{"seconds": 2.5, "tokens/s": 97.0}]}
    table = Result("guard", rounds, packages=("rich",)).markdown().splitlines()
    assert table[0] == "### guard"
    assert table[2] == "| contender | seconds (median, min to max) | ratio | tokens/s (median, min to max) | ratio |"
    assert table[5] == "| guard | 2.5 (2.5 to 2.5) | 1.250 | 97 (97 to 97) | 0.970 |"
    assert table[7].startswith("1 alternating rounds. ")
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in table[7]
    assert "rich " in table[7]


def test_a_command_is_timed_by_the_wall():
    assert measure([sys.executable, "-c", "import time; time.sleep(0.3)"])["seconds"] >= 0.3


def test_a_command_that_fails_ends_the_comparison_with_its_last_line():
    with pytest.raises(RuntimeError, match="code 3: out of cheese"):
        measure([sys.executable, "-c", "import sys; print('out of cheese', file=sys.stderr); sys.exit(3)"])


@pytest.mark.parametrize("names", [["one"], ["same", "same"], []])
def test_a_comparison_needs_two_different_contenders(names):
    with pytest.raises(ValueError, match="two or more different contenders"):
        compare("t", [Contender(n, lambda: None) for n in names])


def test_figures_that_come_and_go_are_refused():
    figures = iter([{"x": 1.0}, {}])
    with pytest.raises(ValueError, match="same figures"):
        compare("t", [Contender("a", lambda: next(figures)), Contender("b", lambda: {"x": 1.0})], rounds=2, warmup=0)


def test_a_machine_without_a_model_name_still_has_one(tmp_path, monkeypatch):
    monkeypatch.setattr(harness, "CPUINFO", tmp_path / "missing")
    assert not machine().startswith(",")


def test_scripts_are_found_listed_and_refused_by_name(tmp_path, capsys):
    assert command.main([], tmp_path) == 0
    assert "no benchmarks" in capsys.readouterr().out
    (tmp_path / "bench_guard.py").write_text("")
    assert command.main(["--list"], tmp_path) == 0
    assert capsys.readouterr().out == "guard\n"
    assert command.main(["gard"], tmp_path) == 2
    assert "no benchmark 'gard': there are guard" in capsys.readouterr().err


def test_a_script_is_run_and_its_markdown_printed(tmp_path, capsys, monkeypatch):
    (tmp_path / "bench_two.py").write_text("def run():\n    return '### two'\n")
    monkeypatch.setattr("tests.benchmarks.__path__", [str(tmp_path)])
    assert command.main(["two"], tmp_path) == 0
    assert capsys.readouterr().out == "### two\n"
