#!/usr/bin/python3
"""kill -9 at a hundred random moments of `ikelab history add`: the file opens, and each run in it
is whole or not there. usage: test_history_kill.py IKELAB"""

import fcntl
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from collections import Counter
from pathlib import Path

import sets

IKELAB = str(Path(sys.argv.pop(1)).resolve())
KILLS = 100
OLD, NEW = {"benchmarks": 3, "samples": 10}, {"benchmarks": 50, "samples": 200}
SAMPLES = {1: 30, 2: 10000}  # of the run that was there, and of the one that is added
WRITE_LOCK = 120  # the byte of the -shm file that a writer locks: SQLite's WAL_WRITE_LOCK


def in_transaction(database):
    """Whether some process holds the right to write; asked while the writer stands still."""
    try:
        with open(f"{database}-shm", "rb") as shm:
            asked = struct.pack("@hhlli0l", fcntl.F_WRLCK, os.SEEK_SET, WRITE_LOCK, 1, 0)
            told = fcntl.fcntl(shm, fcntl.F_GETLK, asked)
    except FileNotFoundError:
        return False
    return struct.unpack("@hhlli0l", told)[0] != fcntl.F_UNLCK


class KillTest(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="ikelab-kill-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.database = self.root / "work" / "history.sqlite"
        self.old = sets.write(self.root / "old.json", sets.bench(0, **OLD))
        self.new = sets.write(self.root / "new.json", sets.bench(1, **NEW))
        self.base = self.root / "base.sqlite"
        self.ikelab("add", self.old, database=self.base)

    def ikelab(self, *words, expect=0, database=None):
        done = subprocess.run([IKELAB, "history", *words, "--db", database or self.database],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    def start(self, fresh):
        """A history with one run, or no file at all, and a process that begins to add."""
        shutil.rmtree(self.database.parent, ignore_errors=True)
        self.database.parent.mkdir()
        if not fresh:
            shutil.copy(self.base, self.database)
        return subprocess.Popen([IKELAB, "history", "add", self.new, "--db", self.database],
                                stdout=subprocess.DEVNULL)

    def duration(self):
        """How long it takes when nobody interferes: the middle of three."""
        took = []
        for _ in range(3):
            process, begin = self.start(False), time.monotonic()
            self.assertEqual(process.wait(), 0)
            took.append(time.monotonic() - begin)
        return sorted(took)[1]

    def kill(self, fresh, delay):
        """@return where it was hit"""
        process = self.start(fresh)
        time.sleep(delay)
        os.kill(process.pid, signal.SIGSTOP)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0)
            return "ended"
        inside = in_transaction(self.database)
        process.kill()
        process.wait()
        return "inside" if inside else "outside"

    def look(self, fresh, ours_first):
        """@return whether the new run is there, which then is whole"""
        if ours_first and self.database.exists():
            self.show()
        if not self.database.exists():
            self.assertTrue(fresh)
            return False
        self.assertEqual(sets.complaints(self.database), [])
        if not sets.query(self.database, "SELECT 1 FROM sqlite_schema"):
            self.assertTrue(fresh)  # a file, but no table yet
            return False
        found = dict(sets.query(self.database, "SELECT r.id, count(s.value) FROM run r"
                                " LEFT JOIN sample s ON s.run_id = r.id GROUP BY r.id"))
        benchmarks = sets.query(self.database, "SELECT count(*) FROM benchmark")[0][0]
        samples = [SAMPLES[2]] if fresh else [SAMPLES[1], SAMPLES[2]]
        added = len(found) == len(samples)
        self.assertEqual(list(found.values()), samples if added else samples[:-1])
        self.assertEqual(benchmarks, (0 if fresh else OLD["benchmarks"])
                         + (NEW["benchmarks"] if added else 0))
        if not ours_first:
            self.show()
        return added

    def show(self):
        """`ikelab history` works; of a history without a run it says that, and exits with 2."""
        done = subprocess.run([IKELAB, "history", "esp/row-0", "--db", self.database],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("no benchmark matches", done.stderr)
            self.assertEqual(sets.query(self.database, "SELECT count(*) FROM run"), [(0,)])

    def test_a_hundred_kills(self):
        chance = random.Random()
        seed = random.SystemRandom().randrange(2**32)
        chance.seed(seed)
        usual = self.duration()
        hits = Counter()
        for number in range(KILLS):
            fresh = number % 5 == 0
            # Every tenth among the first system calls, the rest anywhere.
            delay = chance.uniform(0, usual / 10 if number % 10 == 9 else usual)
            with self.subTest(seed=seed, number=number, fresh=fresh, delay=delay):
                where = self.kill(fresh, delay)
                added = self.look(fresh, ours_first=number % 2 == 0)
                if where == "outside":
                    where = "after" if added else "before"
                hits[where + (", added" if where == "inside" and added else "")] += 1
                if number % 10 == 0:
                    self.ikelab("add", self.new)
                    self.ikelab("check")
                    self.assertTrue(self.look(fresh, True))
        print(f"add takes {1000 * usual:.0f} ms; killed {dict(hits)}, seed {seed}")
        self.assertGreaterEqual(hits["before"], 5)
        self.assertGreaterEqual(hits["inside"], 5)


if __name__ == "__main__":
    unittest.main()
