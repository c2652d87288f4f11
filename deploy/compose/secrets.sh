#!/usr/bin/env bash
# Generates the secrets of the Compose files below secrets/, as far as they are missing. Delete one, and what depends on
# it, to have it generated again; an engine keeps the password that it was first started with.
set -euo pipefail
cd "$(dirname "$0")"
# The folder is closed to other users of the machine. The files in it are not: containers read them as their own users.
mkdir -p -m 0700 secrets
umask 022

# random NAME [PREFIX]: a secret of 256 bits. Letters and digits alone, since it is part of URLs.
random() {
    [ -s "secrets/$1" ] || printf '%s%s' "${2:-}" "$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')" >"secrets/$1"
}

# derived NAME TEXT: a file with one of the secrets in it.
derived() {
    printf '%s' "$2" >"secrets/$1"
}

for name in POSTGRES MYSQL MYSQL_ROOT REDIS RABBITMQ; do random "SOUK_SECRETS__$name"; done
# SQL Server refuses a password without capitals, small letters and digits.
random SOUK_SECRETS__SQLSERVER Aa1
random SOUK_SHOP__SERVICE_SECRET
random SOUK_AUTH__ADMIN_PASSWORD
random SOUK_CONFIG_SERVER__SECURITY__PASSWORD
random SOUK_DISCOVERY__SECURITY__PASSWORD
random grafana
derived SOUK_CONFIG_URL "http://souk:$(cat secrets/SOUK_CONFIG_SERVER__SECURITY__PASSWORD)@config-server:8888"
derived SOUK_DISCOVERY_URL "http://souk:$(cat secrets/SOUK_DISCOVERY__SECURITY__PASSWORD)@discovery:8761/eureka"
# Engines without a setting for a file with the password alone.
derived redis.conf "requirepass $(cat secrets/SOUK_SECRETS__REDIS)"$'\n'
derived rabbitmq.conf "default_user = souk"$'\n'"default_pass = $(cat secrets/SOUK_SECRETS__RABBITMQ)"$'\n'
echo "The secrets are in $PWD/secrets. The first admin's password: $PWD/secrets/SOUK_AUTH__ADMIN_PASSWORD"
