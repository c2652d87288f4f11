#!/bin/bash
# Creates payment's database unless it exists, and lets the audit read a consistent state without blocking writers.
set -euo pipefail
SQLCMDPASSWORD=$(cat /run/secrets/SOUK_SECRETS__SQLSERVER)
export SQLCMDPASSWORD
exec /opt/mssql-tools18/bin/sqlcmd -C -S sqlserver -U sa -b -Q "
IF DB_ID('souk_payment') IS NULL CREATE DATABASE souk_payment;
ALTER DATABASE souk_payment SET ALLOW_SNAPSHOT_ISOLATION ON;"
