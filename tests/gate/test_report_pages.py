#!/usr/bin/python3
"""`ikelab report`: the pages show the numbers of the files, are one offline file each, and say what
a reader must know. usage: test_report_pages.py IKELAB"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent))

import measured  # noqa: E402

IKELAB = Path(sys.argv.pop(1)).resolve()
COMPARE = Path("reports/compare.py").resolve()
VOID = {"meta", "br", "rect", "line", "circle", "path", "polygon", "img", "input", "link", "hr"}
SLOW = "esp/aes256gcm16/encrypt/1400/sas-1"


class Page(HTMLParser):
    """Numbers by row and field, words, tags and their balance."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.stack, self.tags, self.attributes = {}, [], [], []
        self.row, self.open_data, self.words = None, None, []
        self.feed(text)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        values = dict(attrs)
        if tag == "tr":
            self.row = values.get("data-row")
        if tag == "data":
            self.open_data = (values, [])
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert tag in VOID or self.stack.pop() == tag, f"</{tag}> closes something else"
        if tag == "data":
            values, words = self.open_data
            self.rows.setdefault(self.row, {})[values["data-field"]] = (float(values["value"]),
                                                                        "".join(words))
            self.open_data = None

    def handle_data(self, data):
        self.words.append(data)
        if self.open_data:
            self.open_data[1].append(data)


def number(text):
    """What a cell says, in base units, and half of its last digit."""
    match = re.fullmatch(r"([\d\u202f]+)(?:\.(\d+))? (\S+)", text)
    assert match, text
    factor = {"s": 1, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9, "/s": 1, "bit/s": 1, "kbit/s": 1e3,
              "Mbit/s": 1e6, "Gbit/s": 1e9, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30,
              "cycles": 1}[match[3]]
    value = float(match[1].replace("\u202f", "") + "." + (match[2] or "0"))
    return value * factor, 0.51 * factor * 10 ** -len(match[2] or "")


