#!/bin/sh
# Runs one file of the page's tests, or skips it aloud where there is no Node.
command -v node >/dev/null 2>&1 || { echo '1..0 # SKIP no node on this machine'; exit 0; }
exec node "$1"
