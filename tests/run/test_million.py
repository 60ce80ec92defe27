#!/usr/bin/python3
"""scenarios/million-peers.yaml, made smaller on the command line: the words of its head hold, its
thresholds do, and `wall` says when the last tunnel was up."""

import unittest

import lab

CLIENTS = 20000
SMALLER = ["--set", f"nodes.clients.count={CLIENTS}", "--set",
           f"nodes.clients.arrivals.fixed={CLIENTS // 10}/s"]


class Million(unittest.TestCase):
    def test_a_fiftieth_of_it(self):
        with lab.Run("million-peers", "--no-report", *SMALLER, binary=lab.fast_build()) as run:
            result = run.result
        virtual, wall = result["virtual"], result["wall"]
        self.assertEqual(virtual["duration_s"], 600)
        self.assertEqual(virtual["ike"]["completed"], CLIENTS)
        self.assertEqual(virtual["tunnels"]["up"], CLIENTS)
        self.assertTrue(all(t["pass"] for t in result["thresholds"]))
        # 2 % of questions go unanswered: of the two of a handshake and the four liveness checks.
        asked = 6 * CLIENTS
        self.assertAlmostEqual(virtual["ike"]["retransmissions"] / asked, 0.0203, delta=0.002)
        # What is lost is asked again, once, until it is answered.
        self.assertEqual(virtual["net"]["dropped"]["loss"], virtual["ike"]["retransmissions"])
        self.assertEqual(virtual["net"]["in_flight_packets"], 0)
        self.assertLess(wall["setup_s"], wall["last_up_s"])
        # Ten of six hundred seconds bring up the tunnels; the rest is quieter, but it is there.
        self.assertLess(wall["last_up_s"], wall["setup_s"] + wall["run_s"])

    def test_nobody_up_is_null(self):
        with lab.Run("million-peers", "--no-report", *SMALLER, "--set", "stop_time=10ms",
                     binary=lab.fast_build(), expect=3) as run:
            self.assertIsNone(run.result["wall"]["last_up_s"])


if __name__ == "__main__":
    lab.main()
