#!/usr/bin/python3
"""`ikelab explain` tells how much memory a run takes, and `ikelab run` refuses in time where there is
too little: predictions against what runs take, limits of address space."""

import re
import resource
import subprocess
import tempfile
import unittest

import lab

PROGRAM = lab.fast_build()
CLOSE = 0.10
MIB = 1 << 20
FLEET = ["--set", "nodes.homes.arrivals={fixed: 1000/s}", "--set", "traffic={}", "--set",
         "thresholds={}", "--set", "capture=none", "--set", "crypto=modelled"]
# A fleet behind NAT boxes; gateways with a processor; packets on a long way; a flood.
CASES = [
    ("road-warriors", [*FLEET, "--set", "nodes.homes.count=3500"], CLOSE),
    ("handshake-lan", ["--set", "nodes.clients.count=8000", "--set", "crypto=modelled",
                       "--set", "capture=none", "--set", "thresholds={}", "--set", "traffic={}"],
     CLOSE),
    ("cookie-flood", ["--set", "thresholds={}", "--set", "nodes.homes.count=8000"], CLOSE),
    # More members than a copy has: here the estimate is carried on.
    ("road-warriors", [*FLEET, "--set", "nodes.homes.count=40000"], CLOSE),
]


def explained(scenario, words, binary=PROGRAM):
    said = subprocess.run([str(binary), "explain", f"scenarios/{scenario}.yaml", *words],
                          cwd=lab.ROOT, capture_output=True, text=True, timeout=600, check=True)
    return int(re.search(r"^memory: about (\d+) MiB", said.stdout, re.M).group(1)) * MIB


@unittest.skipIf(PROGRAM == lab.IKELAB and "dev" in str(PROGRAM),
                 "a sanitizer keeps what is freed, and takes terabytes of address space")
class Footprint(unittest.TestCase):
    def test_the_prediction_holds_within_a_tenth(self):
        for scenario, words, close in CASES:
            predicted = explained(scenario, words)
            with lab.Run(scenario, "--numbers-only", *words, binary=PROGRAM) as run:
                took = run.result["wall"]["peak_rss_bytes"]
            print(f"{scenario}: predicted {predicted / MIB:.0f} MiB, took {took / MIB:.1f}")
            with self.subTest(scenario=scenario, words=words):
                self.assertGreater(took, 15 * MIB)
                self.assertLess(abs(predicted - took), close * took)

    def test_packets_on_their_way_are_part_of_it(self):
        """30,000 packets a second, a second long: as many slots."""
        words = [*FLEET, "--set", "nodes.homes.count=100", "--set", "links.core.delay=1s",
                 "--set", "stop_time=10s", "--set",
                 "traffic={f: {from: homes, to: gw, packet_rate: 300/s, size: 100B}}"]
        predicted = explained("road-warriors", words)
        with lab.Run("road-warriors", "--numbers-only", *words, binary=PROGRAM) as run:
            took = run.result["wall"]["peak_rss_bytes"]
        print(f"packets: predicted {predicted / MIB:.0f} MiB, took {took / MIB:.1f}")
        self.assertLess(abs(predicted - took), 2 * CLOSE * took)

    def run_within(self, mib, *words):
        with tempfile.TemporaryDirectory(prefix="ikelab-test-") as place:
            done = subprocess.run(
                [str(PROGRAM), "run", "scenarios/road-warriors.yaml", "-o", f"{place}/run", "-q",
                 "--no-report", *FLEET, *words],
                cwd=lab.ROOT, text=True, capture_output=True, timeout=600,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (mib << 20, mib << 20)))
        return done.returncode, done.stderr

    def test_too_little_is_said_before_the_run_starts(self):
        many = ("--set", "nodes.homes.count=20000")
        code, said = self.run_within(100, *many)
        self.assertEqual(code, 2, said)
        self.assertRegex(said, r"takes about \d+ MiB of address space, and 100 MiB are allowed")
        self.assertIn("try: fewer clients", said)
        self.assertIn("--force-memory", said)
        code, said = self.run_within(100, *many, "--force-memory")
        self.assertEqual(code, 1, said)
        self.assertIn("out of memory", said)

    def test_not_even_a_copy(self):
        code, said = self.run_within(40)
        self.assertEqual(code, 2, said)
        self.assertIn("not even a small copy", said)

    def test_what_fits_runs(self):
        code, said = self.run_within(1000, "--set", "nodes.homes.count=10", "--set", "events=[]")
        self.assertEqual((code, said), (0, ""))


if __name__ == "__main__":
    lab.main()
