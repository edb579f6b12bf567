#!/bin/sh
# Runs ejabberd with its archive in PostgreSQL, both on loopback, until standard input closes.
#
#   ejabberd.sh DIR XMPP_PORT POSTGRES_PORT ACCOUNTS
#
# Needs the system's packages ejabberd, erlang-p1-pgsql and postgresql; keeps everything in DIR.
# Prints "absent: ..." and exits 3 where a package is missing; prints "ready PID PID" (Erlang and
# PostgreSQL) once both answer. The accounts are u0, u1, ... with the password "secret".
set -eu

dir=$1 xmpp_port=$2 postgres_port=$3 accounts=$4
host=bench.localhost

absent() {
    echo "absent: $1"
    exit 3
}

erl=$(command -v erl) || absent "erl"
ebin=$(ls -d /usr/lib/*/ejabberd-*/ebin 2>/dev/null | tail -n 1)
[ -n "$ebin" ] || absent "ejabberd"
libs=$(dirname "$(dirname "$ebin")")
ls -d "$libs"/p1_pgsql-* /usr/lib/erlang/lib/p1_pgsql-* 2>/dev/null | grep -q . ||
    absent "erlang-p1-pgsql"
postgres=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$postgres" ] || absent "postgresql"
schema=/usr/share/ejabberd/sql/pg.sql
[ -f "$schema" ] || schema=$schema.gz
[ -f "$schema" ] || absent "the SQL schema of ejabberd"

mkdir -p "$dir/spool" "$dir/log"
dir=$(cd "$dir" && pwd)

# PostgreSQL refuses to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        runuser -u postgres -- "$@"
    else
        "$@"
    fi
}

erl_pid=
stop() {
    trap - EXIT INT TERM
    [ -z "$erl_pid" ] || kill -KILL "$erl_pid" 2>/dev/null || true
    [ ! -f "$dir/sql/postmaster.pid" ] ||
        as_postgres "$postgres/pg_ctl" -D "$dir/sql" -m immediate -w stop >/dev/null 2>&1 || true
}
trap stop EXIT
trap 'exit 1' INT TERM

mkdir -p "$dir/sql"
[ "$(id -u)" = 0 ] && chown postgres "$dir/sql"
cd "$dir/sql"
as_postgres "$postgres/initdb" -D "$dir/sql" -A trust -E UTF8 --locale=C >"$dir/log/initdb.log" 2>&1
as_postgres "$postgres/pg_ctl" -D "$dir/sql" -l "$dir/sql/server.log" -w \
    -o "-p $postgres_port -c listen_addresses=127.0.0.1 -c unix_socket_directories=''" \
    start >/dev/null
sql() {
    as_postgres "$postgres/psql" -q -h 127.0.0.1 -p "$postgres_port" "$@" >"$dir/log/psql.log" 2>&1
}
sql -d postgres -c 'CREATE DATABASE ejabberd'
case $schema in
    *.gz) zcat "$schema" >"$dir/schema.sql" ;;
    *) cp "$schema" "$dir/schema.sql" ;;
esac
chmod a+r "$dir/schema.sql"
sql -d ejabberd -f - <"$dir/schema.sql"
sql -d ejabberd -c "INSERT INTO users (username, password)
    SELECT 'u' || n, 'secret' FROM generate_series(0, $accounts - 1) AS n"
owner=$(as_postgres "$postgres/psql" -h 127.0.0.1 -p "$postgres_port" -d postgres -tAc \
    'SELECT current_user')

cat >"$dir/ejabberd.yml" <<YAML
loglevel: warning
hosts: [$host]
default_db: sql
sql_type: pgsql
sql_server: 127.0.0.1
sql_port: $postgres_port
sql_database: ejabberd
sql_username: $owner
sql_password: ""
auth_method: sql
auth_password_format: plain
listen:
  - port: $xmpp_port
    ip: 127.0.0.1
    module: ejabberd_c2s
    shaper: none
    access: c2s
    backlog: 1024
access_rules:
  c2s: {allow: all}
shaper_rules:
  max_user_sessions: 100000
  max_user_offline_messages: {100: all}
modules:
  mod_caps: {}
  mod_carboncopy: {}
  mod_disco: {}
  mod_last: {}
  mod_offline: {access_max_user_messages: max_user_offline_messages}
  mod_ping: {}
  mod_privacy: {}
  mod_private: {}
  mod_roster: {versioning: true}
  mod_stream_mgmt: {}
  mod_vcard: {}
  mod_version: {}
  mod_mam: {db_type: sql, default: always, request_activates_archiving: false}
  mod_muc:
    db_type: sql
    max_users: 5000
    max_user_conferences: 100000
    min_message_interval: 0
    history_size: 0
    default_room_options:
      mam: true
      max_users: 5000
      presence_broadcast: []
YAML
[ "$(id -u)" = 0 ] && chmod 644 "$dir/ejabberd.yml"

EJABBERD_CONFIG_PATH=$dir/ejabberd.yml EJABBERD_LOG_PATH=$dir/log/ejabberd.log \
    ERL_LIBS=$libs ERL_CRASH_DUMP=$dir/log/crash.dump ERL_MAX_PORTS=32000 HOME=$dir \
    "$erl" +K true +P 250000 -noinput -mnesia dir "\"$dir/spool\"" -s ejabberd \
    >"$dir/log/erl.log" 2>&1 </dev/null &
erl_pid=$!

tries=0
until bash -c "exec 3<>/dev/tcp/127.0.0.1/$xmpp_port" 2>/dev/null; do
    tries=$((tries + 1))
    kill -0 "$erl_pid" 2>/dev/null || { cat "$dir/log/erl.log" >&2; exit 1; }
    [ "$tries" -lt 300 ] || { echo "ejabberd does not listen" >&2; exit 1; }
    sleep 0.1
done

echo "ready $erl_pid $(head -n 1 "$dir/sql/postmaster.pid")"
cat >/dev/null
