#!/usr/bin/python3
"""IKE messages in fragments (RFC 7383) over a path that lets no IP fragments through: certificates that
do not fit into one packet work with `ike.fragmentation` and fail without; real and modelled cryptography
have one timeline; tshark and `ikelab dissect` put the fragments of our captures together."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import lab

TSHARK = shutil.which("tshark")
SCENARIO = """
ikelab: 1
name: in-fragments
stop_time: 30s
ike: {auth: rsa, fragmentation: %(policy)s, retransmit_timeout: 500ms}
pki: {intermediates: 2, rsa_keys: 1}
nodes:
  homes: {role: initiator, count: %(count)d, connect: gw}
  boxes: {role: nat, one_per: {homes: 1}, ip_fragments: %(nat)s}
  isp: {role: router, ip_fragments: %(router)s}
  gw: {role: responder, address: 198.51.100.1, protects: [10.0.0.0/16]}
links:
  lan:    {sides: [homes, boxes], delay: 2ms, rate: 100Mbit}
  access: {sides: [boxes, isp], delay: 10ms, rate: 20Mbit, loss: {random: %(loss)s}}
  core:   {sides: [isp, gw], delay: 2ms, rate: 1Gbit}
traffic:
  work: {from: homes, to: gw, start: up, for: 5s, packet_rate: 5/s, size: 400B, direction: both}
capture: {of: [gw]}
"""


class Path:
    """A run of the scenario above."""

    def __init__(self, *arguments, **words):
        self.folder = tempfile.mkdtemp(prefix="ikelab-test-")
        values = dict(policy="yes", count=2, nat="drop", router="drop", loss="0%")
        path = pathlib.Path(self.folder) / "in-fragments.yaml"
        path.write_text(SCENARIO % dict(values, **words))
        self.run = lab.Run(path, *arguments, binary=lab.fast_build())

    def __enter__(self):
        return self.run

    def __exit__(self, *_):
        self.run.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


def virtual(run):
    return run.result["virtual"]


class Fragments(unittest.TestCase):
    def test_a_path_without_ip_fragments(self):
        for words in ({"nat": "pass"}, {"router": "pass"}):
            with Path(**words) as run:
                ike, net = virtual(run)["ike"], virtual(run)["net"]
                self.assertEqual(ike["completed"], 2)
                self.assertEqual(ike["retransmissions"], 0)
                self.assertEqual(net["fragments_made"], 0)
                self.assertEqual(net["dropped"]["fragment"], 0)
                fragments = ike["fragments"]
                self.assertEqual(fragments["messages"], 4)
                self.assertEqual(fragments["joined"], 4)
                self.assertGreaterEqual(fragments["made"], 4 * 2)
                self.assertEqual(fragments["received"], fragments["made"])
                self.assertEqual(set(fragments["dropped"].values()), {0})
            with Path(policy="no", **words) as run:
                ike, net = virtual(run)["ike"], virtual(run)["net"]
                self.assertEqual(ike["completed"], 0)
                self.assertEqual(ike["fragments"]["made"], 0)
                self.assertGreater(net["dropped"]["fragment"], 0)

    def test_where_ip_fragments_pass_nothing_is_needed(self):
        with Path(policy="no", nat="pass", router="pass") as run:
            self.assertEqual(virtual(run)["ike"]["completed"], 2)
            self.assertGreater(virtual(run)["net"]["fragments_made"], 0)
            self.assertEqual(virtual(run)["net"]["dropped"]["fragment"], 0)

    def test_real_and_modelled_are_the_same(self):
        with Path(loss="10%") as real, Path(loss="10%") as again, \
             Path("--set", "crypto=modelled", loss="10%") as modelled:
            self.assertEqual(real.result["timeline_digest"], modelled.result["timeline_digest"])
            self.assertEqual(virtual(real), virtual(modelled))
            self.assertEqual(virtual(real)["ike"]["completed"], 2)
            self.assertEqual(again.result["digest"], real.result["digest"])

    def test_accepting_is_not_doing(self):
        with Path(policy="accept", nat="pass", router="pass") as run:
            self.assertEqual(virtual(run)["ike"]["completed"], 2)
            self.assertEqual(virtual(run)["ike"]["fragments"]["made"], 0)

    def test_fragment_size(self):
        with Path("--set", "ike.fragment_size=576B") as run:
            lengths = [e["data"]["length"] for e in run.events()
                       if e["name"] == "packet.sent" and e["data"]["kind"] == "ike"]
            self.assertLessEqual(max(lengths), 576)
            self.assertGreater(virtual(run)["ike"]["fragments"]["made"], 20)

    def test_tshark_joins_and_decrypts_them(self):
        if not TSHARK:
            self.skipTest("tshark is not installed")
        with Path(count=1) as run:
            environment = dict(os.environ, WIRESHARK_CONFIG_DIR=str(run.folder / "wireshark"))
            done = subprocess.run(
                [TSHARK, "-C", "ikelab", "-r", str(run.folder / "capture.pcapng"), "-T", "fields",
                 "-E", "occurrence=a", "-e", "isakmp.frag.number", "-e", "isakmp.frag.total",
                 "-e", "isakmp.fragment.count", "-e", "isakmp.typepayload", "-e", "_ws.malformed"],
                env=environment, text=True, capture_output=True, timeout=600, check=True)
            whole = []
            for line in done.stdout.splitlines():
                number, total, joined, payloads, malformed = (line.split("\t") + [""] * 5)[:5]
                self.assertEqual(malformed, "")
                if joined:
                    self.assertEqual(number, total)
                    whole.append(payloads.split(","))
            self.assertEqual(len(whole), 2)
            for payloads in whole: # ID, three CERT, AUTH, SA, TSi, TSr in what was joined
                self.assertEqual(payloads[0], "53")
                self.assertEqual(payloads.count("37"), 3)
                for kind in ("39", "33", "44", "45"):
                    self.assertIn(kind, payloads)

    def test_dissect_shows_the_whole(self):
        with Path(count=1) as run:
            done = subprocess.run([str(lab.IKELAB), "dissect", "--summary", str(run.folder)],
                                  text=True, capture_output=True, timeout=600, check=True)
            whole = [line for line in done.stdout.splitlines() if "SKF(" in line and "{...}" not in line]
            self.assertEqual(len(whole), 2)
            for line in whole:
                self.assertEqual(line.count("CERT,"), 3)
                self.assertIn("TSr", line)


if __name__ == "__main__":
    lab.main()
