#!/usr/bin/python3
"""Modelled cryptography gives the packet timeline of the real one: time, source, destination,
length and exchange of every packet, and the same `virtual`."""

import itertools
import unittest

import lab

PACKET = ("packet.sent", "packet.received", "packet.dropped")


def timeline(run):
    for event in run.events():
        if event["name"] in PACKET:
            data = event["data"]
            yield (event["t_ns"], event["node"], event["name"], data.get("src"), data.get("dst"),
                   data.get("length"), data.get("exchange"))


class Modelled(unittest.TestCase):
    def same_timeline(self, scenario, *arguments):
        binary = lab.fast_build()
        with lab.Run(scenario, *arguments, binary=binary) as real, \
             lab.Run(scenario, "--set", "crypto=modelled", *arguments, binary=binary) as modelled:
            self.assertEqual(modelled.result["crypto"], "modelled")
            self.assertEqual(real.result["timeline_digest"], modelled.result["timeline_digest"])
            self.assertEqual(real.result["virtual"], modelled.result["virtual"])
            compared = 0
            for pair in itertools.zip_longest(timeline(real), timeline(modelled)):
                self.assertEqual(pair[0], pair[1])
                compared += 1
            self.assertGreater(compared, 100)

    def test_road_warriors(self):
        self.same_timeline("road-warriors")

    def test_road_warriors_who_sign(self):
        for word in ("ecdsa", "rsa"):
            self.same_timeline("road-warriors", "--set", f"ike.auth={word}")

    def test_certificates(self):
        self.same_timeline("certificates")

    def test_nat_rebind(self):
        self.same_timeline("nat-rebind")

    def test_rekey_under_loss(self):
        self.same_timeline("rekey-under-loss")


if __name__ == "__main__":
    lab.main()
