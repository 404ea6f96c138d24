"""The committed pipelines are what the recipes compile to now, and valid."""

import pytest
import yaml

from pipelines.compile import COMPILED, compile_recipe
from pipelines.recipe import RECIPES, load_recipe
from tests.manifests.schemas import CRDS, problems

pytestmark = pytest.mark.usefixtures("stack_without_source")

SHIPPED = sorted(p.stem for p in RECIPES.glob("*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_committed_pipeline_is_up_to_date(name, tmp_path):
    fresh = compile_recipe(load_recipe(name), tmp_path / f"{name}.yaml").read_text(encoding="utf-8")
    committed = COMPILED / f"{name}.yaml"
    assert committed.is_file(), "run: make compile"
    assert committed.read_text(encoding="utf-8") == fresh, "run: make compile"


@pytest.mark.skipif(not CRDS.is_dir(), reason=f"no CRDs at {CRDS}: set PSYCHE_CRDS")
@pytest.mark.parametrize("path", sorted(COMPILED.glob("*.yaml")), ids=lambda p: p.stem)
def test_the_committed_pipeline_is_valid(path):
    for manifest in yaml.load_all(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
        assert problems(manifest) == []
