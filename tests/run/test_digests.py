#!/usr/bin/python3
"""Digests of every scenario, kept in digests.json. A change of behaviour changes them: say why in
the commit, and renew the file with

    python3 tests/run/test_digests.py --update
"""

import json
import pathlib
import sys
import unittest

import lab

# Beside every scenario as it stands, but for one that takes a big machine: what must hold for it
# with other words.
BIG = "million-peers"
VARIANTS = [(BIG, "nodes.clients.count=5000"), ("road-warriors", "ike.auth=ecdsa"),
            ("road-warriors", "ike.auth=rsa"), ("gateway-restart", "nodes.gw.limits={cookie: always}")]
STORED = pathlib.Path(__file__).with_name("digests.json")


def digests(binary=None, env=None):
    found = {}
    plain = [(path.stem, None) for path in sorted(lab.SCENARIOS.glob("*.yaml"))
             if path.stem != BIG]
    for scenario, word in plain + VARIANTS:
        settings = ["--set", word] if word else []
        with lab.Run(scenario, "--no-report", *settings, binary=binary or lab.fast_build(),
                     env=env, expect=None) as run:
            if run.status not in (0, 3):
                raise AssertionError(f"{scenario}: exit {run.status}\n{run.err}")
            result = run.result
        found[f"{scenario} {word}" if word else scenario] = {
            "digest": result["digest"], "timeline": result["timeline_digest"]}
    return found


def update():
    old = json.loads(STORED.read_text()) if STORED.exists() else {}
    new = digests()
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            print(f"{name}: {old.get(name)} -> {new.get(name)}")
    STORED.write_text(json.dumps(new, indent=2) + "\n")


class Digests(unittest.TestCase):
    maxDiff = None

    def test_every_scenario_runs_as_it_did(self):
        self.assertEqual(digests(), json.loads(STORED.read_text()))

    def test_that_was_a_build_by_profile(self):
        if lab.fast_build() == lab.IKELAB:
            self.skipTest("build/release is not built; try: ./check")
        with lab.Run("handshake-lan", "--no-report", binary=lab.fast_build()) as run:
            self.assertIn(" -fprofile-use ", run.result["provenance"]["flags"])


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    else:
        lab.main()
