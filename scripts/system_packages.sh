#!/bin/sh
# The tests need Debian's PostgreSQL (a throw-away cluster is made from its programs), Debian's Chromium (driven by
# Playwright) and Debian's Apache with mod_auth_openidc (a client that signs in; the package without a running service).
# Missing ones are installed as root; anybody else is told what to install. Nothing is ever skipped.
set -eu

CREATE_CLUSTER=/etc/postgresql-common/createcluster.d

missing=
has_postgresql() {
    for initdb in /usr/lib/postgresql/*/bin/initdb; do
        [ -x "$initdb" ] && return 0
    done
    return 1
}
has_postgresql || missing="$missing postgresql"
# Without these two families pages have boxes for letters in a screenshot.
[ -x /usr/bin/chromium ] || missing="$missing chromium fonts-dejavu-core fonts-liberation"
has_apache() {
    [ -x /usr/sbin/apache2 ] && [ -e /usr/lib/apache2/modules/mod_auth_openidc.so ]
}
has_apache || missing="$missing apache2-bin libapache2-mod-auth-openidc"
command -v openssl >/dev/null 2>&1 || missing="$missing openssl"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "The tests need Debian packages that are not installed:$missing" >&2
    echo "As root:  apt-get update && apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

echo "Installing Debian packages for the tests:$missing"
log=$(mktemp)
drop_in=$CREATE_CLUSTER/no-main-cluster-for-tests.conf
trap 'rm -f "$log" "$drop_in"' EXIT
case $missing in
*postgresql*)
    # The tests make a cluster of their own; Debian's package shall not leave one running.
    mkdir -p "$CREATE_CLUSTER"
    echo "create_main_cluster = false" >"$drop_in"
    ;;
esac
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # a list of words
if ! { apt-get -q update && apt-get -q install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "Debian's packages could not be installed:$missing" >&2
    exit 1
fi
has_postgresql && [ -x /usr/bin/chromium ] && has_apache || {
    echo "apt-get reports success, yet PostgreSQL, Chromium or Apache is still missing." >&2
    exit 1
}
