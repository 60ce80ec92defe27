#!/usr/bin/python3
"""bench/tools/scale.py on small fleets: every kind that is built is measured and drawn, and what
docs/scale.md shows is what docs/scale.json has."""

import json
import pathlib
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

import lab

SCRIPT = lab.ROOT / "bench/tools/scale.py"
BUILD = lab.fast_build().parent
CURVES = ["speed", "memory", "setup", "event"]
NS3 = (BUILD / "ikelab-bound-ns3").exists()


def scale(*words, expect=0):
    done = subprocess.run([str(SCRIPT), "--build", str(BUILD), *map(str, words)], text=True,
                          capture_output=True, timeout=600)
    if done.returncode != expect:
        raise AssertionError(f"{words}: exit {done.returncode}\n{done.stderr}")
    return done


class Scale(unittest.TestCase):
    def setUp(self):
        lab.need("gnuplot")
        if not (BUILD / "ikelab_fleet").exists():
            self.skipTest("ikelab_fleet is not built")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def data(self):
        return json.loads((self.folder / "scale.json").read_text())

    def test_every_kind_is_measured_and_drawn(self):
        done = scale("--sizes", 40, 80, "--repetitions", 2, "-o", self.folder)
        kinds = ["opaque", "ikev2", "ikev2-real"] + ["ns3-tree-lean", "ns3-tree-stock"] * NS3
        rows = self.data()["rows"]
        self.assertEqual([(r["clients"], r["kind"]) for r in rows],
                         [(n, kind) for n in (40, 80) for kind in kinds])
        for row in rows:
            self.assertEqual(row["completed"], row["clients"], row)
            self.assertEqual(row["repetitions"], 2)
            for what in "setup_ns", "loop_ns", "events", "memory_bytes":
                self.assertGreater(row[what], 0, row)
        lines = [line for line in done.stdout.splitlines() if line.startswith("|")]
        self.assertEqual(len(lines), 2 + len(rows))
        for line in lines[2:]:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            self.assertEqual(len(cells), 8)
            modelled = cells[0] in ("opaque UDP", "IKEv2, modelled")
            self.assertEqual(cells[4] != "-", NS3 and modelled, line)
        for name in CURVES:
            xml.etree.ElementTree.parse(self.folder / f"scale-{name}.svg")
        if not NS3:
            self.assertIn("libns3-dev", done.stderr)

    def test_it_ends_by_itself(self):
        done = scale("--sizes", 40, 1000000, "--kinds", "opaque", "--seconds", 1,
                     "--repetitions", 1, "-o", self.folder)
        self.assertIn("opaque ends before 1,000,000 clients: would take", done.stderr)
        self.assertEqual([r["clients"] for r in self.data()["rows"]], [40])

    def test_what_is_drawn_again_is_the_same(self):
        scale("--sizes", 40, "--kinds", "opaque", "--repetitions", 1, "-o", self.folder)
        before = (self.folder / "scale-speed.svg").read_bytes()
        scale("--draw", "-o", self.folder)
        self.assertEqual((self.folder / "scale-speed.svg").read_bytes(), before)

    def test_the_page_shows_the_numbers_of_its_file(self):
        folder = self.folder / "again"
        folder.mkdir()
        (folder / "scale.json").write_text((lab.ROOT / "docs/scale.json").read_text())
        lines = scale("--draw", "-o", folder).stdout
        self.assertIn(lines, (lab.ROOT / "docs/scale.md").read_text())

    def test_no_program_is_an_error(self):
        done = subprocess.run([str(SCRIPT), "--build", "/nonexistent", "-o", str(self.folder)],
                              text=True, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("try:", done.stderr)


class Fleet(unittest.TestCase):
    def test_wrong_use(self):
        for words in [], ["opaque"], ["opaque", "0"], ["opaque", "1000001"], ["star", "10"]:
            done = subprocess.run([str(BUILD / "ikelab_fleet"), *words], text=True,
                                  capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn("usage:", done.stderr)


if __name__ == "__main__":
    lab.main()
