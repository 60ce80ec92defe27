#!/usr/bin/python3
"""Floods of IKE_SA_INIT requests from claimed addresses (RFC 7296 §2.6): what a gateway that asks for
cookies answers, who gets in meanwhile, and that memory does not grow with the flood."""

import os
import unittest

import lab

MIB = 1 << 20
GROWTH_MAX = 16 * MIB
CLIENTS = 1000
# What is freed has to be reused, or the sanitizer's quarantine is what grows.
os.environ["ASAN_OPTIONS"] = ":".join(
    filter(None, [os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=1"]))


def flood(requests, *words, binary=None):
    settings = [part for word in (f"nodes.flood.flood.requests={requests}", "thresholds={}", *words)
                for part in ("--set", word)]
    with lab.Run("cookie-flood", "--numbers-only", *settings, binary=binary) as run:
        return run.result


def counted(result):
    return result["virtual"]["groups"]["flood"]["flood"]


class Flood(unittest.TestCase):
    def check_growth(self, requests, **options):
        quiet, loud = flood(1, **options), flood(requests, **options)
        growth = loud["wall"]["peak_rss_bytes"] - quiet["wall"]["peak_rss_bytes"]
        print(f"{requests} requests: peak RSS {growth / MIB:+.2f} MiB of "
              f"{quiet['wall']['peak_rss_bytes'] / MIB:.1f}")
        self.assertLess(growth, GROWTH_MAX)
        gateway = [r["virtual"]["hosts"]["gw"]["memory_bytes"] for r in (quiet, loud)]
        self.assertLess(gateway[1] - gateway[0], 64 << 10)
        return loud

    def check_outcome(self, result, requests):
        virtual, seen = result["virtual"], counted(result)
        self.assertGreaterEqual(virtual["ike"]["completed"], 99 * CLIENTS // 100)
        self.assertEqual(seen["requests"], requests)
        self.assertEqual(seen["answers"], requests)
        self.assertLessEqual(seen["answer_bytes"], seen["request_bytes"])
        self.assertEqual(virtual["net"]["dropped"]["no_route"], requests)
        self.assertEqual(virtual["groups"]["flood"]["net"]["sent_packets"], requests)
        self.assertEqual(virtual["ike"]["cookies_wrong"], 0)
        # The first take the places that need no cookie; nothing is kept of the others.
        self.assertGreaterEqual(virtual["ike"]["cookies_sent"], requests - 100)
        self.assertLess(virtual["hosts"]["gw"]["half_open_peak"], 100 + CLIENTS)

    def test_a_hundred_thousand_requests_leave_no_trace(self):
        self.check_outcome(self.check_growth(100000), 100000)

    def test_nor_do_a_million(self):
        if lab.fast_build() == lab.IKELAB:
            self.skipTest("a million requests want the release build")
        self.check_outcome(self.check_growth(1000000, binary=lab.fast_build()), 1000000)

    def test_without_cookies_places_run_out(self):
        """The same flood does harm where nothing stands against it."""
        result = flood(100000, "nodes.gw.limits={half_open: 500}")
        self.assertLess(result["virtual"]["ike"]["completed"], CLIENTS)
        self.assertEqual(result["virtual"]["hosts"]["gw"]["half_open_peak"], 500)
        self.assertEqual(counted(result)["answers"], 500)

    def test_other_proposals_are_asked_for_cookies_as_well(self):
        for proposal in ("aes128-sha1-modp2048", "aes256gcm16-prfsha384-ecp384"):
            result = flood(1000, f"nodes.flood.ike={{proposals: [{proposal}]}}",
                           "nodes.gw.limits={cookie: always}", "nodes.homes.count=10")
            self.assertEqual(result["virtual"]["ike"]["cookies_sent"], 1010 + repeated(result))
            self.assertLess(counted(result)["answer_ratio"], 0.5)

    def test_refusals_are_small_without_cookies_too(self):
        """NO_PROPOSAL_CHOSEN and INVALID_KE_PAYLOAD."""
        for proposal in ("aes128-sha1-modp2048", "aes256gcm16-prfsha256-ecp256-x25519"):
            result = flood(1000, f"nodes.flood.ike={{proposals: [{proposal}]}}",
                           "nodes.gw.limits={cookie_above: 0}", "nodes.homes.count=10")
            self.assertEqual(counted(result)["answers"], 1000)
            self.assertLessEqual(counted(result)["answer_ratio"], 1)

    def test_it_repeats(self):
        words = ("nodes.homes.count=20", "nodes.flood.count=2")
        runs = [flood(2000, *words) for _ in range(2)]
        self.assertEqual(runs[0]["digest"], runs[1]["digest"])
        self.assertNotEqual(runs[0]["digest"], flood(2000, "seed=2", *words)["digest"])
        self.assertEqual(counted(runs[0])["requests"], 4000)
        real = flood(2000, "crypto=real", *words)
        self.assertEqual(real["timeline_digest"], runs[0]["timeline_digest"])

    def test_it_pauses_while_the_attacker_is_away(self):
        event = "events=[{at: 1010ms, nodes: flood, do: crash}, {at: 2s, nodes: flood, do: restart}]"
        result = flood(1000, "nodes.homes.count=10", event, "stop_time=1900ms")
        self.assertEqual(counted(result)["requests"], 500)
        result = flood(1000, "nodes.homes.count=10", event)
        self.assertEqual(counted(result)["requests"], 1000)


def repeated(result):
    """Requests of honest clients that were asked for a cookie more than once."""
    ike = result["virtual"]["ike"]
    return ike["cookies_sent"] - 1000 - 10 if ike["retransmissions"] else 0


if __name__ == "__main__":
    lab.main()
