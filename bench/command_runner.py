"""What tests of the built command have in common. They are called with MEGABED SOURCE_DIR [TEST ...]."""

import subprocess
import sys
import unittest

MEGABED, SOURCE = sys.argv[1], sys.argv[2]


def run(*command, cwd=None, timeout=300, **more):
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=timeout, check=False, **more)


def megabed(*arguments, cwd=None):
    return run(MEGABED, *arguments, cwd=cwd)


def run_tests():
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
