#!/bin/sh
# Installs aiosmtpd, a mail server that puts what it is sent into a folder, under the folder named.
set -eu
place=$1/mail
wanted=$(dirname "$0")/requirements.txt
# The list is copied last, so that an installation which broke off is made again.
cmp -s "$wanted" "$place/requirements.txt" && exit 0
rm -rf "$place"
python3 -m venv "$place"
"$place/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
cp "$wanted" "$place/requirements.txt"
