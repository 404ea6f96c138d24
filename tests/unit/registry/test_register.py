"""The registry stage against a real MLflow store on SQLite."""

import json
import shutil

import pytest

from components.common.dataset import DatasetWriter
from components.common.errors import UserError
from components.common.records import Option, Question, Step
from components.common.scores import Cell, Figure, Sample
from components.common.scores.figures import nest
from components.gate.champion import load_champion
from components.registry.register import run

QUESTION = {"language": "en", "kind": "single", "options": [Option(label="A", text="yes")], "key": "A"}
FIGURES = {
    "pceb.avg": Figure(value=0.5812, low=0.55, high=0.61, n=300, cells=[Cell(score="strict")]),
    "pceb.all.strict": Figure(value=0.6, low=0.5, high=0.7, n=300, cells=[Cell(score="strict")]),
    "pceb.moral.single.strict": Figure(value=0.9, low=0.8, high=0.95, n=50, cells=[Cell(score="strict", domain="moral")]),
}


def decide(path, verdict, **more):
    rule = {"rule": {"metric": "pceb.avg", "compare": "base"}, "passed": verdict == "promote", "reason": "above base | by +0.1"}
    path.write_text(
        json.dumps({"verdict": verdict, "by_rules": verdict, "champion": "", "rules": [rule], "holm": [None], "override": None, **more})
    )
    return str(path)


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory):
    """An MLflow store with its tables, which take seconds to make."""
    import mlflow

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def place(tmp_path, monkeypatch, empty_store):
    """A run: a model store, results, training sets, an MLflow store."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    for leftover in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"):  # MLflow itself sets the latter
        monkeypatch.delenv(leftover, raising=False)
    for name, value in {"RUN_ID": "run-1", "RECIPE": "demo", "COMMIT": "abc123", "RUN_DIR": str(tmp_path / "run")}.items():
        monkeypatch.setenv(f"PSYCHE_{name}", value)
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "README.md").write_text("---\nlicense: apache-2.0\ntags: [x]\n---\n# Base\n")
    sample = Sample(id="i1", suite="pceb", kind="single", language="en", prompt="?", key="A", replies=[], strict=1.0)
    results = DatasetWriter(tmp_path / "results", Sample, "evaluation-final")
    results.add(sample)
    results.close({})
    (tmp_path / "results" / "scores.json").write_text(json.dumps(nest(FIGURES)))
    rest = DatasetWriter(tmp_path / "rest", Question, "selection")
    for i, licence in enumerate(["CC-BY-4.0", "CC-BY-4.0", "CC0-1.0"]):
        steps = [Step(stage="questions", model="Qwen2.5-72B"), Step(stage="rationales", model="Qwen2.5-72B")]
        rest.add(Question(id=f"q{i}", stem="?", licence=licence, steps=steps, **QUESTION))
    rest.close({})
    return tmp_path


def register(place, verdict="promote", model="final", settings=None, **decision):
    uri = str(place / "store" / model)
    gate = decide(place / "decision.json", verdict, **decision)
    training = {"rest": str(place / "rest")}
    return run(settings or {}, str(place / "base"), uri, verdict, gate, str(place / "results"), str(place / "card.md"), training)


def client():
    import mlflow

    return mlflow.MlflowClient()


def test_accepted_candidate_becomes_challenger_with_its_origin(place):
    assert register(place) == "psyche-r1/1"
    version = client().get_model_version_by_alias("psyche-r1", "challenger")
    assert version.source == str(place / "store" / "final")
    assert version.tags["status"] == "accepted"
    assert version.tags["psyche.recipe"] == "demo"
    assert version.tags["psyche.commit"] == "abc123"
    assert version.tags["psyche.run_id"] == "run-1"
    assert len(version.tags["data.rest"]) == 16
    assert version.tags["score.pceb.avg"] == "0.5812"
    assert "score.pceb.moral.single.strict" not in version.tags


def test_rejected_candidate_gets_no_alias_and_leaves_the_challenger(place):
    register(place)
    assert register(place, "reject", "worse") == "psyche-r1/2"
    version = client().get_model_version("psyche-r1", "2")
    assert version.tags["status"] == "rejected"
    assert client().get_registered_model("psyche-r1").aliases == {"challenger": 1}
    assert "must not be served" in (place / "card.md").read_text()


def test_retried_stage_makes_no_second_version(place):
    assert register(place) == register(place) == "psyche-r1/1"
    assert len(client().search_model_versions("name = 'psyche-r1'")) == 1


def test_retry_after_a_changed_verdict_takes_the_alias_away(place):
    register(place)
    register(place, "reject")
    assert client().get_registered_model("psyche-r1").aliases == {}
    assert client().get_model_version("psyche-r1", "1").tags["status"] == "rejected"


def test_gate_of_the_next_run_finds_the_champions_items(place):
    register(place)
    client().set_registered_model_alias("psyche-r1", "champion", "1")
    champion = load_champion("psyche-r1")
    assert champion.figures["pceb.avg"].value == 0.5812
    assert [s.id for s in champion.samples["pceb"]] == ["i1"]


def test_card_tells_use_limits_crisis_lines_licences_and_scores(place):
    settings = {"contact": "team@example.org", "further_sources": [{"name": "CPsyExam", "licence": "CC-BY-NC-SA-4.0", "use": "benchmark"}]}
    register(place, settings=settings, override={"verdict": "promote", "reason": "trial | run", "person": "A. Person"})
    card = (place / "card.md").read_text()
    for expected in (
        "## Intended use", "## Limits", "12356", "988", "116 123", "| base model | " + str(place / "base") + " | apache-2.0 |",
        "| CC-BY-4.0 | 2 |", "| CC0-1.0 | 1 |", "| teacher or selector | Qwen2.5-72B |", "| benchmark | CPsyExam | CC-BY-NC-SA-4.0 |",
        "| pceb.avg | 0.5812 | 0.5500 to 0.6100 | 300 |", "above base \\| by +0.1", "A. Person overrode", "team@example.org", "abc123",
    ):  # fmt: skip
        assert expected in card
    assert "pceb.moral" not in card
    assert card == (place / "store" / "final" / "README.md").read_text(), "the card lies beside the weights, too"


def test_same_data_has_the_same_hash_and_other_data_another(place):
    register(place)
    register(place, model="again")
    other = DatasetWriter(place / "rest", Question, "selection")
    other.add(Question(id="q9", stem="other", **QUESTION))
    other.close({})
    register(place, model="third")
    hashes = [client().get_model_version("psyche-r1", n).tags["data.rest"] for n in "123"]
    assert hashes[0] == hashes[1] != hashes[2]


def test_base_without_a_card_is_said_and_a_given_licence_wins(place):
    (place / "base" / "README.md").unlink()
    register(place)
    assert "| not stated |" in (place / "card.md").read_text()
    register(place, settings={"base_licence": "MIT"})
    assert "| MIT |" in (place / "card.md").read_text()


def test_without_mlflow_it_says_what_to_set(place, monkeypatch, capsys):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with pytest.raises(SystemExit):
        register(place)
    assert "set MLFLOW_TRACKING_URI" in capsys.readouterr().err


def test_refusal_of_mlflow_is_one_sentence(place, monkeypatch):
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    from components.registry.card import Candidate
    from components.registry.register import register as create

    def refuse(*_, **__):
        raise MlflowException("Invalid model version source: '/store'")

    monkeypatch.setattr(MlflowClient, "create_model_version", refuse)
    with pytest.raises(UserError, match="must be an s3:// URI"):
        create("psyche-r1", Candidate("base", "/store", "promote", {}, {}, []))
