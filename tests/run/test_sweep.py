#!/usr/bin/python3
"""ikelab sweep: every combination once and in order, numbers that are those of the runs, the same
whatever the number of processes and however often it was stopped, and what goes wrong is said."""

import csv
import fcntl
import html.parser
import json
import math
import os
import pathlib
import resource
import shlex
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
import unittest

import lab

SCENARIO = lab.ROOT / "tests/scenarios/sweep.yaml"
STUDENT_2 = 4.302652729696142  # 97.5 % of Student's t with 2 degrees of freedom
LOSSES, TIMEOUTS = ["0%", "5%", "20%"], ["2s", "500ms"]


class Page(html.parser.HTMLParser):
    """Its numbers, and whether what is opened is closed."""
    VOID = {"meta", "br", "rect", "line", "circle", "path", "polygon", "polyline", "use"}

    def __init__(self, text):
        super().__init__()
        self.numbers, self.stack, self.attributes, self.text = {}, [], [], text
        self.feed(text)
        assert not self.stack, self.stack

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.attributes += attrs
        if tag == "data":
            place = (int(values["data-cell"]), values["data-metric"], values["data-field"])
            self.numbers[place] = values["value"]
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += attrs

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.stack.pop() == tag, f"</{tag}> closes something else"


class Sweeps(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="ikelab-sweep-"))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)

    def command(self, *arguments, name="out", scenario=SCENARIO):
        return [str(lab.IKELAB), "sweep", str(scenario), "-o", str(self.root / name), *arguments]

    def sweep(self, *arguments, expect=0, name="out", scenario=SCENARIO, **options):
        done = subprocess.run(self.command(*arguments, name=name, scenario=scenario), cwd=lab.ROOT,
                              text=True, capture_output=True, timeout=600, **options)
        self.assertEqual(done.returncode, expect, done.stderr)
        if expect == 2:
            self.assertIn("try: ", done.stderr)
        return done

    def read(self, name="out"):
        return json.loads((self.root / name / "sweep.json").read_text())

    def copy(self, change=lambda text: text):
        path = self.root / "scenario.yaml"
        path.write_text(change(SCENARIO.read_text()))
        return path

    def check_schema(self, sweep):
        try:
            import jsonschema
        except ImportError:
            return
        schema = json.loads((lab.ROOT / "docs/schema/sweep.schema.json").read_text())
        jsonschema.Draft7Validator.check_schema(schema)
        validator = jsonschema.Draft7Validator(schema)
        validator.validate(sweep)
        for key in sweep:
            self.assertFalse(validator.is_valid({k: v for k, v in sweep.items() if k != key}), key)
        sweep = json.loads(json.dumps(sweep))
        sweep["cells"][0]["runs"][0]["state"] = "perhaps"
        self.assertFalse(validator.is_valid(sweep))


