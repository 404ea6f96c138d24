"""The generated reference pages: complete, and the same as what is committed."""

from typing import Literal

import pytest
from pydantic import BaseModel, Field

from components.common.storage import PROJECT_ROOT
from pipelines import docs
from pipelines.recipe import STAGES, Recipe

MODELS = {model.__name__ + "@" + path: model for path, model in docs.walk("", Recipe)}


@pytest.mark.parametrize("page", ["recipe.md", "components.md"])
def test_the_committed_page_is_what_the_code_says(page, tmp_path):
    written = {p.name: p.read_text(encoding="utf-8") for p in docs.write_docs(tmp_path)}
    committed = (PROJECT_ROOT / "docs" / page).read_text(encoding="utf-8")
    assert committed == written[page], f"docs/{page} is out of date: run 'psyche docs' and commit it"


@pytest.mark.parametrize("where", sorted(MODELS))
def test_every_field_is_described(where):
    nameless = [name for name, field in MODELS[where].model_fields.items() if not docs.description(field)]
    assert nameless == []


def test_every_field_of_every_model_has_a_row():
    rows = sum(line.startswith("| `") for line in docs.recipe_page().splitlines())
    assert rows == sum(len(model.model_fields) for model in set(MODELS.values()))


def test_every_link_leads_to_a_heading():
    page = docs.recipe_page()
    anchors = {
        "".join(c for c in line.lstrip("# ").lower() if c.isalnum() or c in "_-") for line in page.splitlines() if line.startswith("#")
    }
    links = {part.partition(")")[0] for part in page.split("](#")[1:]}
    assert links
    assert links <= anchors


def test_every_stage_has_its_component_and_its_settings():
    page, recipe = docs.components_page(), docs.recipe_page()
    for stage in STAGES:
        assert f"\n## {stage}\n" in page
        assert f"\n## {stage}\n" in recipe


class Inner(BaseModel):
    """How it is done."""

    depth: int = 1


class Sample(BaseModel):
    needed: str = Field(description="a name")
    rate: float = Field(default=0.1, gt=0, le=1, description="choice: share that is kept")
    late: int = Field(default=2, description="rounds; choice")
    published: int = Field(default=256, description="batch (paper, section 3: 256)")
    changed: int = Field(default=1, description="GPUs (paper: 8)")
    kind: Literal["a", "b"] | None = Field(default=None, description="one of two")
    inner: Inner = Inner()
    other: Inner = Field(default=Inner(depth=3), description="again")
    many: list[Inner] = Field(default=[Inner(depth=2)], description="several")
    table: dict[str, list[int]] = Field(default={}, description="named lists")


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("needed", ("string", "**required**", "", "a name")),
        ("rate", ("number > 0 and <= 1", "`0.1`", "choice", "share that is kept")),
        ("late", ("integer", "`2`", "choice", "rounds")),
        ("published", ("integer", "`256`", "paper", "batch (paper, section 3: 256)")),
        ("changed", ("integer", "`1`", "", "GPUs (paper: 8)")),
        ("kind", ("`a` or `b` or null", "`null`", "", "one of two")),
        ("inner", ("[inner](#inner)", "", "", "How it is done.")),
        ("other", ("[inner](#inner)", '`{"depth": 3}`', "", "again")),
        ("many", ("list of [inner](#inner)", '`[{"depth": 2}]`', "", "several")),
        ("table", ("map of string to list of integer", "`{}`", "", "named lists")),
    ],
)
def test_a_field_becomes_a_row(name, row):
    field = Sample.model_fields[name]
    assert (docs.type_text(field, {Inner: "inner"}), docs.default_text(field), docs.origin(field), docs.description(field)) == row
