#!/usr/bin/python3
"""The island of a real run: every packet of events.jsonl is in it, its trees are those of `ikelab
dissect`, and what it joins (answers, keys, SAs, NAT mappings, problems) is right."""

import collections
import json
import re
import subprocess
import sys

import lab

sys.path.insert(0, str(lab.ROOT / "tests/support"))
sys.path.insert(0, str(lab.ROOT / "reports"))
import island as maker  # noqa: E402
import island_reader  # noqa: E402
import journal  # noqa: E402
import packing  # noqa: E402

unittest = lab.unittest
OPENER = lab.ROOT / "reports/page/00-island.js"
#: all that happens in one short run: loss, rekeys of both kinds, reboots of NAT boxes
LOSSY = ("--set", "nodes.homes.count=4", "--set", "stop_time=40s", "--set", "thresholds={}",
         "--set", "ike.rekey_time=11s", "--set", "ike.rand_time=3s", "--set",
         "child.rekey_time=7s", "--set", "child.rand_time=2s",
         "--set", "links.access.loss={random: 8%}", "--set", "seed=4",
         "--set", "capture.esp_packets_per_sa=20", "--set",
         "events=[{at: 20s, do: reboot, nodes: [\"boxes[0..3]\"]}]",
         "--set", "capture.of=[\"homes[0..3]\",\"boxes[0..3]\",gw]", "--no-report", "-q")


