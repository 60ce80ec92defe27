#!/usr/bin/python3
"""The report: its numbers are those of result.json, it is one offline file, and it says what a
reader must know. usage: test_report.py SAMPLE_RUN"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

SAMPLE_RUN = sys.argv.pop(1)
REPORT = Path("reports/report.py").resolve()
IKELAB = Path(SAMPLE_RUN).resolve().parents[2] / "ikelab"
VOID = {"meta", "br", "rect", "line", "circle", "path", "polygon", "img", "input", "link", "hr"}


class Page(HTMLParser):
    """Numbers by metric, text, tags and balance."""

    def __init__(self, text):
        super().__init__()
        self.metrics, self.thresholds, self.stack, self.tags, self.attributes = [], {}, [], [], []
        self.open_data, self.words = None, []
        self.feed(text)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        values = dict(attrs)
        if tag == "data":
            self.open_data = (values, [])
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert tag in VOID or self.stack.pop() == tag, f"</{tag}> closes something else"
        if tag == "data":
            values, words = self.open_data
            if "data-metric" in values:
                self.metrics.append((values["data-metric"], values["value"], "".join(words)))
            if "data-threshold-value" in values:
                self.thresholds[int(values["data-threshold-value"])] = values["value"]
            self.open_data = None

    def handle_data(self, data):
        self.words.append(data)
        if self.open_data:
            self.open_data[1].append(data)


def number(text):
    """The shown text as a number of base units, and half of its last digit."""
    match = re.fullmatch(r"([\d\u202f]+)(?:\.(\d+))?(?: (\S+))?", text)
    assert match, text
    factor = {None: 1, "s": 1, "ms": "1e-3", "µs": "1e-6", "ns": "1e-9", "%": "1e-2", "/s": 1,
              "bit/s": 1, "kbit/s": 1000, "Mbit/s": 10**6, "Gbit/s": 10**9, "B": 1, "KiB": 2**10,
              "MiB": 2**20, "GiB": 2**30}[match.group(3)]
    digits = match.group(1).replace("\u202f", "") + "." + (match.group(2) or "0")
    return Decimal(digits) * Decimal(factor), Decimal(factor)


def look(tree, path):
    for part in path.split("."):
        tree = tree[int(part)] if isinstance(tree, list) else tree[part]
    return tree


class ReportTest(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="ikelab-report-"))
        self.addCleanup(shutil.rmtree, self.root)

    def sample(self, *words):
        folder = self.root / ("run" + "-".join(words))
        subprocess.run([SAMPLE_RUN, folder, *words], check=True)
        return folder

    def report(self, folder, expect=0):
        done = subprocess.run([REPORT, folder, "--ikelab", IKELAB], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    def page(self, *words):
        folder = self.sample(*words)
        self.report(folder)
        text = (folder / "report.html").read_text(encoding="utf-8")
        result = json.loads((folder / "result.json").read_text(), parse_float=Decimal)
        return text, Page(text), result

    def check_numbers(self, page, result, least):
        self.assertGreater(len(page.metrics), least)
        for path, value, shown in page.metrics:
            want = look(result["virtual"], path)
            if want is None:
                self.assertEqual((value, shown), ("null", "–"), path)
                continue
            self.assertEqual(Decimal(value), Decimal(want), path)
            got, unit = number(shown)
            self.assertLessEqual(abs(got - Decimal(want)),
                                 max(unit / 2, abs(Decimal(want)) / 200), f"{path}: {shown}")

    def test_numbers_equal_result_json(self):
        _, page, result = self.page()
        self.check_numbers(page, result, 80)
        shown = {path for path, _, _ in page.metrics}
        for path in ("ike.setup_time_s.p99", "ike.completed", "esp.delivered_ratio",
                     "esp.throughput_bps", "net.dropped.loss", "hosts.gw.cpu_busy_ratio",
                     "groups.boxes.nat.mappings_peak", "ike.retransmissions", "recovery_s.0.t99"):
            self.assertIn(path, shown)
        for index, row in enumerate(result["thresholds"]):
            self.assertEqual(Decimal(page.thresholds[index]), Decimal(row["value"]))

    def test_a_changed_number_is_noticed(self):
        _, page, result = self.page()
        result["virtual"]["ike"]["completed"] += 1
        with self.assertRaises(AssertionError):
            self.check_numbers(page, result, 80)

    def test_one_offline_file(self):
        text, page, _ = self.page()
        self.assertEqual(page.stack, [])
        scripts = re.findall(r"<script([^>]*)>", text)
        self.assertEqual(scripts, [' type="application/json" id="island"', ""])
        self.assertIn("default-src 'none'", text)
        self.assertNotIn("link", page.tags)
        for name, value in page.attributes:
            if name in ("src", "href", "xlink:href", "action", "poster", "data"):
                self.assertTrue(value.startswith("#"), f"{name}={value}")
            self.assertFalse(name.startswith("on"), name)
        without_names = re.sub(r'xmlns(:\w+)?="[^"]*"|"http://www.w3.org/[^"]*"', "", text)
        self.assertNotRegex(without_names, r"https?://|@import|url\(")
        self.assertLess(len(text), 2 * 2**20)

    def test_charts_and_sequence_are_there(self):
        text, page, _ = self.page()
        self.assertEqual(text.count('class="chart"'), 10)
        self.assertEqual(text.count('class="sequence"'), 1)
        words = "".join(page.words)
        for needed in ("homes[0]", "boxes[0]", "isp", "NAT box", "IKE_SA_INIT request 0",
                       "resent 1", "IKE_AUTH response 1", "100.64.0.1:1025", "192.168.0.2:4500",
                       "dropped: loss"):
            self.assertIn(needed, words)
        places = [text.index(f'class="name"', text.index(">" + n + "<") - 90)
                  for n in ("homes[0]", "boxes[0]", "isp", "gw")]
        self.assertEqual(places, sorted(places))

    def test_says_modelled_partial_and_cut(self):
        text, _, _ = self.page()
        self.assertNotIn("NOT SECURE", text)
        self.assertNotIn("Partial result", text)
        text, page, _ = self.page("modelled", "partial")
        self.assertIn("NOT SECURE", text)
        self.assertIn("Partial result", text)
        self.assertIn("PARTIAL", "".join(page.words))

    def test_a_run_without_anything(self):
        text, page, result = self.page("empty")
        self.check_numbers(page, result, 60)
        self.assertIn("no handshake began", text)
        self.assertIn("nothing to show", text)

    def edit(self, folder, change):
        path = folder / "result.json"
        result = json.loads(path.read_text())
        change(result)
        path.write_text(json.dumps(result))

    def test_names_are_escaped(self):
        folder = self.sample()
        nasty = "<script>alert(1)</script>"
        self.edit(folder, lambda r: r["scenario"].update(name=nasty))
        self.edit(folder, lambda r: r.update(violation=nasty))
        events = folder / "events.jsonl"
        events.write_text(events.read_text().replace("homes[0]", "<img src=x>"))
        self.report(folder)
        text = (folder / "report.html").read_text()
        self.assertEqual(text.count("<script"), 2)
        self.assertNotIn("<script>alert", text)
        self.assertNotIn("<img src=x", text)
        self.assertIn("\\u003cimg src=x\\u003e", text)
        self.assertIn("INVARIANT VIOLATED", text)

    def keep_lines(self, path, count):
        path.write_bytes(b"".join(path.read_bytes().splitlines(True)[:count]))

    def append(self, path, data):
        path.write_bytes(path.read_bytes() + data)

    def garble(self, path):
        """The length of its second block."""
        data = path.read_bytes()
        at = int.from_bytes(data[4:8], "little") + 4
        path.write_bytes(data[:at] + b"\xff" * 4 + data[at + 4:])

    def test_refuses_what_is_not_a_whole_run(self):
        cases = {
            "nothing": lambda f: shutil.rmtree(f),
            "no result": lambda f: (f / "result.json").unlink(),
            "no events": lambda f: (f / "events.jsonl").unlink(),
            "no series": lambda f: (f / "series.csv").unlink(),
            "cut result": lambda f: os.truncate(f / "result.json", 700),
            "empty result": lambda f: os.truncate(f / "result.json", 0),
            "a list": lambda f: (f / "result.json").write_text("[1, 2]"),
            "binary": lambda f: (f / "result.json").write_bytes(b"\xff\xfe\x00"),
            "broken event": lambda f: (f / "events.jsonl").write_text('{"t_ns": 1\n'),
            "events cut in a line": lambda f: os.truncate(
                f / "events.jsonl", (f / "events.jsonl").stat().st_size - 20),
            "events cut behind a line": lambda f: self.keep_lines(f / "events.jsonl", 9),
            "garbage in events": lambda f: self.append(f / "events.jsonl", b"\xff\xfe{}\n"),
            "an event of another shape": lambda f: self.append(f / "events.jsonl", b"[1, 2]\n"),
            "an event without its fields": lambda f: self.append(
                f / "events.jsonl", b'{"t_ns":1,"node":"gw","name":"packet.sent","data":{}}\n'),
            "a number too large": lambda f: self.append(
                f / "events.jsonl", b'{"t_ns":%d,"node":"gw","name":"timer.armed","data":'
                b'{"timer":"x","deadline_ns":1}}\n' % 10**30),
            "no capture": lambda f: (f / "capture.pcapng").unlink(),
            "cut capture": lambda f: os.truncate(
                f / "capture.pcapng", (f / "capture.pcapng").stat().st_size - 50),
            "garbled capture": lambda f: self.garble(f / "capture.pcapng"),
            "no keys": lambda f: (f / "keys.jsonl").unlink(),
            "cut keys": lambda f: os.truncate(
                f / "keys.jsonl", (f / "keys.jsonl").stat().st_size - 20),
            "garbage in keys": lambda f: self.append(f / "keys.jsonl", b"{}\n"),
            "other version": lambda f: self.edit(f, lambda r: r.update(schema_version=2)),
            "no version": lambda f: self.edit(f, lambda r: r.pop("schema_version")),
            "no virtual": lambda f: self.edit(f, lambda r: r.pop("virtual")),
            "no ike": lambda f: self.edit(f, lambda r: r["virtual"].pop("ike")),
        }
        for name, damage in cases.items():
            with self.subTest(name):
                folder = self.sample()
                damage(folder)
                done = self.report(folder, expect=1)
                self.assertIn("try: ", done.stderr)
                self.assertNotIn("Traceback", done.stderr)
                self.assertFalse((folder / "report.html").exists())
                shutil.rmtree(folder, ignore_errors=True)

    def test_same_folder_same_bytes(self):
        folder = self.sample()
        self.report(folder)
        first = (folder / "report.html").read_bytes()
        self.report(folder)
        self.assertEqual(first, (folder / "report.html").read_bytes())

    def test_usage(self):
        self.assertEqual(subprocess.run([REPORT], capture_output=True, check=False).returncode, 2)


if __name__ == "__main__":
    if not shutil.which("gnuplot"):
        print("skipped: gnuplot is not installed")
        sys.exit(77)
    unittest.main()
