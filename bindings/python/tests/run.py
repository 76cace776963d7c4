"""Runs the tests; fails too when none was there, or one did not run. Arguments choose tests by parts of their names."""

import faulthandler
import logging
import sys
import unittest
from pathlib import Path

# Longer than everything takes on a loaded machine: something hangs.
PATIENCE = 20 * 60


def main(wanted: list[str]) -> int:
    here = Path(__file__).resolve().parent
    sys.path[:0] = [str(here.parent), str(here)]
    # The test case has asyncio complain of what takes a moment.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    loader = unittest.TestLoader()
    if wanted:
        loader.testNamePatterns = [f"*{part}*" for part in wanted]
    result = unittest.TextTestRunner(verbosity=2).run(loader.discover(str(here)))
    if not result.testsRun:
        print("no test was there", file=sys.stderr)
        return 1
    if result.skipped or result.expectedFailures:
        print("tests were skipped", file=sys.stderr)
        return 1
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
