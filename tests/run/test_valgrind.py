#!/usr/bin/python3
"""No error and no leak under valgrind on nat-rebind."""

import subprocess
import tempfile
import unittest

import lab

VALGRIND = lab.need("valgrind")


class Valgrind(unittest.TestCase):
    def test_nat_rebind(self):
        binary = lab.ROOT / "build/release/ikelab"
        if not binary.exists():
            self.skipTest("build/release is not built: valgrind cannot run the sanitizer build")
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [VALGRIND, "--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite",
                 "--error-exitcode=99", str(binary), "run", "--quiet",
                 str(lab.SCENARIOS / "nat-rebind.yaml"), "-o", folder + "/run", "--no-report"],
                cwd=lab.ROOT, text=True, capture_output=True, timeout=1200)
            self.assertEqual(done.returncode, 0, done.stderr[-4000:])


if __name__ == "__main__":
    lab.main()
