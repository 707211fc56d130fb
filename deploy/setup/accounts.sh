#!/usr/bin/env bash
# Roles, Fengsui's account and Kibana's password. May be run again: it sets them to what the files say.
set -euo pipefail
secret() { cat "/run/secrets/$1"; }
ask() { # method, path, body: as the superuser; the password is on no command line
  curl --silent --show-error --fail-with-body --retry 20 --retry-delay 3 --retry-all-errors \
    --cacert /certificates/ca/ca.crt --header 'Content-Type: application/json' \
    --config <(printf 'user = "elastic:%s"\n' "$(secret elastic_password)") \
    --request "$1" "https://elasticsearch:9200$2" --data @- <<< "$3"
  echo
}
for file in /setup/roles/*.json; do
  name="$(basename "$file" .json)"
  ask PUT "/_security/role/$name" "$(cat "$file")"
done
ask POST /_security/user/kibana_system/_password "{\"password\": \"$(secret kibana_password)\"}"
ask PUT /_security/user/fengsui \
  "{\"password\": \"$(secret writer_password)\", \"roles\": [\"fengsui_writer\", \"fengsui_snapshots\"]}"
echo "accounts are set"
