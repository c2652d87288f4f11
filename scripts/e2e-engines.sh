#!/usr/bin/env bash
# Journeys in Chromium against a shop of one process for each service, on the engines of this machine. Arguments are passed
# to Playwright.
#
#   SOUK_E2E_BINARY  path of a built souk, target/debug/souk by default
set -euo pipefail
cd "$(dirname "$0")/.."

export SOUK_BIN=${SOUK_E2E_BINARY:-target/debug/souk}
export SOUK_E2E_ADMIN_EMAIL=admin@example.com SOUK_E2E_ADMIN_PASSWORD='correct horse battery'
export SOUK_AUTH__ADMIN_EMAIL=$SOUK_E2E_ADMIN_EMAIL SOUK_AUTH__ADMIN_PASSWORD=$SOUK_E2E_ADMIN_PASSWORD
# All visitors come from one address. The other limits stay: no journey may reach them.
export SOUK_GATEWAY__RATE_LIMIT__ENTRY__REPLENISH_RATE=100 SOUK_GATEWAY__RATE_LIMIT__ENTRY__BURST_CAPACITY=1000
export SOUK_GATEWAY__RATE_LIMIT__MAIL__REPLENISH_RATE=100 SOUK_GATEWAY__RATE_LIMIT__MAIL__BURST_CAPACITY=1000
# All journeys. What axe looks at is the same pages in either mode.
if [ $# -eq 0 ]; then set -- --grep-invert 'axe finds nothing'; fi
bash scripts/on-engines.sh bash -c '
    export SOUK_E2E_URL=$SOUK_URL SOUK_E2E_NOTIFICATION_STORE=${SOUK_DATABASES}_notification
    cd e2e && npx playwright test "$@"' playwright "$@"
