"""The recipe: shipped ones load, mistakes are one sentence with the fix, shared values reach the stages."""

import copy

import pytest
import yaml

from components.common.errors import UserError
from pipelines.recipe import RECIPES, SHARED, STAGES, Recipe, find_recipe, load_recipe, validate

TEACHER = {"model": "m", "base_urls": ["http://teacher/v1"]}
RAW = {
    "name": "tiny",
    "base_model": "org/model",
    "teacher": TEACHER,
    "sources": ["data/books"],
    "suites": [{"name": "safety", "kind": "safety"}],
    "selection": {"selectors": [{"llm": TEACHER}]},
    "gate": {"rules": [{"metric": "safety.passed", "compare": "base"}]},
}


def raw(**changes):
    return {**copy.deepcopy(RAW), **changes}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(RAW))
    return str(path)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_recipe_loads_under_its_own_name(path):
    recipe = load_recipe(path.stem)
    assert recipe.name == path.stem
    assert recipe.description


def test_the_demo_and_the_paper_are_shipped():
    assert {"demo", "psyche-r1"} <= {p.stem for p in RECIPES.glob("*.yaml")}


def test_the_paper_s_recipe_keeps_the_published_values():
    recipe = load_recipe("psyche-r1")
    assert (recipe.sft.learning_rate, recipe.sft.global_batch_size, recipe.sft.epochs, recipe.sft.warmup_ratio) == (1e-5, 256, 2, 0.1)
    assert (recipe.grpo.learning_rate, recipe.grpo.prompts_per_generation, recipe.grpo.prompts_per_step) == (1e-6, 128, 32)
    assert (recipe.grpo.beta, recipe.grpo.warmup_steps, recipe.seed, recipe.language) == (0.001, 10, 42, "zh")
    assert "Qwen2.5-7B-Instruct" in recipe.base_model
    assert len(recipe.selection.selectors) >= 3


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sft": {"learning_rat": 1}}, r"unknown key 'sft\.learning_rat', did you mean 'learning_rate'\?"),
        ({"seeed": 1}, r"unknown key 'seeed', did you mean 'seed'\?"),
        ({"zzz": 1}, r"unknown key 'zzz'\. Known: docs/recipe\.md\."),
        ({"teacher": {**TEACHER, "temprature": 0}}, r"unknown key 'teacher\.temprature', did you mean 'temperature'\?"),
        ({"sources": [{"uri": "x", "licens": "MIT"}]}, r"sources\.0\.licens', did you mean 'licence'\?"),
        ({"sft": {"epochs": "many"}}, r"sft\.epochs: .*valid number.*got \"many\""),
        ({"sft": {"epochs": -1}}, r"sft\.epochs: .*greater than 0, got -1"),
        ({"sft": 3}, r"sft must be a mapping of settings, not 3"),
        ({"language": "fr"}, r"language: .*'en' or 'zh'"),
        ({"name": "Not A Label"}, r"name: "),
        ({"sources": []}, r"sources: .*at least 1 item"),
        ({"suites": [{"kind": "pceb"}]}, r"suites\.0\.name is missing: add it"),
        ({"teacher": {"model": "m"}}, r"base_urls is missing: add it"),
    ],
)
def test_a_mistake_is_one_sentence_with_place_and_fix(changes, sentence):
    with pytest.raises(UserError, match=sentence) as error:
        validate(raw(**changes), "tiny.yaml")
    assert str(error.value).startswith("tiny.yaml: ")
    assert "\n" not in str(error.value)


def test_a_misspelt_key_is_told_before_the_key_that_is_missing_by_it():
    values = raw(base_modle="org/model")
    del values["base_model"]
    with pytest.raises(UserError, match=r"unknown key 'base_modle', did you mean 'base_model'"):
        validate(values, "tiny.yaml")


@pytest.mark.parametrize("key", ["name", "base_model", "teacher", "sources", "suites"])
def test_what_has_no_default_must_be_there(key):
    values = raw()
    del values[key]
    with pytest.raises(UserError, match=rf"{key} is missing: add it"):
        validate(values, "tiny.yaml")


def test_shared_values_are_the_default_of_every_stage_that_has_them():
    recipe = validate(raw(seed=7, language="en"), "tiny.yaml")
    for stage in STAGES:
        section = getattr(recipe, stage)
        for key in {"seed", "language", "teacher"} & set(type(section).model_fields):
            assert getattr(section, key) == getattr(recipe, key), (stage, key)
    assert [s.uri for s in recipe.ingest.sources] == ["data/books"]
    assert {stage for stage in STAGES if "seed" in type(getattr(recipe, stage)).model_fields} > {"ingest", "sft", "grpo"}


