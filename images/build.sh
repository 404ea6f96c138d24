#!/usr/bin/env bash
# Builds the images with docker, podman or buildah; with --push also pushes them and pins their digests for kustomize,
# and with skopeo on PATH those of the upstream images that the manifests name (vLLM and others).
# Usage: bash images/build.sh [--push] [pipeline|train|train-cpu|guard|tracking ...]
# Environment: REGISTRY, VERSION, BASE_IMAGE, ENGINE, BUILD_FLAGS (passed on, for instance "--network host").
set -euo pipefail
cd "$(dirname "$0")/.."
registry=${REGISTRY:-ghcr.io/psyche-r1}
version=${VERSION:-0.1.0}
commit=$(git rev-parse HEAD)
pins=manifests/components/images/kustomization.yaml

push=
[ "${1:-}" = --push ] && { push=yes; shift; }
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(pipeline train guard tracking)

engine=${ENGINE:-}
for candidate in docker podman buildah; do
  [ -n "$engine" ] || { command -v "$candidate" >/dev/null && engine=$candidate; } || true
done
[ -n "$engine" ] || { echo "error: docker, podman and buildah are all missing: install one, or set ENGINE." >&2; exit 1; }

build() {
  local args=(--build-arg "VERSION=$version" --build-arg "COMMIT=$commit" -t "$registry/$1:$version" -t "$registry/$1:${commit:0:12}" -f "images/$1/Dockerfile")
  [ -z "${BASE_IMAGE:-}" ] || args+=(--build-arg "BASE_IMAGE=$BASE_IMAGE")
  # shellcheck disable=SC2086  # BUILD_FLAGS holds several words
  "$engine" build ${BUILD_FLAGS:-} "${args[@]}" .
}

# push NAME: pushes both tags and prints the digest
push() {
  if [ "$engine" = docker ]; then
    docker push -q "$registry/$1:${commit:0:12}" >&2
    docker push -q "$registry/$1:$version" >&2
    docker inspect --format '{{index .RepoDigests 0}}' "$registry/$1:$version" | cut -d@ -f2
  else
    local file
    file=$(mktemp)
    "$engine" push "$registry/$1:${commit:0:12}" >&2
    "$engine" push --digestfile "$file" "$registry/$1:$version" >&2
    cat "$file"
  fi
}

# upstream: prints an entry per image that is not ours, by the digest that its tag has now
upstream() {
  command -v skopeo >/dev/null || { echo "skopeo is missing: upstream images stay pinned by tag" >&2; return; }
  local reference
  grep -rhoP '^\s*(- )?image: \K(?!ghcr\.io/psyche-r1/)\S+' manifests/base manifests/components | sort -u | while read -r reference; do
    printf '  - name: %s\n    digest: %s\n' "${reference%:*}" "$(skopeo inspect --format '{{.Digest}}' "docker://$reference")"
  done
}

for name in "${names[@]}"; do
  [ -f "images/$name/Dockerfile" ] || { echo "error: images/$name/Dockerfile is missing: choose one of $(cd images && ls -d */ | tr -d / | xargs)." >&2; exit 1; }
  echo "building $name with $engine" >&2
  build "$name"
done
[ -n "$push" ] || exit 0

{
  echo "# Written by images/build.sh --push: the images that were pushed last. Add this component to an overlay."
  echo "apiVersion: kustomize.config.k8s.io/v1alpha1"
  echo "kind: Component"
  echo "images:"
  for name in "${names[@]}"; do
    printf '  - name: ghcr.io/psyche-r1/%s\n    newName: %s/%s\n    digest: %s\n' "$name" "$registry" "$name" "$(push "$name")"
  done
  upstream
} >"$pins.part"
mv "$pins.part" "$pins"
echo "digests are in $pins" >&2
