#!/bin/sh
# Installs versitygw, a server that speaks S3, under the folder named. It is built from source by
# a Go of at least 1.25: the machine's, or one that is installed beside it.
set -eu
place=$1/s3
here=$(cd "$(dirname "$0")" && pwd)
wanted=v1.8.0
# The version is written last, so that an installation which broke off is made again.
[ "$(cat "$place/version" 2>/dev/null)" = "$wanted" ] && exit 0

new_enough() {
    "$1" version 2>/dev/null | awk '
        { split(substr($3, 3), part, "."); good = part[1] > 1 || part[2] + 0 >= 25 }
        END { exit !good }'
}
rm -rf "$place"
mkdir -p "$place"
go=go
if ! new_enough "$go"; then
    python3 -m venv "$place/go"
    "$place/go/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    go=$place/go/bin/go
fi
GOBIN=$place/bin "$go" install "github.com/versity/versitygw/cmd/versitygw@$wanted"
rm -rf "$place/go"
echo "$wanted" >"$place/version"
