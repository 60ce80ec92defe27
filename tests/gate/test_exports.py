#!/usr/bin/python3
"""Every export, read back by the reader it is made for, or by its schema where Debian has no such
reader: the numbers are those of the bench file. usage: test_exports.py IKELAB"""

import csv
import html
import importlib.util
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent))

import measured  # noqa: E402

IKELAB = Path(sys.argv.pop(1)).resolve()
HERE = Path(__file__).resolve().parent
COMPARE_PY = Path("/usr/share/benchmark/compare.py")
NS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
SECONDS = {unit: factor / 1e9 for unit, factor in NS.items()}
BITS = {"bit/s": 1, "Gbit/s": 1e9}
MARKDOWN = {**NS, "1/s": 1, "cycles": 1, "bit/s": 1, "Mbit/s": 1e6, "Gbit/s": 1e9, "B": 1,
            "KiB": 1024, "MiB": 1048576}
NEEDED = {"python3-cmarkgfm": "cmarkgfm", "python3-jsonschema": "jsonschema",
          "python3-junitparser": "junitparser", "python3-prometheus-client": "prometheus_client",
          "python3-scipy": "scipy"}


def missing():
    """Debian packages of readers that are not here."""
    out = [package for package, module in NEEDED.items() if not importlib.util.find_spec(module)]
    if not COMPARE_PY.is_file():
        out.append("libbenchmark-tools")
    if not shutil.which("benchcmp"):
        out.append("golang-golang-x-tools")
    return out


def shown(cell):
    """'544.2 ns' in base units, and half of its last digit."""
    number, unit = cell.split(" ", 1)
    digits = number.split(".")[1] if "." in number else ""
    return float(number) * MARKDOWN[unit], 0.51 * MARKDOWN[unit] * 10 ** -len(digits)


class GoFile:
    """The Go benchmark data format: key lines, unit lines, and lines of a name beginning with
    Benchmark and a capital, an iteration count, and pairs of value and unit."""

    def __init__(self, text):
        self.keys, self.units, self.samples = {}, {}, {}
        for line in text.splitlines():
            key = re.match(r"([a-z][^\sA-Z:]*):[ \t]+(.*)", line)
            if line.startswith("Benchmark"):
                self.result(line.split())
            elif line.startswith("Unit "):
                _, unit, *pairs = line.split()
                assert unit not in self.units, f"unit {unit} twice"
                self.units[unit] = dict(pair.split("=") for pair in pairs)
            elif key:
                self.keys[key[1]] = key[2]
            else:
                raise ValueError(f"a reader would ignore: {line}")

    def result(self, fields):
        name = fields[0][len("Benchmark"):]
        assert name[0].isupper(), name
        assert int(fields[1]) > 0
        assert len(fields) >= 4 and len(fields) % 2 == 0, fields
        values = {fields[i + 1]: float(fields[i]) for i in range(2, len(fields), 2)}
        self.samples.setdefault(name, []).append(values)


