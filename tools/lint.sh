#!/bin/sh
# What `make lint` checks: formatting, includes that leave a room by "../", cppcheck, clang-tidy, the
# man page. Of cppcheck, three checks are off: uninitvar and legacyUninitvar do not follow a pointer
# into another file (both compilers and clang-tidy look for the same), invalidPointerCast refuses
# every look at mapped bytes as numbers.
#   tools/lint.sh [FILE.c ...]    clang-tidy on these alone
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0
files=$(git ls-files '*.c' '*.h')
clang-format --dry-run --Werror $files || bad=1
if grep -nE '^#include "\.\./' $files; then
    echo "an include leaves its room by ../" >&2
    bad=1
fi
if git grep -nE '\b(TODO|FIXME|XXX)\b' -- '*.c' '*.h' '*.py' '*.sh' '*.md' '*.build' ':!tools/lint.sh'; then
    echo "unfinished work is marked in a committed file" >&2
    bad=1
fi
cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 \
    --enable=warning,performance,portability --suppress=missingInclude \
    --suppress=missingIncludeSystem --suppress=unmatchedSuppression --suppress=uninitvar \
    --suppress=legacyUninitvar --suppress=invalidPointerCast \
    -j 2 -Iinclude -Ilib/base lib forge program || bad=1
mandoc -Tlint -W warning share/man/dylumo.1 || bad=1
sources=${*:-$(git ls-files 'lib/*.c' 'forge/*.c' 'program/*.c' 'examples/*.c')}
echo "$sources" | xargs -P 2 -n 8 clang-tidy --quiet -p build 2>/dev/null || bad=1
[ $bad = 0 ] && echo "lint: clean"
exit $bad
