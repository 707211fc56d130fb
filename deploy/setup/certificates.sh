#!/usr/bin/env bash
# An authority of our own and a certificate for the server, unless they are there.
set -euo pipefail
cd /certificates
if [ ! -s ca/ca.crt ]; then
  /usr/share/elasticsearch/bin/elasticsearch-certutil ca --silent --pem --days 3650 --out ca.zip
  unzip -q ca.zip
  rm ca.zip
fi
if [ ! -s elasticsearch/elasticsearch.crt ]; then
  /usr/share/elasticsearch/bin/elasticsearch-certutil cert --silent --pem --days 825 --out certificates.zip \
    --name elasticsearch --dns elasticsearch --dns localhost --ip 127.0.0.1 \
    --ca-cert ca/ca.crt --ca-key ca/ca.key
  unzip -q certificates.zip
  rm certificates.zip
fi
# Everybody may read the certificates; the keys are the server's alone, the authority's key root's.
chown -R root:1000 .
find . -type d -exec chmod 755 {} +
find . -type f -exec chmod 644 {} +
chmod 600 ca/ca.key
chmod 640 elasticsearch/elasticsearch.key
# A new volume is root's; the server writes its snapshots as user 1000.
chown 1000:0 /snapshots
echo "certificates are there"
