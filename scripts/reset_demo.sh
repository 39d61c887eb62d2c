#!/bin/sh
# Remove var/demo, unless a demo is still using it.
set -eu
cd "$(dirname "$0")/.."
[ -d var/demo ] || { echo "There is no demo data."; exit 0; }

folder=$(cd var/demo && pwd -P)
for process in /proc/[0-9]*; do
    for open in "$process"/cwd "$process"/fd/*; do
        case $(readlink "$open" 2>/dev/null || true) in
        "$folder" | "$folder"/*)
            echo "The demo is still running (process ${process#/proc/}); stop it first with Ctrl-C." >&2
            exit 1
            ;;
        esac
    done
done
rm -rf "$folder"
echo "The demo starts afresh next time."
