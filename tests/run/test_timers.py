#!/usr/bin/python3
"""What captured nodes tell of their timers, replay windows, processors and NAT mappings: enough to
draw the retransmission ladder, every countdown and the window, and true."""

import collections
import json
import pathlib
import tempfile
import unittest

import jsonschema

import lab

SCHEMA = jsonschema.Draft7Validator(
    json.loads((lab.ROOT / "docs/schema/events.schema.json").read_text()))
S = 10**9

LADDER = """
ikelab: 1
stop_time: 60s
ike: {retransmit_timeout: 500ms, retransmit_base: 1.8, retransmit_jitter: 0%, retransmit_tries: 5}
nodes:
  home: {role: initiator, count: 1, connect: gw}
  gw: {role: responder}
links:
  wire: {sides: [home, gw], delay: 10ms, packets: [PACKETS]}
"""

BUSY = """
ikelab: 1
stop_time: 120s
ike: {dpd_delay: 20s, nat_keepalive: 20s}
child: {replay_window: 32, rekey_time: 50s, life_time: 70s, rand_time: 5s}
nodes:
  homes: {role: initiator, count: 6, connect: gw, arrivals: all_at_once}
  boxes: {role: nat, one_per: {homes: 1}, udp_timeout: 30s}
  gw: {role: responder, cpu: {cores: 2, backlog: 64}}
links:
  lan: {sides: [homes, boxes], delay: 2ms}
  access: {sides: [boxes, gw], delay: 20ms, jitter: 15ms, loss: {random: 1%}, duplicate: 2%}
traffic:
  talk: {from: homes, to: gw, for: 8s, packet_rate: 250/s, size: 100B}
capture: {of: [homes, boxes, gw], esp_packets_per_sa: 3000}
"""


def lost(first, last):
    return ", ".join(f"{{direction: up, number: {n}, lost: true}}" for n in range(first, last + 1))


class Told(unittest.TestCase):
    """One run, its events checked against the schema and for their order in time."""

    def tell(self, text, *words):
        with tempfile.TemporaryDirectory(prefix="ikelab-test-") as folder:
            path = pathlib.Path(folder) / "told.yaml"
            path.write_text(text)
            with lab.Run(str(path), "--no-report", *words) as run:
                events, self.result = list(run.events()), run.result
        shapes = collections.Counter()
        for event in events: # the first few of each kind: the schema is slow
            shape = event["name"], *event["data"], event["data"].get("verdict")
            shapes[shape] += 1
            if shapes[shape] <= 20:
                SCHEMA.validate(event)
        times = [event["t_ns"] for event in events]
        self.assertEqual(times, sorted(times))
        return events