class Numbers(Sweeps):
    def test_order_numbers_and_the_page(self):
        self.sweep("-j", "2")
        sweep = self.read()
        wanted = [(loss, timeout) for loss in LOSSES for timeout in TIMEOUTS]
        self.assertEqual([tuple(c["set"].values()) for c in sweep["cells"]], wanted)
        self.assertEqual([c["cell"] for c in sweep["cells"]], list(range(1, 7)))
        self.assertEqual([a["numbers"] for a in sweep["axes"]], [[0, 0.05, 0.2], [2, 0.5]])
        for cell in sweep["cells"]:
            self.assertEqual([r["seed"] for r in cell["runs"]], [1, 2, 3])
            self.check_cell(cell)
        self.check_csv(sweep)
        self.check_schema(sweep)
        self.check_page(sweep)

    def check_cell(self, cell):
        results = [json.loads((self.root / "out" / r["folder"] / "result.json").read_text())
                   for r in cell["runs"]]
        for path, look in (
                ("ike.setup_time_s.p99", lambda v: v["ike"]["setup_time_s"]["p99"]),
                ("esp.delivered_ratio@talk", lambda v: v["flows"]["talk"]["esp"]["delivered_ratio"]),
                ("esp.dropped.replay", lambda v: v["esp"]["dropped"]["replay"]),
                ("ike.failed_by.timeout", lambda v: v["ike"]["failed_by"].get("timeout", 0))):
            values = [look(r["virtual"]) for r in results]
            numbers = cell["metrics"][path]
            self.assertEqual(numbers["values"], values)
            self.assertEqual(numbers["count"], 3)
            half = STUDENT_2 * statistics.stdev(values) / math.sqrt(3)
            self.assertAlmostEqual(numbers["mean"], statistics.mean(values), places=12)
            self.assertAlmostEqual(numbers["low"], statistics.mean(values) - half, places=9)
            self.assertAlmostEqual(numbers["high"], statistics.mean(values) + half, places=9)
            self.assertEqual(numbers["median"], statistics.median(values))
            self.assertEqual([numbers["min"], numbers["max"]], [min(values), max(values)])

    def check_csv(self, sweep):
        with open(self.root / "out/sweep.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), 6 * 3 * 4)
        for row in rows:
            cell = sweep["cells"][int(row["cell"]) - 1]
            self.assertEqual({k: row[k] for k in cell["set"]}, cell["set"])
            value = cell["metrics"][row["metric"]]["values"][int(row["seed"]) - 1]
            self.assertEqual(float(row["value"]), value)

    def check_page(self, sweep):
        path = self.root / "out/sweep.html"
        page = Page(path.read_text(encoding="utf-8"))
        for (cell, metric, field), value in page.numbers.items():
            self.assertEqual(float(value), sweep["cells"][cell - 1]["metrics"][metric][field])
        self.assertEqual(sum(field == "mean" for _, _, field in page.numbers), 6 * 4)
        self.assertEqual(page.text.count("<svg"), 4)
        for name, value in page.attributes:
            self.assertNotIn(name, ("src", "href", "onclick"), value)
        self.assertNotIn("<script", page.text)
        path.unlink()
        done = subprocess.run([lab.IKELAB, "report", self.root / "out"], capture_output=True,
                              text=True, check=True)
        self.assertEqual(done.stdout.strip(), str(path))
        self.assertEqual(path.read_text(encoding="utf-8"), page.text)

    def test_a_cell_is_what_its_command_runs(self):
        self.sweep("--no-report", "--set", "sweep.repeat=1", "--set", "nodes.homes.count=3")
        for cell in self.read()["cells"][::5]:
            words = shlex.split(cell["command"])
            self.assertEqual(words[:2], ["ikelab", "run"])
            folder = self.root / f"alone-{cell['cell']}"
            subprocess.run([lab.IKELAB, *words[1:], "-o", folder, "-q", "--no-report"],
                           check=True, cwd=lab.ROOT)
            alone = json.loads((folder / "result.json").read_text())
            self.assertEqual(alone["digest"], cell["runs"][0]["digest"])
            self.assertTrue((folder / "events.jsonl").exists())
        self.assertEqual(sorted(os.listdir(self.root / "out/cell-0001-r1")),
                         ["histograms.json", "result.json", "scalars.csv"])

    def test_whole_folders_where_a_capture_is_asked_for(self):
        self.sweep("--no-report", "--capture", "--set", "sweep.repeat=1")
        self.assertTrue((self.root / "out/cell-0006-r1/capture.pcapng").exists())
        self.sweep("--no-report", "--set", "sweep.repeat=1", "--set", "capture={of: gw}",
                   name="asked")
        self.assertTrue((self.root / "asked/cell-0006-r1/capture.pcapng").exists())

    def test_numbers_do_not_depend_on_processes(self):
        texts = []
        for jobs in ("1", "2", "7"):
            self.sweep("-j", jobs, "--no-report", name=jobs)
            texts.append([(self.root / jobs / f).read_bytes() for f in ("sweep.json", "sweep.csv")])
        self.assertEqual(texts[0], texts[1])
        self.assertEqual(texts[0], texts[2])

    def test_json_is_the_file(self):
        done = self.sweep("--json", "--no-report", "-q")
        self.assertEqual(done.stdout, (self.root / "out/sweep.json").read_text())

    def test_metrics_are_those_of_the_thresholds_unless_told(self):
        def change(text):
            text = "\n".join(l for l in text.splitlines() if "report:" not in l)
            return text + ('\nthresholds: {ike.setup_time_s: ["p(95)<1h", "count>0"], '
                           'ike.failed: ["<9"], "esp.latency_s@talk": ["mean<1h"]}\n')
        self.sweep("--no-report", "--set", "sweep.repeat=1", scenario=self.copy(change))
        self.assertEqual([m["metric"] for m in self.read()["metrics"]],
                         ["ike.setup_time_s.p99", "ike.setup_time_s.count", "ike.failed",
                          "esp.latency_s.mean@talk"])


class Documented(Sweeps):
    def test_the_commands_of_the_documentation_run(self):
        page = (lab.ROOT / "docs/sweep.md").read_text(encoding="utf-8")
        commands = [line[2:] for line in page.splitlines() if line.startswith("$ ikelab sweep")]
        self.assertTrue(commands)
        for number, command in enumerate(commands):
            words = [str(lab.fast_build()), *shlex.split(command)[1:], "-o",
                     str(self.root / str(number)), "--set", "sweep.repeat=1"]
            subprocess.run(words, cwd=lab.ROOT, check=True, capture_output=True, timeout=600)
            self.check_break_even(self.read(str(number)))

    def check_break_even(self, sweep):
        """A keepalive below the timer keeps the tunnel; the less often, the more calls are lost."""
        for cell in sweep["cells"]:
            timer, interval = (int(value[:-1]) for value in cell["set"].values())
            share = cell["metrics"]["esp.delivered_ratio@calls"]["mean"]
            if 0 < interval < timer or timer >= 300:
                self.assertEqual(share, 1.0, cell["set"])
            elif interval == 60:
                self.assertTrue(0.1 < share < 0.8, cell)
            elif interval == 0:
                self.assertTrue(0.01 < share < 0.5, cell)


class Resuming(Sweeps):
    # Runs of some seconds each, so that the signal meets several of them in the middle.
    SLOW = ("--set", "stop_time=10min", "--set", "traffic.talk.for=10min", "--set",
            "sweep.repeat=2", "--no-report", "-j", "2")

    def whole(self, name="out"):
        """{folder: when and what} of the runs that are complete."""
        found = {}
        for path in (self.root / name).glob("cell-*/result.json"):
            if not json.loads(path.read_text())["partial"]:
                found[path.parent.name] = (path.stat().st_mtime_ns, path.stat().st_ino)
        return found

    def test_an_interrupted_sweep_goes_on(self):
        process = subprocess.Popen(self.command(*self.SLOW), cwd=lab.ROOT, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        limit = time.monotonic() + 300
        while not self.whole() and time.monotonic() < limit and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn("the same command again", err)
        kept = self.whole()
        self.assertTrue(1 <= len(kept) < 12, kept)
        sweep = self.read()
        self.assertTrue(sweep["partial"])
        states = {r["folder"]: r["state"] for c in sweep["cells"] for r in c["runs"]}
        self.assertEqual({f for f, s in states.items() if s == "done"}, set(kept))
        self.assertEqual(set(states.values()), {"done", "missing"})

        done = self.sweep(*self.SLOW)
        self.assertIn(f"{12 - len(kept)} runs now, {len(kept)} there before", done.stdout)
        after = self.whole()
        self.assertEqual(len(after), 12)
        self.assertEqual({f: after[f] for f in kept}, kept)
        self.sweep(*self.SLOW, name="straight")
        for file in ("sweep.json", "sweep.csv"):
            self.assertEqual((self.root / "out" / file).read_bytes(),
                             (self.root / "straight" / file).read_bytes())
        self.assertEqual([f for f in os.listdir(self.root / "out") if "partial" in f], [])

    def test_more_seeds_keep_those_that_are_there(self):
        self.sweep("--no-report", "--set", "sweep.repeat=2")
        kept = self.whole()
        done = self.sweep("--no-report", "--set", "sweep.repeat=3")
        self.assertIn("6 runs now, 12 there before", done.stdout)
        self.assertEqual({f: self.whole()[f] for f in kept}, kept)

    def test_a_damaged_result_is_run_again(self):
        self.sweep("--no-report")
        before = (self.root / "out/sweep.json").read_bytes()
        victim = self.root / "out/cell-0002-r3/result.json"
        victim.write_text(victim.read_text()[:500])
        self.assertIn("1 runs now, 17 there before", self.sweep("--no-report").stdout)
        self.assertEqual((self.root / "out/sweep.json").read_bytes(), before)

    def test_a_changed_scenario_is_another_sweep(self):
        scenario = self.copy()
        self.sweep("--no-report", scenario=scenario)
        self.copy(lambda text: text.replace("delay: 5ms", "delay: 6ms"))
        done = self.sweep("--no-report", scenario=scenario, expect=2)
        self.assertIn("this scenario as it was before a change", done.stderr)
        self.assertIn("--force", done.stderr)
        self.sweep("--no-report", "--force", "--set", "sweep.repeat=1", scenario=scenario)
        self.assertEqual(len(list((self.root / "out").glob("cell-*"))), 6)
        done = self.sweep("--no-report", "--set", "sweep.repeat=1", "--set", "crypto=real",
                          scenario=scenario, expect=2)
        self.assertIn("other settings", done.stderr)

    def test_one_at_a_time(self):
        (self.root / "out").mkdir()
        folder = os.open(self.root / "out", os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        self.assertIn("another sweep", self.sweep(expect=1).stderr)
        os.close(folder)
        self.assertEqual(os.listdir(self.root / "out"), [])


class Trouble(Sweeps):
    def test_a_failing_run_is_said_and_the_others_go_on(self):
        plant = ("--plant", "icv-ignored", "--set", "sweep.repeat=1", "--set",
                 "sweep.axes={links.core.corrupt: [0%, 10%, 0.0%]}")
        done = self.sweep(*plant, expect=1)
        self.assertIn("cell-0002-r1 failed (exit 1)", done.stderr)
        self.assertIn("invariant I4 violated", done.stderr)
        sweep = self.read()
        self.assertEqual([c["runs"][0]["state"] for c in sweep["cells"]],
                         ["done", "failed", "done"])
        self.assertEqual(sweep["runs"], {"all": 3, "failed": 1, "threshold_failed": 0})
        self.assertFalse(sweep["partial"])
        numbers = sweep["cells"][1]["metrics"]["ike.setup_time_s.p99"]
        self.assertEqual([numbers["values"], numbers["count"], numbers["mean"]], [[None], 0, None])
        page = Page((self.root / "out/sweep.html").read_text(encoding="utf-8"))
        self.assertIn("1 OF 3 RUNS FAILED", page.text)
        hint = next(l for l in done.stderr.splitlines() if l.startswith("try: ikelab run"))
        again = subprocess.run([lab.IKELAB, *shlex.split(hint)[2:], "-o", self.root / "again"],
                               capture_output=True, text=True, cwd=lab.ROOT, check=False)
        self.assertEqual(again.returncode, 1)
        self.assertIn("invariant I4 violated", again.stderr)
        # It is tried again, and says so again.
        done = self.sweep(*plant, "--no-report", expect=1)
        self.assertIn("1 runs now, 2 there before", done.stdout)

    def test_a_failed_threshold_is_exit_3_also_when_nothing_is_left_to_do(self):
        one = ("--set", 'thresholds={ike.retransmissions: ["==0"]}', "--set", "sweep.repeat=1",
               "--no-report")
        for _ in range(2):
            self.assertIn("with a failed threshold", self.sweep(*one, expect=3).stdout)
        states = [c["runs"][0]["state"] for c in self.read()["cells"]]
        self.assertEqual(states[:2], ["done", "done"])
        self.assertIn("threshold failed", states)

    def test_thresholds_that_are_ignored_are_counted_and_do_not_fail_the_sweep(self):
        one = ("--set", 'thresholds={ike.retransmissions: ["==0"]}', "--set", "sweep.repeat=1")
        judged = self.sweep(*one, "--no-report", expect=3, name="judged")
        done = self.sweep(*one, "--set", "sweep.thresholds=ignore")
        self.assertIn("with a failed threshold (ignored)", done.stdout)
        self.assertNotIn("(ignored)", judged.stdout)
        sweep = self.read()
        self.assertEqual([sweep["thresholds"], self.read("judged")["thresholds"]],
                         ["ignore", "judge"])
        self.assertGreater(sweep["runs"]["threshold_failed"], 0)
        self.assertIn("threshold failed", [c["runs"][0]["state"] for c in sweep["cells"]])
        self.assertEqual(sweep["runs"], self.read("judged")["runs"])
        page = (self.root / "out/sweep.html").read_text()
        self.assertNotIn("THRESHOLDS FAILED", page)
        # The same folder judged after all: nothing is run again, and the page says so, too.
        again = self.sweep(*one, expect=3)
        self.assertIn("0 runs now, 6 there before", again.stdout)
        self.assertIn("THRESHOLDS FAILED", (self.root / "out/sweep.html").read_text())
        self.check_schema(sweep)

    def refused(self, words, change):
        done = self.sweep(scenario=self.copy(change), expect=2)
        self.assertIn(words, done.stderr)
        self.assertFalse((self.root / "out").exists())
        return done.stderr

    def test_a_bad_value_is_shown_where_it_stands(self):
        said = self.refused(":17:34: error: ", lambda t: t.replace("5%, 20%", "5, 20%"))
        self.assertIn("    links.core.loss.random: [0%, 5, 20%]", said)

    def test_values_that_do_not_go_together(self):
        said = self.refused(":12:3: error: ", lambda t: t.replace(
            "ike.retransmit_timeout: [2s, 500ms]", "links.core.distribution:     [normal]"))
        self.assertIn("so it is in the cell links.core.loss.random=0% "
                      "links.core.distribution=normal", said)
        done = subprocess.run([lab.IKELAB, "lint", self.root / "scenario.yaml"], text=True,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(":12:3: error: ", done.stderr)

    def test_what_is_no_axis_or_no_metric(self):
        def axis(text):
            return lambda t: t.replace("ike.retransmit_timeout: [2s, 500ms]", text)
        self.refused("'seed' is no axis", axis("seed: [1, 2]"))
        self.refused("stands twice", axis("ike.dpd_delay: [1s, 1s]"))
        self.refused("no item '3'", axis("events.3.at: [1s]"))
        self.refused("more than 100000 runs", lambda t: t.replace("repeat: 3", "repeat: 10000")
                     .replace("[2s, 500ms]", "[1s, 2s, 3s, 4s]"))
        self.refused("has many values: say which, such as ike.setup_time_s.p99",
                     lambda t: t.replace("ike.setup_time_s.p99", "ike.setup_time_s"))
        self.refused("no group, link or flow 'tlk'", lambda t: t.replace("@talk", "@tlk"))
        self.refused("has no 'sweep'", lambda t: t[:t.index("sweep:")])

    def test_a_setting_that_an_axis_would_undo(self):
        done = self.sweep("--set", "links.core.loss.random=1%", expect=2)
        self.assertIn("is an axis of the sweep", done.stderr)

    def test_places_of_lists_are_axes_too(self):
        def change(text):
            text = text.replace("ike.retransmit_timeout: [2s, 500ms]", "events.0.at: [1s, 3s]")
            return text + "\nevents: [{at: 2s, nodes: gw, do: crash, for: 1s}]\n"
        self.sweep("--no-report", "--set", "sweep.repeat=1", scenario=self.copy(change))
        digests = {c["runs"][0]["digest"] for c in self.read()["cells"]}
        self.assertEqual(len(digests), 6)

    def test_a_folder_that_is_not_ours(self):
        (self.root / "out").mkdir()
        (self.root / "out/mine").write_text("keep me")
        for force in ((), ("--force",)):
            self.assertIn("not the folder of a sweep", self.sweep(*force, expect=2).stderr)
        self.assertEqual(os.listdir(self.root / "out"), ["mine"])
        done = self.sweep(name="out/mine/below", expect=1)
        self.assertIn("try: ", done.stderr)

    def test_a_full_disk_leaves_no_half_file(self):
        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

        done = self.sweep("--set", "sweep.repeat=1", expect=1, preexec_fn=small_files)
        self.assertIn("try: ", done.stderr)
        self.assertLessEqual(set(os.listdir(self.root / "out")), {"plan.json", "sweep.csv"})
        self.sweep("--set", "sweep.repeat=1", "--no-report")


if __name__ == "__main__":
    lab.main()
