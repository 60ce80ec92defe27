#!/usr/bin/python3
"""Rekeys that collide all the time: a thousand tunnels for two hours lose nothing to them, and four
in foul weather end with one IKE SA and one child pair each, seed by seed.

    python3 tests/run/test_storm.py --seeds 1000 [--first N] [--set KEY=VALUE]...

runs that many seeds of the second one, with other words if asked. ./check takes 100, or as many as IKELAB_STORM_SEEDS says.
Whatever fails is printed with the command that runs it again."""

import argparse
import collections
import concurrent.futures
import json
import os
import random
import shlex
import subprocess
import sys
import tempfile
import time
import unittest

import lab

SEEDS = int(os.environ.get("IKELAB_STORM_SEEDS", "100"))
PROCESSES = 2
SMALL = "scenarios/rekey-storm-small.yaml"
EVENTS = 8                     # of SMALL
FIRST_EVENT, LAST_EVENT = 10, 180  # s: what comes after it is quiet for a minute
COUNTED = ["started", "rekeys_ike", "rekeys_child", "collisions_ike", "collisions_child",
           "retransmissions", "dpd_failures", "peer_moves"]


def settings(words):
    return [part for word in words for part in ("--set", word)]


def weather(seed):
    """Times of the events and the loss of this seed."""
    chance = random.Random(seed)
    words = [f"events.{i}.at={chance.randint(FIRST_EVENT * 1000, LAST_EVENT * 1000)}ms"
             for i in range(EVENTS)]
    return [*words, f"links.access.loss.random={chance.randint(0, 20)}%"]


def run_seed(seed, words=()):
    """-> the numbers of `virtual`, or None and what failed."""
    with tempfile.TemporaryDirectory(prefix="ikelab-storm-") as folder:
        command = [str(lab.fast_build()), "run", SMALL, "--seed", str(seed),
                   *settings([*weather(seed), *words])]
        done = subprocess.run([*command, "--no-report", "-o", folder + "/run"], cwd=lab.ROOT,
                              text=True, capture_output=True, timeout=300)
        if done.returncode:
            lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()
                     if "✗" in line or "invariant" in line or "assert" in line.lower()]
            return None, "\n".join([f"seed {seed}: exit {done.returncode}", *lines,
                                    "replay: " + shlex.join(command)])
        with open(folder + "/run/result.json") as result:
            return json.load(result)["virtual"], None


def run_seeds(first, count, words=()):
    """-> what failed, and the sums over all seeds."""
    sums, failures = collections.Counter(), []
    with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
        for virtual, failure in pool.map(lambda seed: run_seed(seed, words),
                                         range(first, first + count)):
            if failure:
                failures.append(failure)
                print(failure, flush=True)
                continue
            sums.update({name: virtual["ike"][name] for name in COUNTED})
            sums["judged"] += virtual["tunnels"]["judged"]
            sums["runs_with_collision"] += virtual["ike"]["collisions"] > 0
    return failures, sums


def report(count, sums, failures, seconds):
    words = ", ".join(f"{sums[name]} {name}" for name in [*COUNTED, "judged"])
    print(f"{count} seeds in {seconds:.1f} s: {len(failures)} failed; {words}", flush=True)


class Storm(unittest.TestCase):
    def test_seeds_of_the_small_sibling(self):
        begun = time.monotonic()
        failures, sums = run_seeds(1, SEEDS)
        report(SEEDS, sums, failures, time.monotonic() - begun)
        self.assertEqual(failures, [])
        self.assertEqual(sums["runs_with_collision"], SEEDS)
        self.assertEqual(sums["judged"], 4 * SEEDS)
        self.assertGreater(sums["collisions_ike"], SEEDS)
        self.assertGreater(sums["peer_moves"], SEEDS)

    def test_damage_does_no_harm(self):
        """Flipped bits too, in ports and sequence numbers among others."""
        words = [f"links.{link}.corrupt=5%" for link in ("lan", "access", "core")]
        failures, sums = run_seeds(41, 20, words)
        self.assertEqual(failures, [])
        self.assertEqual(sums["judged"], 80)

    def test_a_thousand_tunnels_lose_nothing_to_rekeys(self):
        """All of what was sent was delivered, lost by the link, or is on its way."""
        slow = lab.fast_build() == lab.IKELAB and "release" not in str(lab.IKELAB)
        words = ["nodes.sites.count=100", "stop_time=20min", "thresholds={}"] if slow else []
        with lab.Run("rekey-storm", "--no-report", *settings(words),
                     binary=lab.fast_build()) as run:
            virtual = run.result["virtual"]
        esp, tunnels, ike = virtual["esp"], virtual["tunnels"], virtual["ike"]
        self.assertEqual(esp["sent_packets"], esp["delivered_packets"] + esp["lost"]["loss"]
                         + esp["in_flight_packets"])
        self.assertEqual([cause for cause, n in esp["lost"].items() if n], ["loss"])
        self.assertEqual(sum(esp["dropped"].values()), 0)
        self.assertGreater(esp["lost"]["loss"], 0)
        self.assertEqual(virtual["net"]["duplicated_packets"], 0)
        self.assertEqual([tunnels["ike_sas_min"], tunnels["ike_sas_max"]], [1, 1])
        self.assertGreater(ike["collisions_child"], ike["rekeys_child"] // 4)
        self.assertGreater(ike["collisions_ike"], 0)


def many():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, required=True)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    words = parser.parse_args()
    begun = time.monotonic()
    failures, sums = run_seeds(words.first, words.seeds, words.set)
    report(words.seeds, sums, failures, time.monotonic() - begun)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    if any(word.startswith("--seeds") for word in sys.argv):
        many()
    lab.main()
