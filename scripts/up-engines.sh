#!/usr/bin/env bash
# Runs every service of the shop as a process of its own on engines of this machine, for development: configured
# by the config server, from config-repo/ with the profile 'local', and found through discovery.
# Ctrl-C stops them all. Data stays in the engines; README.md ("On engines") says how to remove it.
#
#   PORT     the gateway's port, 8080; the others' ports move with it
#   DATA     the folder of logs, mails and pictures, ./souk-data
#   RELEASE  1: an optimised build; without it the debug build, which is made anew in seconds
#   EMPTY    1: leaves an empty shop empty, instead of filling it with the sample catalogue
#   SOUK_BIN a souk that is built already
#   SOUK_DEV_POSTGRES, SOUK_DEV_MYSQL, SOUK_DEV_REDIS, SOUK_DEV_RABBITMQ   the engines, see below
#
# Every SOUK_SECTION__KEY of the environment passes through, and wins over what is chosen here.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 077

postgres=${SOUK_DEV_POSTGRES:-postgres://postgres@127.0.0.1:5432}
mysql=${SOUK_DEV_MYSQL:-mysql://root@127.0.0.1:3306}
redis=${SOUK_DEV_REDIS:-redis://127.0.0.1:6379}
rabbitmq=${SOUK_DEV_RABBITMQ:-amqp://guest:guest@127.0.0.1:5672/%2f}
port=${PORT:-8080}
mkdir -p "${DATA:-./souk-data}/logs"
data=$(cd "${DATA:-./souk-data}" && pwd)
logs=$data/logs
services=(config-server discovery auth product order cart payment notification gateway)
# The key of config-repo/'s {cipher} values: it is public, and so are they.
repository_key=souk-example-key

fail() {
    echo "up-engines: $*" >&2
    exit 1
}

# The port of a service; the whole range moves with the gateway's.
port_of() {
    case $1 in
        gateway) echo "$port" ;;
        auth) echo $((port + 1)) ;;
        product) echo $((port + 2)) ;;
        order) echo $((port + 3)) ;;
        cart) echo $((port + 4)) ;;
        payment) echo $((port + 5)) ;;
        notification) echo $((port + 6)) ;;
        discovery) echo $((port + 681)) ;;
        config-server) echo $((port + 808)) ;;
    esac
}

# Sets a variable for all services, unless the environment has it.
default() {
    if [ -z "${!1:-}" ]; then export "$1=$2"; fi
}

build() {
    if [ -n "${SOUK_BIN:-}" ]; then
        souk=$SOUK_BIN
    elif [ "${RELEASE:-}" = 1 ]; then
        ${CARGO:-cargo} build --release --package souk
        souk=${CARGO_TARGET_DIR:-target}/release/souk
    else
        ${CARGO:-cargo} build --package souk
        souk=${CARGO_TARGET_DIR:-target}/debug/souk
    fi
    [ -x "$souk" ] || fail "there is no program at $souk"
}

