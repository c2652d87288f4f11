#!/usr/bin/env bash
# Starts PostgreSQL, MariaDB, Redis and RabbitMQ of a Debian machine, each only if its port does not accept connections, and waits until they do.
# For machines that test: data goes to the packages' own folders, and Redis keeps nothing.
set -euo pipefail

# accepts PORT: returns true if a server on this machine accepts connections there.
accepts() { timeout 2 bash -c "exec 3<>/dev/tcp/127.0.0.1/$1" 2>/dev/null; }

# ensure NAME PORT COMMAND...: starts a server in the background of its own session, and waits for its port.
ensure() {
    local name=$1 port=$2
    shift 2
    if accepts "$port"; then return; fi
    echo "start-engines: $name does not accept connections on port $port; starting it" >&2
    "$@" >/dev/null </dev/null
    for _ in $(seq 1 120); do
        if accepts "$port"; then return; fi
        sleep 0.5
    done
    echo "start-engines: $name still does not accept connections on port $port after a minute" >&2
    return 1
}

start_postgres() { pg_ctlcluster --skip-systemctl-redirect "$(ls /etc/postgresql | tail -n 1)" main start; }
start_mariadb() { start-stop-daemon --start --oknodo --background --exec /usr/sbin/mariadbd; }
start_redis() { redis-server --daemonize yes --bind 127.0.0.1 --port 6379 --save "" --appendonly no; }
start_rabbitmq() { rabbitmq-server -detached; }

ensure PostgreSQL 5432 start_postgres
ensure MariaDB 3306 start_mariadb
ensure Redis 6379 start_redis
ensure RabbitMQ 5672 start_rabbitmq
