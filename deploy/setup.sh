#!/bin/sh
# Installs what a build and the tests need on Debian, and nothing that is there already.
set -eu
missing=""
command -v cc >/dev/null || missing="$missing build-essential"
command -v cmake >/dev/null || missing="$missing cmake"
command -v pkg-config >/dev/null || missing="$missing pkg-config"
# The client of Kafka is built from C: with TLS and compression, and it looks for curl's headers.
for header in openssl/ssl.h zlib.h curl/curl.h; do
    printf '#include <%s>\n' "$header" | cc -E - >/dev/null 2>&1 ||
        missing="$missing libssl-dev zlib1g-dev libcurl4-openssl-dev"
done
# The media worker links ffmpeg, whose headers are read by clang.
pkg-config --exists libavfilter libavformat libavcodec libswresample 2>/dev/null ||
    missing="$missing libavfilter-dev"
pkg-config --exists libheif 2>/dev/null || missing="$missing libheif-dev"
# Its tests have videos made, and looked at, by the program of that name.
command -v ffmpeg >/dev/null || missing="$missing ffmpeg"
clang=""
ls /usr/lib/llvm-*/lib/libclang*.so* >/dev/null 2>&1 && ls -d /usr/lib/llvm-*/lib/clang/*/include \
    >/dev/null 2>&1 || clang=missing
command -v python3 >/dev/null || missing="$missing python3 python3-venv"
command -v node >/dev/null || missing="$missing nodejs npm"
command -v jq >/dev/null || missing="$missing jq"
# The tests sign certificates of their own, and cut the network of a node that has one of its own.
command -v openssl >/dev/null || missing="$missing openssl"
command -v ip >/dev/null || missing="$missing iproute2"
python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
if [ -n "$missing$clang" ]; then
    as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo"
    $as_root apt-get update -qq
    if [ -n "$clang" ]; then
        # The release's own version, without the compiler around it.
        version=$(apt-cache depends libclang-dev | sed -n 's/.*Depends: libclang-\([0-9]*\)-dev.*/\1/p')
        missing="$missing libclang1-$version libclang-common-$version-dev"
    fi
    # shellcheck disable=SC2086 # a list of words
    $as_root apt-get install -y -qq $missing
fi
command -v cargo >/dev/null || { echo "a Rust toolchain is needed: see rust-toolchain.toml" >&2; exit 1; }
