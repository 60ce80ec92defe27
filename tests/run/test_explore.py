#!/usr/bin/python3
"""Scenario files as what is searched, violations as scenario files that replay them, and what both
stand on: requests as events, and single packets with a fate."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import lab

TWO = """ikelab: 1
name: two
stop_time: {stop}
crypto: modelled
ike: {{rekey_time: {rekey}}}
child: {{rekey_time: {rekey}}}
nodes:
  left:  {{role: initiator, connect: right, protects: [10.3.0.0/16]}}
  right: {{role: responder, protects: [10.4.0.0/16]}}
links:
  wire:
    sides: [left, right]
    delay: 10ms
{more}
"""
COUNTS = ("states", "transitions", "orderings", "ends", "farthest_steps")


def scenario(folder, more="", rekey="0s", stop="60s"):
    path = pathlib.Path(folder) / "two.yaml"
    path.write_text(TWO.format(more=more, rekey=rekey, stop=stop))
    return str(path)


def events(*lines):
    return "events:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


def explore(*words, cwd=lab.ROOT):
    done = subprocess.run([str(lab.IKELAB), "explore", *words], cwd=cwd, text=True,
                          capture_output=True, timeout=900)
    return done.returncode, done.stdout, done.stderr


def counts(*words):
    status, out, err = explore("--json", *words)
    if status != 0:
        raise AssertionError(f"{words}: exit {status}\n{out}{err}")
    return [{key: family[key] for key in COUNTS} for family in json.loads(out)["families"]], err


class Folder(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory(prefix="ikelab-test-")
        self.addCleanup(held.cleanup)
        self.folder = held.name


class Files(Folder):
    def test_events_are_searched_as_the_built_in_ends_are(self):
        path = scenario(self.folder, events("at: 5s, nodes: [left, right], do: delete_child"))
        of_file, err = counts(path)
        built_in, _ = counts("a:delete_child,b:delete_child")
        self.assertEqual(of_file, built_in)
        self.assertIn("not searched: delays and rates of links", err)

    def test_family_instead_of_what_a_file_asks(self):
        path = scenario(self.folder, events("at: 5s, nodes: left, do: rekey_child"))
        of_file, _ = counts(path, "--family", "delete-delete")
        built_in, _ = counts("delete-delete")
        self.assertEqual(of_file, built_in)

    def test_rekey_times_are_requests(self):
        path = scenario(self.folder, rekey="1h")
        of_file, _ = counts(path, "--faults", "0")
        pairs, _ = counts("--faults", "0", *(f"a:{a},b:{b}" for a in ("rekey_child", "rekey_ike")
                                             for b in ("rekey_child", "rekey_ike")))
        for key in COUNTS[:4]:
            self.assertEqual(of_file[0][key], sum(pair[key] for pair in pairs))

    def test_configuration_counts(self):
        path = scenario(self.folder, events("at: 5s, nodes: [left, right], do: rekey_child"))
        status, out, _ = explore(path, "--faults", "0", "--set",
                                 "child.esp_proposals=aes256gcm16-x25519")
        self.assertEqual(status, 0, out)

    def refused(self, words, hint, *arguments):
        status, out, err = explore(*arguments)
        self.assertEqual(status, 2, out + err)
        self.assertIn(words, err)
        self.assertIn(f"try: {hint}", err)

    def test_what_cannot_be_searched_is_refused(self):
        path = scenario(self.folder)
        self.refused("asks for nothing", "--family", path)
        self.refused("one initiator and one responder, two has 3 and 1",
                     "--set nodes.left.count=1", path, "--set", "nodes.left.count=3", "--set",
                     "nodes.left.protects=[]")
        self.refused("transport mode", "--set child.mode=tunnel", path, "--set",
                     "child.mode=transport")
        self.refused("IKEv1 of a scenario is not searched", "ikelab explore quick-mode", path,
                     "--set", "ike.version=1", "--set", "ike.proposals=aes256-sha256-modp2048")
        self.refused("get no tunnel", "ikelab run", path, "--set", "nodes.left.ike.psk=other")
        self.refused("more than 4 things", "a shorter", path, "--set", "events=[" + ", ".join(
            ["{at: 5s, nodes: [left, right], do: probe}"] * 3) + "]")
        self.refused("there is no family", "ikelab explore", path, "--family", "chidl")
        self.refused("No such file", "ikelab list", self.folder + "/none.yaml")
        self.refused("unknown key", "ikelab explain", path, "--set", "links.wire.dealy=1s")

    def families(self, *words):
        status, out, err = explore("--json", "--faults", "0", "--seeds", "1", *words)
        self.assertEqual(status, 0, out + err)
        return [family["family"] for family in json.loads(out)["families"]]

    def test_each_family_named_is_searched_once(self):
        every = self.families("--all")
        own = ["a:probe", "a:probe,b:probe"]
        self.assertEqual(self.families(*own, "--all"), every + own)  # options come first
        self.assertEqual(self.families("--all", *own, "ike-ike"), every + own)
        self.assertEqual(self.families("a:probe", "a:probe"), ["a:probe"])

    def test_too_many_families_are_refused(self):
        own = [f"{side}:{request}" for side in "ab" for request in (
            "rekey_child", "new_child", "delete_child", "rekey_ike", "terminate", "probe",
            "send_packet")]
        own += ["a:probe,b:probe", "a:probe,b:terminate", "a:terminate,b:probe"]
        self.assertEqual(len(self.families(*own[:16], own[0])), 16)
        for words in (own, own[:5] + ["--all"], ["--all"] + own[:5]):
            status, out, err = explore(*words)
            self.assertEqual(status, 2, out + err)
            self.assertIn("more than 16 families", err)

    def test_too_many_requests_are_not_called_unknown(self):
        five = ",".join(["a:probe"] * 5)
        self.refused("has more than 4 requests", "two families", five)
        self.refused("has more than 4 requests", "two families", "ike-ike", five)

    def test_what_is_left_out_is_said(self):
        path = scenario(self.folder, events("at: 5s, nodes: left, do: delete_child",
                                            "at: 9s, nodes: right, do: reboot"))
        _, err = counts(path, "--faults", "0", "--set", "ike.auth=ecdsa", "--set",
                        "links.wire.loss={random: 1%}")
        for words in ("certificates", "what links do", "events that are no requests"):
            self.assertIn(words, err)


class Replays(Folder):
    def replay(self, family, plant, *words):
        """Search, run what was written, run it without the quirk. What the run says."""
        path = self.folder + "/found.yaml"
        status, out, err = explore(family, "--plant", plant, "--scenario", path, *words)
        self.assertEqual(status, 3, out + err)
        found = re.search(r"replay: ikelab run (\S+)\n +violates (I\d+)", out)
        self.assertTrue(found, out + err)
        self.assertEqual(found[1], path)
        text = pathlib.Path(path).read_text()
        self.assertIn(f"quirks: [{plant}]", text)
        self.assertRegex(text, rf"Verified with seed \d+: `ikelab run` finds {found[2]} violated")
        with lab.Run(path, "--no-report", expect=1) as run:
            self.assertIn(f"invariant {found[2]} violated", run.err)
        pathlib.Path(path).write_text(text.replace(f", quirks: [{plant}]", ""))
        with lab.Run(path, "--no-report", expect=0) as run:
            self.assertEqual(run.result["virtual"]["esp"]["delivered_ratio"], 1)
        return text

    def test_keep_loser(self):
        text = self.replay("ike-ike", "keep-loser")
        self.assertIn("do: rekey_ike", text)

    def test_highest_nonce_of_ike_sas(self):
        self.replay("ike-ike", "highest-nonce", "--faults", "0")

    def test_highest_nonce_of_child_sas(self):
        self.replay("child-child", "highest-nonce", "--faults", "0")

    def test_from_a_file_with_its_names_and_words(self):
        path = scenario(self.folder, events("at: 5s, nodes: [left, right], do: rekey_ike"))
        text = self.replay(path, "keep-loser", "--set", "ike.retransmit_timeout=2s")
        self.assertIn("10.4.0.0/16", text)
        self.assertIn('retransmit_timeout: "2s"', text)
        self.assertIn("nodes: left, do: rekey_ike", text)

    def test_line_feed_in_the_command_does_not_end_the_comment(self):
        text = self.replay("ike-ike", "keep-loser", "--set", "child.esp_proposals=\n [aes256gcm16]",
                           scenario(self.folder))
        self.assertIn("--set child.esp_proposals=  [aes256gcm16]", text)

    def test_no_file_is_overwritten_unasked(self):
        path = self.folder + "/found.yaml"
        pathlib.Path(path).write_text("mine")
        search = ("ike-ike", "--faults", "0", "--seeds", "1", "--plant", "keep-loser")
        status, _, err = explore(*search, "--scenario", path)
        self.assertEqual(status, 2)
        self.assertIn("exists", err)
        self.assertEqual(pathlib.Path(path).read_text(), "mine")
        self.assertEqual(explore(*search, "--scenario", path, "--force")[0], 3)
        self.assertIn("ikelab: 1", pathlib.Path(path).read_text())

    def test_default_names(self):
        search = ("ike-ike", "--faults", "0", "--seeds", "1", "--plant", "keep-loser")
        runs = pathlib.Path(self.folder) / "runs"
        explore(*search, cwd=self.folder)
        self.assertEqual([p.name for p in runs.iterdir()], ["replay-ike-ike.yaml"])
        explore(*search, "--json", cwd=self.folder)  # the same once more
        self.assertEqual([p.name for p in runs.iterdir()], ["replay-ike-ike.yaml"])
        (runs / "replay-ike-ike.yaml").write_text("mine")
        explore(*search, cwd=self.folder)
        self.assertEqual((runs / "replay-ike-ike.yaml").read_text(), "mine")
        self.assertTrue((runs / "replay-ike-ike-2.yaml").exists())


class Requests(Folder):
    """What `events:` can ask of tunnels."""

    def run_with(self, *lines, flow=True, more="", **settings):
        text = more + events(*lines)
        if flow:
            text += ("traffic: {t: {from: left, to: right, packet_rate: 10/s, size: 100B, "
                     "direction: both}}\n")
        with lab.Run(scenario(self.folder, text, **settings), "--no-report") as run:
            return run.result["virtual"], list(run.events())

    def test_rekeys_lose_nothing(self):
        virtual, _ = self.run_with("at: 5s, nodes: left, do: rekey_child",
                                   "at: 10s, nodes: right, do: rekey_child",
                                   "at: 15s, nodes: left, do: rekey_ike",
                                   "at: 20s, nodes: right, do: rekey_ike",
                                   "at: 25s, nodes: [left, right], do: probe")
        self.assertEqual(virtual["ike"]["rekeys_child"], 4)  # counted at both ends
        self.assertEqual(virtual["ike"]["rekeys_ike"], 4)
        self.assertEqual(virtual["esp"]["delivered_ratio"], 1)
        self.assertEqual(virtual["recovery_s"], [])

    def test_one_more_and_one_less(self):
        _, seen = self.run_with("at: 5s, nodes: left, do: new_child",
                                "at: 10s, nodes: right, do: delete_child", flow=False)
        ups = [e for e in seen if e["data"].get("state") == "child_up" and e["t_ns"] > 4e9]
        downs = [e for e in seen if e["data"].get("state") == "child_down"]
        self.assertEqual(len(ups), 2)
        self.assertEqual(len(downs), 2)

    def test_terminate_by_the_gateway_is_followed_by_a_new_handshake(self):
        virtual, _ = self.run_with("at: 5s, nodes: right, do: terminate")
        self.assertEqual(virtual["ike"]["completed"], 2)

    def test_every_tunnel_of_a_gateway(self):
        with lab.Run("handshake-lan", "--no-report", "--set",
                     "events=[{at: 5s, nodes: gw, do: rekey_child}]", "--set", "thresholds={}",
                     "--set", "stop_time=10s") as run:
            virtual = run.result["virtual"]
        self.assertEqual(virtual["ike"]["rekeys_child"], 2 * virtual["ike"]["completed"])

    def test_a_tunnel_that_cannot_is_named(self):
        _, seen = self.run_with("at: 5s, nodes: left, do: terminate",
                                "at: 20s, nodes: left, do: rekey_ike",
                                "at: 25s, nodes: right, do: crash",
                                "at: 26s, nodes: right, do: probe")
        said = [e["data"]["nodes"] for e in seen if e["name"] == "scenario.event"]
        self.assertIn("left: it has no tunnel", said)
        self.assertIn("the node is away", said)

    def test_a_processor_does_it_as_well(self):
        text = events("at: 5s, nodes: right, do: rekey_child", "at: 5s, nodes: right, do: probe")
        with lab.Run(scenario(self.folder, text), "--no-report", "--set",
                     "nodes.right.cpu={cores: 1}") as run:
            self.assertEqual(run.result["virtual"]["ike"]["rekeys_child"], 2)

    def test_exactly_the_third_message_is_lost(self):
        ask = "at: 5s, nodes: left, do: rekey_child"
        script = "    packets: [{direction: up, number: 3, lost: true}]\n"
        virtual, seen = self.run_with(ask, more=script)
        again = [e for e in seen if e["name"] == "ike.retransmit"]
        self.assertEqual([e["t_ns"] for e in again], [9_000_000_000])
        self.assertEqual(virtual["esp"]["delivered_ratio"], 1)
        self.assertEqual(virtual["ike"]["rekeys_child"], 2)

    def test_a_message_comes_when_it_is_told_to(self):
        ask = "at: 5s, nodes: left, do: rekey_child"
        script = "    packets: [{direction: up, number: 3, at: [6s, 7s]}]\n"
        digests = set()
        for _ in range(2):
            with lab.Run(scenario(self.folder, script + events(ask)), "--no-report") as run:
                digests.add(run.result["digest"])
                ups = [e["t_ns"] for e in run.events() if e["data"].get("state") == "child_up"]
        self.assertEqual(ups[2:], [6_000_000_000, 6_010_000_000])
        self.assertEqual(len(digests), 1)


if __name__ == "__main__":
    lab.main()
