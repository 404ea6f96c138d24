#!/usr/bin/env bash
# Bill of materials (CycloneDX 1.6) of each image's locked Python packages, in sbom/; then PyPI's advisories about them.
# Fails if a package has a known vulnerability or could not be looked up. Debian's packages: scan the built image.
# Usage: bash images/sbom.sh [pipeline|train|guard|tracking ...]
set -euo pipefail
cd "$(dirname "$0")/.."
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(pipeline train guard tracking)
env=${PSYCHE_HOME:-$HOME/.cache/psyche}/envs/sbom-7.5.0-2.10.1
mkdir -p sbom
if [ ! -e "$env/.complete" ]; then
  "${PYTHON:-python3}" -m venv "$env"
  "$env/bin/python" -m pip install -q cyclonedx-bom==7.5.0 pip-audit==2.10.1
  touch "$env/.complete"
fi

failed=0
for name in "${names[@]}"; do
  lock=sbom/$name.txt
  cat "images/$name/requirements.txt" "images/$name/no-deps.txt" >"$lock" 2>/dev/null || true # not every image has both
  "$env/bin/cyclonedx-py" requirements "$lock" --of JSON --output-reproducible -o "sbom/$name.cdx.json"
  echo "$name: $(grep -c '"bom-ref": "requirements-' "sbom/$name.cdx.json") packages in sbom/$name.cdx.json"
  "$env/bin/pip-audit" -r "$lock" --no-deps --disable-pip --strict --progress-spinner off || failed=1
done
exit $failed
