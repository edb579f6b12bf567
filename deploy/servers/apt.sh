#!/bin/sh
# Installs a system package whose command is missing, without starting its service: apt.sh COMMAND PACKAGE
set -eu
command -v "$1" >/dev/null && exit 0
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo"
# While this answers 101, packages start none of their services.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
    trap '$as_root rm -f "$policy"' EXIT
fi
$as_root apt-get update -qq
$as_root apt-get install -y -qq --no-install-recommends "$2"
