"""An extra endpoint is evaluated like our models and stands beside them and the published rows."""

import pytest
import yaml

from components.common.errors import UserError
from components.common.scores.results import load_results, results_in
from components.evaluation.baseline import endpoint_of, main, run_all, split_pair
from components.evaluation.evaluate import run
from components.evaluation.settings import EvaluationSettings
from tests.stub_llm import Stub

SETTINGS = {"suites": [{"name": "pceb", "kind": "pceb", "uri": "samples://en/benchmark", "language": "en"}], "resamples": 50}


def test_baselines_and_known_results_are_compared(tmp_path, serve, capsys):
    known = serve(Stub(answer=lambda body: "<think>k</think>Answer: A"))
    run(SETTINGS | {"llm": {"model": "stub", "base_urls": [known]}}, "final", "", str(tmp_path / "final"))
    file = tmp_path / "evaluation.yaml"
    file.write_text(yaml.safe_dump(SETTINGS))
    other = serve(Stub(answer=lambda body: "Answer: B"))
    main([str(file), "--baseline", f"other={other}", "--with", f"final={tmp_path / 'final'}", "--results", str(tmp_path / "out")])
    text = capsys.readouterr().out
    assert "| other |" in text
    assert "| final |" in text
    assert "| *Psyche-R1* | 63.31 |" in text
    assert "final against other, same items" in text
    assert "pceb.all.well_formed: +100.00" in text


def test_the_baselines_of_a_recipe_are_asked_the_same_items(tmp_path, serve):
    tidy, untidy = (serve(Stub(answer=lambda body, text=text: text)) for text in ("<think>k</think>Answer: A", "Answer: A"))
    baselines = [{"name": n, "model": "stub", "base_urls": [url]} for n, url in (("one", tidy), ("two", untidy))]
    figures = run_all(SETTINGS | {"baselines": baselines}, str(tmp_path / "out"))
    found = {name: load_results(name, path) for name, path in results_in(tmp_path / "out").items()}
    assert list(found) == ["one", "two"]
    assert figures["one.pceb.avg"] == found["one"].figures["pceb.avg"].value
    assert (figures["one.pceb.all.well_formed"], figures["two.pceb.all.well_formed"]) == (1.0, 0.0)
    assert [s.id for s in found["one"].samples["pceb"]] == [s.id for s in found["two"].samples["pceb"]]


@pytest.mark.parametrize("names", [["final"], [""], ["one", "one"], ["Two words"]])
def test_baselines_need_names_that_can_be_columns(names):
    baselines = [{"name": n, "model": "stub", "base_urls": ["http://x/v1"]} for n in names]
    with pytest.raises(ValueError, match="a name of its own"):
        EvaluationSettings.model_validate(SETTINGS | {"baselines": baselines})


@pytest.mark.parametrize("text", ["", "name", "name=", "=http://x"])
def test_a_baseline_needs_name_and_url(text):
    with pytest.raises(UserError, match="must be name=value"):
        split_pair(text)


def test_an_endpoint_that_does_not_answer_is_a_clear_error():
    with pytest.raises(UserError, match="does not answer"):
        endpoint_of("x", "http://127.0.0.1:9/v1")


def test_the_served_name_is_found(serve):
    assert endpoint_of("mine", serve(Stub(model="org/model"))).model == "org/model"
    assert endpoint_of("mine", serve(Stub(model="org/model"))).label == "mine"
