"""`python -m tests.manifests`: builds and validates every kustomization and plain manifest; part of `make lint`."""

import sys

import yaml

from tests.manifests.kustomize import MANIFESTS, TARGETS, plain, target, title
from tests.manifests.schemas import CRDS, UnknownKindError, problems

PLAIN = [*plain("pipelines"), *plain("runs")]


def main() -> int:
    """Returns 1 if an object is invalid, or has no schema although schemas are at hand."""
    groups = {name: target(name) for name in [*TARGETS, "kserve", "runs"]}
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
    return int(bool(invalid or (unknown and CRDS.is_dir())))


if __name__ == "__main__":
    sys.exit(main())
