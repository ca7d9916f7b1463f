#!/bin/sh
# Runs once, when the database container makes its cluster: our two roles and the database.
set -eu
psql --set ON_ERROR_STOP=1 --username postgres \
     --set owner_password="$MOYAI_OWNER_PASSWORD" --set app_password="$MOYAI_APP_PASSWORD" <<'SQL'
CREATE ROLE moyai_owner LOGIN CREATEDB PASSWORD :'owner_password';
CREATE ROLE moyai_app LOGIN PASSWORD :'app_password';
CREATE DATABASE moyai OWNER moyai_owner;
\connect moyai
CREATE EXTENSION IF NOT EXISTS timescaledb;
SQL
