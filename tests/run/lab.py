"""What the tests of the built program share: run it, read what it left, skip with a reason."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "scenarios"
IKELAB = pathlib.Path(os.environ.get("IKELAB", ROOT / "build/dev/ikelab"))
SKIPPED = 77


def other_builds():
    """The program as other compilers and presets built it; ./check builds them all."""
    builds = [ROOT / "build" / preset / "ikelab" for preset in ("release", "release-clang", "plain")]
    return [b for b in builds if b.exists()]


def fast_build():
    """The release build where there is one (long runs), else the build under test."""
    release = ROOT / "build/release/ikelab"
    return release if release.exists() else IKELAB


class Run:
    """One `ikelab run`: exit status, talk, and the run folder."""

    def __init__(self, scenario, *arguments, binary=None, expect=0, folder=None, timeout=900,
                 env=None):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="ikelab-test-")) / "run"
        path = scenario if "/" in str(scenario) else SCENARIOS / f"{scenario}.yaml"
        self.command = [str(binary or IKELAB), "run", str(path), "-o", str(self.folder), *arguments]
        done = subprocess.run(self.command, cwd=ROOT, text=True, capture_output=True,
                              timeout=timeout, env={**os.environ, **(env or {})})
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr
        if expect is not None and self.status != expect:
            raise AssertionError(
                f"{' '.join(self.command)}: exit {self.status}, expected {expect}\n{self.err}")

    @property
    def result(self):
        return json.loads((self.folder / "result.json").read_text())

    def events(self):
        with open(self.folder / "events.jsonl") as lines:
            for line in lines:
                yield json.loads(line)

    def remove(self):
        shutil.rmtree(self.folder.parent, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


def need(tool):
    path = shutil.which(tool)
    if not path:
        print(f"skipped: {tool} is not installed")
        sys.exit(SKIPPED)
    return path


def main():
    unittest.main(verbosity=2)
