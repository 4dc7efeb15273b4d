#!/bin/sh
# Sets up what the browser tests need beside the build: Chromium, Node and two npm packages.
#   tools/setup_web.sh FOLDER    where the npm packages go, usually build/web
# What cannot be had (no network, no right to install) is said here, and the tests skip aloud.
set -u
source=$(cd "$(dirname "$0")/../tests/web" && pwd)
target=$1

missing=
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v node >/dev/null 2>&1 || missing="$missing nodejs"
command -v npm >/dev/null 2>&1 || missing="$missing npm"
install() {
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends $missing \
        >/dev/null 2>&1
}
if [ -n "$missing" ] && command -v apt-get >/dev/null 2>&1; then
    sudo=
    [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
    echo "installing with apt-get for the browser tests:$missing"
    # package lists may be old or not there yet
    install || { $sudo apt-get update -q >/dev/null 2>&1 && install; } ||
        echo "apt-get could not: browser tests will be skipped" >&2
fi

command -v npm >/dev/null 2>&1 || exit 0
cmp -s "$source/package-lock.json" "$target/package-lock.json" && [ -d "$target/node_modules" ] && exit 0
mkdir -p "$target"
cp "$source/package.json" "$source/package-lock.json" "$target/"
if ! (cd "$target" && npm ci --no-audit --no-fund --loglevel=error >/dev/null 2>&1); then
    rm -f "$target/package-lock.json"
    echo "npm could not fetch the browser tests' packages: they will be skipped" >&2
fi
exit 0
