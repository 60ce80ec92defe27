#!/usr/bin/python3
"""Each invariant checker trips on a planted defect: exit 1, the invariant named, and the printed
command replays it."""

import shlex
import subprocess
import tempfile
import unittest

import lab

# What to plant, what must trip, and where.
DEFECTS = [
    ("clear-packet", "I1", "handshake-lan"),
    ("key-mismatch", "I2", "handshake-lan"),
    ("replay-accepted", "I4", "lossy-mobile"),
    ("icv-ignored", "I4", "lossy-mobile"),
    ("silent-refusal", "I5", "lossy-mobile"),
    ("packet-vanishes", "I8", "handshake-lan"),
    ("response-differs", "I9", "lossy-mobile"),
    ("time-goes-back", "I15", "handshake-lan"),
    ("black-hole", "I17", "rekey-under-loss"),
]


class Defects(unittest.TestCase):
    def test_each_checker_trips_and_replays(self):
        for defect, invariant, scenario in DEFECTS:
            with self.subTest(defect=defect):
                with lab.Run(scenario, "--plant", defect, binary=lab.fast_build(), expect=1) as run:
                    self.assertIn(f"invariant {invariant} ", run.err)
                    replay = [line.split("replay: ", 1)[1] for line in run.err.splitlines()
                              if "replay: " in line]
                    self.assertEqual(len(replay), 1, run.err)
                    with tempfile.TemporaryDirectory() as folder:
                        again = subprocess.run(
                            shlex.split(replay[0]) + ["-o", folder + "/again"], cwd=lab.ROOT,
                            text=True, capture_output=True, timeout=600)
                    self.assertEqual(again.returncode, 1, again.stderr)
                    self.assertIn(f"invariant {invariant} ", again.stderr)
                    where = [line for line in run.err.splitlines() if "invariant" in line]
                    self.assertIn(where[0], again.stderr)

    def test_nothing_trips_without_one(self):
        for scenario in sorted({scenario for _, _, scenario in DEFECTS}):
            with lab.Run(scenario, binary=lab.fast_build(), expect=None) as run:
                self.assertIn(run.status, (0, 3), run.err)


if __name__ == "__main__":
    lab.main()
