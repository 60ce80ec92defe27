#!/usr/bin/python3
"""Quick crash detection (RFC 6290) in the simulator: a gateway comes back without its SAs. When do
its clients know, what do they lose, and that it repeats."""

import unittest

import lab

FILE = lab.ROOT / "tests/scenarios/crash.yaml"
CLIENTS, BACK_S, ASK_S, ROUND_TRIP_S, RECONNECT_S = 20, 23, 25, 0.05, 1
REBOOT = "{at: 20s, nodes: gw, do: reboot, for: 3s}"
ASK = "{at: 25s, nodes: homes, do: rekey_ike}"
ON = "ike.quick_crash_detection=true"


def simulate(*words):
    settings = [part for word in words for part in ("--set", word)]
    with lab.Run(str(FILE), "--no-report", *settings) as run:
        ends = {}
        for e in run.events():
            if e["name"] == "sa.state" and e["data"]["state"] == "ike_down":
                ends.setdefault(e["data"]["reason"], []).append(e["t_ns"] / 1e9)
        return run.result, ends


class QuickCrashDetection(unittest.TestCase):
    def test_the_next_request_tells_within_a_round_trip(self):
        result, ends = simulate(ON, f"events=[{REBOOT}, {ASK}]")
        ike = result["virtual"]["ike"]
        self.assertEqual(len(ends["peer_crashed"]), CLIENTS)
        for at in ends["peer_crashed"]:
            self.assertAlmostEqual(at, ASK_S + ROUND_TRIP_S, places=3)
        self.assertEqual(ike["crashes_detected"], CLIENTS)
        self.assertEqual(ike["tokens_shown"], CLIENTS)
        self.assertEqual((ike["tokens_wrong"], ike["retransmissions"]), (0, 0))
        self.assertEqual((ike["started"], ike["completed"]), (2 * CLIENTS, 2 * CLIENTS))
        self.assertLess(result["virtual"]["recovery_s"][0]["t100"], ASK_S - 20 + RECONNECT_S + 1)

    def test_without_it_only_liveness_finds_out(self):
        words = f"events=[{REBOOT}, {ASK}]"
        (plain, late), (quick, soon) = simulate(words), simulate(words, ON)
        self.assertNotIn("peer_crashed", late)
        self.assertEqual(plain["virtual"]["ike"]["tokens_shown"], 0)
        # 2 s, 3.6 s, 6.5 s, 11.7 s after the request that was never answered
        self.assertGreater(min(late["timeout"]), ASK_S + 20)
        self.assertEqual(plain["virtual"]["ike"]["retransmissions"], 3 * CLIENTS)
        self.assertLess(max(soon["peer_crashed"]), min(late["timeout"]) - 20)
        self.assertGreater(quick["virtual"]["esp"]["delivered_packets"],
                           plain["virtual"]["esp"]["delivered_packets"] + 1000)

    def test_liveness_checks_ask_as_well(self):
        _, ends = simulate(ON)
        self.assertEqual(len(ends["peer_crashed"]), CLIENTS)
        self.assertLess(max(ends["peer_crashed"]), 20 + 10 + 1)  # dpd_delay after the last packet
        _, ends = simulate()
        self.assertGreater(min(ends["dead_peer"]), 20 + 10 + 20)

    def test_packets_ask_where_an_unknown_spi_is_told(self):
        _, ends = simulate(ON, "ike.invalid_spi=true", "nodes.homes.count=1")
        self.assertEqual(len(ends["peer_crashed"]), 1)
        self.assertLess(ends["peer_crashed"][0], BACK_S + 0.2 + 2 * ROUND_TRIP_S + 0.01)

    def test_a_lost_secret_is_believed_by_nobody(self):
        result, ends = simulate(ON, f"events=[{REBOOT}, {ASK}]",
                                "nodes.gw.ike={qcd_secret: lost}")
        ike = result["virtual"]["ike"]
        self.assertNotIn("peer_crashed", ends)
        self.assertEqual(len(ends["timeout"]), CLIENTS)
        self.assertGreaterEqual(ike["tokens_wrong"], CLIENTS)
        self.assertEqual(ike["crashes_detected"], 0)

    def test_rekeyed_sas_have_tokens_too(self):
        for who in ("homes", "gw"):
            rekey = f"{{at: 10s, nodes: {who}, do: rekey_ike}}"
            _, ends = simulate(ON, f"events=[{rekey}, {REBOOT}, {ASK}]")
            self.assertEqual(len(ends["peer_crashed"]), CLIENTS)

    def test_it_repeats(self):
        digests = [simulate(ON)[0]["digest"] for _ in range(2)]
        self.assertEqual(digests[0], digests[1])
        self.assertNotEqual(digests[0], simulate(ON, "seed=2")[0]["digest"])
        timelines = [simulate(ON, f"crypto={c}")[0]["timeline_digest"] for c in ("real", "modelled")]
        self.assertEqual(timelines[0], timelines[1])


if __name__ == "__main__":
    lab.main()
