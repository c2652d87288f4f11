#!/usr/bin/env bash
# Runs every service of the shop as a process of its own on engines of this machine, for development. The config server
# configures them from config-repo/ with the profile 'local', and they find each other through discovery.
# Ctrl-C stops them all. The data stays in the engines; README.md ("On engines") shows how to remove it.
#
#   PORT     port of the gateway, 8080 by default; the others' ports move with it
#   DATA     folder of logs, mails and pictures, ./souk-data by default
#   RELEASE  1: an optimised build; without it a debug build, which is rebuilt in seconds
#   EMPTY    1: an empty shop stays empty, instead of being filled with the sample catalogue
#   SOUK_BIN path of a souk that is built already
#   DATABASES  beginning of the names of the databases and of the keys in Redis, souk by default: another shop on the same
#              engines has another one, and in SOUK_DEV_RABBITMQ a virtual host of its own
#   SOUK_DEV_POSTGRES, SOUK_DEV_MYSQL, SOUK_DEV_REDIS, SOUK_DEV_RABBITMQ   URLs of the engines, see below
#
# Every SOUK_SECTION__KEY of the environment is passed on, and overrides the values chosen here.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 077

postgres=${SOUK_DEV_POSTGRES:-postgres://postgres@127.0.0.1:5432}
mysql=${SOUK_DEV_MYSQL:-mysql://root@127.0.0.1:3306}
redis=${SOUK_DEV_REDIS:-redis://127.0.0.1:6379}
rabbitmq=${SOUK_DEV_RABBITMQ:-amqp://guest:guest@127.0.0.1:5672/%2f}
port=${PORT:-8080}
databases=${DATABASES:-souk}
mkdir -p "${DATA:-./souk-data}/logs"
data=$(cd "${DATA:-./souk-data}" && pwd)
logs=$data/logs
services=(config-server discovery auth product order cart payment notification gateway)
# The key of the {cipher} values in config-repo/. Both are public examples.
repository_key=souk-example-key

fail() {
    echo "up-engines: $*" >&2
    exit 1
}

# port_of SERVICE: prints its port. The whole range moves with the gateway's.
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

# default NAME VALUE: sets a variable for all services, unless the environment has it.
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

# decoded TEXT: decodes the percent encoding of a user or password in a URL.
decoded() {
    local text=${1//\\/\\\\}
    printf '%b' "${text//%/\\x}"
}

# make_postgres NAME: creates the database unless it exists.
make_postgres() {
    if ! command -v psql >/dev/null; then
        echo "psql is not installed: create the database $1 yourself; its service waits for it." >&2
        return
    fi
    local address='^(postgres(ql)?://)(([^:@/]+)(:([^@]*))?@)?([^@/]+)/?$'
    [[ $postgres =~ $address ]] || fail "SOUK_DEV_POSTGRES is not like postgres://user:password@host:5432"
    # Not as an argument: other users of this machine see those.
    local server=${BASH_REMATCH[1]}${BASH_REMATCH[4]:+${BASH_REMATCH[4]}@}${BASH_REMATCH[7]} exists
    local -x PGPASSWORD=${PGPASSWORD:-}
    if [ -n "${BASH_REMATCH[6]}" ]; then PGPASSWORD=$(decoded "${BASH_REMATCH[6]}"); fi
    exists=$(psql "$server/postgres" -XtAc "SELECT 1 FROM pg_database WHERE datname = '$1'" 2>"$logs/psql.log") ||
        fail "PostgreSQL at ${server##*@} refuses the connection; the reason is in $logs/psql.log. SOUK_DEV_POSTGRES sets its URL."
    [ "$exists" = 1 ] || psql "$server/postgres" -Xqc "CREATE DATABASE $1"
}

# make_mysql NAME: creates the database on MySQL or MariaDB unless it exists.
make_mysql() {
    local client
    client=$(command -v mysql || command -v mariadb || true)
    if [ -z "$client" ]; then
        echo "mysql is not installed: create the database $1 yourself; its service waits for it." >&2
        return
    fi
    local address='^mysql://([^:@/]+)(:([^@]*))?@([^:/]+)(:([0-9]+))?/?$'
    [[ $mysql =~ $address ]] || fail "SOUK_DEV_MYSQL is not like mysql://user:password@host:3306"
    MYSQL_PWD=$(decoded "${BASH_REMATCH[3]}") "$client" --protocol=tcp --user="$(decoded "${BASH_REMATCH[1]}")" \
        --host="${BASH_REMATCH[4]}" --port="${BASH_REMATCH[6]:-3306}" \
        --execute="CREATE DATABASE IF NOT EXISTS $1 CHARACTER SET utf8mb4" \
        2>"$logs/mysql.log" ||
        fail "MySQL at ${mysql##*@} refuses the connection; the reason is in $logs/mysql.log. SOUK_DEV_MYSQL sets its URL."
}

# Creates the databases, and sets the variables of all services unless the environment has them.
configure() {
    [[ $databases =~ ^[a-z][a-z0-9_]{0,40}$ ]] || fail "DATABASES is not like souk: lower-case letters, digits and _"
    local name
    for name in auth order payment notification; do
        local variable=SOUK_${name^^}__STORE_URL
        [ -n "${!variable:-}" ] || make_postgres "${databases}_$name"
    done
    [ -n "${SOUK_PAYMENT__SANDBOX_LEDGER_URL:-}" ] || make_postgres "${databases}_sandbox"
    [ -n "${SOUK_PRODUCT__STORE_URL:-}" ] || make_mysql "${databases}_product"
    # The files in config-repo/ name the databases of the default.
    if [ "$databases" != souk ]; then
        for name in auth order payment notification; do
            default "SOUK_${name^^}__STORE_URL" "${postgres%/}/${databases}_$name"
        done
        default SOUK_PAYMENT__SANDBOX_LEDGER_URL "${postgres%/}/${databases}_sandbox"
        default SOUK_PRODUCT__STORE_URL "${mysql%/}/${databases}_product"
        default SOUK_CART__STORE_URL "${redis%/}/0?prefix=$databases:"
    fi
    # The folder config-repo/, and the placeholders in its files.
    default SOUK_CONFIG_SERVER__NATIVE__SEARCH_LOCATIONS "$PWD/config-repo"
    default SOUK_CONFIG_SERVER__ENCRYPT__KEY "$repository_key"
    default SOUK_CONFIG_URL "http://127.0.0.1:$(port_of config-server)"
    default SOUK_CONFIG_PROFILES local
    default SOUK_DISCOVERY_URL "http://127.0.0.1:$(port_of discovery)/eureka"
    # Never taken from a registry without credentials.
    default SOUK_SERVICES__AUTH "http://127.0.0.1:$(port_of auth)"
    default SOUK_AUTH__TRUSTED_PROXIES 127.0.0.1
    default SOUK_ENGINES__POSTGRES "${postgres%/}"
    default SOUK_ENGINES__MYSQL "${mysql%/}"
    default SOUK_ENGINES__REDIS "${redis%/}"
    default SOUK_ENGINES__RABBITMQ "$rabbitmq"
    default SOUK_SHOP__PUBLIC_URL "http://localhost:$port"
    default SOUK_SHOP__SERVICE_SECRET "$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')"
    default SOUK_GATEWAY__MANAGEMENT_PORT $((port - 1))
    default SOUK_NOTIFICATION__MAILBOX_DIR "$data/mailbox"
    default SOUK_PRODUCT__PICTURES_DIR "$data/pictures"
    # For another terminal: with the same environment 'souk doctor --distributed' checks this shop.
    export -p | grep -E '^declare -x SOUK_([A-Z_]+__|CONFIG_|DISCOVERY_)' >"$data/engines.env"
}

declare -A pids=()

start() {
    local service=$1 host=127.0.0.1
    [ "$service" != gateway ] || host=0.0.0.0
    # Standard output has nothing but the first admin's password, which must not get into the log.
    SOUK_SERVE__HOST=${SOUK_SERVE__HOST:-$host} "$souk" serve "$service" --port "$(port_of "$service")" \
        >"$logs/$service.out" 2>"$logs/$service.log" &
    pids[$service]=$!
}

# Prints the first admin's password, which is shown this once.
show_password() {
    if [ -s "$logs/auth.out" ]; then
        echo
        sed 's/^/  /' "$logs/auth.out"
    fi
}

# Stops every process, and waits until all have ended.
stop() {
    trap '' INT TERM
    local service
    for service in "${!pids[@]}"; do kill -TERM "${pids[$service]}" 2>/dev/null || true; done
    for service in "${!pids[@]}"; do wait "${pids[$service]}" 2>/dev/null || true; done
    show_password
    rm -f "$logs"/*.out
}

interrupted() {
    echo
    echo "Stopping …"
    stop
    echo "Stopped. The data stays in the engines."
    exit 0
}

# Stops the shop if one of its processes has ended.
check_running() {
    local service
    for service in "${services[@]}"; do
        if ! kill -0 "${pids[$service]}" 2>/dev/null; then
            tail -n 5 "$logs/$service.log" >&2
            stop
            fail "$service has ended, see $logs/$service.log"
        fi
    done
}

# Prints which services are not ready, and why.
show_missing() {
    local service reason
    for service in "${services[@]}"; do
        curl -sf -m 3 -o /dev/null "http://127.0.0.1:$(port_of "$service")/health/ready" && continue
        reason=$(curl -s -m 3 "http://127.0.0.1:$(port_of "$service")/health/ready" | grep -o '"error":"[^"]*"' | head -1 || true)
        echo "  waiting for $service ${reason#\"error\":} (log: $logs/$service.log)"
    done
}

wait_until_ready() {
    local started=$SECONDS reported=$SECONDS
    until curl -sf -m 3 -o /dev/null "http://127.0.0.1:$port/api/health/ready"; do
        check_running
        if [ $((SECONDS - reported)) -ge 10 ]; then
            reported=$SECONDS
            echo "Not ready after $((SECONDS - started)) s:"
            show_missing
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
    show_password
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
    check_running
done
