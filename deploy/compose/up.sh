#!/usr/bin/env bash
# Generates secrets and settings as far as they are missing, and starts the distributed shop. COMPOSE_PROFILES and ACCEPT_EULA
# are read from .env, unless they are in the environment.
set -euo pipefail
cd "$(dirname "$0")"
./secrets.sh
[ -e .env ] || cp .env.example .env

# setting NAME: its value, as Compose reads it.
setting() {
    if [ -n "${!1+set}" ]; then echo "${!1}"; else sed -n "s/^$1=//p" .env | tail -n 1; fi
}

if [[ ",$(setting COMPOSE_PROFILES)," == *,full,* && $(setting ACCEPT_EULA) != Y ]]; then
    cat >&2 <<'END'
Payments are stored in SQL Server, whose image needs that you accept its licence:
    make compose-up ACCEPT_EULA=Y
With PostgreSQL for payments too, there is nothing to accept:
    make compose-up COMPOSE_PROFILES=minimal
Both can be set for good in deploy/compose/.env. An existing shop stays with the engine that it was started with.
END
    exit 1
fi
docker compose up --detach
echo "shop http://localhost:8080, Grafana :3000, Prometheus :9090, RabbitMQ :15672, mails :8025, traces :16686 (or the ports of deploy/compose/.env)"