class OfARun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.run_ = lab.Run("nat-rebind", *LOSSY)
        cls.addClassCleanup(cls.run_.remove)
        cls.text = island_reader.make(cls.run_.folder, lab.IKELAB)
        cls.island = island_reader.Island(cls.text)
        cls.events = list(cls.run_.events())

    def names(self, node):
        return self.island.nodes[node]["name"] if node >= 0 else None

    def rows(self, table, *columns):
        return list(zip(*(getattr(table, name) for name in columns)))

    def test_every_packet_is_a_hop(self):
        """As a list of what was sent, received and dropped, in order of time."""
        h, text = self.island.hops, self.island.text
        got = collections.Counter()
        for row in range(h.rows):
            a, b, cause = self.names(h.a[row]), self.names(h.b[row]), text(h.cause[row])
            if a and h.t[row] >= 0:
                got["sent", h.t[row], a, text(h.src[row]), text(h.dst[row]), h.frame[row]] += 1
            if b and not cause:
                got["received", h.r[row], b, h.rframe[row]] += 1
            if cause:
                got["dropped", h.r[row], b or a, cause] += 1
        want = collections.Counter()
        for event in self.events:
            kind, _, what = event["name"].partition(".")
            if kind != "packet":
                continue
            data, key = event["data"], (what, event["t_ns"], event["node"])
            if what == "sent":
                key += data["source"], data["destination"], event.get("frame", 0)
            else:
                key += (data["cause"] if what == "dropped" else event.get("frame", 0),)
            want[key] += 1
        for key in list(want):  # lost before anything of it was recorded: a hop without a sending
            if key[0] == "dropped":
                self.assertEqual(got[key], want[key], key)
        missing = {key for key in want if got[key] < want[key]}
        self.assertEqual({key for key in missing if key[0] == "sent"}, set())
        # What was received and then dropped at the same node has one hop, with a cause.
        for key in {key for key in missing if key[0] == "received"}:
            self.assertIn((key[1], key[2]), {(k[1], k[2]) for k in want if k[0] == "dropped"})

    def test_messages_are_in_order_and_whole(self):
        m, h = self.island.messages, self.island.hops
        self.assertEqual(m.t, sorted(m.t))
        packets = {e["data"]["packet"] for e in self.events if e["name"].startswith("packet.")}
        self.assertEqual(m.rows, len(packets))
        for row in range(m.rows):
            hops = range(m.first[row], m.first[row] + m.count[row])
            self.assertEqual({h.msg[hop] for hop in hops}, {row})
            times = [h.t[hop] for hop in hops]
            self.assertEqual(times, sorted(times))
            self.assertEqual(bool(m.problem[row] & 1), any(h.cause[hop] for hop in hops))
            self.assertEqual(bool(m.problem[row] & 2), m.transmission[row] > 0)
        self.assertGreater(sum(1 for p in m.problem if p & 1), 5)
        self.assertGreater(sum(1 for p in m.problem if p & 2), 2)

    def test_trees_are_those_of_dissect(self):
        done = subprocess.run([lab.IKELAB, "dissect", self.run_.folder, "--json"], check=True,
                              capture_output=True)
        frames = {frame["frame"]: frame for frame in json.loads(done.stdout)["frames"]}
        m, seen = self.island.messages, 0
        for row in range(m.rows):
            if m.detail[row] < 0:
                self.assertEqual(m.frame[row], 0)
                continue
            number, data, texts, tree = self.island.detail(m.detail[row])
            frame = frames[number]
            self.assertEqual(number, m.frame[row])
            self.assertEqual(data.hex(), frame["bytes"])
            self.assertEqual(
                [(text.hex(), [tuple(p.values()) for p in t["from"]]) for (text, _), t in
                 zip(texts, frame["texts"], strict=True)],
                [(t["bytes"], places) for (_, places), t in zip(texts, frame["texts"])])
            self.assertEqual(tree, without_numbers(frame["tree"]))
            summary = self.island.text(m.summary[row])
            if m.kind[row] == 0:
                self.assertEqual(summary, frame["summary"])
            elif m.kind[row] == 1:
                self.assertEqual(f"ESP {self.island.text(m.sa[row])} seq {m.mid[row]} {summary}",
                                 frame["summary"])
            seen += 1
        self.assertGreater(seen, 300)

    def test_answers(self):
        m, text = self.island.messages, self.island.text
        answered = 0
        for row in range(m.rows):
            request = m.answers[row]
            if request >= 0:
                self.assertEqual((m.response[row], m.response[request]), (1, 0))
                self.assertEqual((m.sa[row], m.mid[row], m.exchange[row]),
                                 (m.sa[request], m.mid[request], m.exchange[request]))
                self.assertGreaterEqual(m.t[row], m.t[request])
                answered += 1
            else:
                self.assertFalse(m.response[row], (row, text(m.sa[row])))
        self.assertGreater(answered, 20)

    def test_keys_open_their_messages(self):
        """The formula names, one entry for both ends, and of each message the SA that opens it."""
        m, keys, text = self.island.messages, self.island.keys, self.island.text
        lines = [json.loads(line) for line in
                 (self.run_.folder / "keys.jsonl").read_text().splitlines()]
        self.assertEqual(len(keys["ike"]),
                         len({line["spi_i"] for line in lines if line["kind"] == "ike"}))
        for row in range(m.rows):
            if m.kind[row] == 0:
                self.assertEqual(keys["ike"][m.key[row]]["spi_i"], text(m.sa[row]))
            elif m.kind[row] == 1 and m.frame[row]:
                self.assertEqual(keys["children"][m.key[row]]["spi"], text(m.sa[row]))
        rekeyed = [entry for entry in keys["ike"] if entry["predecessor"] >= 0]
        self.assertGreater(len(rekeyed), 3)
        for entry in keys["ike"]:
            self.assertFalse(entry["differs"])
            self.assertEqual(len(entry["nodes"]), 2)
            names = [value["name"] for value in entry["values"]]
            self.assertEqual(names, ["SKEYSEED", "SK_d", "SK_ei", "SK_er", "SK_pi", "SK_pr"])
            self.assertEqual(keys["formulas"][entry["values"][0]["formula"]]["when"],
                             "rekey" if entry in rekeyed else "initial")
        for entry in keys["children"]:
            self.assertGreaterEqual(entry["ike"], 0)
        self.assertEqual({entry["initiator"] for entry in keys["children"]}, {True, False})
        pairs = collections.Counter(entry["initiator"] for entry in keys["children"])
        self.assertEqual(pairs[True], pairs[False])

    def test_differing_keys_are_told(self):
        copy = self.run_.folder / "keys.jsonl"
        text = copy.read_text()
        self.addCleanup(copy.write_text, text)
        lines = text.splitlines()
        lines[0] = re.sub(r'"SK_d":"..', '"SK_d":"00', lines[0])
        copy.write_text("\n".join(lines) + "\n")
        keys = island_reader.Island(island_reader.make(self.run_.folder, lab.IKELAB)).keys
        self.assertEqual([entry["differs"] for entry in keys["ike"]].count(True), 1)
        entry = next(entry for entry in keys["ike"] if entry["differs"])
        self.assertNotEqual(entry["values"], entry["others"])

    def test_strips_of_sas(self):
        s, text = self.island.sas, self.island.text
        ups = [e for e in self.events if e["data"].get("state") == "child_up"]
        children = [row for row in range(s.rows) if s.kind[row]]
        self.assertEqual(
            sorted((s.from_[row], self.names(s.node[row]), text(s.spi_in[row])) for row in children),
            sorted((e["t_ns"], e["node"], f"0x{e['data']['spi_in']:08x}") for e in ups))
        for row in range(s.rows):
            before = s.predecessor[row]
            if before >= 0:
                self.assertEqual((s.kind[before], s.node[before]), (s.kind[row], s.node[row]))
                if s.kind[row]:  # make before break
                    self.assertGreater(s.to[before], s.from_[row])
            if s.to[row] >= 0:
                self.assertNotEqual(text(s.why[row]), "")
        replaced = sum(before >= 0 for before in s.predecessor)
        rekeys = [e for e in self.events if e["data"].get("state") in ("ike_rekeyed",
                                                                       "child_rekeyed")]
        self.assertEqual(replaced, len({e["data"]["successor"] + e["node"] for e in rekeys}))
        self.assertGreater(replaced, 20)

    def test_mappings_of_nat_boxes(self):
        n, r, text = self.island.nat, self.island.refreshes, self.island.text
        mapped = [e for e in self.events if e["name"] == "nat.mapped"]
        self.assertEqual(sorted(n.from_), sorted(e["t_ns"] for e in mapped))
        refreshed = [e for e in self.events if e["name"] == "nat.refreshed"]
        self.assertEqual(r.rows, len({(e["t_ns"], e["node"], e["data"]["outside"],
                                       e["data"]["direction"]) for e in refreshed}))
        rebooted = 0
        for row in range(n.rows):
            moments = range(n.first[row], n.first[row] + n.count[row])
            self.assertEqual(r.t[moments[0]], n.from_[row])
            self.assertEqual(r.direction[moments[0]], 0)
            self.assertEqual(n.exact[row], 1)
            for moment in moments:
                self.assertGreater(r.expires[moment], r.t[moment])
                if n.to[row] >= 0:
                    self.assertLessEqual(r.t[moment], n.to[row])
            if text(n.end[row]) == "expired":
                self.assertEqual(n.to[row], r.expires[moments[-1]])
            rebooted += text(n.end[row]) == "reboot"
        self.assertGreaterEqual(rebooted, 4)

    def test_ladders(self):
        """A retransmission is a rung, and each ladder says when it was answered."""
        ladders, s, m = self.island.ladders, self.island.sends, self.island.messages
        again = {row for row in range(m.rows) if m.transmission[row] and not m.response[row]}
        self.assertLessEqual(again, set(s.msg))
        for row in range(ladders.rows):
            rungs = range(ladders.first[row], ladders.first[row] + ladders.count[row])
            times = [s.t[rung] for rung in rungs]
            self.assertEqual(times, sorted(times))
            self.assertEqual([m.transmission[s.msg[rung]] for rung in rungs],
                             list(range(len(times))))
            if ladders.answered[row] >= 0:
                self.assertGreater(ladders.answered[row], times[0])

    def test_what_the_capture_lacks_is_told_by_its_cause(self):
        told = self.run_.result["capture"]
        causes = ("cut_packets", "cut_by_sa", "cut_by_size", "cut_by_sample")
        self.assertEqual({name: self.island.capture[name] for name in causes},
                         {name: told[name] for name in causes})
        self.assertGreater(self.island.capture["cut_packets"], 0)

    def test_lanes_are_in_the_order_of_the_way(self):
        groups = [node["group"] for node in self.island.nodes if node["captured"]]
        self.assertEqual(groups, sorted(groups, key=("homes", "boxes", "gw").index))
        self.assertEqual(self.island.nodes[-1]["name"], "isp")
        self.assertFalse(self.island.nodes[-1]["captured"])

    def test_same_folder_same_text(self):
        self.assertEqual(self.text, island_reader.make(self.run_.folder, lab.IKELAB))

    def test_a_limit_is_told(self):
        """A run of more messages than a page takes: the first ones, whole, and where it ends."""
        limit, journal.MESSAGES_MAX = journal.MESSAGES_MAX, 50
        self.addCleanup(setattr, journal, "MESSAGES_MAX", limit)
        cut = island_reader.Island(maker.make(self.run_.folder, lab.IKELAB))
        self.assertEqual(cut.messages.rows, 50)
        self.assertEqual(cut.capture["until_ns"], self.island.messages.t[50])
        self.assertIn("the first 50", cut.capture["notes"][0])
        self.assertEqual(cut.messages.count, self.island.messages.count[:50])
        self.assertEqual(self.island.capture["until_ns"], -1)

    @unittest.skipUnless(lab.shutil.which("node"), "node is not installed")
    def test_the_page_opens_it(self):
        """reports/page/00-island.js gives what the reader of these tests gives."""
        script = f"""
            const Island = require({json.dumps(str(OPENER))});
            const chunks = [];
            process.stdin.on("data", (chunk) => chunks.push(chunk)).on("end", async () => {{
              const island = await Island.open(Buffer.concat(chunks).toString("utf8"));
              const out = {{tables: {{}}, keys: island.keys, details: []}};
              for (const [name, table] of Object.entries(island)) {{
                if (table === null || table.rows === undefined) continue;
                out.tables[name] = {{}};
                for (const [column, values] of Object.entries(table)) {{
                  if (column !== "rows") out.tables[name][column] = Array.from(values);
                }}
              }}
              for (let i = 0; i < island.details; i++) out.details.push(await island.detail(i));
              process.stdout.write(JSON.stringify(out));
            }});"""
        done = subprocess.run(["node", "-e", script], input=self.text, check=True, text=True,
                              capture_output=True)
        out = json.loads(done.stdout)
        self.assertEqual(out["keys"], self.island.keys)
        for name, columns in out["tables"].items():
            for column, values in columns.items():
                want = getattr(getattr(self.island, name), {"from": "from_"}.get(column, column))
                self.assertEqual(values, want, f"{name}.{column}")
        self.assertEqual(len(out["details"]), self.island.details["count"])
        for index, shown in enumerate(out["details"]):
            frame, data, texts, tree = self.island.detail(index)
            self.assertEqual(shown["frame"], frame)
            self.assertEqual(bytes(shown["bytes"].values()), data)
            self.assertEqual(as_raw(shown["tree"]), tree)


