#!/bin/sh
# Installs the real servers that the tests start, each once, under the folder named.
set -eu
root=$1
here=$(dirname "$0")
mkdir -p "$root"
for server in "$here"/*/install.sh; do
    [ -e "$server" ] || continue
    sh "$server" "$root"
done
