#!/usr/bin/python3
"""Phones that go from one network to another under traffic: how long they are without it, with
MOBIKE and without, what is lost, what is counted, and that it repeats."""

import unittest

import lab

FILE = lab.ROOT / "tests/scenarios/hand-over.yaml"
PHONES, SENT = 4, 11200
ROUND_TRIP = 0.07  # by lte; to the box and back by wifi it is 40 ms


def simulate(*words):
    settings = [part for word in words for part in ("--set", word)]
    with lab.Run(str(FILE), "--no-report", *settings) as run:
        states = [e["data"]["state"] for e in run.events() if e["name"] == "sa.state"]
        return run.result, states


class HandOver(unittest.TestCase):
    def stayed(self, virtual):
        """The same IKE SAs and tunnels from the beginning to the end."""
        self.assertEqual(virtual["ike"]["started"], PHONES)
        self.assertEqual(virtual["ike"]["dpd_failures"], 0)
        self.assertEqual(virtual["hosts"]["gw"]["ike_sas"], PHONES)
        self.assertEqual(virtual["hosts"]["gw"]["child_sas"], PHONES)
        self.assertEqual(virtual["esp"]["sent_packets"], SENT)

    def test_traffic_goes_on_after_a_round_trip(self):
        result, states = simulate()
        virtual = result["virtual"]
        self.stayed(virtual)
        self.assertEqual(virtual["ike"]["moves"], PHONES + 2)
        self.assertEqual(states.count("moved"), PHONES + 2)
        self.assertEqual(states.count("peer_moved"), PHONES + 2)
        self.assertEqual(virtual["ike"]["moves_refused"] + virtual["ike"]["routability_failures"], 0)
        for recovery in virtual["recovery_s"]:
            self.assertEqual(recovery["recovered"], recovery["affected"])
            self.assertLessEqual(recovery["t100"], ROUND_TRIP)
        # Only what was on its way to the old address, or still sent there, is lost: two round trips.
        lost = SENT - virtual["esp"]["delivered_packets"]
        self.assertGreater(lost, 0)
        self.assertLessEqual(lost, (PHONES + 2) * 4)

    def test_without_it_liveness_has_to_find_out(self):
        virtual = simulate("ike.mobike=false")[0]["virtual"]
        first = virtual["recovery_s"][0]
        self.assertEqual(first["affected"], PHONES)
        self.assertGreater(first["t100"], 5)
        self.assertEqual(virtual["ike"]["moves"], 0)
        self.assertGreater(virtual["ike"]["started"], PHONES)
        self.assertGreaterEqual(virtual["ike"]["dpd_failures"], PHONES)
        self.assertLess(virtual["esp"]["delivered_packets"], SENT * 0.8)

    def test_both_ends_have_to_have_it(self):
        virtual = simulate("nodes.gw.ike={mobike: false}")[0]["virtual"]
        self.assertEqual(virtual["ike"]["moves"], 0)
        self.assertGreater(virtual["ike"]["started"], PHONES)

    def test_the_check_costs_a_round_trip_of_what_comes_back(self):
        lost = {}
        for check in ("before", "after", "never"):
            virtual = simulate(f"nodes.gw.ike={{mobike_check: {check}}}")[0]["virtual"]
            self.stayed(virtual)
            lost[check] = SENT - virtual["esp"]["delivered_packets"]
        self.assertGreater(lost["before"], lost["after"])
        self.assertEqual(lost["after"], lost["never"])

    def test_on_a_bad_network_too(self):
        for words in (["links.lte.loss.random=20%"], ["links.core.delay=200ms", "links.core.jitter=20ms"],
                      ["ike.rekey_time=7s", "ike.over_time=30s", "ike.rand_time=2s", "child.rekey_time=5s",
                       "child.life_time=40s", "child.rand_time=2s", "ike.retransmit_timeout=500ms",
                       "ike.retransmit_tries=6", "links.core.loss.random=5%"],
                      ["ike.window=4"]):
            with self.subTest(words=words):
                virtual = simulate(*words)[0]["virtual"]
                self.assertEqual(virtual["ike"]["started"], PHONES)
                self.assertEqual(virtual["hosts"]["gw"]["ike_sas"], PHONES)
                self.assertGreaterEqual(virtual["ike"]["moves"], PHONES + 2)

    def test_where_it_may_go(self):
        virtual = simulate("nodes.gw.ike={mobike_from: 203.0.113.0/24}")[0]["virtual"]
        self.assertEqual(virtual["ike"]["moves"], 0)
        self.assertEqual(virtual["ike"]["moves_refused"], PHONES)

    def test_a_nat_that_forgets_is_found_by_asking(self):
        """The only traffic is the gateway's, so that no packet shows the new port."""
        words = ["traffic.talk={from: gw, to: phones, packet_rate: 20/s, size: 200B, start: up, for: 70s}",
                 "events=[{at: 20s, nodes: boxes, do: reboot}]"]
        virtual = simulate(*words)[0]["virtual"]
        self.assertEqual(virtual["ike"]["started"], PHONES)
        self.assertGreaterEqual(virtual["ike"]["moves"], PHONES)
        self.assertEqual(virtual["recovery_s"][0]["recovered"], PHONES)
        self.assertLess(virtual["recovery_s"][0]["t100"], 6)

    def test_it_repeats(self):
        for words in ([], ["ike.mobike=false"]):
            runs = [simulate(*words)[0] for _ in range(2)]
            self.assertEqual(runs[0]["digest"], runs[1]["digest"])
            self.assertNotEqual(runs[0]["digest"], simulate("seed=2", *words)[0]["digest"])

    def test_both_ways_of_crypto_have_one_timeline(self):
        runs = [simulate(f"crypto={c}")[0] for c in ("real", "modelled")]
        self.assertEqual(runs[0]["timeline_digest"], runs[1]["timeline_digest"])
        self.assertEqual(runs[0]["virtual"]["ike"]["moves"], PHONES + 2)


if __name__ == "__main__":
    lab.main()
