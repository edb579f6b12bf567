#!/bin/sh
# Installs ClamAV's daemon from the system's packages, without its signatures: the tests have their own.
set -eu
sh "$(dirname "$0")/../apt.sh" clamd clamav-daemon
mkdir -p "$1/clamd"
