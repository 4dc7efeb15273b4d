#!/bin/sh
# Sets up Python's huggingface_hub beside the build, for the test that both read one cache.
#   tools/setup_hub.sh FOLDER    of the virtual environment, usually build/hub
# What cannot be had (no network, no right to install) is said here, and the test skips aloud.
set -u
target=$1
package=huggingface_hub==2.4.0

"$target/bin/python" -c 'import huggingface_hub' 2>/dev/null && exit 0
if ! python3 -m venv "$target" >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
    sudo=
    [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
    echo "installing with apt-get for a test of downloads: python3-venv"
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends python3-venv \
        >/dev/null 2>&1
    python3 -m venv "$target" >/dev/null 2>&1
fi
if ! "$target/bin/python" -m pip install -q --disable-pip-version-check "$package" >/dev/null 2>&1; then
    rm -rf "$target"
    echo "pip could not fetch $package: one test of downloads will be skipped" >&2
fi
exit 0
