#!/bin/sh
# Installs the Debian packages of packages.debian that are missing, and says which.
#   tools/setup_debian.sh build|check|lint    how far down the list to go
# On other systems it only names what it would install.
set -eu
folder=$(dirname "$0")/..
wanted=${1:-build}
packages=$(awk -v wanted="$wanted" '
    /^# for make check/ && wanted == "build" { exit }
    /^# for make lint/ && wanted != "lint" { exit }
    !/^#/ && NF { print $1 }' "$folder/packages.debian")

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "not a Debian system: please install what matches these Debian packages:" $packages >&2
    exit 0
fi
missing=
for package in $packages; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
    sudo=$(command -v sudo || true)
    if [ -z "$sudo" ]; then
        echo "missing packages; as root, run: apt-get install --no-install-recommends$missing" >&2
        exit 1
    fi
fi
echo "installing with apt-get:$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
    $sudo apt-get install -y -q --no-install-recommends $missing >"$log" 2>&1
}
# a fresh system has no package lists yet
if ! install; then
    $sudo apt-get update -q >/dev/null
    install || { tail -5 "$log" >&2; echo "apt-get install failed for:$missing" >&2; exit 1; }
fi
# what was configured without them asks meson again
if [ -f "$folder/build/build.ninja" ]; then
    touch "$folder/meson.build"
fi
