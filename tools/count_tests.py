#!/usr/bin/env python3
"""Counts the tests of finished `meson test` runs and prints "N passed, N failed, N skipped".

    tools/count_tests.py BUILD_FOLDER...

Reads each folder's meson-logs/testlog.json. A test program that speaks TAP counts as many tests as it
reports; any other counts one. A TAP program that died or failed without saying "not ok" counts one
failed. Exits 1 when a test failed or none ran."""
import json
import pathlib
import re
import sys

passed = failed = skipped = 0
for folder in sys.argv[1:]:
    for line in (pathlib.Path(folder) / "meson-logs/testlog.json").read_text().splitlines():
        test = json.loads(line)
        points = re.findall(r"^(not ok|ok)\b([^\n]*)", test.get("stdout") or "", re.M)
        result = test["result"]
        if not points:
            passed += result in ("OK", "EXPECTEDFAIL")
            skipped += result == "SKIP"
            failed += result not in ("OK", "EXPECTEDFAIL", "SKIP")
            continue
        # cmocka says "not ok 2 # SKIP" of a test that was skipped
        skips = [re.search(r"# *skip", rest, re.I) is not None for _, rest in points]
        bad = sum(word == "not ok" and not left_out for (word, _), left_out in zip(points, skips))
        skip = sum(skips)
        failed += bad + (bad == 0 and result not in ("OK", "SKIP"))
        skipped += skip
        passed += len(points) - bad - skip
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or not passed else 0)
