"""`python -m tests.manifests`: builds and validates every kustomization and plain manifest; part of `make lint`."""

import sys

import yaml

from tests.manifests.kustomize import MANIFESTS, TARGETS, target, title
from tests.manifests.schemas import UnknownKindError, problems

PLAIN = [*sorted((MANIFESTS / "pipelines").glob("*.yaml")), *sorted((MANIFESTS / "runs").glob("*.yaml"))]


def main() -> int:
    """Returns the number of invalid objects, capped for the exit code."""
    groups = {name: target(name) for name in TARGETS}
    groups |= {str(p.relative_to(MANIFESTS)): list(yaml.safe_load_all(p.read_text(encoding="utf-8"))) for p in PLAIN}
    invalid = unknown = checked = 0
    for name, manifests in groups.items():
        for manifest in manifests:
            checked += 1
            try:
                for problem in problems(manifest):
                    invalid += 1
                    print(f"{name}: {title(manifest)}: {problem}")
            except UnknownKindError as reason:
                unknown += 1
                print(f"{name}: {title(manifest)}: not checked, {reason}")
    print(f"{checked} objects of {len(groups)} kustomizations and files: {invalid} problems, {unknown} not checked")
    return min(invalid, 1)


if __name__ == "__main__":
    sys.exit(main())
