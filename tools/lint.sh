#!/bin/sh
# What `make lint` checks: formatting, includes that leave a room by "../", cppcheck, clang-tidy.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0
files=$(git ls-files '*.c' '*.h')
clang-format --dry-run --Werror $files || bad=1
if grep -nE '^#include "\.\./' $files; then
    echo "an include leaves its room by ../" >&2
    bad=1
fi
cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 \
    --enable=warning,performance,portability --suppress=missingInclude \
    --suppress=missingIncludeSystem --suppress=unmatchedSuppression \
    -j 2 -Iinclude -Ilib/base lib forge program || bad=1
sources=$(git ls-files 'lib/*.c' 'forge/*.c' 'program/*.c' 'examples/*.c')
echo "$sources" | xargs -P 2 -n 8 clang-tidy --quiet -p build 2>/dev/null || bad=1
[ $bad = 0 ] && echo "lint: clean"
exit $bad
