#!/bin/sh
# Installs SecantusDB under the folder named: a stand-in that speaks MongoDB's protocol, not
# MongoDB. A real one is tested by naming it in PARLANCE_TEST_MONGODB.
set -eu
place=$1/mongo
wanted=$(dirname "$0")/requirements.txt
# The list is copied last, so that an installation which broke off is made again.
cmp -s "$wanted" "$place/requirements.txt" && exit 0
rm -rf "$place"
python3 -m venv "$place"
"$place/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
cp "$wanted" "$place/requirements.txt"
