#!/usr/bin/python3
"""The preset `plain` has neither libipsec-mb nor AVX512-IFMA, as on a machine without either: OpenSSL
computes everything, says so, and nothing else changes."""

import os
import subprocess
import sys
import unittest

import lab
from test_digests import STORED, digests

FOLDER = lab.ROOT / "build/plain"
PLAIN = FOLDER / "ikelab"
RUNGS = "^(unit|vectors|exchange|sim)$"  # labels: what tests code, without Python and other programs


class PlainBuild(unittest.TestCase):
    def test_it_is_not_there_and_it_says_so(self):
        linked = subprocess.run(["ldd", str(PLAIN)], text=True, capture_output=True, check=True).stdout
        self.assertIn("libcrypto", linked)
        self.assertNotIn("IPSec_MB", linked)
        version = subprocess.run([str(PLAIN), "--version"], text=True, capture_output=True, check=True)
        _, esp, x25519 = version.stdout.splitlines()
        self.assertRegex(esp, r"^ESP by OpenSSL \d")
        self.assertRegex(x25519, r"by OpenSSL \d")
        with lab.Run("handshake-lan", "--no-report", binary=PLAIN) as run:
            origin = run.result["provenance"]
        self.assertRegex(origin["packets_by"], r"^OpenSSL \d")
        self.assertRegex(origin["x25519_by"], r"^OpenSSL \d")

    def test_every_scenario_runs_as_it_does_with_them(self):
        self.assertEqual(digests(binary=PLAIN), lab.json.loads(STORED.read_text()))

    def test_its_tests_pass(self):
        done = subprocess.run(["ctest", "--test-dir", str(FOLDER), "-L", RUNGS, "--output-on-failure",
                               "--no-tests=error", "--parallel", str(os.cpu_count())],
                              text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stdout[-5000:])


if __name__ == "__main__":
    if not PLAIN.exists():
        print(f"skipped: {PLAIN} is not built; try: ./check")
        sys.exit(lab.SKIPPED)
    lab.main()