class OfEvents(unittest.TestCase):
    """Single events, as a run of every kind would give them."""

    def take(self, *events):
        strings = packing.Strings()
        taken = journal.Journal(strings)
        for at, (node, name, data) in enumerate(events):
            taken.take({"t_ns": at, "node": node, "name": name, "sa": "0x00000001", "data": data})
        return taken, strings.texts

    def packet(self, **more):
        return {"packet": 7, "source": "192.0.2.1", "destination": "192.0.2.2", "protocol": "esp",
                "kind": "esp", "length": 100, "spi": 1, "sequence": 9, **more}

    def hops(self, *events):
        taken, texts = self.take(*events)
        h, names = taken.hops, taken.node_names
        self.assertEqual(len(taken.messages), 1)
        name = lambda node: names[node] if node >= 0 else ""
        return [(h.t[row], h.r[row], name(h.a[row]), name(h.b[row]), texts[h.cause[row]])
                for row in range(len(h))]

    def test_on_its_way_and_lost(self):
        sent = ("a", "packet.sent", self.packet(link="l"))
        self.assertEqual(self.hops(sent), [(0, -1, "a", "", "")])
        lost = ("a", "packet.dropped", self.packet(link="l", cause="loss"))
        self.assertEqual(self.hops(sent, lost), [(0, 1, "a", "", "loss")])

    def test_dropped_where_it_arrived(self):
        self.assertEqual(
            self.hops(("a", "packet.sent", self.packet()),
                      ("b", "packet.dropped", self.packet(cause="backlog"))),
            [(0, 1, "a", "b", "backlog")])

    def test_lost_behind_a_node_that_is_not_recorded(self):
        self.assertEqual(
            self.hops(("a", "packet.sent", self.packet(link="l")),
                      ("r", "packet.dropped", self.packet(link="m", cause="queue"))),
            [(0, 1, "a", "r", ""), (1, 1, "r", "", "queue")])

    def test_the_beginning_is_not_recorded(self):
        self.assertEqual(self.hops(("b", "packet.received", self.packet(link="l"))),
                         [(0, 0, "", "b", "")])
        self.assertEqual(
            self.hops(("r", "packet.dropped", self.packet(link="l", cause="loss"))),
            [(0, 0, "r", "", "loss")])

    def test_a_copy_made_by_a_link(self):
        arrived = ("b", "packet.received", self.packet(link="l"))
        self.assertEqual(self.hops(("a", "packet.sent", self.packet(link="l")), arrived, arrived),
                         [(0, 1, "a", "b", ""), (0, 2, "a", "b", "")])

    def test_fragments_are_one_message(self):
        piece = self.packet(protocol="fragment", kind="other")
        del piece["spi"], piece["sequence"]
        taken, texts = self.take(("a", "packet.sent", piece), ("a", "packet.sent", piece),
                                 ("b", "packet.received", piece), ("b", "packet.received", piece),
                                 ("b", "packet.sent", self.packet()))
        self.assertEqual(len(taken.messages), 1)
        self.assertEqual((taken.messages.kind[0], taken.messages.mid[0]), (1, 9))
        self.assertEqual(texts[taken.messages.sa[0]], "0x00000001")
        self.assertEqual(list(taken.hops.b), [1, 1, -1])

    def test_verdicts_of_a_window_are_problems(self):
        for verdict, problem in (("fresh", 0), ("replayed", 16), ("old", 16), ("not_authentic", 4)):
            window = {"packet": 7, "spi": 1, "sequence": 9, "highest": 2**40, "window": 64,
                      "bitmap": "ff", "verdict": verdict}
            taken, texts = self.take(("a", "packet.sent", self.packet()),
                                     ("b", "packet.received", self.packet()),
                                     ("b", "esp.window", window))
            self.assertEqual(list(taken.problem), [problem])
            w = taken.windows
            self.assertEqual((texts[w.spi[0]], w.highest[0], texts[w.bitmap[0]],
                              texts[w.verdict[0]], w.msg[0]),
                             ("0x00000001", 2**40, "ff", verdict, 0))

    def test_timers_and_queues(self):
        timer = {"timer": "retransmit", "deadline_ns": 50, "request": "ike_auth", "message_id": 1,
                 "transmission": 2}
        taken, texts = self.take(
            ("a", "timer.armed", timer), ("a", "timer.fired", {"timer": "rekey", "deadline_ns": 9}),
            ("a", "timer.cancelled", timer), ("gw", "host.queue", {"backlog": 3, "busy_cores": 2,
                                                                   "peak": 8}))
        t, q = taken.timers, taken.queues
        self.assertEqual((list(t.fired), list(t.deadline), list(t.mid)),
                         ([0, 1, 2], [50, 9, 50], [1, -1, 1]))
        self.assertEqual([texts[i] for i in t.request], ["ike_auth", "", "ike_auth"])
        self.assertEqual((q.backlog[0], q.busy_cores[0], q.peak[0]), (3, 2, 8))

    def test_re_authentication_names_what_it_replaces(self):
        """RFC 7296 §2.8.3: the new IKE SA may come up before the old one is told of, or after."""
        states = [("old", "half_open"), ("old", "ike_up"), ("new", "half_open"), ("new", "ike_up")]
        for place in (2, 4):
            events = [(sa, {"state": state, "kind": "ike", "role": "initiator"})
                      for sa, state in states]
            events.insert(place, ("old", {"state": "ike_reauth", "kind": "ike", "successor": "new",
                                          "role": "initiator"}))
            taken = journal.Journal(packing.Strings())
            for at, (sa, data) in enumerate(events):
                taken.take({"t_ns": at, "node": "a", "name": "sa.state", "sa": sa, "data": data})
            self.assertEqual(list(taken.sas.predecessor), [-1, 0])
            self.assertEqual(list(taken.sas.to), [-1, -1])


