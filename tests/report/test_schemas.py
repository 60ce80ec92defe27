#!/usr/bin/python3
"""docs/schema against what record/ writes, and against damaged copies of it.
usage: test_schemas.py SAMPLE_RUN"""

import copy
import csv
import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from decimal import Decimal
from pathlib import Path

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)

SAMPLE_RUN = sys.argv.pop(1)
SCHEMAS = Path("docs/schema")


def validator(name):
    schema = json.loads((SCHEMAS / name).read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


class SchemaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = Path(tempfile.mkdtemp(prefix="ikelab-schema-"))
        for words in ((), ("empty",), ("modelled", "partial")):
            subprocess.run([SAMPLE_RUN, cls.root / ("run" + "-".join(words)), *words], check=True)
        cls.result = json.loads((cls.root / "run/result.json").read_text())
        lines = (cls.root / "run/events.jsonl").read_text().splitlines()
        cls.events = [json.loads(line) for line in lines]
        cls.result_schema = validator("result.schema.json")
        cls.event_schema = validator("events.schema.json")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def test_results_are_valid(self):
        for run in sorted(self.root.iterdir()):
            self.result_schema.validate(json.loads((run / "result.json").read_text()))

    def test_key_order_is_stable(self):
        keys = list(self.result)
        self.assertEqual(keys[:5], ["schema_version", "scenario", "seed", "digest",
                                    "timeline_digest"])
        self.assertEqual(list(self.result["virtual"])[:4], ["duration_s", "ike", "esp", "net"])

    def test_two_runs_have_one_virtual(self):
        def virtual(run):
            text = (self.root / run / "result.json").read_text()
            return text[text.index('"virtual"'):text.index('"security"')]
        self.assertEqual(virtual("run"), virtual("runmodelled-partial"))

    def test_damaged_results_are_refused(self):
        def change(path, value):
            def apply(result):
                *way, last = path.split(".")
                for part in way:
                    result = result[int(part)] if isinstance(result, list) else result[part]
                if value is KeyError:
                    del result[last]
                else:
                    result[last] = value
            return apply
        cases = [(p, KeyError) for p in (
            "schema_version", "seed", "digest", "virtual", "virtual.ike", "virtual.ike.failed_by",
            "virtual.ike.setup_time_s.p99", "virtual.net.dropped.no_route", "virtual.recovery_s",
            "virtual.hosts.gw.cpu_busy_ratio", "thresholds.0.pass", "provenance.commit", "wall")]
        cases += [("schema_version", 2), ("digest", "xyz"), ("crypto", "none"), ("seed", -1),
                  ("partial", "no"), ("virtual.ike.started", -1), ("virtual.ike.started", 1.5),
                  ("virtual.ike.setup_time_s.p99", "0.1"), ("virtual.groups.homes.role", "cat"),
                  ("virtual.recovery_s", {}), ("thresholds", None), ("virtual.groups", [])]
        for path, value in cases:
            with self.subTest(path=path, value=value):
                broken = copy.deepcopy(self.result)
                change(path, value)(broken)
                self.assertFalse(self.result_schema.is_valid(broken))

    def test_events_are_valid(self):
        self.assertGreater(len(self.events), 30)
        for event in self.events:
            self.event_schema.validate(event)
        times = {event["name"] for event in self.events}
        self.assertEqual(times, {"packet.sent", "packet.received", "packet.dropped", "nat.mapped",
                                 "sa.state", "timer.armed", "esp.window", "host.queue"})

    def test_damaged_events_are_refused(self):
        by_name = {event["name"]: event for event in self.events}
        cases = [("packet.sent", "t_ns", -1), ("packet.sent", "name", "packet.snet"),
                 ("packet.sent", "frame", 0), ("packet.sent", "sa", "12"),
                 ("packet.sent", "extra", 1), ("packet.sent", "node", ""),
                 ("packet.sent", "data.length", 3), ("packet.sent", "data.source", "home"),
                 ("packet.sent", "data.kind", "tls"), ("packet.dropped", "data.cause", "bored"),
                 ("packet.dropped", "data.cause", None), ("packet.sent", "data.extra", 1),
                 ("sa.state", "data.state", "up"), ("nat.mapped", "data.inside", None),
                 ("nat.mapped", "data.expires_ns", None), ("timer.armed", "data.timer", "egg"),
                 ("timer.armed", "data.deadline_ns", None), ("timer.armed", "sa", "0x12"),
                 ("esp.window", "data.verdict", "stale"), ("esp.window", "data.bitmap", "0x7f"),
                 ("esp.window", "data.sequence", None), ("host.queue", "data.backlog", -1)]
        for name, path, value in cases:
            with self.subTest(name=name, path=path):
                broken = copy.deepcopy(by_name[name])
                at = broken["data"] if path.startswith("data.") else broken
                key = path.split(".")[-1]
                if value is None:
                    del at[key]
                else:
                    at[key] = value
                self.assertFalse(self.event_schema.is_valid(broken))

    def test_frames_name_packets_of_the_capture(self):
        frames = [event["frame"] for event in self.events if "frame" in event]
        self.assertEqual(sorted(frames), list(range(1, self.result["capture"]["frames"] + 1)))

    def test_histograms_agree_with_result(self):
        histograms = json.loads((self.root / "run/histograms.json").read_text())["histograms"]
        setup = histograms["ike.setup_time_s"]
        self.assertEqual(sum(bucket[2] for bucket in setup["buckets"]), setup["count"])
        rank, seen = -(-setup["count"] * 99 // 100), 0
        for _, high, count in setup["buckets"]:
            seen += count
            if seen >= rank:
                break
        shown = json.loads((self.root / "run/result.json").read_text(), parse_float=Decimal)
        self.assertEqual(Decimal(min(high, setup["max"])) / 10**9,
                         shown["virtual"]["ike"]["setup_time_s"]["p99"])

    def test_series_add_up_to_result(self):
        with (self.root / "run/series.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(list(rows[0]), ["time_s", "scope", "metric", "unit", "value"])
        for metric, path in (("handshakes_completed", "completed"), ("handshakes_failed", "failed"),
                             ("retransmissions", "retransmissions")):
            total = sum(int(row["value"]) for row in rows if row["metric"] == metric)
            self.assertEqual(total, self.result["virtual"]["ike"][path])
        self.assertEqual(sum(int(r["value"]) for r in rows if r["metric"] == "dropped.loss"),
                         self.result["virtual"]["net"]["dropped"]["loss"])


if __name__ == "__main__":
    unittest.main()
