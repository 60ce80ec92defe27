#!/usr/bin/python3
"""capture.conversations: of many clients some are chosen by the seed, and of these everything is
kept that a run without a sample keeps, wherever it was seen; of the others nothing."""

import collections
import json
import subprocess
import tempfile
import unittest

import lab

# Clients with an address of their own, clients that share one, and clients that move.
CROWD = """
ikelab: 1
name: crowd
stop_time: 30s
ike: {nat_keepalive: 4s, dpd_delay: 6s, rekey_time: 16s, over_time: 4s, rand_time: 1s}
child: {rekey_time: 11s, life_time: 20s, rand_time: 1s}
nodes:
  homes: {role: initiator, count: 24, connect: gw, START}
  boxes: {role: nat, one_per: {homes: 8}}
  offices: {role: initiator, count: 16, connect: gw, START}
  isp: {role: router}
  gw: {role: responder, address: 198.51.100.1, protects: [10.0.0.0/16], cpu: {cores: 1}}
links:
  lan: {sides: [homes, boxes], delay: 1ms}
  access: {sides: [boxes, isp], delay: 10ms, loss: {random: 3%}}
  lines: {sides: [offices, isp], delay: 5ms, loss: {random: 3%}}
  core: {sides: [isp, gw], delay: 2ms}
traffic:
  work: {from: homes, to: gw, start: up, packet_rate: 1/s, size: 300B, direction: both}
  more: {from: offices, to: gw, start: up, packet_rate: 1/s, size: 300B, direction: both}
events:
  - {at: 12s, do: reboot, nodes: "boxes[1]"}
capture: {of: [gw, isp, "homes[3]", "boxes[0]"], conversations: 10}
"""
HANDSHAKES = CROWD.replace("START", "arrivals: {fixed: 20/s}")
ESTABLISHED = CROWD.replace("START", "start: established")
CLIENTS = "homes", "offices"


def bare(event):
    """A line without its frame, which counts what else is in the file."""
    return json.dumps({k: v for k, v in event.items() if k != "frame"}, sort_keys=True)


def is_client(event):
    return event["node"].startswith(CLIENTS)


class Kept:
    """A run, and whose lines are in it."""

    def __init__(self, text, *settings):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="ikelab-test-") as file:
            file.write(text)
            file.flush()
            with lab.Run(file.name, "--no-report", *settings) as run:
                self.result = run.result
                self.events = list(run.events())
                self.keys = [json.loads(line) for line in
                             (run.folder / "keys.jsonl").read_text().splitlines()]
                self.capture = (run.folder / "capture.pcapng").read_bytes()
                self.text = (run.folder / "events.jsonl").read_bytes()
        self.clients = {e["node"] for e in self.events if is_client(e)}
        self.lines = collections.Counter(map(bare, self.events))

    def names(self, clients):
        """SAs of these clients as they stand in `sa`, SPIs of ESP at both their ends."""
        of = [e for e in self.events if e["node"] in clients]
        sas = {e["sa"] for e in of if "sa" in e}
        spis = {e["data"][key] for e in of for key in ("spi_in", "spi_out") if key in e["data"]}
        return sas | {f"0x{spi:08x}" for spi in spis}, spis


def frames(run):
    return [e for e in run.events if "frame" in e]


