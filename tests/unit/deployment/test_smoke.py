"""The smoke test and its small client: every way in which an endpoint can be wrong is named."""

import pytest

from components.common.errors import UserError
from components.deployment.openai_api import Endpoint, EndpointError, chat, get_models
from components.deployment.registered import ModelVersion
from components.deployment.settings import DeploymentSettings, SmokeSettings
from components.deployment.smoke import PROBES, require_passed, smoke_test
from components.deployment.transcript import try_endpoint
from components.guard.messages import safe_message
from components.guard.rules import classify

SETTINGS = SmokeSettings(timeout_s=5)


def target(endpoint, model="psyche"):
    return Endpoint(f"{endpoint.url}/psyche/v1", model)


def failures(endpoint, **more):
    return {c.name: c.detail for c in smoke_test(target(endpoint, **more), "en", SETTINGS) if not c.passed}


def test_all_is_well(endpoint):
    checks = smoke_test(target(endpoint), "en", SETTINGS)
    assert [(c.name, c.passed) for c in checks] == [("models", True), ("chat", True), ("reasoning", True), ("guard", True)]
    require_passed(checks, target(endpoint))


@pytest.mark.parametrize(
    ("change", "check", "reason"),
    [
        ({"content": "<think>hm</think> Psychology is a science."}, "reasoning", "the reasoning parser is off"),
        ({"content": " "}, "chat", "the answer is empty"),
        ({"crisis_content": "Psychology is a science."}, "guard", "the guard is not in front of the model"),
        ({"broken": frozenset({"psyche"})}, "chat", "answered 500: .*the engine is dead"),
    ],
)
def test_names_what_is_wrong(endpoint, change, check, reason):
    for name, value in change.items():
        setattr(endpoint, name, value)
    found = failures(endpoint)
    assert check in found
    with pytest.raises(UserError, match=reason):
        require_passed(smoke_test(target(endpoint), "en", SETTINGS), target(endpoint))


def test_wrong_model_is_named(endpoint):
    assert failures(endpoint, model="other") == {"models": "it serves psyche, not other"}


def test_reasoning_is_looked_for_behind_the_guard(endpoint):
    """The guard hides reasoning, so that tags which reach it would go unseen."""
    upstream = Endpoint(f"{endpoint.url}/upstream/v1", "psyche")
    smoke_test(target(endpoint), "en", SETTINGS, upstream)
    assert [service for service, _, _ in endpoint.seen] == ["psyche", "upstream", "psyche"]


def test_reasoning_that_the_guard_leaves_out_is_not_said_to_be_checked(endpoint):
    settings, model = DeploymentSettings(language="en"), ModelVersion("psyche", "3", "s3://b/m")
    assert try_endpoint(target(endpoint), model, settings)["not_checked"] == ""
    endpoint.reasoning = ""
    log = try_endpoint(target(endpoint), model, settings)
    assert [c["name"] for c in log["smoke"]] == ["models", "chat", "guard"]
    assert log["not_checked"].startswith("reasoning: only the guard was reached")
    behind = try_endpoint(target(endpoint), model, settings, Endpoint(f"{endpoint.url}/upstream/v1", "psyche"))
    assert behind["not_checked"] == ""


def test_nobody_there():
    with pytest.raises(EndpointError, match="gave no answer"):
        chat(Endpoint("http://127.0.0.1:9/v1", "psyche"), {"messages": []}, 1)


def test_something_else_answers(endpoint):
    strange = Endpoint(f"{endpoint.url}/api/v1/query?query=x&", "psyche")
    with pytest.raises(EndpointError, match="without a list of models"):
        get_models(strange, 5)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_probes_do_what_they_are_for(language):
    """The crisis probe is one for the guard's rules, the greeting is none, and the help lines are those of its message."""
    probes = PROBES[language]
    assert classify(probes["crisis"]).tier == "explicit"
    assert classify(probes["hello"]).tier == "none"
    assert classify(probes["question"]).tier == "none"
    assert any(line in safe_message(language) for line in probes["help"])


def test_transcript_holds_question_and_answer(endpoint):
    settings = DeploymentSettings(language="en", question="What is memory?", max_tokens=99)
    log = try_endpoint(target(endpoint), ModelVersion("psyche", "3", "s3://b/m"), settings)
    assert (log["question"], log["answer"], log["version"]) == ("What is memory?", endpoint.content, "psyche/3")
    asked = endpoint.seen[-1][1]
    assert (asked["max_tokens"], asked["temperature"], asked["top_p"], asked["model"]) == (99, 0.7, 0.9, "psyche")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_there_is_a_question_when_the_recipe_has_none(endpoint, language):
    log = try_endpoint(target(endpoint), ModelVersion("psyche", "3", "s3://b/m"), DeploymentSettings(language=language))
    assert log["question"] == PROBES[language]["question"]
