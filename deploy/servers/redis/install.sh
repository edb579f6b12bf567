#!/bin/sh
# Installs Redis from the system's packages; the folder says that it was done.
set -eu
sh "$(dirname "$0")/../apt.sh" redis-server redis-server
mkdir -p "$1/redis"
