#!/usr/bin/python3
"""`ikelab bench` as a program: its file, its table, its ends. Nothing here asserts a time."""

import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import tempfile
import time
import unittest

import jsonschema
import lab

SCHEMA = json.loads((lab.ROOT / "docs/schema/bench.schema.json").read_text())
GROUPS = {"crypto", "codec", "handshake", "esp", "sim", "memory"}


def bench(*words, binary=None, timeout=600):
    return subprocess.run([str(binary or lab.IKELAB), "bench", *map(str, words)], text=True,
                          capture_output=True, cwd=lab.ROOT, timeout=timeout)


class Bench(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_quick_has_every_group_with_bound_and_ratio(self):
        out = self.folder / "bench.json"
        done = bench("--quick", "--repetitions", 1, "--window", 1, "-o", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        bench_file = json.loads(out.read_text())
        jsonschema.validate(bench_file, SCHEMA)
        rows = bench_file["benchmarks"]
        self.assertEqual({r["name"].split("/")[0] for r in rows}, GROUPS)
        self.assertEqual(bench_file["context"]["turns"], "")
        self.assertGreaterEqual(bench_file["context"]["others"], 0)
        for row in rows:
            with self.subTest(row["name"]):
                self.assertGreater(row["median"], 0)
                self.assertGreater(row["bound"] or 0, 0, done.stderr)
                self.assertEqual(len(row["samples"]), 1)
                self.assertAlmostEqual(row["ratio"], row["bound"] / row["median"], places=6)
                self.assertIn(row["name"], done.stdout)
        listed = bench("--quick", "--list").stdout
        self.assertEqual([w.split()[0] for w in listed.splitlines() if w.startswith("  ")],
                         [r["name"] for r in rows])

    def test_samples_come_from_repetitions(self):
        done = bench("--repetitions", 3, "--window", 1, "codec/read/ike_sa_init", "--json")
        row, = json.loads(done.stdout)["benchmarks"]
        self.assertEqual(len(row["samples"]), 3)
        self.assertEqual(len(row["bound_samples"]), 3)
        self.assertEqual(len(set(row["samples"])), 3, "three windows, one value: not measured")

    def test_the_gain_of_threads_beside_that_of_the_bound(self):
        out = self.folder / "bench.json"
        one = "esp/aes256gcm16/encrypt/1400/sas-1"
        done = bench("--repetitions", 3, "--window", 2, one, f"{one}/threads-2", "-o", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = {r["name"]: r for r in json.loads(out.read_text())["benchmarks"]}
        ours, bound = (statistics.median(rows[one][of]) /
                       statistics.median(rows[f"{one}/threads-2"][of])
                       for of in ("samples", "bound_samples"))
        said, = re.findall(r"gain of (\S+): ([\d.]+), of the bound ([\d.]+), ratio ([\d.]+)",
                           done.stdout)
        self.assertEqual(said[0], f"{one}/threads-2")
        for number, wanted in zip(said[1:], (ours, bound, ours / bound)):
            self.assertAlmostEqual(float(number), wanted, delta=0.001)

    def test_two_programs_in_turns(self):
        base, new = self.folder / "base.json", self.folder / "new.json"
        done = bench("--repetitions", 2, "--window", 1, "codec/read/ike_sa_init", "crypto/prf/64",
                     "--against", lab.IKELAB, "--base-output", base, "-o", new)
        self.assertEqual(done.returncode, 0, done.stderr)
        a, b = (json.loads(p.read_text()) for p in (base, new))
        for one in a, b:
            self.assertEqual([len(r["samples"]) for r in one["benchmarks"]], [2, 2])
        self.assertEqual(a["context"]["commit"], b["context"]["commit"][:12])
        self.assertEqual(a["context"]["turns"], b["context"]["turns"])
        self.assertNotEqual(a["context"]["turns"], "")
        self.assertNotEqual(a["benchmarks"][0]["samples"], b["benchmarks"][0]["samples"])

    def test_stopping_keeps_what_was_measured(self):
        out = self.folder / "bench.json"
        child = subprocess.Popen(
            [str(lab.IKELAB), "bench", "--repetitions", "200", "--window", "20", "-o", str(out),
             "codec"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(4)
        child.send_signal(signal.SIGINT)
        _, talk = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 128 + signal.SIGINT, talk)
        self.assertIn("stopped early", talk)
        bench_file = json.loads(out.read_text())
        jsonschema.validate(bench_file, SCHEMA)
        self.assertTrue(bench_file["context"]["partial"])
        for row in bench_file["benchmarks"]:
            self.assertLess(len(row["samples"]), 200)

    def test_wrong_use(self):
        for words, what in ((("nonsense",), "no row has the name"),
                            (("codec", "nonsense"), "no row has the name 'nonsense'"),
                            (("--quick", "sim/opaque/star/*"), "part of --quick"),
                            (("--against", str(lab.IKELAB), "--base-output", "-"), "of its own"),
                            (("--against", str(lab.IKELAB), "--base-output", "x", "-o", "x"),
                             "of its own"),
                            (("--against", "/tmp", "--base-output", "x"), "no such"),
                            (("--repetitions", "0"), "nothing to do"),
                            (("--repetitions", "1e3"), "not a number"),
                            (("--window", "0"), "not a number"),
                            (("--base-output", "x"), "goes with --against"),
                            (("--against", "/nonexistent", "--base-output", "x"), "no such"),
                            (("--against", str(lab.IKELAB)), "needs a file"),
                            (("live", "--", "a", "--"), "no live run given"),
                            (("live", "--", "a", "--", "b"), "two live runs need two files"),
                            (("live", "--", "a", "--", "b", "--", "c"), "more than two live runs"),
                            (("live", "--base-output", "x", "--", "a"), "goes with two live runs"),
                            (("live", "-o", "x", "--base-output", "x", "--", "a", "--", "b"),
                             "of its own")):
            with self.subTest(words):
                done = bench(*words)
                self.assertEqual(done.returncode, 2)
                self.assertIn(what, done.stderr)
                self.assertRegex(done.stderr, "(?i)try")

    def test_big_rows_have_to_be_asked_for(self):
        """A list has them all; what would be measured shows where the bounds are missing."""
        listed = bench("--list", "sim").stdout
        self.assertRegex(listed, r"sim/ikev2/100000 +us  if asked\n")
        self.assertRegex(listed, r"sim/ikev2/1000000 +us  by name\n")
        done = bench("--repetitions", 1, "sim/ikev2/*000000")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("its whole name", done.stderr)

    def test_a_fleet_without_ns3_has_no_ratio_and_says_why(self):
        done = subprocess.run([str(lab.IKELAB), "bench", "--repetitions", "1", "--json",
                               "sim/opaque/star/1000"], text=True, capture_output=True,
                              env={**os.environ, "IKELAB_BOUNDS": "/nonexistent"}, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        row, = json.loads(done.stdout)["benchmarks"]
        self.assertGreater(row["median"], 0)
        self.assertIsNone(row["ratio"])
        self.assertIn("apt-get install libns3-dev", done.stderr)

    def test_output_that_cannot_be_written(self):
        """Said before anything is measured: all rows would take an hour."""
        for option, at in ("-o", ""), ("--export", "csv="):
            done = bench("--repetitions", 200, option, f"{at}{self.folder}/none/bench.json",
                         timeout=20)
            self.assertEqual(done.returncode, 1)
            self.assertIn("No such file or directory", done.stderr)
            self.assertIn("try:", done.stderr)
            self.assertEqual(list(self.folder.iterdir()), [])
        for path in "", self.folder:
            done = bench("--repetitions", 200, "-o", path, timeout=20)
            self.assertEqual(done.returncode, 1)
            self.assertIn("cannot write", done.stderr)

    def other(self, name, script):
        path = self.folder / name
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)
        return path

    def test_another_program_that_cannot_be_measured(self):
        version = "[ $1 = --version ] && echo 'ikelab 0.0.9 (0123abcd, changed)' && exit 0\n"
        for name, script, code, what in (
                ("other", "echo 'ls (GNU coreutils) 9.1'", 2, "is no ikelab"),
                ("silent", "exit 1", 2, "is no ikelab"),
                ("it's old", version + "exit 2", 1, "too old"),
                ("dies", version + "kill -9 $$", 1, "status 137")):
            with self.subTest(name):
                done = bench("--repetitions", 3, "--window", 1, "codec/read/ike_sa_init", "-o",
                             self.folder / "new.json", "--base-output", self.folder / "base.json",
                             "--against", self.other(name, script))
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(what, done.stderr)
                self.assertIn("try:", done.stderr)
                self.assertEqual(list(self.folder.glob("*.json")), [])

    def test_what_a_worker_measured_before_one_died_is_kept(self):
        """The second one of the other program ends at once."""
        gone = self.folder / "gone"
        other = self.other("other", f"""[ $1 = --version ] && exec {lab.IKELAB} --version
            [ -e {gone} ] && exit 3
            touch {gone}
            exec {lab.IKELAB} "$@"
            """)
        base, new = self.folder / "base.json", self.folder / "new.json"
        done = bench("--repetitions", 9, "--window", 1, "codec/read/ike_sa_init", "-o", new,
                     "--base-output", base, "--against", other)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("status 3", done.stderr)
        for path in base, new:
            content = json.loads(path.read_text())
            jsonschema.validate(content, SCHEMA)
            self.assertTrue(content["context"]["partial"])
        self.assertEqual(json.loads(base.read_text())["context"]["flags"], "unknown")

    def test_a_name_that_is_not_utf8(self):
        out = os.fsencode(self.folder) + b"/\xff.json"
        done = subprocess.run([str(lab.IKELAB), "bench", "--repetitions", "1", "--window", "1",
                               "codec/read/ike_sa_init", "-o", out], capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(out, "rb") as file:
            jsonschema.validate(json.load(file), SCHEMA)

    def test_started_without_standard_input(self):
        done = subprocess.run(["sh", "-c", f"{lab.IKELAB} bench --repetitions 1 --window 1 "
                               "codec/read/ike_sa_init <&-"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_no_valgrind_is_said_at_once(self):
        done = subprocess.run([str(lab.IKELAB), "bench", "--instructions", "--repetitions", "200"],
                              text=True, capture_output=True, timeout=20, env={"PATH": "/none"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("valgrind, which counts instructions, is not there", done.stderr)
        self.assertIn("install valgrind", done.stderr)

    def test_a_signal_while_the_other_program_tells_its_version(self):
        slow = self.other("slow", "exec sleep 5\n")
        child = subprocess.Popen([str(lab.IKELAB), "bench", "codec", "--against", str(slow),
                                  "--base-output", "/dev/null"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        time.sleep(1)
        child.send_signal(signal.SIGINT)
        _, talk = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 128 + signal.SIGINT, talk)

    def test_a_signal_to_it_alone_ends_its_worker_too(self):
        """A terminal signals both; kill and many a CI do not."""
        child = subprocess.Popen([str(lab.IKELAB), "bench", "--window", "10000", "codec"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(1)
        child.send_signal(signal.SIGTERM)
        began = time.monotonic()
        _, talk = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 128 + signal.SIGTERM, talk)
        self.assertLess(time.monotonic() - began, 5)


class Instructions(unittest.TestCase):
    """Counted on the release build: valgrind cannot run the sanitizers' one."""

    ROWS = ("codec/read/ike_auth", "handshake/x25519/psk", "esp/aes256gcm16/encrypt/1400/sas-1",
            "esp/aes256gcm16/decrypt/64/sas-1")

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def compare(self, base, new):
        done = subprocess.run([str(lab.IKELAB), "compare", "--json", str(self.folder / base),
                               str(self.folder / new)], text=True, capture_output=True)
        return done.returncode, {r["verdict"] for r in json.loads(done.stdout)["rows"]}

    def count(self, binary, name):
        if not binary.exists():
            self.skipTest(f"{binary.relative_to(lab.ROOT)} is not built")
        done = bench("--repetitions", 0, "--instructions", "--json", *self.ROWS, binary=binary)
        self.assertEqual(done.returncode, 0, done.stderr)
        bench_file = json.loads(done.stdout)
        (self.folder / name).write_text(done.stdout)
        jsonschema.validate(bench_file, SCHEMA)
        return {r["name"]: r for r in bench_file["benchmarks"]}

    def test_three_percent_more_is_three_percent_more(self):
        lab.need("valgrind")
        release = lab.ROOT / "build/release/ikelab"
        base, again = self.count(release, "base"), self.count(release, "again")
        more = self.count(release.with_name("ikelab-extra"), "more")
        self.assertEqual(self.compare("base", "again"), (0, {"no change"}))
        self.assertEqual(self.compare("base", "more"), (3, {"slower"}))
        self.assertEqual(self.compare("more", "base"), (0, {"faster"}))
        self.assertEqual(set(base), set(self.ROWS))
        for name in self.ROWS:
            with self.subTest(name):
                one = base[name]
                self.assertEqual(one["instructions_note"], "fallback path")
                self.assertGreater(one["instructions_own"], 100)
                self.assertLessEqual(one["instructions_own"], one["instructions"])
                for key in "instructions", "instructions_own":
                    self.assertAlmostEqual(again[name][key] / one[key], 1, delta=0.001)
                    self.assertAlmostEqual(more[name][key] / one[key], 1.03, delta=0.002)


if __name__ == "__main__":
    lab.main()
