#!/usr/bin/env bash
# Passwords for compose.yml, made once; what is there stays. Owned by user 1000, as which the containers read them.
set -euo pipefail
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
for name in elastic_password kibana_password writer_password postgres_password metrics_token grafana_password; do
  [ -s "secrets/$name" ] || random > "secrets/$name"
done
[ -s secrets/database_url ] ||
  printf 'postgresql+psycopg://fengsui:%s@postgres:5432/fengsui' "$(cat secrets/postgres_password)" > secrets/database_url
chmod 400 secrets/*
if [ "$(id -u)" = 0 ]; then
  chown 1000:1000 secrets secrets/*
elif [ "$(id -u)" != 1000 ]; then
  echo "the containers read these files as user 1000: run this as root, or chown 1000 secrets/*" >&2
fi
echo "secrets/: $(ls secrets | tr '\n' ' ')"
