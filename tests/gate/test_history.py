#!/usr/bin/python3
"""`ikelab history` as its users meet it: what is kept, what is shown, what is never mixed, and what
is left when something goes wrong. usage: test_history.py IKELAB"""

import csv
import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import sets

IKELAB = str(Path(sys.argv.pop(1)).resolve())
DOCS = Path("docs/history.md").resolve()
OURS = "Test CPU, 4 cores"


class HistoryTest(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="ikelab-history-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.database = self.root / "history.sqlite"

    def ikelab(self, *words, expect=0, cwd=None, environment=None, before=None):
        done = subprocess.run([IKELAB, "history", *words], capture_output=True, text=True,
                              check=False, cwd=cwd or self.root, preexec_fn=before,
                              env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})})
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        if expect:
            self.assertRegex(done.stderr, r"(?m)^try: .+|--help")
        return done

    def put(self, name, **options):
        return sets.write(self.root / name, sets.bench(**options))

    def add_series(self, count, level, **options):
        files = [self.put(f"{i:03}.json", run=i, level=level(i), **options) for i in range(count)]
        self.ikelab("add", *files)
        return files

    def show(self, *words):
        return json.loads(self.ikelab("show", "--json", *words).stdout)

    def content(self):
        """Everything but numbers of rows and the order in which they came."""
        return sorted(sets.query(self.database, """SELECT hash, started, class, s.bench, k.name,
                                 repetition, value, bound FROM sample s JOIN run r ON r.id = run_id
                                 JOIN machine m ON m.id = machine_id JOIN metric k
                                 ON k.id = metric_id"""))