def test_a_stage_s_own_value_wins_over_the_shared_one():
    recipe = validate(raw(seed=7, sft={"seed": 8}), "tiny.yaml")
    assert (recipe.sft.seed, recipe.grpo.seed) == (8, 7)


def test_spreading_does_not_change_what_was_passed():
    values = raw()
    validate(values, "tiny.yaml")
    assert values == RAW


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("sft.learning_rate=2e-5", ("sft", "learning_rate"), 2e-5),
        ("seed=3", ("grpo", "seed"), 3),
        ("sft.tuning.method=lora", ("sft", "tuning", "method"), "lora"),
        ("registry.contact=a=b", ("registry", "contact"), "a=b"),
        ("sft.packing=true", ("sft", "packing"), True),
        ("report.title=", ("report", "title"), None),
        ("teacher.model=x/y", ("questions", "teacher", "model"), "x/y"),
    ],
)
def test_set_overrides_one_value(file, override, path, value):
    if value is None:  # an empty value is YAML's null, which a string field refuses
        with pytest.raises(UserError, match=r"report\.title: .*string, got null"):
            load_recipe(file, [override])
        return
    found = load_recipe(file, [override])
    for name in path:
        found = getattr(found, name)
    assert found == value


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("sft.learning_rate", r"is not KEY=VALUE: write --set sft\.learning_rate=2e-5"),
        ("=3", r"is not KEY=VALUE"),
        ("name.first=3", r"--set name\.first: name is no section of the recipe"),
        ("sft.learning_rat=1", r"did you mean 'learning_rate'"),
        ("sft.betas=[0.9", r"--set 'sft\.betas=\[0\.9' is not valid YAML"),
    ],
)
def test_a_bad_override_is_one_sentence(file, override, sentence):
    with pytest.raises(UserError, match=sentence) as error:
        load_recipe(file, [override])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "override", ["gate={}", "gate.rules=[{metric: pceb.avg, compare: base}]", "gate.rules=[{metric: safety2.passed, compare: base}]"]
)
def test_a_gate_that_no_model_can_pass_is_told_before_the_training(file, override):
    with pytest.raises(UserError, match=r"the gate's rule on \S+ needs a suite of that name, and there are safety: set gate\.rules"):
        load_recipe(file, [override])


@pytest.mark.parametrize("override", ["registry.name=other", "gate.model_name=other"])
def test_gate_and_registry_speak_of_one_model(file, override):
    recipe = load_recipe(file, [override])
    assert recipe.gate.model_name == recipe.registry.name == "other"


@pytest.mark.parametrize("name", ["org/model", "Psyche", "psyche's", "a:b", "psyche_r1", "9lives", "x" * 41])
def test_a_name_that_registry_or_cluster_refuse_is_told_before_the_training(file, name):
    with pytest.raises(UserError, match=r"registry\.name: String should match pattern"):
        load_recipe(file, [f'registry.name="{name}"'])


def test_without_a_name_gate_and_registry_have_the_same_default(file):
    recipe = load_recipe(file)
    assert recipe.gate.model_name == recipe.registry.name


def test_gate_and_registry_of_two_models_are_refused(file):
    with pytest.raises(UserError, match=r"gate\.model_name 'a' and registry\.name 'b' must be the same model: set registry\.name alone"):
        load_recipe(file, ["gate.model_name=a", "registry.name=b"])


def test_sources_can_be_one_uri(file):
    assert [s.uri for s in load_recipe(file, ["sources=my/folder"]).ingest.sources] == ["my/folder"]


@pytest.mark.parametrize(
    ("name", "hint"), [("dem", "did you mean 'demo'"), ("qqqqqqq", "give a YAML file or one of .*demo"), ("no/such.yaml", "No recipe")]
)
def test_an_unknown_recipe_names_the_known_ones(name, hint):
    with pytest.raises(UserError, match=hint):
        find_recipe(name)


@pytest.mark.parametrize(("text", "sentence"), [("a: [", "not valid YAML"), ("- a", "holds no recipe"), ("", "holds no recipe")])
def test_a_file_that_is_no_recipe(tmp_path, text, sentence):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=f"bad.yaml.*{sentence}"):
        load_recipe(str(path))


def test_equal_recipes_have_equal_fingerprints_and_any_value_changes_them():
    first, same, other = (validate(raw(**c), "t") for c in ({}, {}, {"sft": {"log_every": 2}}))
    assert first.fingerprint() == same.fingerprint() != other.fingerprint()


def test_a_recipe_survives_the_run_folder():
    recipe = validate(raw(), "t")
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_shared_names_exist_at_the_top():
    assert set(SHARED) <= set(Recipe.model_fields)
