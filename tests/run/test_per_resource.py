#!/usr/bin/python3
"""Child SAs by core (RFC 9611) in runs: how many there are, that packets are spread over them, and
that nothing is lost for them when they are rekeyed on a bad network."""

import collections
import json
import subprocess
import unittest

import lab

FILE = lab.ROOT / "tests/scenarios/per-resource.yaml"
SENT = 3 * 2 * 40 * 50


def simulate(*words, then=lambda run: None):
    settings = [part for word in words for part in ("--set", word)]
    with lab.Run(str(FILE), "--no-report", *settings) as run:
        return run.result["virtual"], then(run)


def packets_by_spi(run):
    done = subprocess.run([lab.IKELAB, "dissect", "--json", run.folder], capture_output=True,
                          check=True)
    frames = json.loads(done.stdout)["frames"]
    return collections.Counter(f["esp"]["spi"] for f in frames
                               if f["kind"] == "esp" and f["interface"] == "gw")


class PerResource(unittest.TestCase):
    def has(self, virtual, cores):
        self.assertEqual(virtual["ike"]["completed"], 3)
        self.assertEqual(virtual["tunnels"]["child_sas_min"], 1 + cores)
        self.assertEqual(virtual["tunnels"]["child_sas_max"], 1 + cores)
        self.assertEqual(virtual["esp"]["sent_packets"], SENT)

    def test_packets_are_spread(self):
        virtual, packets = simulate("capture.esp_packets_per_sa=100000", then=packets_by_spi)
        self.has(virtual, 4)
        self.assertEqual(virtual["esp"]["delivered_packets"], SENT)
        busy = [n for n in packets.values() if n > SENT / (3 * 2 * 4 * 4)]
        self.assertEqual(len(busy), 3 * 2 * 4)
        # Each first one has what was sent before the others were there.
        self.assertGreater(sum(packets.values()) - sum(busy), 0)
        self.assertLess(sum(packets.values()) - sum(busy), SENT / 50)

    def test_one_flow_is_one_cores(self):
        _, packets = simulate("capture.esp_packets_per_sa=100000", "traffic.work.ports=1",
                              then=packets_by_spi)
        self.assertEqual(sum(n > SENT / 12 for n in packets.values()), 3 * 2)

    def test_the_smaller_end_decides(self):
        self.has(simulate("nodes.gw.child={per_resource: 2}")[0], 2)
        self.has(simulate("nodes.gw.child={per_resource: 9}")[0], 4)
        for end in ("gw", "sites"):
            self.has(simulate(f"nodes.{end}.child={{per_resource: 0}}")[0], 0)

    def test_rekeys_on_a_bad_network_lose_nothing(self):
        for seed in range(1, 5):
            with self.subTest(seed=seed):
                virtual, _ = simulate(
                    f"seed={seed}", "links.access.loss.random=5%", "links.access.jitter=5ms",
                    "child.rekey_time=10s", "child.rand_time=2s", "child.life_time=30s",
                    "ike.rekey_time=27s", "ike.rand_time=2s", "ike.over_time=25s")
                self.assertEqual(virtual["tunnels"]["child_sas_min"], 5)
                self.assertEqual(virtual["tunnels"]["child_sas_max"], 5)
                self.assertGreater(virtual["ike"]["rekeys_child"], 100)
                self.assertGreater(virtual["ike"]["rekeys_ike"], 5)
                self.assertEqual(sum(virtual["esp"]["dropped"].values()), 0)

    def test_authenticated_anew_nothing_is_lost(self):
        for granted in (4, 2):
            with self.subTest(granted=granted):
                virtual, _ = simulate(
                    f"nodes.gw.child={{per_resource: {granted}}}", "child.rekey_time=9s",
                    "child.rand_time=3s", "ike.reauth_time=14s", "ike.make_before_break=true")
                self.assertEqual(virtual["tunnels"]["child_sas_min"], 1 + granted)
                self.assertEqual(virtual["tunnels"]["child_sas_max"], 1 + granted)
                self.assertGreater(virtual["ike"]["reauthentications"], 5)
                self.assertEqual(virtual["esp"]["delivered_packets"], SENT)

    def test_first_with_a_handshake(self):
        done = subprocess.run([lab.IKELAB, "run", FILE, "--set", "nodes.sites.start=established"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("leave 'start' out", done.stderr)


if __name__ == "__main__":
    lab.main()
