#!/usr/bin/python3
"""`ikelab report`: two runs on one page, with the data of both; and the first messages of a run as a
Mermaid diagram, whose text nothing in a run can break out of."""

import json
import re
import subprocess
import sys

import lab

sys.path.insert(0, str(lab.ROOT / "reports"))
import mermaid  # noqa: E402

unittest = lab.unittest
SMALL = ("--set", "nodes.homes.count=2", "--set", "stop_time=9s", "--set", "events=[]", "--set",
         "thresholds={ike.completed: [\"==2\"], ike.failed: [\"==0\"]}", "--set",
         "capture.esp_packets_per_sa=3", "--set",
         "capture.of=[\"homes[0..1]\",\"boxes[0..1]\",gw]", "--no-report", "-q")
LOSSY = ("--set", "links.access.loss={random: 25%}", "--seed", "5", "--set",
         "thresholds={ike.failed: [\"==0\"]}", "--set", "stop_time=14s")
ARROW = re.compile(r"  n(\d+)(->>|-->>|-x|--x)n(\d+): (.+)")
NOTE = re.compile(r"  Note over n(\d+): \d+\.\d{3} s [\w ]+")


class Runs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.good = lab.Run("nat-rebind", *SMALL)
        cls.addClassCleanup(cls.good.remove)
        cls.lossy = lab.Run("nat-rebind", *SMALL, *LOSSY)
        cls.addClassCleanup(cls.lossy.remove)
        cls.root = cls.good.folder.parent

    def report(self, *arguments, expect=0):
        done = subprocess.run([lab.IKELAB, "report", *map(str, arguments)], cwd=self.root,
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    # ---- two runs ----

    def test_two_runs_are_one_page(self):
        self.report(self.good.folder, self.lossy.folder, "-o", "both.html")
        text = (self.root / "both.html").read_text()
        names = re.findall(r'<script type="application/json" id="([^"]*)">', text)
        self.assertEqual(names, ["island", "island-b"])
        islands = [json.loads(part) for part in
                   re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.S)]
        self.assertEqual([i["run"]["digest"] for i in islands],
                         [self.good.result["digest"], self.lossy.result["digest"]])
        self.assertEqual(len(re.findall(r"<script", text)), 3)
        self.assertNotRegex(re.sub(r'"http://www.w3.org/[^"]*"', "", text), r"https?://|@import")
        metric = 'data-metric="ike.retransmissions" value="{}"'
        for run in (self.good, self.lossy):
            self.assertIn(metric.format(run.result["virtual"]["ike"]["retransmissions"]), text)
        self.assertEqual(text.count("not asked"), 1)
        self.assertIn("wall/run_s", text)

    def test_the_page_has_a_name_of_its_own(self):
        done = self.report(self.good.folder, self.lossy.folder)
        self.assertIn("runs.html", done.stdout)
        again = self.report(self.good.folder, self.lossy.folder, expect=2)
        self.assertIn("--force", again.stderr)
        (self.root / "runs.html").unlink()

    def test_what_the_machine_took_is_asked_for(self):
        self.report(self.good.folder, self.lossy.folder, "--raw", "-o", "wall.html")
        text = (self.root / "wall.html").read_text()
        self.assertNotIn("<script", text)
        self.assertIn("wall/run_s", text)

    def test_half_a_run_makes_no_page(self):
        keys = self.lossy.folder / "keys.jsonl"
        whole = keys.read_bytes()
        self.addCleanup(keys.write_bytes, whole)
        keys.write_bytes(whole[:-30])
        done = self.report(self.good.folder, self.lossy.folder, "-o", "half.html", expect=1)
        self.assertIn("keys.jsonl", done.stderr)
        self.assertIn("try: ", done.stderr)
        self.assertFalse((self.root / "half.html").exists())

    # ---- Mermaid ----

    def diagram(self, run, *arguments):
        lines = self.report("--mermaid", run.folder, *arguments).stdout.splitlines()
        self.assertEqual(lines[0], "sequenceDiagram")
        nodes = dict(re.fullmatch(r"  participant n(\d+) as (.+)", line).groups()
                     for line in lines if line.startswith("  participant"))
        arrows, notes = [], []
        for line in lines[1 + len(nodes):]:
            if found := ARROW.fullmatch(line):
                arrows.append((nodes[found[1]], found[2], nodes[found[3]], found[4]))
            else:
                self.assertRegex(line, f"^{NOTE.pattern}$")
                notes.append(line)
        return nodes, arrows, notes

    def test_the_first_messages(self):
        nodes, arrows, notes = self.diagram(self.good)
        self.assertEqual(set(nodes.values()), {"homes[0]", "homes[1]", "gw"})
        self.assertEqual([arrow[:3] for arrow in arrows[:4]],
                         [("homes[0]", "->>", "gw"), ("gw", "-->>", "homes[0]")] * 2)
        self.assertRegex(arrows[2][3], r"^IKE_AUTH request 1: HDR, SK \{IDi, ")
        self.assertIn("  Note over n", notes[0])
        self.assertTrue(any(note.endswith("child up") for note in notes))

    def test_lost_ones_end_in_a_cross(self):
        _, arrows, _ = self.diagram(self.lossy)
        lost = [e for e in self.lossy.events() if e["name"] == "packet.dropped"
                and e["data"]["kind"] == "ike"]
        crossed = [arrow for arrow in arrows if "x" in arrow[1] and "ESP" not in arrow[3]]
        self.assertEqual(len(crossed), len(lost))
        self.assertGreater(len(crossed), 2)
        for source, _, target, text in crossed:
            self.assertIn("gw", (source, target))
            self.assertNotEqual(source, target)
            self.assertTrue(text.startswith("loss: "), text)
        self.assertTrue(any("sent again (1)" in arrow[3] for arrow in arrows))

    def test_of_one_sa(self):
        sa = next(e["sa"] for e in self.good.events() if e["node"] == "homes[1]" and "sa" in e)
        nodes, arrows, _ = self.diagram(self.good, "--spi", sa)
        self.assertEqual(set(nodes.values()), {"homes[1]", "gw"})
        self.assertTrue(any(arrow[3].startswith("ESP") for arrow in arrows))
        spi = next(re.match(r"ESP (0x\w+)", arrow[3])[1] for arrow in arrows
                   if arrow[3].startswith("ESP"))
        _, arrows, _ = self.diagram(self.good, "--spi", spi)
        self.assertEqual({arrow[3].split()[1] for arrow in arrows}, {spi})
        self.assertIn("--summary", self.report("--mermaid", self.good.folder, "--spi", "0x12345678",
                                               expect=1).stderr)

    def test_wrong_use(self):
        for arguments in (["--mermaid"], ["--mermaid", self.good.folder, self.lossy.folder],
                          ["--mermaid", self.root], ["--spi", "0x1", self.good.folder],
                          ["--mermaid", self.good.folder, "-o", "x.mmd"]):
            self.assertIn("try: ", self.report(*arguments, expect=2).stderr)

    def test_text_of_others_stays_text(self):
        self.assertEqual(mermaid.escaped("a;b#c<d>e&f%%g\nh\u2028`\"\\\x07"),
                         "a#59;b#35;c#lt;d#gt;e#amp;f#37;#37;g h #96;#quot;#92;\ufffd")
        for name in ("end", "x;y", "a\nNote over b: c"):
            self.assertNotRegex(mermaid.escaped(name), r"[\n]|(?<!#\d\d);")


if __name__ == "__main__":
    lab.main()
