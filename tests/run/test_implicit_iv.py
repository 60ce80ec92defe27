#!/usr/bin/python3
"""ESP that leaves its IV out (RFC 8750): eight octets a packet less, the rest of a run as it was,
and captures that open with the run's own keys."""

import json
import subprocess
import unittest

import lab

FILE = lab.ROOT / "tests/scenarios/implicit-iv.yaml"
PACKETS = 2 * 2 * 50
CIPHERS = ("aes256gcm16", "aes128ccm8", "chacha20poly1305")


def simulate(proposals, *words):
    """result.json, and the frames of its capture as `ikelab dissect` tells them"""
    settings = [part for word in (f"child.esp_proposals=[{proposals}]", *words)
                for part in ("--set", word)]
    with lab.Run(str(FILE), "--no-report", *settings) as run:
        told = None
        if run.result["crypto"] == "real":
            done = subprocess.run([lab.IKELAB, "dissect", "--json", run.folder],
                                  capture_output=True, check=True)
            told = json.loads(done.stdout)["frames"]
        return run.result["virtual"], told


class ImplicitIv(unittest.TestCase):
    def bytes_of(self, virtual):
        self.assertEqual(virtual["ike"]["completed"], 2)
        self.assertEqual(virtual["esp"]["sent_packets"], PACKETS)
        self.assertEqual(virtual["esp"]["delivered_packets"], PACKETS)
        return virtual["links"]["access"]["net"]["delivered_bytes"]

    def opened(self, frames):
        esp = [f for f in frames if f["kind"] == "esp"]
        self.assertGreater(len(esp), 50)
        for frame in esp:
            self.assertIn("UDP", frame["summary"])

    def test_eight_octets_a_packet(self):
        for cipher in CIPHERS:
            for mode in ("real", "modelled"):
                for esn in ("", "-esn"):
                    with self.subTest(cipher=cipher, mode=mode, esn=esn):
                        sent, frames = simulate(f"{cipher}{esn}", f"crypto={mode}")
                        less, without = simulate(f"{cipher}iiv{esn}", f"crypto={mode}")
                        self.assertEqual(self.bytes_of(sent) - self.bytes_of(less), 8 * PACKETS)
                        if mode == "real":
                            self.opened(frames)
                            self.opened(without)

    def test_a_peer_that_does_not_have_it(self):
        """Both forms in one proposal: the peer takes the one that it knows (RFC 8750 §5)."""
        both = "aes256gcm16iiv-aes256gcm16"
        plain = self.bytes_of(simulate("aes256gcm16")[0])
        here = self.bytes_of(simulate(both)[0])
        there = self.bytes_of(simulate(both, "nodes.gw.child={esp_proposals: [aes256gcm16]}")[0])
        # The offer is longer by a transform with its attribute, 12 octets.
        self.assertEqual(plain - here, 8 * PACKETS - 2 * 12)
        self.assertEqual(there - plain, 2 * 12)

    def test_not_for_ike(self):
        done = subprocess.run([lab.IKELAB, "run", FILE, "--set",
                               "ike.proposals=[aes256gcm16iiv-prfsha256-x25519]"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("does not make an IKE proposal", done.stderr)


if __name__ == "__main__":
    lab.main()
