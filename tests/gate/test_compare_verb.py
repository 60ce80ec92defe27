#!/usr/bin/python3
"""`ikelab compare` as its users meet it: exit codes, words, broken files, real run folders.
usage: test_compare_verb.py IKELAB"""

import copy
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import measured  # noqa: E402

try:
    import jsonschema
except ImportError:
    jsonschema = None

IKELAB = pathlib.Path(sys.argv.pop(1)).resolve()
SCHEMA = pathlib.Path("docs/schema/compare.schema.json").resolve()
SCENARIO = pathlib.Path("scenarios/handshake-lan.yaml").resolve()
SLOW = "esp/aes256gcm16/encrypt/1400/sas-1"


def ikelab(*words, **environment):
    return subprocess.run([IKELAB, *map(str, words)], capture_output=True, text=True, check=False,
                          env={**os.environ, **environment})


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ikelab-compare-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, name, content):
        return measured.write(self.folder / name, content)

    def pair(self, slower=1.0, count=20):
        return (self.file("base.json", measured.bench(1.0, 1, count)),
                self.file("new.json", measured.bench(slower, 2, count)))

    def expect(self, code, *words, out="", err=""):
        done = ikelab("compare", *words)
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout}{done.stderr}")
        self.assertIn(out, done.stdout)
        self.assertIn(err, done.stderr)
        if code in (1, 2) and "unrecognized" not in done.stderr:
            self.assertRegex(done.stderr, "(?i)try")
        return done


class Gate(Folder):
    def test_equal(self):
        done = self.expect(0, *self.pair(), out="✓ slower>2%")
        self.assertEqual(done.stderr, "")
        self.assertNotIn("\033", done.stdout)
        self.assertIn("0 slower, 0 faster, 9 no change, 0 cannot tell", done.stdout)

    def test_slower(self):
        base, new = self.pair(1.1)
        self.expect(3, base, new, out=f"✗ slower>2%: {SLOW}\n")
        self.expect(0, new, base, out="1 faster")
        self.expect(0, base, new, "--fail-if", "slower>2%@handshake/*")
        self.expect(0, base, new, "--fail-if", "slower>20%")
        self.expect(3, base, new, "--fail-if", "slower>20%", "--fail-if", "instructions>1%")
        self.expect(0, base, new, "--only", "[!e]*", out="7 no change")
        self.expect(0, base, new, "--effect", "20%", out="✓ instructions>10%")
        self.expect(0, base, new, "--effect", "20%", out="✓ slower>20%")

    def test_cannot_tell(self):
        base, new = self.pair(1.1, 4)
        slower = "--fail-if", "slower>2%"
        self.expect(4, base, new, *slower, out="at least 5 each are needed")
        self.expect(3, base, new, out=f"✗ instructions>1%: {SLOW}\n")
        self.expect(3, base, new, "--fail-if", "instructions>1%", "--fail-if", "slower>2%")
        self.expect(4, base, new, "--fail-if", "virtual", out="no simulations")
        self.expect(4, base, new, "--fail-if", "instructions>1%@wall/*", out="no instructions")

    def test_no_more_is_advised_than_can_be_measured(self):
        """Samples of all sizes: ten times as many would be the next to try."""
        content = measured.bench()
        content["benchmarks"] = content["benchmarks"][:1]
        content["benchmarks"][0].update(samples=[2.0 ** (i % 24) for i in range(120)],
                                        bound_samples=[1.0] * 120)
        path = self.file("wide.json", content)
        self.expect(4, path, path, out="--repetitions 1000,")
        wanted = ikelab("bench", "--repetitions", 1000, "nonsense").stderr
        self.assertIn("no row has the name", wanted)

    def test_machines(self):
        base, new = self.pair()
        other = json.loads(new.read_text())
        other["context"]["cpu"] = "Another CPU"
        new = self.file("new.json", other)
        self.expect(2, base, new, err="try: ikelab compare --force")
        self.expect(0, base, new, "--force", out="DIFFERENT MACHINES")
        self.expect(0, base, new, "--mixed")

    def test_rows_of_one_set_only(self):
        base, new = self.pair()
        fewer = json.loads(new.read_text())
        fewer["benchmarks"][2]["name"] = "handshake/other"
        new = self.file("new.json", fewer)
        done = self.expect(0, base, new, out="only in base: handshake/psk/x25519")
        self.assertIn("only in new: handshake/other", done.stdout)

    def test_warnings_of_the_measuring(self):
        base, new = self.pair()
        doubtful = json.loads(new.read_text())
        doubtful["context"].update(warnings=["load 3.1"], partial=True)
        self.expect(0, base, self.file("new.json", doubtful), err="warning: NEW: load 3.1")

    def test_wrong_use(self):
        base, new = self.pair()
        self.expect(2, err="two files")
        self.expect(2, base, err="two files")
        self.expect(2, base, new, new, err="third file")
        self.expect(2, base, new, "--fail-if", "slow>2%", err="begins with none of slower,")
        self.expect(2, base, new, "--fail-if", "slower>2", err="no '%'")
        self.expect(2, base, new, "--fail-if", "slower>1%", err="below the effect")
        self.expect(2, base, new, "--fail-if", "slower>2%@nothing/*", err="names no benchmark")
        self.expect(2, base, new, "--only", "nothing/*", err="like nothing/*")
        self.expect(2, base, new, "--effect", "two", err="not a percentage")
        self.expect(2, base, new, "--color", "red", err="auto, always or never")
        self.expect(2, base, new, "--json", "--export", "csv=-", err="standard output")

    def test_colour(self):
        base, new = self.pair(1.1)
        self.assertIn("\033[31m", self.expect(3, base, new, "--color=always").stdout)
        self.assertNotIn("\033", self.expect(3, base, new, "--color=never").stdout)
        script = shutil.which("script")
        if script:
            for more, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
                words = f"'{IKELAB}' compare '{base}' '{new}'"
                shown = subprocess.run([script, "-qec", words, "/dev/null"], capture_output=True,
                                       text=True, check=False, stdin=subprocess.DEVNULL,
                                       env={**os.environ, "TERM": "xterm", **more}).stdout
                self.assertEqual("\033[31m" in shown, coloured, more)

    def test_export(self):
        base, new = self.pair(1.1)
        self.expect(3, base, new, "--export", f"junit={self.folder}/junit.xml")
        self.assertIn("<failure", (self.folder / "junit.xml").read_text())
        self.assertTrue(self.expect(3, base, new, "--export", "csv=-").stdout.startswith("benchm"))


