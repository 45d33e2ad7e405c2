#!/bin/bash
# Runs once, when the database is made: the roles of landing, console and Grafana. `gridwatch database` gives them their rights.
set -euo pipefail
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set=database="$POSTGRES_DB" \
    --set=landing="$POSTGRES_LANDING_PASSWORD" --set=console="$POSTGRES_CONSOLE_PASSWORD" \
    --set=reader="$POSTGRES_READER_PASSWORD" <<'SQL'
CREATE ROLE gridwatch_land LOGIN PASSWORD :'landing';
CREATE ROLE gridwatch_console LOGIN PASSWORD :'console';
CREATE ROLE grafana LOGIN PASSWORD :'reader';
ALTER ROLE grafana SET default_transaction_read_only = 'on';
ALTER ROLE grafana SET statement_timeout = '30s';
GRANT CONNECT ON DATABASE :"database" TO gridwatch_land, gridwatch_console, grafana;
SQL