class Recording(unittest.TestCase):
    def whole_or_nothing(self, text):
        everybody = Kept(text, "--set", "capture.conversations=1000")
        some = Kept(text)
        self.assertEqual(some.result["digest"], everybody.result["digest"])
        self.assertEqual(len(everybody.clients), 40)
        self.assertGreater(len(some.clients), 3)
        self.assertLess(len(some.clients), 25)
        self.assertIn("homes[3]", some.clients)
        self.assertEqual(some.lines - everybody.lines, collections.Counter())
        self.assertGreater(len(frames(some)), 100)
        return everybody, some

    def check_all_is_there(self, everybody, some):
        sas, spis = everybody.names(some.clients)
        others, foreign = everybody.names(everybody.clients - some.clients)
        kinds = collections.Counter()
        for event in everybody.events:
            mine = event.get("sa") in sas or event["data"].get("spi") in spis
            if event["node"] in some.clients or mine:
                kinds[event["name"], event["node"]] += 1
                self.assertIn(bare(event), some.lines)
        for name in "packet.sent", "packet.received", "sa.state", "timer.armed", "esp.window":
            self.assertGreater(kinds[name, "gw"], 10)
        self.assertGreater(kinds["packet.sent", "isp"], 100)
        for event in some.events:
            self.assertNotIn(event.get("sa"), others)
            self.assertNotIn(event["data"].get("spi"), foreign)
        at_gateway = [k for k in everybody.keys if k["node"] == "gw"]
        self.assertEqual([k for k in at_gateway if k["sa"] in sas],
                         [k for k in some.keys if k["node"] == "gw"])

    def check_count(self, everybody, some):
        """What a captured node saw and the file has not is counted."""
        cut, all_of_it = some.result["capture"], everybody.result["capture"]
        self.assertEqual(all_of_it["cut_by_sample"], 0)
        self.assertGreater(cut["cut_by_sample"], 0)
        self.assertEqual(cut["cut_packets"], cut["cut_by_sample"] + cut["cut_by_sa"])
        self.assertEqual(cut["frames"] + cut["cut_packets"],
                         all_of_it["frames"] + all_of_it["cut_packets"])
        self.assertEqual(len(frames(some)), cut["frames"])

    def test_conversations_are_kept_whole(self):
        everybody, some = self.whole_or_nothing(HANDSHAKES)
        self.check_all_is_there(everybody, some)
        self.check_count(everybody, some)

    def test_tunnels_that_took_no_handshake(self):
        everybody, some = self.whole_or_nothing(ESTABLISHED)
        self.check_all_is_there(everybody, some)
        self.check_count(everybody, some)

    def test_the_seed_chooses(self):
        first, again = Kept(HANDSHAKES), Kept(HANDSHAKES)
        other = Kept(HANDSHAKES, "--seed", "7")
        self.assertEqual(first.text, again.text)
        self.assertEqual(first.capture, again.capture)
        self.assertNotEqual(first.clients, other.clients)

    def test_none_but_the_captured(self):
        self.assertEqual(Kept(HANDSHAKES, "--set", "capture.conversations=0").clients,
                         {"homes[3]"})

    def test_a_gateway_of_a_hundred_thousand(self):
        """Its capture has about as many handshakes as were asked for, and each has all messages."""
        text = """
ikelab: 1
name: many
stop_time: 12s
crypto: modelled
nodes:
  clients: {role: initiator, count: 100000, connect: gw, arrivals: {fixed: 20000/s}}
  gw: {role: responder, address: 198.51.100.1, protects: [192.0.2.0/24]}
links:
  access: {sides: [clients, gw], delay: 20ms, loss: {random: 1%}}
capture: {of: [gw], conversations: 50}
"""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="ikelab-test-") as file:
            file.write(text)
            file.flush()
            with lab.Run(file.name, "--no-report", binary=lab.fast_build()) as run:
                events, result = list(run.events()), run.result
        seen = collections.defaultdict(set)
        for e in events:
            if e["name"] in ("packet.sent", "packet.received"):
                seen[e["sa"]].add((e["data"]["exchange"], e["data"]["response"]))
        self.assertGreater(len(seen), 25)
        self.assertLess(len(seen), 100)
        for messages in seen.values():
            self.assertEqual(len(messages), 4)
        up = collections.Counter(e["sa"] for e in events if e["data"].get("state") == "ike_up")
        self.assertEqual(set(up), set(seen))
        self.assertGreater(result["capture"]["cut_by_sample"], 390000)

    def test_it_is_said(self):
        done = subprocess.run([lab.IKELAB, "lint", "/dev/stdin"], text=True, capture_output=True,
                              input=HANDSHAKES.replace("conversations: 10", "conversations: many"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("conversations", done.stderr)


if __name__ == "__main__":
    lab.main()