class PageTest(unittest.TestCase):
    BASE = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "Gbit/s": 1e9}

    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="ikelab-page-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.base = measured.write(self.root / "base.json", measured.bench())
        self.now = measured.write(self.root / "now.json", measured.bench(1.06, 2))

    def ikelab(self, *words, expect=0):
        done = subprocess.run([IKELAB, *map(str, words)], capture_output=True, text=True,
                              cwd=self.root, check=False)
        self.assertEqual(done.returncode, expect, done.stderr + done.stdout)
        return done

    def page(self, *inputs):
        self.ikelab("report", *inputs, "-o", "page.html", "--force")
        text = (self.root / "page.html").read_text(encoding="utf-8")
        return text, Page(text)

    def drawn(self, content, expect=0):
        """The page of JSON as `ikelab report` hands it over."""
        done = subprocess.run([COMPARE, "-"], input=json.dumps(content), capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done.stdout if expect == 0 else done.stderr

    def handed_over(self, **changes):
        base, now = measured.bench(), measured.bench(1.06, 2)
        row = {"name": SLOW, "base_median": base["benchmarks"][0]["median"],
               "new_median": now["benchmarks"][0]["median"], "change": 1.0601, "low": 1.0452,
               "high": 1.0777, "p_holm": 0.0001234, "beside_bound": True, "machine": 1.0123,
               "instructions_change": 1.06, "verdict": "slower", "instructions_verdict": "slower",
               "why": "", **changes}
        comparison = {"effect": 0.02, "rows": [row], "virtual": "none", "virtual_where": "",
                      "only_base": [], "only_new": []}
        return {"base": {**base, "source": "base.json"}, "now": {**now, "source": "now.json"},
                "comparison": comparison}

    def test_a_row_that_gives_no_ratio_is_drawn_too(self):
        page = self.drawn(self.handed_over(change=None, low=None, high=None, p_holm=None,
                                           machine=None, instructions_change=None,
                                           verdict="cannot tell", why="measure it again"))
        self.assertIn("measure it again", page)

    def test_a_sample_of_zero_is_no_crash(self):
        for better in "lower", "higher":
            content = self.handed_over(verdict="cannot tell", why="measure it again")
            for side in "base", "now":
                content[side]["benchmarks"][0].update(samples=[0.0], better=better)
            self.assertIn("measure it again", self.drawn(content))
            self.assertIn(SLOW, self.drawn({**content, "base": None, "comparison": None}))

    def test_more_instructions_of_our_own_code_are_no_pass(self):
        base, new = measured.bench(), measured.bench()
        for content, own in (base, 100.0), (new, 103.0):
            content["benchmarks"][0]["instructions_own"] = own
        text, page = self.page(*(measured.write(self.root / f"{n}.json", c)
                                 for n, c in (("a", base), ("b", new))))
        self.assertIn("WITH MORE INSTRUCTIONS", text)
        self.assertNotIn("NO CHANGE", text)
        self.assertEqual(page.rows[SLOW]["instructions_own_change"][1], "+3.0 %")

    def test_rows_that_are_not_drawn_are_told(self):
        many = measured.bench()
        many["benchmarks"] = [measured.row(f"many/{i}", "ns", "lower", 100.0, 0.01, None, 2)
                              for i in range(130)]
        text, _ = self.page(measured.write(self.root / "many.json", many))
        self.assertIn("The last 10 rows are in the table only", text)

    def test_a_device_is_not_replaced(self):
        pipe = self.root / "pipe"
        os.mkfifo(pipe)
        with open(os.open(pipe, os.O_RDWR | os.O_NONBLOCK), "rb") as end:
            fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 1 << 20)
            self.ikelab("report", self.base, "-o", pipe, "--force")
            self.assertIn(b"<html", end.read(1 << 20))
        self.assertTrue(pipe.is_fifo())

    def check_cell(self, cell, want, unit):
        exact, said = cell
        self.assertLessEqual(abs(exact - want), 1e-9 * abs(want))
        value, half = number(said)
        self.assertLessEqual(abs(value - want * self.BASE.get(unit, 1)), half, said)

    def test_medians_are_those_of_the_files(self):
        _, page = self.page(self.base, self.now)
        before, after = measured.bench()["benchmarks"], measured.bench(1.06, 2)["benchmarks"]
        self.assertEqual(set(page.rows), {e["name"] for e in before})
        for old, new in zip(before, after):
            cells = page.rows[old["name"]]
            self.check_cell(cells["base_median"], old["median"], old["unit"])
            self.check_cell(cells["new_median"], new["median"], new["unit"])
            if new["ratio"]:
                self.assertAlmostEqual(cells["ratio"][0], new["ratio"], places=9)
                self.assertEqual(cells["ratio"][1], f"{100 * new['ratio']:.1f} %")

    def test_evidence_is_what_was_handed_over(self):
        content = self.handed_over()
        cells = Page(self.drawn(content)).rows[SLOW]
        for field in ("change", "low", "high", "machine", "instructions_change", "p_holm"):
            self.assertEqual(cells[field][0], content["comparison"]["rows"][0][field])
        self.assertEqual(cells["change"][1], "+6.0 %")
        self.assertEqual(cells["low"][1], "+4.5 %")
        self.assertEqual(cells["p_holm"][1], "0.00012")

    def test_one_file(self):
        text, page = self.page(self.now)
        for entry in measured.bench(1.06, 2)["benchmarks"]:
            cells = page.rows[entry["name"]]
            self.check_cell(cells["new_median"], median(entry["samples"]), entry["unit"])
            self.check_cell(cells["smallest"], min(entry["samples"]), entry["unit"])
            self.check_cell(cells["largest"], max(entry["samples"]), entry["unit"])
        self.assertIn("9 BENCHMARKS", text)
        self.assertNotIn("SLOWER", text)

    def test_one_offline_file(self):
        for inputs in ((self.base, self.now), (self.now,)):
            text, page = self.page(*inputs)
            self.assertEqual(page.stack, [])
            self.assertFalse({"script", "link", "img", "iframe"} & set(page.tags))
            for name, value in page.attributes:
                if name in ("src", "href", "xlink:href", "action", "poster", "data"):
                    self.assertTrue(value.startswith("#"), f"{name}={value}")
                self.assertFalse(name.startswith("on"), name)
            self.assertNotRegex(text, r"https?://|@import|url\(")

    def test_every_sample_is_drawn(self):
        text, _ = self.page(self.base, self.now)
        count = sum(len(e["samples"]) for e in measured.bench()["benchmarks"])
        self.assertEqual(text.count('class="sample base"'), count)
        self.assertEqual(text.count('class="sample now"'), count)
        self.assertEqual(len(re.findall(r'class="mark [a-z-]+"', text)), 9)
        self.assertEqual(text.count('class="mark slower"'), 1)

    def test_the_worst_verdict_is_on_top(self):
        text, _ = self.page(self.base, self.now)
        self.assertIn("✗ 1 OF 9 SLOWER", text)
        text, _ = self.page(self.base, self.base)
        self.assertIn("✓ NO CHANGE", text)
        same = {"instructions_verdict": "no change"}
        self.assertIn("◐ CANNOT TELL 1 OF 1", self.drawn(self.handed_over(
            verdict="cannot tell", why="the samples spread too far", **same)))
        self.assertIn("the samples spread too far", self.drawn(self.handed_over(
            verdict="cannot tell", why="the samples spread too far")))
        self.assertIn("1 OF 1 FASTER", self.drawn(self.handed_over(verdict="faster", change=0.9,
                                                                  **same)))
        content = self.handed_over(verdict="no change")
        content["comparison"].update(virtual="differs", virtual_where="ike.completed: 10 and 11")
        self.assertIn("RESULTS DIFFER", self.drawn(content))
        self.assertIn("ike.completed: 10 and 11", self.drawn(content))

    def test_too_few_samples_have_no_interval(self):
        text = self.drawn(self.handed_over(verdict="cannot tell", low=None, high=None, p=None,
                                           why="two samples"))
        self.assertNotIn('class="interval', text)
        self.assertNotIn("low", Page(text).rows[SLOW])

    def test_doubts_are_said(self):
        content = self.handed_over()
        content["base"]["context"]["warnings"] = ["load 3.1 on 2 cores"]
        content["now"]["context"].update(cpu="Other CPU", partial=True)
        content["comparison"]["only_base"] = ["gone/row"]
        text = self.drawn(content)
        for needed in ("<b>base</b><br>load 3.1 on 2 cores", "<b>now</b><br>it ended early",
                       "different machines",
                       "Only in base", "gone/row"):
            self.assertIn(needed, text)

    def test_names_are_escaped(self):
        odd = measured.odd()
        odd["benchmarks"][0]["name"] = "<script>alert(1)</script>/\"x\""
        odd["context"]["cpu"] = "<img src=x>"
        text, page = self.page(measured.write(self.root / "odd.json", odd))
        self.assertNotIn("<script", text)
        self.assertNotIn("<img", text)
        self.assertIn("<script>alert(1)</script>/\"x\"", page.rows)

    def test_a_giant_does_not_flatten_the_rest(self):
        content = self.handed_over()
        small = dict(content["comparison"]["rows"][0], verdict="no change", change=1.01, low=1.0,
                     high=1.02)
        content["comparison"]["rows"][0].update(change=40.0, low=38.0, high=41.0)
        for name in [e["name"] for e in content["now"]["benchmarks"]][1:]:
            content["comparison"]["rows"].append(dict(small, name=name, beside_bound=False))
        text = self.drawn(content)
        places = [float(x) for x in re.findall(r'class="mark no-change"[^>]*translate\((\S+)', text)]
        zero = float(re.search(r'class="zero" x1="(\S+)"', text)[1])
        self.assertGreater(min(places) - zero, 5)
        self.assertIn("+3900.0 %", text)

    def test_a_page_is_not_overwritten(self):
        self.ikelab("report", self.base, self.now)
        self.assertTrue((self.root / "compare.html").is_file())
        done = self.ikelab("report", self.base, self.now, expect=2)
        self.assertIn("--force", done.stderr)
        self.ikelab("report", self.base, self.now, "--force")
        done = self.ikelab("report", self.base, "-o", "-")
        self.assertTrue(done.stdout.startswith("<!doctype html>"))
        self.assertEqual([p.name for p in self.root.iterdir() if "partial" in p.name], [])

    def test_a_run_folder_has_its_own_report(self):
        scenario = Path("scenarios/road-warriors.yaml").resolve()
        self.ikelab("run", scenario, "-q", "-o", "run", "--no-report", "--set", "crypto=modelled",
                    "--set", "nodes.homes.count=20", "--set", "stop_time=20s", "--set", "traffic={}",
                    "--set", "capture=none", "--set", "thresholds={}", "--set", "events=[]")
        self.assertFalse((self.root / "run" / "report.html").exists())
        done = self.ikelab("report", "run")
        self.assertIn("report.html", done.stdout)
        self.assertIn("<title>", (self.root / "run" / "report.html").read_text())
        self.ikelab("report", "run", "run", "-o", "twice.html")
        self.assertIn("wall/run_s", (self.root / "twice.html").read_text())

    def test_wrong_use(self):
        for words, hint in (((), "try:"), (("a", "b", "c"), "one or two"),
                            ((self.base, "nothing.json"), "try:"),
                            ((COMPARE,), "try:"),
                            ((self.base, "-o", "-", "--export", "csv=-"), "asked for twice")):
            done = subprocess.run([IKELAB, "report", *map(str, words)], capture_output=True,
                                  text=True, cwd=self.root, check=False)
            self.assertIn(done.returncode, (1, 2))
            self.assertIn(hint, done.stderr)
        other = measured.bench()
        other["context"]["cpu"] = "Other CPU"
        path = measured.write(self.root / "other.json", other)
        done = self.ikelab("report", self.base, path, expect=2)
        self.assertIn("--mixed", done.stderr)
        self.ikelab("report", self.base, path, "--mixed")

    def test_what_is_handed_over_wrong_is_refused(self):
        content = self.handed_over()
        content["comparison"]["rows"][0].pop("verdict")
        self.assertIn("KeyError", self.drawn(content, 1))
        done = subprocess.run([COMPARE, "-"], input="{", capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    unittest.main()
