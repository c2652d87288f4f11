#!/usr/bin/env bash
# Runs a command beside a shop of one process for each service, on the engines of this machine, with databases, keys and a
# virtual host of its own, which are removed at the end. The command finds in its environment:
#
#   SOUK_URL         address of the shop
#   SOUK_PROCESSES   numbers of its processes
#   SOUK_DATABASES   URL of PostgreSQL and the beginning of its databases' names
#
# and this script in its own:
#
#   SOUK_BIN         path of a built souk, target/debug/souk by default
#   EMPTY            1: without the sample catalogue
#   SOUK_DEV_POSTGRES, SOUK_DEV_MYSQL, SOUK_DEV_REDIS, SOUK_DEV_RABBITMQ   URLs of the engines, as for up-engines.sh
set -euo pipefail
cd "$(dirname "$0")/.."

name=souk_run_$$
postgres=${SOUK_DEV_POSTGRES:-postgres://postgres@127.0.0.1:5432}
mysql=${SOUK_DEV_MYSQL:-mysql://root@127.0.0.1:3306}
redis=${SOUK_DEV_REDIS:-redis://127.0.0.1:6379}
rabbitmq=${SOUK_DEV_RABBITMQ:-amqp://guest:guest@127.0.0.1:5672/%2f}
address='^amqp://(([^:@/]+)(:[^@]*)?@)?[^@/]+'
[[ $rabbitmq =~ $address ]] || { echo "on-engines: SOUK_DEV_RABBITMQ is not like amqp://user:password@host:5672/%2f" >&2; exit 1; }
broker=${BASH_REMATCH[0]}
user=${BASH_REMATCH[2]:-guest}
folder=$(mktemp -d)
shop=

# execute_mysql STATEMENT
execute_mysql() {
    local address='^mysql://([^:@/]+)(:([^@]*))?@([^:/]+)(:([0-9]+))?/?$'
    [[ $mysql =~ $address ]] || { echo "on-engines: SOUK_DEV_MYSQL is not like mysql://user:password@host:3306" >&2; return 1; }
    MYSQL_PWD=${BASH_REMATCH[3]} "$(command -v mysql || command -v mariadb)" --protocol=tcp --user="${BASH_REMATCH[1]}" \
        --host="${BASH_REMATCH[4]}" --port="${BASH_REMATCH[6]:-3306}" --execute="$1"
}

# Stops the shop, and removes everything that belongs to this run alone.
clean_up() {
    local status=$? database
    trap '' INT TERM
    if [ -n "$shop" ]; then
        kill -TERM "$shop" 2>/dev/null || true
        wait "$shop" 2>/dev/null || true
    fi
    if [ "$status" -ne 0 ]; then tail -n 40 "$folder/shop.log" >&2 || true; fi
    for database in auth order payment sandbox notification; do
        psql "${postgres%/}/postgres" -Xqc "DROP DATABASE IF EXISTS ${name}_$database WITH (FORCE)" 2>/dev/null || true
    done
    execute_mysql "DROP DATABASE IF EXISTS ${name}_product" || true
    redis-cli -u "${redis%/}" --scan --pattern "$name:*" | xargs -r redis-cli -u "${redis%/}" del >/dev/null || true
    rabbitmqctl -q delete_vhost "$name" || true
    rm -rf "$folder"
    exit "$status"
}

# start PORT: starts the shop and waits until it is ready and filled. Fails if it ends, as when a port is taken.
start() {
    PORT=$1 DATA=$folder/data DATABASES=$name SOUK_DEV_RABBITMQ=$broker/$name SOUK_BIN=$binary SOUK_SERVE__HOST=127.0.0.1 \
        bash scripts/up-engines.sh >"$folder/shop.log" 2>&1 &
    shop=$!
    until grep -q '^Ready\.' "$folder/shop.log"; do
        kill -0 "$shop" 2>/dev/null || return 1
        sleep 0.2
    done
}

binary=$(realpath "${SOUK_BIN:-target/debug/souk}")
[ -x "$binary" ] || { echo "on-engines: there is no program at $binary" >&2; exit 1; }
[ $# -gt 0 ] || { echo "on-engines: which command?" >&2; exit 1; }
trap clean_up EXIT
trap 'exit 130' INT TERM
rabbitmqctl -q add_vhost "$name"
rabbitmqctl -q set_permissions -p "$name" "$user" '.*' '.*' '.*'
for attempt in 1 2 3 4 5; do
    # The highest of the nine ports is 808 above the first.
    port=$((RANDOM % 20000 + 20000))
    if start "$port"; then break; fi
    [ "$attempt" -lt 5 ] || { echo "on-engines: the shop does not start" >&2; exit 1; }
done
SOUK_PROCESSES=$(pgrep --parent "$shop" --exact souk | tr '\n' ' ')
export SOUK_PROCESSES SOUK_URL=http://localhost:$port SOUK_DATABASES=${postgres%/}/$name
"$@"
