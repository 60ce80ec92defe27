#!/usr/bin/python3
"""The n-th allocation of a run fails, for many n (short_of_memory.c): the run ends with exit 1, says
that memory is short and what to try, leaves no run folder, and neither crashes nor leaks. A few
allocations only save time, as that of expanded keys: without them the result is the same."""

import concurrent.futures
import json
import os
import pathlib
import resource
import subprocess
import tempfile
import unittest

import lab

PROGRAM = os.environ.get("SHORT_OF_MEMORY", str(lab.ROOT / "build/dev/tests/run/short_of_memory"))
FILE = lab.ROOT / "tests/scenarios/short-of-memory.yaml"


class ShortOfMemory(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory(prefix="ikelab-test-")
        self.addCleanup(self.place.cleanup)
        self.root = pathlib.Path(self.place.name)

    def run_short(self, variable, value, *words, name=None):
        folder = self.root / f"{variable}-{name or value}" / "run"
        done = subprocess.run([PROGRAM, "run", str(FILE), "-o", str(folder), "-q", "--no-report",
                               *words], cwd=lab.ROOT, text=True, capture_output=True, timeout=300,
                              env={**os.environ, variable: str(value)})
        return done, sorted(p.name for p in folder.parent.glob("*"))

    def allocations(self):
        count = self.root / "count.txt"
        done, left = self.run_short("SHORT_COUNT", count, name="count")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return int(count.read_text())

    def check(self, variable, n, *words):
        done, left = self.run_short(variable, n, *words)
        what = f"{variable}={n}: exit {done.returncode}, left {left}\n{done.stderr}"
        if done.returncode == 0:
            self.assertEqual(self.virtual(f"{variable}-{n}"), self.virtual("SHORT_COUNT-count"), what)
            self.assertEqual(done.stderr, "", what)
            return True
        self.assertEqual(done.returncode, 1, what)
        self.assertEqual(left, [], what)
        self.assertIn("out of memory", done.stderr, what)
        self.assertIn("try: ", done.stderr, what)
        self.assertNotIn("Sanitizer", done.stderr, what)
        self.assertNotIn("violated", done.stderr, what)
        return False

    def virtual(self, name):
        return json.loads((self.root / name / "run/result.json").read_text())["virtual"]

    def check_all(self, variable, numbers, *words):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            futures = [pool.submit(self.check, variable, n, *words) for n in numbers]
            went_on = sum(future.result() for future in futures)
        self.assertLess(went_on, len(futures) / 20)

    def test_one_allocation_fails(self):
        last = self.allocations()
        self.assertGreater(last, 300)
        self.check_all("SHORT_AT", range(1, last + 1, 3))

    def test_none_works_from_there_on(self):
        self.check_all("SHORT_FROM", range(1, self.allocations() + 1, 20))

    def test_an_address_space_that_is_too_small(self):
        """Libraries are short of it, too. What fits runs; what does not says so."""
        program = lab.fast_build()
        if program == lab.IKELAB:
            self.skipTest("a sanitizer takes terabytes of address space")
        codes = set()
        for mib in (32, 40, 48, 64, 96, 512):
            folder = self.root / f"limit-{mib}"
            done = subprocess.run(
                [str(program), "run", "scenarios/road-warriors.yaml", "-o", str(folder), "-q",
                 "--no-report", "--set", "crypto=modelled"],
                cwd=lab.ROOT, text=True, capture_output=True, timeout=300,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (mib << 20, mib << 20)))
            what = f"{mib} MiB: exit {done.returncode}\n{done.stderr}"
            self.assertIn(done.returncode, (0, 1, 2), what)
            self.assertEqual(folder.exists(), done.returncode == 0, what)
            if done.returncode:
                self.assertIn("memory", done.stderr, what)
                self.assertIn("try: ", done.stderr, what)
            codes.add(done.returncode)
        self.assertIn(0, codes)
        self.assertGreater(len(codes), 1)


if __name__ == "__main__":
    lab.main()
