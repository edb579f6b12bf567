#!/bin/sh
# Installs Kafka into <root>/kafka, with what makes a broker start quickly: an archive of its
# loaded classes and formatted folders of three nodes.
set -eu
root=$1/kafka
here=$(cd "$(dirname "$0")" && pwd)
ready=$root/ready
if [ -e "$ready" ] && cmp -s "$here/pom.xml" "$ready"; then
    exit 0
fi

missing=""
command -v java >/dev/null || missing="$missing default-jre-headless"
command -v mvn >/dev/null || missing="$missing maven"
if [ -n "$missing" ]; then
    as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo"
    $as_root apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    $as_root apt-get install -y -qq --no-install-recommends $missing
fi

mkdir -p "$root"
rm -rf "$root/libs" "$root/formatted" "$root/kafka.jsa" "$ready"
mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies \
    -DoutputDirectory="$root/libs" -DincludeScope=runtime

# A node's folder is formatted once and copied by whoever starts that node: formatting takes as
# long as starting. What it writes depends on the node's number alone.
work=$(mktemp -d)
broker=""
trap '[ -z "$broker" ] || kill "$broker" 2>/dev/null || true; rm -rf "$work"' EXIT
for node in 1 2 3; do
    cat >"$work/$node.properties" <<EOF
process.roles=broker,controller
node.id=$node
controller.quorum.voters=$node@127.0.0.1:1
listeners=BROKER://127.0.0.1:2,CONTROLLER://127.0.0.1:1
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=BROKER
log.dirs=$root/formatted/$node
EOF
    java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
        -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$root/libs/*" \
        kafka.tools.StorageTool format --ignore-formatted \
        -t MkU3OEVBNTcwNTJENDM2Qg -c "$work/$node.properties" >/dev/null
done

# The archive is written by a broker that has started and ends in order.
ports=$(python3 -c '
import socket
held = [socket.socket() for _ in range(2)]
for it in held:
    it.bind(("127.0.0.1", 0))
print(*[it.getsockname()[1] for it in held])')
controller=${ports% *}
serving=${ports#* }
cp -r "$root/formatted/1" "$work/data"
sed -e "s/:1\$/:$controller/; s/:2,/:$serving,/; s/^log.dirs=.*//" \
    "$work/1.properties" >"$work/server.properties"
echo "log.dirs=$work/data" >>"$work/server.properties"
java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -XX:ArchiveClassesAtExit="$root/kafka.jsa" -Xlog:cds=off -Xlog:cds+dynamic=off \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
    -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info \
    -cp "$root/libs/*" kafka.Kafka "$work/server.properties" >"$work/log" 2>&1 &
broker=$!
waited=0
until grep -q "Kafka Server started" "$work/log"; do
    waited=$((waited + 1))
    if [ "$waited" -gt 1200 ] || ! kill -0 "$broker" 2>/dev/null; then
        cat "$work/log" >&2
        exit 1
    fi
    sleep 0.1
done
kill "$broker"
wait "$broker" || true
broker=""
[ -s "$root/kafka.jsa" ] || { cat "$work/log" >&2; exit 1; }
cp "$here/pom.xml" "$ready"