class Packing(unittest.TestCase):
    def test_columns_come_back(self):
        values = [0, -1, 1, 63, 64, -64, -65, 127, 128, 2**31, -2**31, 2**53, -2**53, 5, 5, -1]
        table = island_reader.Table(packing.table({"t": values, "a": values[::-1]}, {"t"}))
        self.assertEqual((table.t, table.a), (values, values[::-1]))
        self.assertEqual(island_reader.Table(packing.table({"t": []}, set())).t, [])

    def test_columns_of_unequal_length_are_refused(self):
        with self.assertRaises(ValueError):
            packing.table({"t": [1], "a": []}, set())

    def test_what_could_end_a_script_is_escaped(self):
        text = packing.embedded(["</script><!-- & \u2028\u2029"])
        self.assertNotRegex(text, "[<>&\u2028\u2029]")
        self.assertEqual(json.loads(text), ["</script><!-- & \u2028\u2029"])


def without_numbers(node):
    """The island keeps a number as its value only."""
    out = {key: value for key, value in node.items() if key not in ("number", "children")
           and value != ""}
    if "children" in node:
        out["children"] = [without_numbers(child) for child in node["children"]]
    return out


def as_raw(node, above=""):
    out = {key: value for key, value in node.items()
           if key not in ("children", "text", "value", "meaning", "rfc")}
    out.update({key: node[key] for key in ("text", "value", "meaning") if node[key]})
    if node["rfc"] and node["rfc"] != above:
        out["rfc"] = node["rfc"]
    if node["children"]:
        out["children"] = [as_raw(child, node["rfc"]) for child in node["children"]]
    return out


if __name__ == "__main__":
    lab.main()
