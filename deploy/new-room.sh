#!/bin/sh
# Copies the template of a room: six files that compile, and its entry in the table of contents.
set -eu
name=$1
cd "$(dirname "$0")/.."
case $name in *[!a-z_]* | "") echo "a room's name is lower case letters" >&2; exit 2 ;; esac
[ ! -e "chat/src/$name" ] || { echo "chat/src/$name is there already" >&2; exit 2; }
singular=$(printf %s "$name" | sed 's/s$//')
pascal=$(printf %s "$singular" | awk -F_ '{ for (i = 1; i <= NF; i++) printf toupper(substr($i, 1, 1)) substr($i, 2) }')
upper=$(printf %s "$name" | tr '[:lower:]' '[:upper:]')
mkdir "chat/src/$name"
for file in mod events decide view graphql tests; do
    sed -e "s/rooms_name/$name/g" -e "s/room_name/$singular/g" -e "s/RoomName/$pascal/g" -e "s/ROOMS_NAME/$upper/g" \
        "deploy/room/$file.rs.txt" > "chat/src/$name/$file.rs"
done
entry="    $name {\n        events: ${pascal}Event,\n        commands: [Set${pascal}],\n        documents: [${pascal}],\n        rejections: [${pascal}Rejection],\n        query: ${pascal}Query, mutation: ${pascal}Mutation,\n        changes: [${pascal}(${pascal}Object by accounts::AccountId)],\n    }"
awk -v entry="$entry" '{ if ($0 == "}" && !done) { print entry; done = 1 } print }' chat/src/lib.rs > chat/src/lib.rs.new
mv chat/src/lib.rs.new chat/src/lib.rs
echo "chat/src/$name is there and listed in chat/src/lib.rs; go on with CONTRIBUTING.md, step 2"