# The text without its percent signs' codes, as a user or password is in an address.
decoded() {
    local text=${1//\\/\\\\}
    printf '%b' "${text//%/\\x}"
}

# make_postgres NAME: makes the database if it is missing.
make_postgres() {
    if ! command -v psql >/dev/null; then
        echo "psql is not there to look for the database $1; services wait until it is made." >&2
        return
    fi
    local address='^(postgres(ql)?://)(([^:@/]+)(:([^@]*))?@)?([^@/]+)/?$'
    [[ $postgres =~ $address ]] || fail "SOUK_DEV_POSTGRES is not like postgres://user:password@host:5432"
    # The password goes by the environment, which others on this machine do not see.
    local at=${BASH_REMATCH[1]}${BASH_REMATCH[4]:+${BASH_REMATCH[4]}@}${BASH_REMATCH[7]} there
    local -x PGPASSWORD=${PGPASSWORD:-}
    if [ -n "${BASH_REMATCH[6]}" ]; then PGPASSWORD=$(decoded "${BASH_REMATCH[6]}"); fi
    there=$(psql "$at/postgres" -XtAc "SELECT 1 FROM pg_database WHERE datname = '$1'" 2>"$logs/psql.log") ||
        fail "PostgreSQL at ${at##*@} does not let us in; $logs/psql.log says why. SOUK_DEV_POSTGRES is its address."
    [ "$there" = 1 ] || psql "$at/postgres" -Xqc "CREATE DATABASE $1"
}

# make_mysql NAME: the same on MySQL or MariaDB.
make_mysql() {
    local client
    client=$(command -v mysql || command -v mariadb || true)
    if [ -z "$client" ]; then
        echo "mysql is not there to look for the database $1; services wait until it is made." >&2
        return
    fi
    local address='^mysql://([^:@/]+)(:([^@]*))?@([^:/]+)(:([0-9]+))?/?$'
    [[ $mysql =~ $address ]] || fail "SOUK_DEV_MYSQL is not like mysql://user:password@host:3306"
    MYSQL_PWD=$(decoded "${BASH_REMATCH[3]}") "$client" --protocol=tcp --user="$(decoded "${BASH_REMATCH[1]}")" \
        --host="${BASH_REMATCH[4]}" --port="${BASH_REMATCH[6]:-3306}" \
        --execute="CREATE DATABASE IF NOT EXISTS $1 CHARACTER SET utf8mb4" \
        2>"$logs/mysql.log" ||
        fail "MySQL at ${mysql##*@} does not let us in; $logs/mysql.log says why. SOUK_DEV_MYSQL is its address."
}

# What the services are configured with; what is in the environment already stays.
configure() {
    local name
    for name in auth order payment notification; do
        local variable=SOUK_${name^^}__STORE_URL
        [ -n "${!variable:-}" ] || make_postgres "souk_$name"
    done
    [ -n "${SOUK_PAYMENT__SANDBOX_LEDGER_URL:-}" ] || make_postgres souk_sandbox
    [ -n "${SOUK_PRODUCT__STORE_URL:-}" ] || make_mysql souk_product
    # Where config-repo/ is, and what its addresses of engines begin with.
    default SOUK_CONFIG_SERVER__NATIVE__SEARCH_LOCATIONS "$PWD/config-repo"
    default SOUK_CONFIG_SERVER__ENCRYPT__KEY "$repository_key"
    default SOUK_CONFIG_URL "http://127.0.0.1:$(port_of config-server)"
    default SOUK_CONFIG_PROFILES local
    default SOUK_DISCOVERY_URL "http://127.0.0.1:$(port_of discovery)/eureka"
    default SOUK_ENGINES__POSTGRES "${postgres%/}"
    default SOUK_ENGINES__MYSQL "${mysql%/}"
    default SOUK_ENGINES__REDIS "${redis%/}"
    default SOUK_ENGINES__RABBITMQ "$rabbitmq"
    default SOUK_SHOP__PUBLIC_URL "http://localhost:$port"
    default SOUK_SHOP__SERVICE_SECRET "$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')"
    default SOUK_GATEWAY__MANAGEMENT_PORT $((port - 1))
    default SOUK_NOTIFICATION__MAILBOX_DIR "$data/mailbox"
    default SOUK_PRODUCT__PICTURES_DIR "$data/pictures"
    # For another terminal: the same environment, so that 'souk doctor --distributed' sees this shop.
    export -p | grep -E '^declare -x SOUK_([A-Z_]+__|CONFIG_|DISCOVERY_)' >"$data/engines.env"
}

declare -A pids=()

start() {
    local service=$1 host=127.0.0.1
    [ "$service" != gateway ] || host=0.0.0.0
    # Only the first admin's password goes to standard output, and so not into the log.
    SOUK_SERVE__HOST=${SOUK_SERVE__HOST:-$host} "$souk" serve "$service" --port "$(port_of "$service")" \
        >"$logs/$service.out" 2>"$logs/$service.log" &
    pids[$service]=$!
}

# Shows the first admin's password, which nobody sees again, unless it was shown.
say_password() {
    if [ -s "$logs/auth.out" ]; then
        echo
        sed 's/^/  /' "$logs/auth.out"
    fi
}

# Stops all that run, the gateway too, and waits for them.
stop() {
    trap '' INT TERM
    local service
    for service in "${!pids[@]}"; do kill -TERM "${pids[$service]}" 2>/dev/null || true; done
    for service in "${!pids[@]}"; do wait "${pids[$service]}" 2>/dev/null || true; done
    say_password
    rm -f "$logs"/*.out
}

interrupted() {
    echo
    echo "Stopping …"
    stop
    echo "Stopped. The data stays in the engines."
    exit 0
}

# Ends everything if some service has ended by itself.
all_run() {
    local service
    for service in "${services[@]}"; do
        if ! kill -0 "${pids[$service]}" 2>/dev/null; then
            tail -n 5 "$logs/$service.log" >&2
            stop
            fail "$service has ended; its log is $logs/$service.log"
        fi
    done
}

# Says which services are not ready, and why.
say_what_is_missing() {
    local service why
    for service in "${services[@]}"; do
        curl -sf -m 3 -o /dev/null "http://127.0.0.1:$(port_of "$service")/health/ready" && continue
        why=$(curl -s -m 3 "http://127.0.0.1:$(port_of "$service")/health/ready" | grep -o '"error":"[^"]*"' | head -1 || true)
        echo "  waiting for $service ${why#\"error\":} (log: $logs/$service.log)"
    done
}

wait_until_ready() {
    local began=$SECONDS said=$SECONDS
    until curl -sf -m 3 -o /dev/null "http://127.0.0.1:$port/api/health/ready"; do
        all_run
        if [ $((SECONDS - said)) -ge 10 ]; then
            said=$SECONDS
            echo "Not ready after $((SECONDS - began)) s:"
            say_what_is_missing
        fi
        sleep 0.2
    done
}

fill() {
    [ "${EMPTY:-}" != 1 ] || return 0
    curl -sf "http://127.0.0.1:$port/api/products?size=1" | grep -q '"total":0[,}]' || return 0
    echo "Filling the empty shop with the sample catalogue …"
    local file
    for file in catalogue/*.csv; do
        "$souk" import --distributed "$file" >"$logs/import.log" 2>&1 || echo "  $file: see $logs/import.log" >&2
    done
}

greet() {
    local service
    echo
    echo "  shop and API   http://localhost:$port"
    echo "  API documents  http://localhost:$port/docs"
    for service in "${services[@]}"; do
        [ "$service" = gateway ] || printf '  %-13s  http://127.0.0.1:%s\n' "$service" "$(port_of "$service")"
    done
    echo "  logs           $logs/<service>.log"
    echo "  in another terminal:  source $data/engines.env && $souk doctor --distributed"
    say_password
    rm -f "$logs"/*.out
    echo
    echo "Ready. Ctrl-C stops it."
}

build
configure
trap interrupted INT TERM
for service in "${services[@]}"; do start "$service"; done
wait_until_ready
fill
greet
while :; do
    wait -n || true
    all_run
done
