#!/usr/bin/env bash
# Brings web/shop.tar up to date before a run, where that is possible: with Node 20.19 or later, if the sources of the web
# shop changed since it was packed. Without Node, or when the build fails, the archive in the repository serves.
set -uo pipefail
cd "$(dirname "$0")/.."
say() { echo "web shop: $*" >&2; }

command -v node >/dev/null || exit 0
if ! node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)'; then
    say "Node $(node --version) is too old to build it (20.19 or later can); web/shop.tar serves as it is."
    exit 0
fi
node web/scripts/archive.mjs --current 2>/dev/null && exit 0
say "its sources changed since web/shop.tar was packed; building it."
if "${MAKE:-make}" --no-print-directory web; then exit 0; fi
say ""
say "THE BUILD FAILED, for the reason above. The shop starts with web/shop.tar as it is, WITHOUT your changes in web/."
say ""
