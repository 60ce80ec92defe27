#!/usr/bin/python3
"""Re-authentication in the simulator, under traffic both ways: what is lost, what is counted, what
is left, and that it repeats."""

import unittest

import lab

FILE = lab.ROOT / "tests/scenarios/reauth.yaml"
CLIENTS, SENT = 4, 30400
# A packet every 50 ms each way; 20 ms to delete and 40 ms to set up again meet two at most.
GAP_PACKETS = 4


def simulate(*words):
    settings = [part for word in words for part in ("--set", word)]
    with lab.Run(str(FILE), "--no-report", *settings) as run:
        states = [e["data"]["state"] for e in run.events() if e["name"] == "sa.state"]
        return run.result, states


class Reauthentication(unittest.TestCase):
    def settled(self, virtual, least, most):
        """Each client did it so often, and has one IKE SA at the end."""
        self.assertGreaterEqual(virtual["ike"]["reauthentications"], CLIENTS * least)
        self.assertLessEqual(virtual["ike"]["reauthentications"], CLIENTS * most)
        self.assertEqual(virtual["hosts"]["gw"]["ike_sas"], CLIENTS)
        self.assertEqual(virtual["ike"]["failed"], 0)
        self.assertEqual(virtual["esp"]["sent_packets"], SENT)

    def test_make_before_break_loses_nothing(self):
        for words in ([], ["ike.childless=force"], ["links.core.delay=100ms"],
                      ["links.core.jitter=4ms"], ["ike.rekey_time=23s", "child.rekey_time=17s"]):
            virtual = simulate("ike.make_before_break=true", *words)[0]["virtual"]
            with self.subTest(words=words):
                self.settled(virtual, 3, 4)
                self.assertEqual(virtual["ike"]["started"], CLIENTS)
                self.assertEqual(virtual["esp"]["delivered_packets"], SENT)
                self.assertEqual(sum(virtual["esp"]["dropped"].values()), 0)

    def test_break_before_make_loses_the_gap_only(self):
        virtual = simulate()[0]["virtual"]
        self.settled(virtual, 3, 4)
        again = virtual["ike"]["reauthentications"]
        lost = SENT - virtual["esp"]["delivered_packets"]
        self.assertEqual(virtual["ike"]["started"], CLIENTS + again)
        self.assertEqual(virtual["ike"]["completed"], CLIENTS + again)
        self.assertGreater(lost, 0)
        self.assertLessEqual(lost, again * GAP_PACKETS)
        self.assertEqual(lost, sum(virtual["esp"]["dropped"].values()))

    def test_a_responders_time_is_heeded(self):
        result, states = simulate("ike.reauth_time=0s", "ike.rand_time=0s",
                                  "ike.make_before_break=true", "nodes.gw.ike={reauth_time: 60s}")
        self.settled(result["virtual"], 3, 4)
        self.assertEqual(result["virtual"]["esp"]["delivered_packets"], SENT)
        self.assertEqual(states.count("ike_reauth"), result["virtual"]["ike"]["reauthentications"])

    def test_it_repeats(self):
        for words in ([], ["ike.make_before_break=true"]):
            runs = [simulate(*words)[0] for _ in range(2)]
            self.assertEqual(runs[0]["digest"], runs[1]["digest"])
            self.assertNotEqual(runs[0]["digest"], simulate("seed=2", *words)[0]["digest"])

    def test_both_ways_of_crypto_have_one_timeline(self):
        for words in ([], ["ike.make_before_break=true"]):
            runs = [simulate("stop_time=80s", f"crypto={c}", "traffic.talk.for=70s", *words)[0]
                    for c in ("real", "modelled")]
            self.assertEqual(runs[0]["timeline_digest"], runs[1]["timeline_digest"])
            self.assertGreater(runs[0]["virtual"]["ike"]["reauthentications"], 0)


if __name__ == "__main__":
    lab.main()
