#!/usr/bin/env bash
# Writes what the Debian package has of the binary itself, manual pages and completions, to target/deb.
#
# usage: scripts/deb.sh SOUK
set -euo pipefail
cd "$(dirname "$0")/.."
souk=$1
rm -rf target/deb
mkdir -p target/deb/completions
"$souk" man --dir target/deb/man
"$souk" completions bash >target/deb/completions/souk
"$souk" completions zsh >target/deb/completions/_souk
"$souk" completions fish >target/deb/completions/souk.fish
