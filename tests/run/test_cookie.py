#!/usr/bin/python3
"""Cookies and limits of half-open IKE SAs in the simulator: five hundred clients behind one NAT that
begin at once. What is asked, who gets in, what it costs, and that it repeats."""

import unittest

import lab

FILE = lab.ROOT / "tests/scenarios/cookie.yaml"
CLIENTS = 500
ROUND_TRIP_S = 0.052


def simulate(limits, *words):
    settings = [part for word in (f"nodes.gw.limits={{{limits}}}", *words)
                for part in ("--set", word)]
    with lab.Run(str(FILE), "--no-report", *settings) as run:
        return run.result


class Cookies(unittest.TestCase):
    def all_in(self, ike):
        self.assertEqual((ike["started"], ike["completed"], ike["failed"]), (CLIENTS, CLIENTS, 0))
        self.assertEqual(ike["cookies_wrong"], 0)

    def test_nothing_is_asked_unless_configured(self):
        ike = simulate("")["virtual"]["ike"]
        self.all_in(ike)
        self.assertEqual((ike["cookies_sent"], ike["half_open_refused"]), (0, 0))

    def test_a_cookie_costs_a_round_trip(self):
        plain, asked = (simulate(limits)["virtual"]["ike"] for limits in ("", "cookie: always"))
        self.all_in(asked)
        self.assertEqual((asked["cookies_sent"], asked["cookies_accepted"]), (CLIENTS, CLIENTS))
        self.assertEqual(asked["retransmissions"], 0)
        self.assertAlmostEqual(asked["setup_time_s"]["p50"] - plain["setup_time_s"]["p50"],
                               ROUND_TRIP_S, places=3)

    def test_cookies_begin_at_their_limit(self):
        for above in (10, 20, 1000):
            virtual = simulate(f"cookie_above: {above}")["virtual"]
            with self.subTest(above=above):
                self.all_in(virtual["ike"])
                self.assertEqual(virtual["ike"]["cookies_sent"] > 0,
                                 virtual["hosts"]["gw"]["half_open_peak"] >= above)
                self.assertLess(virtual["ike"]["cookies_sent"], CLIENTS)

    def test_loss_and_doubles_change_no_outcome(self):
        for bad in ("loss.random=10%", "duplicate=20%", "jitter=15ms"):
            ike = simulate("cookie: always", "links.core." + bad)["virtual"]["ike"]
            with self.subTest(bad=bad):
                self.all_in(ike)
                self.assertGreaterEqual(ike["cookies_sent"], CLIENTS)

    def test_behind_one_nat_a_limit_per_source_holds_for_all(self):
        virtual = simulate("half_open_per_source: 5", "nodes.homes.arrivals=all_at_once")["virtual"]
        ike = virtual["ike"]
        self.assertEqual(virtual["hosts"]["gw"]["half_open_peak"], 5)
        self.assertGreater(ike["half_open_refused"], CLIENTS)
        self.assertGreater(ike["setup_time_s"]["p90"], 10)

    def test_with_addresses_of_their_own_none_is_refused(self):
        ike = simulate("half_open_per_source: 1", "nodes.box={role: router}")["virtual"]["ike"]
        self.all_in(ike)
        self.assertEqual(ike["half_open_refused"], 0)

    def test_it_repeats(self):
        limits = "cookie_above: 10, half_open_per_source: 50"
        runs = [simulate(limits)["digest"] for _ in range(2)]
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], simulate(limits, "seed=2")["digest"])
        timelines = [simulate(limits, f"crypto={c}", "nodes.homes.count=20")["timeline_digest"]
                     for c in ("real", "modelled")]
        self.assertEqual(timelines[0], timelines[1])


if __name__ == "__main__":
    lab.main()