class ExportTest(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="ikelab-export-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.bench = measured.bench()
        self.base = measured.write(self.root / "base.json", self.bench)

    def ikelab(self, *words, expect=0):
        done = subprocess.run([IKELAB, *map(str, words)], capture_output=True, text=True,
                              cwd=self.root, check=False)
        self.assertEqual(done.returncode, expect, done.stderr + done.stdout)
        return done

    def export(self, name, *inputs):
        self.ikelab("report", *(inputs or [self.base]), "--export", f"{name}={self.root / name}")
        return (self.root / name).read_text(encoding="utf-8")

    def slower(self):
        return measured.write(self.root / "slower.json", measured.bench(1.06, 2))

    def near(self, got, want):
        self.assertLessEqual(abs(got - want), 1e-12 * abs(want), f"{got} is not {want}")

    def schema(self, name):
        import jsonschema
        schema = json.loads((HERE / f"{name}.schema.json").read_text())
        jsonschema.Draft7Validator.check_schema(schema)
        return jsonschema.Draft7Validator(schema)

    def refused(self, validator, content, change):
        content = json.loads(json.dumps(content))
        change(content)
        self.assertFalse(validator.is_valid(content), content)

    # gbench

    def test_gbench_holds_all_repetitions(self):
        rows = json.loads(self.export("gbench"))["benchmarks"]
        for entry in self.bench["benchmarks"]:
            mine = [r for r in rows if r["name"] == entry["name"]]
            if entry["unit"] in ("B", "cycles"):
                self.assertEqual(mine, [])
                continue
            self.assertEqual(len(mine), len(entry["samples"]))
            for index, (row, sample) in enumerate(zip(mine, entry["samples"])):
                self.assertEqual(row["repetition_index"], index)
                if entry["unit"] in NS:
                    self.near(row["real_time"], sample * NS[entry["unit"]])
                elif entry["unit"] == "1/s":
                    self.near(row["items_per_second"], sample)
                    self.near(row["real_time"], 1e9 / sample)
                else:
                    self.near(row["bytes_per_second"], sample * BITS[entry["unit"]] / 8)

    def test_gbench_in_compare_py(self):
        self.export("gbench")
        (self.root / "gbench").rename(self.root / "old.json")
        self.export("gbench", self.slower())
        done = subprocess.run(
            ["/usr/bin/python3", COMPARE_PY, "--no-color", "-d", "out.json", "benchmarks",
             "old.json", "gbench"], capture_output=True, text=True, check=False, cwd=self.root)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("esp/aes256gcm16/encrypt/1400/sas-1_pvalue", done.stdout)
        self.assertIn("U Test, Repetitions: 10 vs 10", done.stdout)
        self.assertNotIn("WARNING", done.stdout)
        report = {row["name"]: row for row in json.loads((self.root / "out.json").read_text())}
        now = measured.bench(1.06, 2)["benchmarks"]
        for before, after in zip(self.bench["benchmarks"], now):
            if before["unit"] not in NS:
                continue
            pairs = report[before["name"]]["measurements"]
            self.near(median(p["real_time"] for p in pairs), before["median"] * NS[before["unit"]])
            self.near(median(p["real_time_other"] for p in pairs),
                      after["median"] * NS[after["unit"]])
        self.assertLess(report["esp/aes256gcm16/encrypt/1400/sas-1"]["utest"]["time_pvalue"], 0.01)
        self.assertIn("OVERALL_GEOMEAN", report)

    def test_gbench_schema_and_traps(self):
        content, schema = json.loads(self.export("gbench")), self.schema("gbench")
        schema.validate(content)
        row = content["benchmarks"][0]
        self.refused(schema, content, lambda c: c["context"].update(caches={}))
        self.refused(schema, content, lambda c: c["context"].pop("caches"))
        self.refused(schema, content, lambda c: c["benchmarks"][0].update(time_unit="min"))
        self.refused(schema, content, lambda c: c["benchmarks"].append(
            {**row, "run_type": "aggregate", "aggregate_name": "cv"}))
        self.refused(schema, content, lambda c: c["benchmarks"][0].pop("cpu_time"))

    def test_gbench_says_what_it_leaves_out(self):
        done = self.ikelab("report", self.base, "--export", "gbench=x")
        self.assertIn("gbench leaves out: wall/peak_rss, table/lookup", done.stderr)

    # github-action-benchmark, Bencher

    def test_gab(self):
        schema = self.schema("gab")
        for name, better in (("gab-smaller", "lower"), ("gab-bigger", "higher")):
            content = json.loads(self.export(name))
            schema.validate(content)
            want = [e for e in self.bench["benchmarks"] if e["better"] == better]
            self.assertEqual([e["name"] for e in content], [e["name"] for e in want])
            for got, entry in zip(content, want):
                self.near(got["value"], entry["median"])
                self.assertEqual(got["unit"], entry["unit"])
                self.assertIn("10 samples", got["extra"])
        self.refused(schema, content, lambda c: c[0].update(range=3.1))
        self.refused(schema, content, lambda c: c[0].update(extra={"seed": 1}))
        self.refused(schema, content, lambda c: c[0].update(value="9.3"))
        self.refused(schema, content, lambda c: c[0].pop("unit"))
        self.refused(schema, content, lambda c: c.clear())

    def test_gab_without_a_row_is_refused(self):
        times = measured.bench()
        times["benchmarks"] = times["benchmarks"][:3]
        path = measured.write(self.root / "times.json", times)
        done = self.ikelab("report", path, "--export", "gab-bigger=x.json", expect=2)
        self.assertIn("no row", done.stderr)
        self.assertFalse((self.root / "x.json").exists())

    def test_bmf(self):
        content, schema = json.loads(self.export("bmf")), self.schema("bmf")
        schema.validate(content)
        self.assertEqual(list(content), [e["name"] for e in self.bench["benchmarks"]])
        measures = {"1/s": "throughput", "bit/s": "bits-per-second", "Gbit/s": "bits-per-second",
                    "B": "bytes", "cycles": "cycles"}
        for entry in self.bench["benchmarks"]:
            got = content[entry["name"]][measures.get(entry["unit"], "latency")]
            factor = {**NS, **BITS}.get(entry["unit"], 1)
            self.near(got["value"], entry["median"] * factor)
            # Ten samples: the second and the ninth enclose the median with 97.9 %.
            ordered = sorted(entry["samples"])
            self.near(got["lower_value"], ordered[1] * factor)
            self.near(got["upper_value"], ordered[8] * factor)
        self.assertEqual(content["esp/aes256gcm16/encrypt/1400/sas-1"]["instructions"],
                         {"value": 2210})
        row = content["wall/run_s"]
        self.refused(schema, content, lambda c: c.update(x={"latency": {"value": "1"}}))
        self.refused(schema, content, lambda c: c.update(x={"latency": {"lower_value": 1}}))
        self.refused(schema, content, lambda c: c.update(x={"ns/op": {"value": 1}}))
        self.refused(schema, content, lambda c: c.update(x={"a" * 65: {"value": 1}}))
        self.refused(schema, content, lambda c: c.update({"x-bencher-ignore": row}))
        self.refused(schema, content, lambda c: c.update({"n" * 1025: row}))
        self.refused(schema, content, lambda c: c.update(x=[row]))

    def test_one_sample_has_no_interval(self):
        path = measured.write(self.root / "one.json", measured.bench(count=1))
        content = json.loads(self.export("bmf", path))
        self.schema("bmf").validate(content)
        self.assertEqual(list(content["wall/run_s"]["latency"]), ["value"])

    # Go

    def test_gobench(self):
        go = GoFile(self.export("gobench"))
        self.assertEqual(go.keys["pkg"], "ikelab")
        self.assertEqual(go.keys["ikelab-commit"], "abc1234")
        names = {"esp/aes256gcm16/encrypt/1400/sas-1": "Esp/aes256gcm16/encrypt/1400/sas=1",
                 "esp/aes256gcm16/decrypt/64/sas-1000": "Esp/aes256gcm16/decrypt/64/sas=1000"}
        for entry in self.bench["benchmarks"]:
            name = names.get(entry["name"], entry["name"][0].upper() + entry["name"][1:])
            unit = {"1/s": "ops/s"}.get(entry["unit"], entry["unit"])
            unit = "ns/op" if unit in NS else unit
            self.assertNotRegex(name, r"-\d+$")
            self.assertEqual(go.units[unit], {"better": entry["better"]})
            lines = go.samples[name]
            self.assertEqual(len(lines), len(entry["samples"]))
            for index, line in enumerate(lines):
                factor = NS.get(entry["unit"], 1)
                self.near(line[unit], entry["samples"][index] * factor)
                if entry["bound"]:
                    self.near(line[f"bound-{unit}"], entry["bound_samples"][index] * factor)
                if entry["instructions"]:
                    self.near(line["instructions/op"], entry["instructions"])

    def test_gobench_in_benchcmp(self):
        self.export("gobench")
        (self.root / "gobench").rename(self.root / "old.txt")
        self.export("gobench", self.slower())
        done = subprocess.run(["benchcmp", "old.txt", "gobench"], capture_output=True, text=True,
                              check=True, cwd=self.root)
        rows = [line.split() for line in done.stdout.splitlines() if line.startswith("Benchmark")]
        now = measured.bench(1.06, 2)["benchmarks"]
        want = [(a["samples"], b["samples"], NS[a["unit"]])
                for a, b in zip(self.bench["benchmarks"], now) if a["unit"] in NS]
        # It pairs the samples in their order, and prints three digits or whole numbers.
        self.assertEqual(len(rows), sum(len(a) for a, _, _ in want))
        pairs = [(x * f, y * f) for a, b, f in want for x, y in zip(a, b)]
        for row, (old, new) in zip(rows, pairs):
            self.assertAlmostEqual(float(row[1]), old, delta=max(0.5, old / 1000))
            self.assertAlmostEqual(float(row[2]), new, delta=max(0.5, new / 1000))

    # JUnit

    def test_junit(self):
        import junitparser
        self.export("junit")
        suites = list(junitparser.JUnitXml.fromfile(str(self.root / "junit")))
        self.assertEqual(len(suites), 1)
        cases = list(suites[0])
        self.assertEqual((suites[0].tests, suites[0].failures, suites[0].skipped),
                         (len(cases), 0, 0))
        self.assertEqual([c.name for c in cases], [e["name"] for e in self.bench["benchmarks"]])
        for case, entry in zip(cases, self.bench["benchmarks"]):
            said = re.search(r"^median (\S+) (.*)$", case.system_out, re.M)
            self.near(float(said[1]), entry["median"])
            self.assertEqual(said[2], entry["unit"])
            self.assertEqual(case.result, [])

    def test_junit_with_verdicts(self):
        import junitparser
        noisy, name = measured.bench(1.06, 2), "handshake/psk/x25519"
        entry = next(e for e in noisy["benchmarks"] if e["name"] == name)
        entry["samples"], entry["bound_samples"] = entry["samples"][:2], entry["bound_samples"][:2]
        noisy["benchmarks"] = [e for e in noisy["benchmarks"] if e["name"] != "table/lookup"]
        self.export("junit", self.base, measured.write(self.root / "noisy.json", noisy))
        suite = list(junitparser.JUnitXml.fromfile(str(self.root / "junit")))[0]
        cases = {case.name: case for case in suite}
        slow = "esp/aes256gcm16/encrypt/1400/sas-1"
        self.assertIsInstance(cases[slow].result[0], junitparser.Failure)
        self.assertRegex(cases[slow].result[0].message, r"slower: .* cost \+[56]\.\d %")
        self.assertIsInstance(cases[slow + " instructions"].result[0], junitparser.Failure)
        self.assertIsInstance(cases[name].result[0], junitparser.Skipped)
        self.assertIn("cannot tell", cases[name].result[0].message)
        self.assertIsInstance(cases["table/lookup"].result[0], junitparser.Skipped)
        self.assertEqual(cases["wall/run_s"].result, [])
        found = [case.result[0] for case in cases.values() if case.result]
        self.assertEqual(suite.tests, len(cases))
        self.assertEqual(suite.failures, sum(isinstance(r, junitparser.Failure) for r in found))
        self.assertEqual(suite.skipped, sum(isinstance(r, junitparser.Skipped) for r in found))

    def counted(self, name, count, own):
        """A file of `bench --instructions --repetitions 0`: the count is the one sample."""
        content = measured.bench()
        content["benchmarks"] = [measured.row("codec/read/x", "instructions", "lower", count, 0, None,
                                              1, instructions=count, instructions_own=own)]
        return measured.write(self.root / name, content)

    def test_junit_counts_a_row_that_was_only_counted_once(self):
        import junitparser
        self.export("junit", self.counted("a.json", 1000.0, 100.0),
                    self.counted("b.json", 1030.0, 130.0))
        suite = list(junitparser.JUnitXml.fromfile(str(self.root / "junit")))[0]
        self.assertEqual([case.name for case in suite], ["codec/read/x"])
        self.assertEqual((suite.tests, suite.failures), (1, 1))

    def test_instructions_of_our_own_code_are_told(self):
        """The library's cover them up in the count of all."""
        import junitparser
        base, new = measured.bench(), measured.bench()
        for content, own in (base, 100.0), (new, 103.0):
            content["benchmarks"] = content["benchmarks"][:1]
            content["benchmarks"][0].update(instructions=2210.0, instructions_own=own)
        files = [measured.write(self.root / f"{n}.json", c) for n, c in (("a", base), ("b", new))]
        self.export("junit", *files)
        case = list(list(junitparser.JUnitXml.fromfile(str(self.root / "junit")))[0])[1]
        self.assertIn("+3.00 % of our own", case.result[0].message)
        self.assertIn("| +3.0 % |", self.export("markdown", *files))

    # OpenMetrics

    def test_openmetrics_has_one_family_of_instructions(self):
        families = self.metrics(self.export("openmetrics", self.counted("a.json", 1000.0, 100.0)))
        samples = families["ikelab_benchmark_instructions"].samples
        self.assertEqual([s.value for s in samples], [1000.0])

    def metrics(self, text):
        from prometheus_client.openmetrics.parser import text_string_to_metric_families
        return {family.name: family for family in text_string_to_metric_families(text)}

    def test_openmetrics(self):
        families = self.metrics(self.export("openmetrics"))
        suffix = {"1/s": "per_second", "bit/s": "bits_per_second", "Gbit/s": "bits_per_second",
                  "B": "bytes", "cycles": "cycles"}
        for entry in self.bench["benchmarks"]:
            unit = suffix.get(entry["unit"], "seconds")
            factor = {**SECONDS, **BITS}.get(entry["unit"], 1)
            family = families[f"ikelab_benchmark_{unit}"]
            self.assertEqual((family.type, family.unit), ("gauge", unit))
            want = {"benchmark": entry["name"], "better": entry["better"]}
            got = [s.value for s in family.samples if s.labels == want]
            self.assertEqual(len(got), 1)
            self.near(got[0], entry["median"] * factor)
            if entry["bound"]:
                got = [s.value for s in families[f"ikelab_benchmark_bound_{unit}"].samples
                       if s.labels == want]
                self.near(got[0], entry["bound"] * factor)
        self.assertEqual(families["ikelab_benchmark_context"].samples[0].labels["commit"],
                         "abc1234")

    def test_openmetrics_with_verdicts(self):
        families = self.metrics(self.export("openmetrics", self.base, self.slower()))
        verdicts = {s.labels["benchmark"]: s.labels["verdict"]
                    for s in families["ikelab_benchmark_verdict"].samples}
        self.assertEqual(verdicts["esp/aes256gcm16/encrypt/1400/sas-1"], "slower")
        self.assertEqual(len(verdicts), len(self.bench["benchmarks"]))

    def test_openmetrics_for_its_other_readers(self):
        """Prometheus' older text format, and GitLab's way: comments cut, then words of a shell."""
        from prometheus_client.parser import text_string_to_metric_families
        self.bench["context"]["cpu"] = "CPU #1 \"x\""
        text = self.export("openmetrics", measured.write(self.root / "odd.json", self.bench))
        older = list(text_string_to_metric_families(text))
        self.assertEqual({f.type for f in older}, {"gauge"})
        for line in text.splitlines():
            words = shlex.split(re.sub("#.*$", "", line))
            self.assertIn(len(words), (0, 2), line)
            if words:
                float(words[1])

    def test_openmetrics_traps(self):
        text = self.export("openmetrics")
        for broken in (text.replace("# EOF\n", ""), text + "\n",
                       text.replace("# UNIT ikelab_benchmark_seconds seconds",
                                    "# UNIT ikelab_benchmark_seconds ns")):
            self.assertNotEqual(broken, text)
            with self.assertRaises(ValueError):
                self.metrics(broken)

    # Tables

    def cells(self, text):
        """The cells of the rendered table, as GitHub's renderer makes them."""
        import cmarkgfm
        page = cmarkgfm.github_flavored_markdown_to_html(text)
        return [[html.unescape(re.sub("<[^>]*>", "", cell))
                 for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.S)]
                for row in re.findall(r"<tr>(.*?)</tr>", page, re.S)]

    def test_markdown(self):
        head, *rows = self.cells(self.export("markdown"))
        self.assertEqual(head, ["benchmark", "median", "95 % interval", "of the bound"])
        self.assertEqual([r[0] for r in rows], [e["name"] for e in self.bench["benchmarks"]])
        for row, entry in zip(rows, self.bench["benchmarks"]):
            value, half = shown(row[1])
            self.assertLessEqual(abs(value - entry["median"] * MARKDOWN[entry["unit"]]), half)
            if entry["ratio"]:
                self.assertEqual(row[3], f"{100 * entry['ratio']:.1f} %")
            else:
                self.assertEqual(row[3], "–")

    def test_markdown_with_verdicts(self):
        head, *rows = self.cells(self.export("markdown", self.base, self.slower()))
        rows = {row[0]: dict(zip(head, row)) for row in rows}
        slow = rows["esp/aes256gcm16/encrypt/1400/sas-1"]
        self.assertEqual(slow["verdict"], "slower")
        self.assertRegex(slow["change"], r"^\+[56]\.\d %$")
        self.assertEqual(slow["instructions"], "+6.0 %")
        self.assertEqual(rows["handshake/psk/x25519"]["verdict"], "no change")
        for entry in self.bench["benchmarks"]:
            value, half = shown(rows[entry["name"]]["base"])
            self.assertLessEqual(abs(value - entry["median"] * MARKDOWN[entry["unit"]]), half)

    def test_csv(self):
        rows = list(csv.DictReader(io.StringIO(self.export("csv"))))
        want = [(e, i) for e in self.bench["benchmarks"] for i in range(len(e["samples"]))]
        self.assertEqual(len(rows), len(want))
        for got, (entry, index) in zip(rows, want):
            self.assertEqual((got["benchmark"], got["unit"], got["better"], got["repetition"]),
                             (entry["name"], entry["unit"], entry["better"], str(index + 1)))
            self.assertEqual(float(got["value"]), entry["samples"][index])
            if entry["bound"]:
                self.assertEqual(float(got["bound"]), entry["bound_samples"][index])
            else:
                self.assertEqual(got["bound"], "")

    # Names

    def test_odd_names_come_back(self):
        import junitparser
        path = measured.write(self.root / "odd.json", measured.odd())
        names = measured.ODD_NAMES
        rows = json.loads(self.export("gbench", path))["benchmarks"]
        self.assertEqual(list(dict.fromkeys(r["name"] for r in rows)), names)
        self.assertEqual([r["name"] for r in json.loads(self.export("gab-smaller", path))], names)
        self.assertEqual(list(json.loads(self.export("bmf", path))), names)
        self.assertEqual([r[0] for r in self.cells(self.export("markdown", path))][1:], names)
        rows = csv.DictReader(io.StringIO(self.export("csv", path)))
        self.assertEqual(list(dict.fromkeys(r["benchmark"] for r in rows)), names)
        self.export("junit", path)
        suite = list(junitparser.JUnitXml.fromfile(str(self.root / "junit")))[0]
        self.assertEqual([case.name for case in suite], names)
        family = self.metrics(self.export("openmetrics", path))["ikelab_benchmark_seconds"]
        self.assertEqual([s.labels["benchmark"] for s in family.samples],
                         [name.replace("#", "_") for name in names])
        go = GoFile(self.export("gobench", path))
        self.assertEqual(len(go.samples), len(names))
        self.assertIn("Odd/white_space", go.samples)
        self.assertIn("X9starts/with-digit", go.samples)

    def test_control_characters_are_replaced_where_xml_has_none(self):
        import junitparser
        content = measured.bench()
        content["benchmarks"][0]["name"] = "bell\x07/x\ny"
        self.export("junit", measured.write(self.root / "bell.json", content))
        suite = list(junitparser.JUnitXml.fromfile(str(self.root / "junit")))[0]
        self.assertEqual(list(suite)[0].name, "bell\ufffd/x\ny")

    # Sources

    def test_run_folders_and_live_results(self):
        virtual = {"ike": {"rate_per_s": {"mean": 200.3}, "setup_time_s": {"p50": 0.0014}}}
        live = measured.write(self.root / "live.json", {
            "schema_version": 1, "scenario": {"name": "live-initiate"}, "virtual": virtual,
            "wall": {"run_s": 2.5}, "provenance": {}, "seed": 1})
        content = json.loads(self.export("bmf", live))
        self.assertEqual(content["live/handshakes"], {"throughput": {"value": 200.3}})
        self.near(content["live/setup_time/p50"]["latency"]["value"], 1.4e6)
        runs = self.root / "runs"
        for number, seconds in enumerate((0.8, 0.9, 1.0)):
            folder = runs / f"run-{number}"
            folder.mkdir(parents=True)
            measured.write(folder / "result.json", {
                "schema_version": 1, "scenario": {"name": "x", "sha256": "0"}, "seed": 1,
                "digest": "0", "virtual": {"duration_s": 1}, "wall": {"run_s": seconds},
                "provenance": {}})
        content = json.loads(self.export("bmf", runs))
        self.assertEqual(content["wall/run_s"]["latency"],
                         {"value": 9e8, "lower_value": 8e8, "upper_value": 1e9})
        one = json.loads(self.export("bmf", runs / "run-0"))
        self.assertEqual(one["wall/run_s"]["latency"], {"value": 8e8})

    # Files

    def test_several_and_standard_output(self):
        done = self.ikelab("report", self.base, "--export", "csv=-", "--export", "bmf=b.json")
        self.assertTrue(done.stdout.startswith("benchmark,unit,"))
        json.loads((self.root / "b.json").read_text())
        self.assertEqual(sorted(p.name for p in self.root.iterdir()), ["b.json", "base.json"])

    def test_files_are_whole_or_not_there(self):
        self.ikelab("report", self.base, "--export", "csv=/nowhere/x.csv", expect=1)
        (self.root / "kept.csv").write_text("before")
        (self.root / "folder").mkdir()
        done = self.ikelab("report", self.base, "--export", "csv=folder", expect=1)
        self.assertIn("try:", done.stderr)
        # A device is written to, and still is one afterwards.
        done = self.ikelab("report", self.base, "--export", "csv=/dev/full", expect=1)
        self.assertIn("No space left", done.stderr)
        self.assertTrue(Path("/dev/full").is_char_device())
        self.ikelab("report", self.base, "--export", "csv=/dev/null")
        self.assertTrue(Path("/dev/null").is_char_device())
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([IKELAB, "report", self.base, "--export", "csv=-"], stdout=full,
                                  stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual([p.name for p in self.root.iterdir() if "partial" in p.name], [])

    def test_wrong_options(self):
        for option, hint in (("cvs=x", "csv"), ("csv", "FORMAT=FILE"), ("csv=", "FORMAT=FILE"),
                             ("junt=x", "junit")):
            done = self.ikelab("report", self.base, "--export", option, expect=2)
            self.assertIn(hint, done.stderr)
        done = self.ikelab("report", self.base, "--export=csv=-", "--export=bmf=-", expect=2)
        self.assertIn("standard output", done.stderr)

    def test_help_names_every_format(self):
        done = self.ikelab("report", "--help")
        for name in ("gbench", "gab-smaller", "gab-bigger", "bmf", "gobench", "junit",
                     "openmetrics", "markdown", "csv"):
            self.assertIn(name, done.stdout)


if __name__ == "__main__":
    if missing():
        print(f"skipped: no reader to ask; try: apt-get install {' '.join(missing())}")
        sys.exit(77)
    unittest.main()