class Ladder(Told):
    def ladder(self, events, node, message_id):
        """(event, time, deadline, transmission) of one request's retransmission timer."""
        return [(e["name"].split(".")[1], e["t_ns"], e["data"]["deadline_ns"],
                 e["data"]["transmission"]) for e in events
                if e["name"].startswith("timer.") and e["node"] == node
                and e["data"]["timer"] == "retransmit" and e["data"]["message_id"] == message_id]

    def test_a_request_that_is_never_answered(self):
        events = self.tell(LADDER.replace("PACKETS", lost(1, 50)), "--set", "stop_time=25s")
        steps = self.ladder(events, "home", 0)
        gaps = [500_000_000, 900_000_000, 1_620_000_000, 2_916_000_000, 5_248_800_000,
                9_447_840_000]
        at = sent = 0
        for n, gap in enumerate(gaps):
            self.assertEqual(steps[2 * n], ("armed", at, at + gap, n))
            at += gap
            self.assertEqual(steps[2 * n + 1], ("fired", at, at, n))
        self.assertEqual([(e["t_ns"], e["data"]["transmission"]) for e in events
                          if e["name"] == "packet.sent" and e["t_ns"] <= at],
                         [(sum(gaps[:n]), n) for n in range(6)])
        down = [e for e in events if e["data"].get("state") == "ike_failed"]
        self.assertEqual((down[0]["t_ns"], down[0]["data"]["reason"]), (at, "timeout"))
        requests = {e["data"].get("request") for e in events if e["name"] == "timer.armed"}
        self.assertIn("ike_sa_init", requests)

    def test_an_answer_cancels_what_is_left(self):
        events = self.tell(LADDER.replace("PACKETS", lost(2, 4)))
        first, second = self.ladder(events, "home", 0), self.ladder(events, "home", 1)
        self.assertEqual([s[0] for s in first], ["armed", "cancelled"])
        self.assertEqual([s[0] for s in second], 3 * ["armed", "fired"] + ["armed", "cancelled"])
        self.assertEqual([s[3] for s in second], [0, 0, 1, 1, 2, 2, 3, 3])
        self.assertEqual([s[2] - s[1] for s in second if s[0] == "armed"],
                         [500_000_000, 900_000_000, 1_620_000_000, 2_916_000_000])
        self.assertGreater(second[-1][2], second[-1][1])

    def test_requests_side_by_side_have_a_timer_each(self):
        text = LADDER.replace("PACKETS", lost(3, 9)).replace("ike: {", "ike: {window: 4, ")
        asked = ", ".join("{at: 5s, nodes: home, do: new_child}" for _ in range(3))
        events = self.tell(text + f"events: [{asked}, {{at: 30s, nodes: home, do: terminate}}]\n")
        waiting, most = {}, 0
        for e in events:
            if e["name"].startswith("timer.") and e["data"]["timer"] == "retransmit":
                key = e["node"], e["sa"], e["data"]["message_id"]
                if e["name"] == "timer.armed":
                    self.assertNotIn(key, waiting)
                    waiting[key] = e["data"]
                else:
                    for what in ("deadline_ns", "transmission", "request"):
                        self.assertEqual(waiting[key][what], e["data"][what])
                    del waiting[key]
                most = max(most, len(waiting))
        self.assertEqual((most, waiting), (3, {}))


