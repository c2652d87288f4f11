#!/bin/bash
# Run once by the image, with an empty volume: a database for each service.
set -euo pipefail
for name in auth order payment sandbox notification; do
    psql --username "$POSTGRES_USER" --dbname postgres --quiet --set ON_ERROR_STOP=1 --command "CREATE DATABASE souk_$name"
done
