#!/bin/bash
# Runs once, when the database is made: the role of Grafana, which may only read, and only for a while.
set -euo pipefail
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set=password="$POSTGRES_READER_PASSWORD" --set=owner="$POSTGRES_USER" --set=database="$POSTGRES_DB" <<'SQL'
CREATE ROLE grafana LOGIN PASSWORD :'password';
ALTER ROLE grafana SET default_transaction_read_only = 'on';
ALTER ROLE grafana SET statement_timeout = '30s';
GRANT CONNECT ON DATABASE :"database" TO grafana;
GRANT USAGE ON SCHEMA public TO grafana;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO grafana;
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" GRANT SELECT ON TABLES TO grafana;
SQL
