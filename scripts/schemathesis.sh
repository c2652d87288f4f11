#!/usr/bin/env bash
# Runs scripts/schemathesis/run.py in an environment below target/ with the versions that are pinned beside it.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$PWD/target/schemathesis
pins=scripts/schemathesis/requirements.txt
python3 -c 'import ensurepip, venv' 2>/dev/null ||
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv; } >&2
made_of="$folder $(cat "$pins" <(python3 --version) | sha256sum | cut -d' ' -f1)"
if [ "$(cat "$folder/complete" 2>/dev/null)" != "$made_of" ]; then
    rm -rf "$folder"
    mkdir -p "$folder"
    python3 -m venv "$folder/python"
    "$folder/python/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$pins"
    echo "$made_of" >"$folder/complete"
fi
exec "$folder/python/bin/python" scripts/schemathesis/run.py "$@"
