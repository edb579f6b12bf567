#!/bin/sh
# Installs a real browser, which makes and uses passkeys in the tests.
set -eu
sh "$(dirname "$0")/../apt.sh" chromium chromium
