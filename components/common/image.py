"""Images of the components. `psyche compile` sets them by environment: registry, tag or digest are the user's."""

import os

REGISTRY = os.environ.get("PSYCHE_REGISTRY", "ghcr.io/psyche-r1")
TAG = os.environ.get("PSYCHE_TAG", "0.1.0")
PIPELINE_IMAGE = f"{REGISTRY}/pipeline:{TAG}"
TRAIN_IMAGE = f"{REGISTRY}/train:{TAG}"
