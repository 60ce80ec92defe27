#!/usr/bin/python3
"""Same scenario, seed and version: same digest and same `virtual`, whoever compiled the program."""

import unittest

import lab

SCENARIOS = ["handshake-lan", "nat-rebind", "rekey-under-loss", "lossy-mobile", "gateway-restart",
             "certificates", "rekey-storm-small"]


def identity(run):
    result = run.result
    return result["digest"], result["timeline_digest"], result["virtual"]


class Determinism(unittest.TestCase):
    def same_everywhere(self, scenario, builds, *arguments):
        with lab.Run(scenario, *arguments, binary=builds[0], expect=None) as first:
            result = first.result
            expected = identity(first)
            self.assertIn(first.status, (0, 3), first.err)
        for build in builds[1:]:
            with self.subTest(scenario=scenario, build=str(build)):
                with lab.Run(scenario, *arguments, binary=build, expect=None) as other:
                    got = identity(other)
                    self.assertEqual(got[:2], expected[:2])
                    self.assertEqual(got[2], expected[2])
        return result

    def test_every_scenario_on_every_build(self):
        builds = [lab.IKELAB, *lab.other_builds()]
        for scenario in SCENARIOS:
            self.same_everywhere(scenario, builds)

    def test_road_warriors_twice_and_on_every_build(self):
        fast = lab.fast_build()
        self.same_everywhere("road-warriors", [fast, fast, *lab.other_builds(), lab.IKELAB])

    def test_gateway_that_asks_for_cookies(self):
        result = self.same_everywhere(str(lab.ROOT / "tests/scenarios/cookie.yaml"),
                                      [lab.IKELAB, lab.IKELAB, *lab.other_builds()], "--set",
                                      "nodes.gw.limits={cookie_above: 10, half_open_per_source: 50}")
        self.assertGreater(result["virtual"]["ike"]["cookies_accepted"], 0)

    def test_road_warriors_who_sign(self):
        """All thousand complete, with every optimised build; a hundred under the sanitizers. Without
        traffic, which test_digests.py has."""
        fast = lab.fast_build()
        for word in ("ecdsa", "rsa"):
            words = ["--set", f"ike.auth={word}", "--set", "traffic={}", "--set", "thresholds={}"]
            few = [*words, "--set", "nodes.homes.count=100", "--set", "capture=none",
                   "--set", "events=[]", "--set", "stop_time=20s"]
            result = self.same_everywhere("road-warriors", [fast, *lab.other_builds()], *words)
            ike = result["virtual"]["ike"]
            self.assertEqual((ike["started"], ike["completed"]), (1000, 1000))
            self.assertEqual(result["security"]["ike"]["auth"], word)
            self.same_everywhere("road-warriors", [lab.IKELAB, fast], *few)

    def test_tunnels_of_ikev1_that_are_there_from_the_start(self):
        words = ("nodes.homes.start=established", "ike.version=1", "ike.dpd_delay=2s",
                 "ike.proposals=[aes256-sha256-modp2048]", "child.rekey_time=5s",
                 "child.rand_time=1s", "nodes.homes.ike.ask_address=true",
                 "nodes.gw.ike.address_pool=10.99.0.0/24", "ike.address_only=true")
        result = self.same_everywhere(str(lab.ROOT / "tests/scenarios/edges.yaml"),
                                      [lab.IKELAB, lab.IKELAB, *lab.other_builds()],
                                      *(part for word in words for part in ("--set", word)))
        ike = result["virtual"]["ike"]
        self.assertEqual((ike["installed"], ike["started"]), (10, 0))
        self.assertGreater(ike["rekeys_child"], 20)

    def test_another_seed_is_another_run(self):
        with lab.Run("handshake-lan") as one, lab.Run("handshake-lan", "--seed", "2") as two:
            self.assertNotEqual(identity(one)[0], identity(two)[0])


if __name__ == "__main__":
    lab.main()
