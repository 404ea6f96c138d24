"""Each image's lock holds what its stages import, inside functions too: read from the source, for no image is built here."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COMPONENTS = sorted(ROOT.glob("components/*/component.py"))
# What is started by name instead of being imported.
PROGRAMS: dict[str, list[str]] = {
    "guard": ["components/guard/__main__.py"],
    "pipeline": [],
    "train": ["components/sft/train.py", "components/grpo/train.py"],
}
# Imported by a function that no stage of the image calls: only the conversion of a GGUF file needs these.
NOT_CALLED = {"pipeline": {("components/common/models.py", "torch"), ("components/common/models.py", "transformers")}}


def programs(image: str) -> list[Path]:
    """The files that the image's containers start from."""
    called = [name for stage in stages(image) for name in imports_in(stage)]
    return [*files_of(called), *(ROOT / name for name in PROGRAMS[image])]


def stages(image: str) -> list[ast.FunctionDef]:
    """The functions of the components that name this image."""
    functions = [node for file in COMPONENTS for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)]
    return [f for f in functions if any(f"base_image={image.upper()}_IMAGE" in ast.unparse(d) for d in f.decorator_list)]


def files_of(names: Iterable[str]) -> list[Path]:
    """Of imported names those that are files of this project."""
    files = [ROOT / (name.replace(".", "/") + ".py") for name in names if name.startswith(("components.", "pipelines."))]
    return [file for file in files if file.is_file()]


def imported(file: Path) -> set[str]:
    return set(imports_in(ast.parse(file.read_text(encoding="utf-8"))))


def imports_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def reached(files: list[Path]) -> set[Path]:
    """The files and whatever of the project they import, directly or not."""
    seen: set[Path] = set()
    left = list(files)
    while left:
        file = left.pop()
        if file not in seen:
            seen.add(file)
            left += files_of(imported(file))
    return seen


def third_party(files: set[Path]) -> set[tuple[str, str]]:
    """(file, top-level module) of every import from a package."""
    ours = {*sys.stdlib_module_names, "components", "pipelines"}
    found = {(str(file.relative_to(ROOT)), name.partition(".")[0]) for file in files for name in imported(file)}
    return {(file, name) for file, name in found if name not in ours}


def locked(image: str) -> set[str]:
    lines = [line for file in (ROOT / "images" / image).glob("*.txt") for line in file.read_text().splitlines()]
    return {normal(match.group()) for line in lines if (match := re.match(r"\w[\w.-]*", line))}


def normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def missing(image: str, lock: set[str]) -> set[tuple[str, str]]:
    distributions = packages_distributions()
    imports = third_party(reached(programs(image))) - NOT_CALLED.get(image, set())
    return {(file, name) for file, name in imports if not lock & {normal(d) for d in distributions.get(name, [name])}}


@pytest.mark.parametrize("image", PROGRAMS)
def test_the_lock_holds_what_the_stages_import(image):
    assert missing(image, locked(image)) == set()


@pytest.mark.parametrize(("image", "package"), [("pipeline", "pyarrow"), ("train", "trl"), ("guard", "regex"), ("pipeline", "regex")])
def test_a_package_that_is_left_out_is_named(image, package):
    found = missing(image, locked(image) - {package})
    assert {name for _, name in found} == {package}


def test_every_component_names_one_of_the_images():
    assert len(stages("pipeline")) + len(stages("train")) == sum(file.read_text().count("@dsl.component") for file in COMPONENTS)


def test_what_is_said_to_be_not_called_is_imported_at_all():
    for image, exceptions in NOT_CALLED.items():
        assert exceptions <= third_party(reached(programs(image)))
