"""Scores of given predictions agree to the last digit with an independent calculation from the raw files."""

import random
from pathlib import Path

import pytest

from components.common.benchmarks import BadRow
from components.common.benchmarks.settings import SuiteSettings
from components.common.llm import Reply
from components.common.records import Question
from components.common.scores import compute_figures
from components.common.storage import PROJECT_ROOT
from components.evaluation.suites.load import make_suite
from tests.unit.evaluation import independent

SHARED = PROJECT_ROOT.parent / "shared" / "bench"
FORMS = ("<think>想</think>\n答案：{}", "答案：{}", "故选{}。", "{}", "<think>想</think>\nAnswer: {}", "\\boxed{{{}}}")
SILENT = ("", "<think>想到一半", "我不知道。", "答案是A或者B", "以上都对。")


def predict(question: Question, draw: random.Random) -> tuple[str, str]:
    """Returns (letters, reply): right, a part, too much, wrong, or nothing, as chance has it."""
    key = question.key
    others = [o.label for o in question.options if o.label not in key]  # a letter that is not offered is no answer at all
    chosen = draw.choice([key, key, key[: draw.randint(1, len(key))], key + draw.choice(others or [""]), draw.choice(others or [key]), ""])
    if not chosen:
        return "", draw.choice(SILENT)
    letters = "".join(draw.sample(chosen, len(chosen)))
    return chosen, draw.choice(FORMS).format(letters)


def figures_of(kind: str, uri: Path | str, seed: int):
    """Scores random predictions on every item; returns the suite's figures and, in the order of the items, the letters."""
    suite = make_suite(SuiteSettings(name="s", kind=kind, uri=str(uri)))
    draw = random.Random(seed)
    samples, letters = [], []
    for task in suite.tasks():
        if isinstance(task, BadRow):
            continue
        if not hasattr(task.item, "reference"):
            chosen, reply = predict(task.item.question, draw)
            letters.append(chosen)
            samples.append(suite.score(task, [Reply(reply)]))
    return compute_figures(samples, suite.figures(samples), resamples=50, seed=1), letters


def check(found, expected):
    for name, value in expected.items():
        # One unit in the last place of a float near 1.
        assert found[name].value == pytest.approx(float(value), abs=2e-16, rel=2e-16), name


@pytest.mark.skipif(not (SHARED / "pceb").is_dir(), reason="the PCEB files are not beside the project")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pceb_strict_elastic_both_denominators_and_both_averages(seed):
    found, letters = figures_of("pceb", SHARED / "pceb", seed)
    questions = list(independent.pceb_questions(SHARED / "pceb"))
    assert len(letters) == len(questions) == 877
    items = [(domain, kind, key, chosen) for (domain, kind, _, key), chosen in zip(questions, letters, strict=True)]
    expected = independent.pceb_scores(items)
    assert 0.2 < float(expected["avg"]) < 0.9
    assert expected["avg"] < expected["avg_answered"]
    check(found, expected)


@pytest.mark.skipif(not (SHARED / "cpsyexam").is_dir(), reason="the CPsyExam files are not beside the project")
def test_cpsyexam_on_both_definitions():
    found, letters = figures_of("cpsyexam", SHARED / "cpsyexam" / "train", seed=4)
    questions = list(independent.cpsyexam_questions(SHARED / "cpsyexam" / "train"))
    assert len(letters) == len(questions) == 9585
    items = [(task, kind, key, chosen) for (task, kind, key), chosen in zip(questions, letters, strict=True)]
    expected = independent.cpsyexam_scores(items)
    assert expected["mean_of_types"] != expected["mean_of_types_by_subject"]
    check(found, expected)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_projects_own_benchmark(language):
    suite = make_suite(SuiteSettings(name="demo", kind="pceb", uri=f"samples://{language}/benchmark", language=language))
    draw = random.Random(7)
    samples, items = [], []
    for task in suite.tasks():
        if hasattr(task.item, "reference"):
            continue
        chosen, reply = predict(task.item.question, draw)
        samples.append(suite.score(task, [Reply(reply)]))
        items.append((task.item.domain, task.item.question.kind, task.item.question.key, chosen))
    check(compute_figures(samples, suite.figures(samples), 50, 1), independent.pceb_scores(items))


def test_a_figure_with_an_empty_cell_is_left_out():
    suite = make_suite(SuiteSettings(name="demo", kind="pceb", uri="samples://en/benchmark/moral", language="en"))
    samples = [suite.score(task, [Reply("Answer: A")]) for task in suite.tasks()]
    found = compute_figures(samples, suite.figures(samples), 50, 1)
    assert "avg" not in found
    assert found["moral.single.strict"].n == 10