class Json(Folder):
    def test_shape(self):
        if not jsonschema:
            self.skipTest("python3-jsonschema is not installed")
        schema = json.loads(SCHEMA.read_text())
        jsonschema.Draft7Validator.check_schema(schema)
        verdicts = {0: "ok", 3: "failed", 4: "cannot tell"}
        for slower, count, code in ((1.0, 20, 0), (1.1, 20, 3), (1.1, 3, 4)):
            done = self.expect(code, *self.pair(slower, count), "--json", "--fail-if", "slower>2%")
            found = json.loads(done.stdout)
            jsonschema.validate(found, schema)
            self.assertEqual(found["verdict"], verdicts[code])
            self.assertEqual(len(found["rows"]), 9)

    def test_numbers(self):
        base, new = self.pair(1.1)
        row = json.loads(self.expect(3, base, new, "--json").stdout)["rows"][0]
        entry = json.loads(base.read_text())["benchmarks"][0]
        self.assertAlmostEqual(row["base_median"], entry["median"], places=5)
        self.assertAlmostEqual(row["instructions_change"], 1.1, places=6)
        self.assertLess(row["low"], row["change"])
        self.assertLess(row["change"], row["high"])
        self.assertTrue(row["beside_bound"])
        self.assertIsNotNone(row["machine"])
        raw = json.loads(ikelab("compare", base, new, "--json", "--raw").stdout)["rows"][0]
        self.assertFalse(raw["beside_bound"])
        self.assertIsNone(raw["machine"])

    def test_repeatable(self):
        pair = self.pair(1.02)
        self.assertEqual(ikelab("compare", *pair, "--json").stdout,
                         ikelab("compare", *pair, "--json").stdout)


