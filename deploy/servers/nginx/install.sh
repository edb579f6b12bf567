#!/bin/sh
# Installs nginx from the system's packages.
set -eu
sh "$(dirname "$0")/../apt.sh" nginx nginx-light
