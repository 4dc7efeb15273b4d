#!/bin/sh
# Sets up what the tests of Parquet need: libduckdb.so from npm's package of DuckDB's bindings.
#   tools/setup_duckdb.sh FOLDER    where it goes, usually build/duckdb
# What cannot be had (no npm, no network) is said here, and the tests skip aloud.
set -u
source=$(cd "$(dirname "$0")/../tests/parquet" && pwd)
target=$1

cmp -s "$source/package-lock.json" "$target/package-lock.json" && [ -e "$target/libduckdb.so" ] && exit 0
if ! command -v npm >/dev/null 2>&1; then
    echo "no npm to fetch DuckDB with: tests of Parquet will be skipped" >&2
    exit 0
fi
mkdir -p "$target"
cp "$source/package.json" "$source/package-lock.json" "$target/"
(cd "$target" && npm ci --no-audit --no-fund --loglevel=error >/dev/null 2>&1)
for library in "$target"/node_modules/@duckdb/*/libduckdb.so; do
    [ -e "$library" ] && ln -sf "${library#"$target"/}" "$target/libduckdb.so"
done
if [ ! -e "$target/libduckdb.so" ]; then
    rm -f "$target/package-lock.json"
    echo "npm could not fetch DuckDB: tests of Parquet will be skipped" >&2
fi
exit 0
