#!/bin/sh
# Builds the faster form of SecantusDB under the folder named, for what is measured: still a
# stand-in for MongoDB. To the other one every range is a look at everything, so that whoever
# follows waits for it and not for us.
set -eu
place=$1/mongo-rs
wanted=0.5.3-beta.196
# The version is written last, so that an installation which broke off is made again.
[ "$(cat "$place/version" 2>/dev/null)" = "$wanted" ] && exit 0
rm -rf "$place"
# It asks for a newer compiler than it needs.
cargo install --quiet secantus-mdb --version "$wanted" --root "$place" --target-dir "$place/build" \
    --ignore-rust-version
rm -rf "$place/build"
echo "$wanted" >"$place/version"
