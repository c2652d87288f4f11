#!/bin/bash
# The image takes the password from its environment alone.
set -euo pipefail
if [ "${ACCEPT_EULA:-}" != Y ]; then
    echo "ACCEPT_EULA is not Y in deploy/compose/.env. COMPOSE_PROFILES=minimal there stores payments in PostgreSQL instead." >&2
    exit 1
fi
MSSQL_SA_PASSWORD=$(cat /run/secrets/SOUK_SECRETS__SQLSERVER)
export MSSQL_SA_PASSWORD
exec /opt/mssql/bin/sqlservr
