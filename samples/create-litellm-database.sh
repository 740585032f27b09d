#!/bin/sh
# PostgreSQL's image runs this once, when it makes the volume: LiteLLM gets a database and a role of its own, beside the ledger's.
set -eu
[ -n "${LITELLM_POSTGRES_PASSWORD:-}" ] || exit 0
psql -v ON_ERROR_STOP=1 -v password="$LITELLM_POSTGRES_PASSWORD" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE litellm LOGIN PASSWORD :'password';
CREATE DATABASE litellm OWNER litellm ENCODING UTF8 TEMPLATE template0;
SQL