class Busy(Told):
    once = None

    def setUp(self):
        if not Busy.once:
            Busy.once = self.tell(BUSY), self.result
        self.events, self.result = Busy.once

    def named(self, *names):
        return [e for e in self.events if e["name"] in names]

    def test_each_timer_ends_once(self):
        """Armed, then fired at its deadline or soon after (a core has to be free), or cancelled."""
        open_timers, kinds = {}, collections.Counter()
        for e in self.named("timer.armed", "timer.fired", "timer.cancelled"):
            data, what = e["data"], e["name"].split(".")[1]
            key = e["node"], e.get("sa"), data["timer"], data.get("message_id")
            kinds[what, data["timer"]] += 1
            if what == "armed":
                self.assertGreaterEqual(data["deadline_ns"], e["t_ns"])
                open_timers[key] = data["deadline_ns"]
                continue
            self.assertEqual(open_timers.pop(key), data["deadline_ns"])
            if what == "fired":
                self.assertGreaterEqual(e["t_ns"], data["deadline_ns"])
                self.assertLess(e["t_ns"], data["deadline_ns"] + S)
        for what, timer in (("fired", "liveness"), ("fired", "keepalive"), ("fired", "rekey"),
                            ("armed", "expire"), ("cancelled", "retransmit")):
            self.assertGreater(kinds[what, timer], 0, (what, timer))

    def test_a_child_has_its_spis_and_rekeys_by_its_timer(self):
        fired = {e["sa"]: e["t_ns"] for e in self.named("timer.fired")
                 if e["data"]["timer"] == "rekey" and e["sa"].startswith("0x")}
        rekeyed = [e for e in self.named("sa.state") if e["data"]["state"] == "child_rekeyed"
                   and f"0x{e['data']['spi_in']:08x}" in fired]
        self.assertGreater(len(rekeyed), 5)
        for e in self.named("sa.state"):
            if e["data"]["state"] in ("child_up", "child_rekeyed", "child_down"):
                self.assertGreater(e["data"]["spi_in"], 255)
                self.assertGreater(e["data"]["spi_out"], 255)

    def test_the_window_is_that_of_the_rfc(self):
        """RFC 4303 §3.4.3, told again from the sequence numbers alone."""
        accepted, verdicts = collections.defaultdict(set), collections.Counter()
        for e in self.named("esp.window"):
            data, seen = e["data"], accepted[e["node"], e["sa"]]
            top, number = max(seen, default=0), data["sequence"]
            verdict = ("fresh" if number > top else "old" if top - number >= 32 else
                       "replayed" if number in seen else "fresh")
            self.assertEqual(data["verdict"], verdict, e)
            if verdict == "fresh":
                seen.add(number)
            verdicts[verdict] += 1
            self.assertEqual(data["highest"], max(seen))
            self.assertEqual(int(data["bitmap"], 16), sum(
                1 << n for n in range(32) if data["highest"] - n in seen), e)
            self.assertEqual((len(data["bitmap"]), data["window"]), (8, 32))
        self.assertGreater(verdicts["fresh"], 1000)
        self.assertGreater(verdicts["replayed"], 10)

    def test_packets_too_late_are_old(self):
        self.events = self.tell(BUSY.replace("jitter: 15ms", "jitter: 20ms, reorder: 1%").replace(
            "delay: 20ms", "delay: 200ms").replace("count: 6", "count: 2"), "--set", "traffic.talk.for=4s")
        self.assertGreater(sum(e["data"]["verdict"] == "old" for e in self.named("esp.window")), 5)

    def test_no_more_windows_than_packets_asked_for(self):
        self.events = self.tell(BUSY, "--set", "capture.esp_packets_per_sa=7")
        lines = collections.Counter((e["node"], e["sa"], e["data"]["verdict"] in ("fresh",))
                                    for e in self.named("esp.window"))
        self.assertEqual(max(lines.values()), 7)

    def test_the_processor_is_seen_as_the_metrics_saw_it(self):
        lines = self.named("host.queue")
        peak = max(max(e["data"]["backlog"], e["data"].get("peak", 0)) for e in lines)
        self.assertEqual({e["node"] for e in lines}, {"gw"})
        self.assertEqual(peak, self.result["virtual"]["hosts"]["gw"]["backlog_peak"])
        self.assertEqual(lines[-1]["data"], {"backlog": 0, "busy_cores": 0})
        self.assertLessEqual(max(e["data"]["busy_cores"] for e in lines), 2)
        self.assertGreater(len(lines), 1000)
        self.assertLessEqual(len(lines), 2002)

    def test_a_mapping_ends_when_it_was_said_to(self):
        ends, ended = {}, 0
        for e in self.named("nat.mapped", "nat.refreshed", "nat.expired"):
            key = e["node"], e["data"]["outside"]
            if e["name"] == "nat.expired":
                self.assertEqual(ends.pop(key), e["t_ns"])
                ended += 1
            else:
                ends[key] = e["data"]["expires_ns"]
                self.assertEqual(ends[key], e["t_ns"] + 30 * S)
        self.assertGreaterEqual(ended, 6) # port 500 of each, left for 4500

    def test_a_crash_ends_what_it_ends_in_its_own_moment(self):
        # 0.7 s after the last packet: what went before is not when it happened.
        self.events = self.tell(LADDER.replace("PACKETS", ""), "--set",
                                "events=[{at: 9700ms, nodes: home, do: crash, for: 5s}]")
        ends = [e for e in self.named("sa.state") if e["data"].get("reason") == "crash"]
        self.assertEqual({(e["node"], e["data"]["state"]) for e in ends},
                         {("home", "ike_down"), ("home", "child_down")})
        self.assertEqual({e["t_ns"] for e in ends}, {97 * S // 10})

    def test_what_nobody_captures_changes_nothing(self):
        digests = self.result["digest"], self.result["timeline_digest"]
        self.events = self.tell(BUSY, "--set", "capture=none")
        self.assertEqual((self.result["digest"], self.result["timeline_digest"]), digests)
        self.assertEqual(self.named("timer.armed", "esp.window", "host.queue"), [])


if __name__ == "__main__":
    lab.main()
