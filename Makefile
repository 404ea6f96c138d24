# Psyche-R1 on Kubernetes. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
export PYTHONPATH := $(CURDIR)
# With more threads than free cores OpenMP spins: measured 12 -> 2 tokens/s.
export OMP_NUM_THREADS ?= 1

.PHONY: help setup demo demo-zh test test-all lint format compile docs images image-test sbom cluster-up cluster-test bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install everything once (idempotent)
	@bash images/local/setup.sh

demo: setup ## run the whole chain on this machine, English samples
	@$(BIN)/psyche run demo

demo-zh: setup ## run the whole chain on this machine, Chinese samples
	@$(BIN)/psyche run demo-zh

# Two at a time, a file on one process (its fixtures are shared), in the order of testpaths.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: setup ## run the tests
	$(PYTEST) -m "not minutes and not cluster"

test-all: setup ## run the tests that take minutes, too
	$(PYTEST) -m "not cluster"

lint: setup ## check format, types, import rules, Dockerfiles, YAML and manifests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports
	@if ls images/*/Dockerfile >/dev/null 2>&1; then $(BIN)/hadolint images/*/Dockerfile; fi
	$(BIN)/yamllint -s pipelines/recipes manifests images
	$(BIN)/python -m tests.manifests

format: setup ## format the code
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

compile: setup ## compile every recipe to manifests/pipelines/
	@for recipe in pipelines/recipes/*.yaml; do $(BIN)/psyche compile $$(basename $$recipe .yaml) || exit 1; done

docs: setup ## write docs/recipe.md and docs/components.md from the code
	@$(BIN)/psyche docs

images: ## build the images with docker, podman or buildah
	bash images/build.sh

image-test: setup ## try built images as a random uid (needs PSYCHE_IMAGE_ROOT and PSYCHE_GUARD_ROOT)
	$(BIN)/python -m pytest tests/images

sbom: ## bill of materials of the images' packages in sbom/, and their known vulnerabilities
	bash images/sbom.sh

cluster-up: ## make a kind cluster with everything in it (not yet run)
	bash manifests/overlays/kind/up.sh

cluster-test: setup ## run tests/cluster against the cluster of your kubeconfig
	PSYCHE_CLUSTER_TEST=1 $(BIN)/python -m pytest -m cluster tests/cluster

bench: setup ## run all benchmarks of tests/benchmarks (long); make bench-NAME runs one
	$(BIN)/python -m tests.benchmarks

bench-%: setup
	$(BIN)/python -m tests.benchmarks $*

clean: ## remove this clone's environment and caches, keep runs/
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