class Broken(Folder):
    """Every broken file: exit 1, its path and the place in it, and what to try."""

    def broken(self, content, *words):
        base = self.file("base.json", measured.bench())
        path = self.folder / "broken.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        for order in ((base, path), (path, base)):
            done = self.expect(1, *order, err="\ntry: ")
            self.assertEqual(done.stdout, "")
            for word in (str(path), *words):
                self.assertIn(word, done.stderr)

    def changed(self, change):
        content = copy.deepcopy(measured.bench())
        change(content)
        return content

    def test_damaged(self):
        whole = json.dumps(measured.bench(), indent=1)
        self.broken(whole[:len(whole) // 2], "broken.json:")
        self.broken("", "broken.json:1:0")
        self.broken("{\n \"schema_version\": 1,\n oops}", "broken.json:3:")
        self.broken("[]", "neither a bench.json nor a result.json")
        self.broken("{\"schema_version\": 1}", "scenario.name")

    def test_later_version(self):
        self.broken(self.changed(lambda c: c.update(schema_version=2)), "schema_version is 2")

    def test_rows(self):
        def duplicate(c):
            c["benchmarks"].append(c["benchmarks"][0])

        def mismatched(c):
            c["benchmarks"][0]["bound_samples"].pop()

        self.broken(self.changed(duplicate), f"'{SLOW}': it is there twice")
        self.broken(self.changed(mismatched), SLOW, "'bound_samples'")
        for samples in ([], None, "many", {}):
            self.broken(self.changed(lambda c: c["benchmarks"][0].update(samples=samples)), SLOW,
                        "'samples'")
        for key in ("name", "unit", "better"):
            self.broken(self.changed(lambda c: c["benchmarks"][0].pop(key)), key)
        self.broken(self.changed(lambda c: c["benchmarks"][0]["samples"].append("x")), SLOW)
        self.broken(self.changed(lambda c: c.update(benchmarks={})), "'benchmarks'")

    def test_paths(self):
        base = self.file("base.json", measured.bench())
        self.expect(1, base, self.folder / "missing.json", err="missing.json")
        empty = self.folder / "empty"
        empty.mkdir()
        self.expect(1, empty, base, err="holds no result.json")

    def test_names_are_no_commands_to_a_terminal(self):
        content = measured.bench()
        content["benchmarks"][0]["name"] = "evil/\x1b[31m\n::error::x"
        path = self.file("evil.json", content)
        for base in path, self.pair()[0]:
            self.assertNotIn("\x1b", self.expect(0, base, path, out="evil/?[31m?::error::x").stdout)

    def test_a_bench_file_in_place_of_runs(self):
        for name in "a", "b":
            (self.folder / "runs" / name).mkdir(parents=True)
            self.file(f"runs/{name}/result.json", measured.bench())
        self.expect(1, self.folder / "runs", self.pair()[0], err="a measurement of its own")

    def test_zero_and_negative_samples_are_a_reason(self):
        base = self.file("base.json", measured.bench())
        for value in (0, -3.5):
            new = measured.bench()
            new["benchmarks"][2]["samples"][4] = value
            self.expect(4, base, self.file("new.json", new), out=f"sample 5 of NEW is {value}")


class Runs(Folder):
    def run_scenario(self, *path, seed=1, more=(), scenario=SCENARIO):
        target = self.folder.joinpath(*path)
        done = ikelab("run", scenario, "-o", target, "--seed", seed, "--set", "capture=none", *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return target

    def test_virtual(self):
        one, same = self.run_scenario("one"), self.run_scenario("same")
        gate = ("--fail-if", "virtual")
        self.expect(0, one, same, *gate, out="virtual: equal")
        self.expect(4, one, same, out="1 and 1 samples")
        result = json.loads((same / "result.json").read_text())
        result["virtual"]["ike"]["completed"] += 1
        (same / "result.json").write_text(json.dumps(result))
        self.expect(3, one, same, *gate, out="virtual: differs at ike.completed:")
        other = self.run_scenario("other", seed=2)
        self.expect(4, one, other, *gate, out="the seeds differ")
        longer = self.run_scenario("longer", more=("--set", "stop_time=11s"))
        self.expect(3, one, longer, *gate, out="differs at duration_s: 10.0 against 11.0")
        renamed = self.folder / "another.yaml"
        renamed.write_text(SCENARIO.read_text() + "# another file\n")
        another = self.run_scenario("another", scenario=renamed)
        self.expect(4, one, another, *gate, out="the scenarios differ")

    def test_folders_of_runs_are_sets(self):
        for side in ("base", "new"):
            (self.folder / side).mkdir()
            for number in range(5):
                self.run_scenario(side, f"run-{number}")
        done = ikelab("compare", self.folder / "base", self.folder / "new", "--json", "--fail-if",
                      "virtual")
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        self.assertEqual(found["virtual"], "equal")
        names = [row["name"] for row in found["rows"]]
        self.assertLessEqual({"wall/run_s", "wall/last_up_s"}, set(names))
        for row in found["rows"]:
            self.assertIsNotNone(row["p"], row)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
