#!/usr/bin/python3
"""Each invariant checker trips on a planted defect: exit 1, the invariant named, and the printed
command replays it."""

import shlex
import subprocess
import tempfile
import unittest

import lab

# What to plant, what must trip, where, and what the network has to do to give it occasion.
DEFECTS = [
    ("clear-packet", "I1", "handshake-lan", []),
    ("key-mismatch", "I2", "handshake-lan", []),
    ("replay-accepted", "I4", "handshake-lan", ["links.desks.duplicate=5%"]),
    ("icv-ignored", "I4", "handshake-lan", ["links.desks.corrupt=1%"]),
    ("silent-refusal", "I5", "lossy-mobile", []),
    ("second-child", "I6", "rekey-under-loss", []),
    ("keep-loser", "I7", "rekey-under-loss", []),
    ("packet-vanishes", "I8", "handshake-lan", []),
    ("response-differs", "I9", "lossy-mobile", []),
    ("time-goes-back", "I15", "handshake-lan", []),
    ("black-hole", "I17", "rekey-under-loss", ["ike.dpd_delay=5s", "ike.retransmit_tries=4"]),
]


def settings(keys):
    return [word for key in ["thresholds={}", *keys] for word in ("--set", key)]


class Defects(unittest.TestCase):
    def test_each_checker_trips_and_replays(self):
        for defect, invariant, scenario, keys in DEFECTS:
            with self.subTest(defect=defect):
                with lab.Run(scenario, "--plant", defect, *settings(keys), binary=lab.fast_build(), expect=1) as run:
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
        for _, _, scenario, keys in DEFECTS:
            with self.subTest(scenario=scenario, keys=keys):
                with lab.Run(scenario, *settings(keys), binary=lab.fast_build()) as run:
                    self.assertNotIn("invariant", run.err)


if __name__ == "__main__":
    lab.main()
