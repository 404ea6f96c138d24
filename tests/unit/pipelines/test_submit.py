"""The Job's program: a run is started, or one sentence says why not."""

import pytest

from pipelines import submit
from tests.unit.pipelines.fake_api import serving
from tests.unit.pipelines.kfp_routes import RUN, routes


@pytest.fixture
def kfp(monkeypatch):
    with serving(routes()) as api:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", api.url)
        monkeypatch.setenv("PIPELINE", "psyche-demo")
        monkeypatch.setenv("NAMESPACE", "kubeflow")
        yield api


def test_a_run_is_started_with_the_parameters_of_the_file(kfp, monkeypatch, tmp_path, capsys):
    (tmp_path / "parameters.yaml").write_text("base_model: hf://a/b\nsft_settings: {epochs: 1}\n")
    monkeypatch.setenv("PARAMETERS", str(tmp_path / "parameters.yaml"))
    assert submit.main() == 0
    assert RUN in capsys.readouterr().out
    (body,) = kfp.sent("POST", "/apis/v2beta1/runs")
    assert body["runtime_config"]["parameters"] == {"base_model": "hf://a/b", "sft_settings": {"epochs": 1}}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PIPELINE", "", "PIPELINE is not set"),
        ("PIPELINE", "psyche-other", "KFP knows no pipeline 'psyche-other'"),
        ("VERSION", "psyche-demo-x", "has no version psyche-demo-x"),
        ("PARAMETERS", "/proc", "cannot be read"),
        ("KF_PIPELINES_ENDPOINT", "http://127.0.0.1:9", "does not answer"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_no_run(kfp, monkeypatch, capsys, name, value, sentence):
    monkeypatch.setenv(name, value)
    assert submit.main() == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert sentence in said
    assert said.count("\n") == 1
    assert kfp.sent("POST", "/apis/v2beta1/runs") == []


def test_without_parameters_the_compiled_ones_are_taken(kfp, monkeypatch):
    monkeypatch.setenv("PARAMETERS", "/nowhere/parameters.yaml")
    assert submit.main() == 0
    assert kfp.sent("POST", "/apis/v2beta1/runs")[0]["runtime_config"] == {"parameters": {}}


def test_parameters_that_are_no_mapping_are_refused(kfp, monkeypatch, capsys, tmp_path):
    (tmp_path / "p.yaml").write_text("- a\n")
    monkeypatch.setenv("PARAMETERS", str(tmp_path / "p.yaml"))
    assert submit.main() == 1
    assert "not a mapping" in capsys.readouterr().err
