# docker buildx bake -f images/docker-bake.hcl [--push]; `make images` does the same with docker, podman or buildah.
variable "REGISTRY" { default = "ghcr.io/psyche-r1" }
variable "VERSION" { default = "0.1.0" }
variable "COMMIT" { default = "unknown" }
variable "BASE_IMAGE" { default = "docker.io/library/python:3.11-slim-bookworm" }

target "default" {
  name       = name
  matrix     = { name = ["pipeline", "train", "train-cpu", "guard", "tracking"] }
  context    = "."
  dockerfile = "images/${name}/Dockerfile"
  args       = { BASE_IMAGE = BASE_IMAGE, VERSION = VERSION, COMMIT = COMMIT }
  # Two names: the version that manifests use, and the commit that never moves.
  tags   = ["${REGISTRY}/${name}:${VERSION}", "${REGISTRY}/${name}:${substr(COMMIT, 0, 12)}"]
  attest = ["type=sbom", "type=provenance,mode=max"]
}
