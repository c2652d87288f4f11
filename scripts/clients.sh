#!/usr/bin/env bash
# Makes the folder with the real Eureka and config clients that the tests of souk/tests/clients run, in
# exactly the versions that are named there. Nothing to do when it is there already. docs/clients.md says more.
#
#   scripts/clients.sh [FOLDER]    FOLDER is target/clients without it
set -euo pipefail
cd "$(dirname "$0")/.."
pins=$PWD/souk/tests/clients
folder=${1:-target/clients}

fail() {
    echo "clients: $*" >&2
    exit 1
}

# What is missing on this machine, as the packages of Debian that bring it.
missing_packages() {
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    command -v node >/dev/null || echo nodejs
    command -v npm >/dev/null || echo npm
}

install_missing() {
    local packages
    packages=$(missing_packages)
    [ -n "$packages" ] || return 0
    # shellcheck disable=SC2086 # one word per package
    packages=$(echo $packages)
    command -v apt-get >/dev/null || fail "install these first: $packages"
    echo "clients: installing $packages" >&2
    # shellcheck disable=SC2086
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages; } >&2 ||
        fail "install these first: $packages"
}

install_missing
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
# What the folder is made of: where this differs, it is made anew.
made_of=$(cat "$pins/requirements.txt" "$pins/package-lock.json" scripts/clients.sh && python3 --version && node --version)
made_of="$folder $(printf %s "$made_of" | sha256sum | cut -d' ' -f1)"
if [ "$(cat "$folder/complete" 2>/dev/null)" = "$made_of" ]; then
    exit 0
fi
if [ -n "$(ls -A "$folder")" ] && [ ! -e "$folder/made-by-souk" ]; then
    fail "$folder is not empty and was not made by this script"
fi
touch "$folder/made-by-souk"
rm -rf "$folder/complete" "$folder/python" "$folder/node_modules"
python3 -m venv "$folder/python"
"$folder/python/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$pins/requirements.txt"
cp "$pins/package.json" "$pins/package-lock.json" "$folder"
# No scripts of packages are run, and whatever registry this machine uses answers for all of them.
(cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --omit-lockfile-registry-resolved=true --loglevel=error)
echo "$made_of" >"$folder/complete"
echo "clients: ready in $folder" >&2
