#!/usr/bin/python3
"""A bug that a scenario switches on does its harm in a run, and the run says everywhere that it was
asked for."""

import unittest

import lab

SCENARIO = "tests/scenarios/collision.yaml"
IN_FLIGHT = 10  # packets that the end of the run overtakes


def lost(run):
    esp = run.result["virtual"]["esp"]
    return esp["sent_packets"] - esp["delivered_packets"]


def wrong(*arguments, expect=0):
    return lab.Run(SCENARIO, "--set", "ike.quirks=[libreswan-2184]", *arguments, expect=expect)


class Quirks(unittest.TestCase):
    def test_without_it_collisions_lose_nothing_and_nothing_is_said(self):
        with lab.Run(SCENARIO) as run:
            self.assertLessEqual(lost(run), IN_FLIGHT)
            self.assertNotIn("deliberately_wrong", run.result)
            self.assertNotIn("quirks", run.result["scenario"]["effective"]["ike"])
            self.assertNotIn("DELIBERATELY", run.out + run.err)

    def test_both_ends_send_into_what_the_other_has_not(self):
        with wrong(expect=1) as run:
            self.assertGreater(lost(run), 500)
            self.assertGreater(run.result["virtual"]["esp"]["dropped"]["no_sa"], 500)
            self.assertIn("invariant I6 ", run.err)

    def test_jitter_keeps_the_two_apart(self):
        with wrong("--set", "child.rand_time=4s", "--set", "nodes.home.child.rand_time=4s",
                   "--set", "thresholds={}") as run:
            self.assertLessEqual(lost(run), IN_FLIGHT)

    def test_it_is_said_that_it_was_asked_for(self):
        with wrong("--set", "nodes.gw.ike.quirks=[libreswan-1044, libreswan-514]",
                   "--set", "stop_time=5s", "--set", "thresholds={}") as run:
            said = "home: libreswan-2184; gw: libreswan-1044, libreswan-514"
            self.assertEqual(run.result["deliberately_wrong"], said)
            self.assertIn(f"DELIBERATELY WRONG: {said}", run.out + run.err)
            effective = run.result["scenario"]["effective"]
            self.assertEqual(effective["ike"]["quirks"], ["libreswan-2184"])


if __name__ == "__main__":
    lab.main()