class Keeping(HistoryTest):
    def test_everything_of_a_set_is_kept(self):
        content = sets.bench(7, instructions=1234.5)
        content["context"]["warnings"] = ["load above 0.5", "governor"]
        self.ikelab("add", sets.write(self.root / "b.json", content))
        row = content["benchmarks"][1]
        self.assertEqual(
            sets.query(self.database, "SELECT value, bound FROM sample JOIN metric"
                       " ON id = metric_id WHERE bench = 'esp/row-1' AND name = 'time'"
                       " ORDER BY repetition"),
            list(zip(row["samples"], row["bound_samples"])))
        self.assertEqual(
            sets.query(self.database, "SELECT value, bound FROM sample JOIN metric"
                       " ON id = metric_id WHERE bench = 'esp/row-1' AND name = 'instructions'"),
            [(1234.5, None)])
        self.assertEqual(sets.query(self.database, "SELECT DISTINCT bound_name FROM benchmark"
                                    " WHERE bound_name IS NOT NULL"), [("bare cipher",)])
        run = sets.query(self.database, "SELECT source, started, commit_sha, dirty, version,"
                         " command, seed, partial, config_json, class, cpu, cores, governor,"
                         " kernel, compiler, flags, libs_json"
                         " FROM run JOIN machine m ON m.id = machine_id")[0]
        context = content["context"]
        self.assertEqual(run[:8], (str(self.root / "b.json"), context["started"], context["commit"],
                                   0, "0.1.0", "ikelab bench esp", 1, 0))
        self.assertEqual(json.loads(run[8]), {"digest": None, "load": 0.1,
                                              "warnings": "load above 0.5\ngovernor"})
        self.assertEqual(run[9:], (OURS, "Test CPU", 4, "performance", "Linux", "gcc 12", "-O2",
                                   '{"libcrypto":"3.0"}'))

    def test_the_same_content_is_not_added_twice(self):
        one = self.put("one.json", run=1)
        self.assertIn("run 1, 2 benchmarks, 10 samples", self.ikelab("add", one).stdout)
        shutil.copy(one, self.root / "copy.json")
        said = self.ikelab("add", "copy.json", one).stdout
        self.assertEqual(said.count("already there as run 1"), 2)
        self.ikelab("add", self.put("later.json", run=2, seed=1))
        self.assertEqual(sets.query(self.database, "SELECT count(*) FROM run"), [(2,)])

    def run_folder(self, name, run_s):
        folder = self.root / name
        folder.mkdir()
        sets.write(folder / "result.json", {
            "schema_version": 1, "scenario": {"name": "made-up", "sha256": "ab"}, "seed": 3,
            "digest": "0123456789abcdef", "partial": False, "virtual": {"duration_s": 1.0},
            "wall": {"run_s": run_s, "events_per_s": 2e6, "peak_rss_bytes": 4096},
            "provenance": {"version": "0.1.0", "commit": "c0ffee", "dirty": True,
                           "compiler": "gcc", "flags": "-O2", "cpu": "Test CPU", "cores": 4,
                           "libraries": {}}})
        return folder

    def test_a_run_folder_and_its_copy_with_another_date(self):
        folder = self.run_folder("first", 0.5)
        shutil.copytree(folder, self.root / "copy")
        os.utime(self.root / "copy" / "result.json", (1e9, 1e9))
        said = self.ikelab("add", folder, "copy", self.run_folder("second", 0.6)).stdout
        self.assertEqual(said.count("already there as run 1"), 1)
        names = {s["benchmark"]: s["unit"] for s in self.show("--class", OURS)["series"]}
        self.assertEqual(names, {"made-up/wall/run_s": "s", "made-up/wall/events_per_s": "1/s",
                                 "made-up/wall/peak_rss": "B"})
        self.assertEqual(sets.query(self.database, "SELECT DISTINCT commit_sha, dirty,"
                                    " json_extract(config_json, '$.digest') FROM run"),
                         [("c0ffee", 1, "0123456789abcdef")])

    def test_scenarios_are_apart_and_what_ended_early_is_out(self):
        for number, changes in enumerate(({}, {"sha256": "cd"}, {"name": "other"}, {"part": True})):
            path = self.run_folder(f"run{number}", 0.5 + number) / "result.json"
            result = json.loads(path.read_text(encoding="utf-8"))
            result["partial"] = changes.pop("part", False)
            result["scenario"].update(changes)
            self.ikelab("add", sets.write(path, result))
        found = [(s["benchmark"], s["scenario_sha256"], [r["median"] for r in s["runs"]])
                 for s in self.show("*/run_s", "--class", OURS)["series"]]
        self.assertEqual(found, [("made-up/wall/run_s", "ab", [0.5]),
                                 ("made-up/wall/run_s", "cd", [1.5]),
                                 ("other/wall/run_s", "ab", [2.5])])
        self.assertIn("PARTIAL", self.ikelab("runs").stdout)

    def test_one_wrong_file_does_not_keep_out_the_others(self):
        bad = self.root / "bad.json"
        bad.write_text("{", encoding="utf-8")
        empty = sets.write(self.root / "empty.json", {**sets.bench(2), "benchmarks": []})
        done = self.ikelab("add", bad, empty, self.put("good.json", run=1), expect=2)
        self.assertIn("bad.json:1", done.stderr)
        self.assertIn("nothing was measured", done.stderr)
        self.assertIn("good.json: run 1", done.stdout)

    def test_export_and_import_of_every_sample(self):
        self.add_series(3, lambda i: 100 + i, instructions=5)
        self.ikelab("export", "--csv", "all.csv")
        with open(self.root / "all.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(list(rows[0]), ["run", "commit", "started", "machine", "benchmark",
                                         "metric", "unit", "repetition", "value", "bound"])
        self.assertEqual(len(rows), 3 * 2 * 6)
        self.assertEqual(rows[0]["machine"], OURS)
        exact = sorted((float(r["value"]), float(r["bound"]) if r["bound"] else None) for r in rows
                       if r["metric"] == "time")
        self.assertEqual(exact, sorted(sets.query(
            self.database, "SELECT value, bound FROM sample WHERE bound IS NOT NULL")))
        self.assertEqual(self.ikelab("export", "--csv").stdout.count("\n"), len(rows) + 1)
        self.ikelab("export", "--csv", "no-folder/all.csv", expect=1)
        self.ikelab("export", expect=2)

    def test_a_device_is_not_replaced(self):
        self.add_series(1, lambda i: 100)
        pipe = self.root / "pipe"
        os.mkfifo(pipe)
        with open(os.open(pipe, os.O_RDWR | os.O_NONBLOCK), "rb") as end:
            self.ikelab("export", "--csv", str(pipe))
            self.assertIn(b"esp/row-0", end.read(4096))
        self.assertTrue(pipe.is_fifo())

    def test_counts_are_one_series_timed_or_not(self):
        self.add_series(1, lambda i: 100, instructions=500, benchmarks=1)
        counted = sets.bench(1, benchmarks=1, instructions=510)
        row = counted["benchmarks"][0]
        row.update(unit="instructions", samples=[510], bound=None)
        del row["bound_samples"], row["bound_name"]
        self.ikelab("add", sets.write(self.root / "counted.json", counted))
        series = {s["metric"]: [r["median"] for r in s["runs"]]
                  for s in self.show("--class", OURS)["series"]}
        self.assertEqual({"time", "instructions"}, set(series))
        self.assertEqual(series["instructions"], [500, 510])

    def test_rebuild_is_equal_and_whole(self):
        files = self.add_series(5, lambda i: 100)
        before = self.content()
        self.ikelab("add", self.put("gone.json", run=9))
        self.ikelab("rebuild", *reversed(files))
        self.assertEqual(self.content(), before)
        self.assertEqual(sets.complaints(self.database), [])
        done = self.ikelab("rebuild", files[0], "no-such.json", expect=2)
        self.assertIn("is as it was", done.stderr)
        self.assertEqual(self.content(), before)
        self.ikelab("rebuild", *files, "--db", "new.sqlite")
        self.ikelab("check", "--db", "new.sqlite")

    def test_rebuild_while_somebody_reads(self):
        files = self.add_series(3, lambda i: 100)
        reader = sqlite3.connect(self.database)
        self.addCleanup(reader.close)
        reader.execute("BEGIN")
        self.assertEqual(reader.execute("SELECT count(*) FROM run").fetchone(), (3,))
        self.ikelab("rebuild", files[0])
        self.assertEqual(reader.execute("SELECT count(*) FROM run").fetchone(), (3,))
        reader.rollback()
        self.assertEqual(reader.execute("SELECT count(*) FROM run").fetchone(), (1,))

    def test_the_examples_of_the_documentation_run(self):
        self.add_series(12, lambda i: 100 + 5 * i, samples=4)
        examples = re.findall(r"```sql\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)
        self.assertEqual(len(examples), 2)
        medians, shares = (sets.query(self.database, example) for example in examples)
        self.assertEqual(len(medians), 10 * 2)
        shown = self.show("esp/row-0", "--class", OURS)["series"][0]["runs"][-1]["median"]
        self.assertAlmostEqual(medians[-2][4], shown, places=5)
        self.assertEqual([(row[0], row[2], row[3]) for row in shares],
                         [(OURS, "bare cipher", 48)] * 2)

    def test_the_tables_of_the_documentation_are_those_of_the_file(self):
        self.ikelab("add", self.put("one.json", run=1))
        page = DOCS.read_text(encoding="utf-8")
        for (table,) in sets.query(self.database,
                                   "SELECT name FROM sqlite_schema WHERE type = 'table'"):
            row = re.search(rf"^\| `{table}` \| (.*)\|$", page, re.M)
            self.assertTrue(row, table)
            for (column,) in sets.query(self.database,
                                        f"SELECT name FROM pragma_table_info('{table}')"):
                self.assertIn(f"`{column}`", row.group(1), table)


class Showing(HistoryTest):
    def test_a_step_is_shown_at_its_commit(self):
        self.add_series(24, lambda i: 100 if i < 15 else 106, instructions=7, samples=9)
        series = self.show("esp/row-1", "--class", OURS)["series"]
        self.assertEqual([(s["metric"], len(s["runs"])) for s in series],
                         [("time", 24), ("instructions", 24)])
        step = series[0]["steps"][0]
        self.assertEqual((step["index"], step["commit"][:7], step["verdict"], step["recent"]),
                         (15, "000000f", "worse", False))
        self.assertAlmostEqual(step["change"], 0.06, delta=0.015)
        self.assertEqual(series[1]["steps"], [])
        run = series[0]["runs"][3]
        self.assertTrue(run["low"] < run["median"] < run["high"])
        self.assertAlmostEqual(run["bound"], 90, delta=3)
        text = self.ikelab("--class", OURS, "esp/row-1").stdout
        self.assertRegex(text, r"(?m)^esp/row-1  24 runs  \S+ -> \S+ ns  \+\d\.\d %$")
        self.assertRegex(text, r"(?m)^  at 000000f00000 \+\d\.\d % \(worse\): \S+ -> \S+ ns, 2026-")
        self.assertRegex(text, r"(?m)^  [▁▂▃▄▅▆▇█]{24}$")

    def test_a_slower_hour_of_the_machine_is_no_step(self):
        files = [self.put(f"{i}.json", run=i, samples=9, level=100 if i < 22 else 104,
                          machine=1 if i < 12 else 1.2) for i in range(30)]
        self.ikelab("add", *files)
        series = self.show("esp/row-1", "--class", OURS)["series"][0]
        self.assertEqual([s["index"] for s in series["steps"]], [22])
        self.assertAlmostEqual(series["steps"][0]["change"], 0.04, delta=0.015)

    def test_another_bound_is_no_other_machine(self):
        """A faster library halves the bound; what is measured beside it stays as it was."""
        for key in "bound_name", "libraries":
            files = []
            for i in range(24):
                content = sets.bench(i, samples=9, benchmarks=1)
                content["benchmarks"][0]["name"] = f"esp/{key}"
                if i >= 12:
                    row = content["benchmarks"][0]
                    row["bound_samples"] = [b / 2 for b in row["bound_samples"]]
                    (row if key == "bound_name" else content["context"])[key] = {
                        "bound_name": "another cipher", "libraries": {"libcrypto": "3.5"}}[key]
                files.append(sets.write(self.root / f"{key}{i}.json", content))
            self.ikelab("add", *files)
            series, = self.show(f"esp/{key}", "--class", OURS)["series"]
            self.assertEqual(len(series["runs"]), 24)
            self.assertEqual(series["steps"], [], key)

    def test_what_is_small_or_short_is_an_option(self):
        self.add_series(20, lambda i: 100 if i < 18 else 103, noise=0.0001)
        one = ("esp/row-0", "--class", OURS)
        self.assertTrue(self.show(*one)["series"][0]["steps"][0]["recent"])
        self.assertFalse(self.show(*one, "--hold", "2")["series"][0]["steps"][0]["recent"])
        self.assertEqual(self.show(*one, "--effect", "5%")["series"][0]["steps"], [])
        self.assertIn("too recent to tell", self.ikelab(*one).stdout)

    def test_runs_are_in_the_order_of_their_start(self):
        files = [self.put(f"{i}.json", run=i) for i in (3, 1, 2, 0)]
        self.ikelab("add", *files)
        commits = [r["commit"][:7] for r in self.show("--class", OURS)["series"][0]["runs"]]
        self.assertEqual(commits, [f"{i:07x}" for i in range(4)])
        listed = self.ikelab("runs").stdout.splitlines()
        self.assertEqual([line.split()[2][:7] for line in listed], commits)

    def test_the_line_fits_and_can_be_digits(self):
        self.add_series(90, lambda i: 100 + i, samples=1)
        plain = {"LC_ALL": "C", "COLUMNS": "40"}
        lines = self.ikelab("--class", OURS, environment=plain).stdout.splitlines()
        spark = [line for line in lines if re.fullmatch(r"  \d+", line)]
        self.assertEqual([len(line) for line in spark], [40, 40])
        self.assertEqual((spark[0][2], spark[0][-1]), ("0", "9"))

    def test_machine_classes_are_never_mixed_unless_forced(self):
        for i in range(6):
            self.ikelab("add", self.put(f"a{i}.json", run=2 * i, level=100),
                        self.put(f"b{i}.json", run=2 * i + 1, level=200, cpu="Other CPU"))
        done = self.ikelab("show", "--json", "esp/row-0")
        newest = json.loads(done.stdout)
        self.assertEqual(newest["class"], "Other CPU, 4 cores")
        self.assertEqual([len(s["runs"]) for s in newest["series"]], [6])
        self.assertIn("left out: 6 runs", done.stderr)
        self.assertIn("no run of this machine", done.stderr)
        apart = self.show("esp/row-0", "--all-classes")
        self.assertEqual([(s["class"], len(s["runs"]), s["steps"]) for s in apart["series"]],
                         [("Other CPU, 4 cores", 6, []), (OURS, 6, [])])
        mixed = self.show("esp/row-0", "--all-classes", "--force")
        self.assertEqual([len(s["runs"]) for s in mixed["series"]], [12])
        self.assertTrue(mixed["mixed"])
        self.assertIn("MIXED", self.ikelab("--all-classes", "--force").stdout)
        self.ikelab("show", "--force", expect=2)
        self.ikelab("show", "--all-classes", "--class", OURS, expect=2)
        self.ikelab("show", "--class", "No such CPU", expect=2)

    def test_the_class_of_this_machine_comes_first(self):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            found = re.search(r"^model name\s*: (.*)$", file.read(), re.M)
        here = sets.bench(1, cpu=found.group(1) if found else "unknown")
        here["context"]["cores"] = os.sysconf("SC_NPROCESSORS_ONLN")
        self.ikelab("add", sets.write(self.root / "here.json", here),
                    self.put("there.json", run=2))
        done = self.ikelab("show", "--json")
        self.assertIn(here["context"]["cpu"], json.loads(done.stdout)["class"])
        self.assertNotIn("no run of this machine", done.stderr)

    def test_plot(self):
        if not shutil.which("gnuplot"):
            print("skipped: gnuplot is not installed")
            self.skipTest("gnuplot is not installed")
        self.add_series(24, lambda i: 100 if i < 15 else 106, samples=9)
        self.ikelab("plot", "esp/row-0", "--class", OURS, "-o", "a.svg")
        svg = (self.root / "a.svg").read_text(encoding="utf-8")
        self.assertRegex(svg, r"\+\d\.\d % at 000000f00")
        self.assertIn("esp/row-0 - " + OURS, svg)
        self.assertNotIn("var(", svg)
        self.assertNotIn("row-1", svg)
        self.ikelab("plot", "--class", OURS, "-o", "b.svg")
        self.assertIn("esp/row-1", (self.root / "b.svg").read_text(encoding="utf-8"))
        self.ikelab("plot", "--class", OURS, "-o", "no-folder/b.svg", expect=1)
        self.ikelab("plot", "esp/row-0", expect=2)

    def test_wrong_use(self):
        self.assertIn("history add", self.ikelab(expect=2).stderr)
        self.assertFalse(self.database.exists())
        self.ikelab("add", expect=2)
        self.ikelab("runs", "too many", expect=2)
        self.ikelab("add", "--json", "x.json", expect=2)
        self.ikelab("show", "--effect", "much", expect=2)
        self.ikelab("show", "--hold", "0", expect=2)
        self.ikelab("add", "x.json", "--db", "no-folder/h.sqlite", expect=2)
        self.ikelab("add", self.put("one.json", run=1))
        self.assertIn("no-such", self.ikelab("no-such", expect=2).stderr)


class Failing(HistoryTest):
    def test_an_older_file_is_brought_up_to_date(self):
        one = self.put("one.json", run=1)
        self.database.write_bytes(b"")  # what is left of a process killed while it made the file
        self.ikelab("add", one)
        sqlite3.connect(self.root / "v0.sqlite").executescript("VACUUM")  # version 0, no table
        for name in ("history.sqlite", "v0.sqlite"):
            self.ikelab("add", one, "--db", name)
            self.assertEqual(sets.query(self.root / name, "PRAGMA user_version"), [(1,)])
            self.ikelab("check", "--db", name)

    def test_a_newer_file_is_refused_and_untouched(self):
        one = self.put("one.json", run=1)
        self.ikelab("add", one)
        connection = sqlite3.connect(self.database)
        connection.executescript("PRAGMA user_version = 2")
        connection.close()
        before = self.database.read_bytes()
        for words in (("add", self.put("two.json", run=2)), (), ("check",), ("rebuild", one)):
            said = self.ikelab(*words, expect=2).stderr
            self.assertIn("version 2; this program knows 1", said)
        self.assertEqual(self.database.read_bytes(), before)

    def test_what_is_not_a_history_is_untouched(self):
        one = self.put("one.json", run=1)
        other = self.root / "other.sqlite"
        connection = sqlite3.connect(other)
        connection.executescript("CREATE TABLE precious(x)")
        connection.close()
        text = self.root / "notes.txt"
        text.write_text("not a database at all\n" * 100, encoding="utf-8")
        for path, words in ((other, "not a history"), (text, "not an SQLite database"),
                            (self.root, "not a file")):
            before = path.read_bytes() if path.is_file() else None
            for verb in ("add", "rebuild"):
                self.assertIn(words, self.ikelab(verb, one, "--db", path, expect=1).stderr)
            self.assertEqual(path.read_bytes() if path.is_file() else None, before)

    def test_check_finds_damage(self):
        self.add_series(8, lambda i: 100, samples=200)
        data = bytearray(self.database.read_bytes())
        data[len(data) // 2:len(data) // 2 + 3000] = b"\xa5" * 3000
        self.database.write_bytes(data)
        self.assertIn("damaged", self.ikelab("check", expect=1).stderr)

    def test_check_finds_lost_rows(self):
        self.add_series(2, lambda i: 100)
        for sql in ("DELETE FROM sample WHERE run_id = 2", "DELETE FROM run WHERE id = 1"):
            connection = sqlite3.connect(self.database)  # which does not watch references
            connection.executescript(sql)
            connection.close()
            self.ikelab("check", expect=1)

    def test_several_processes_at_once(self):
        for count in (2, 6):
            database = self.root / f"{count}.sqlite"
            files = [[self.put(f"{w}-{i}.json", run=w, seed=i, samples=100) for i in range(4)]
                     for w in range(count)]
            writers = [subprocess.Popen([IKELAB, "history", "add", *mine, "--db", database],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                       for mine in files]
            for writer in writers:
                self.assertEqual((writer.communicate()[1], writer.returncode), (b"", 0))
            self.assertEqual(sets.query(database, "SELECT count(*) FROM run"), [(4 * count,)])
            self.assertEqual(sets.query(database, "SELECT count(*) FROM sample"),
                             [(4 * count * 200,)])
            self.assertEqual(sets.complaints(database), [])

    def after_failure(self, before):
        self.assertEqual(self.content(), before)
        self.assertEqual(sets.complaints(self.database), [])
        self.ikelab("add", "big.json")
        self.assertEqual(len(self.content()), len(before) + 40000)

    def test_no_file_may_grow_so_large(self):
        self.add_series(2, lambda i: 100)
        before = self.content()
        self.put("big.json", run=5, benchmarks=200, samples=200)
        size = self.database.stat().st_size

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50000, size + 50000))

        done = self.ikelab("add", "big.json", expect=1, before=limit)
        self.assertIn("history.sqlite", done.stderr)
        self.after_failure(before)

    def test_the_disk_is_full(self):
        self.add_series(2, lambda i: 100)
        before = self.content()
        self.put("big.json", run=5, benchmarks=200, samples=200)
        script = """set -e
            mount -t tmpfs -o size=1m tmpfs disk
            cp history.sqlite disk/
            code=0; "$1" history add big.json --db disk/history.sqlite || code=$?
            "$1" history check --db disk/history.sqlite
            cp disk/history.sqlite .
            exit $code"""
        done = self.in_own_mounts(script)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("no room on the disk; nothing was added", done.stderr)
        self.assertIn("try: free some space", done.stderr)
        self.assertIn("good", done.stdout)
        self.after_failure(before)

    def in_own_mounts(self, script):
        (self.root / "disk").mkdir()
        enter = ["unshare", "--mount", "--user", "--map-root-user"]
        if subprocess.run([*enter, "mount", "-t", "tmpfs", "tmpfs", self.root / "disk"],
                          capture_output=True, check=False).returncode != 0:
            print("skipped: no user and mount namespace here")
            self.skipTest("no user and mount namespace here")
        return subprocess.run([*enter, "sh", "-c", script, "sh", IKELAB], cwd=self.root,
                              capture_output=True, text=True, check=False)

    def test_a_medium_that_cannot_be_written(self):
        self.add_series(3, lambda i: 100)
        script = """set -e
            mount -t tmpfs tmpfs disk
            cp history.sqlite 'disk/h 100%?#.sqlite'
            mount -o remount,ro disk
            cd disk
            "$1" history runs --db 'h 100%?#.sqlite'
            "$1" history check --db 'h 100%?#.sqlite'
            "$1" history add ../000.json --db 'h 100%?#.sqlite'"""
        done = self.in_own_mounts(script)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), 4, done.stdout)
        self.assertIn("try: a file on a disk with room that can be written", done.stderr)


if __name__ == "__main__":
    unittest.main()
