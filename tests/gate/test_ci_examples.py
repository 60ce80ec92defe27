#!/usr/bin/python3
"""examples/ci: every option that a line uses is one the program has, and every file that one line
reads is written by a line before it. usage: test_ci_examples.py IKELAB"""

import re
import shlex
import subprocess
import sys
import unittest
from pathlib import Path

import yaml

IKELAB = Path(sys.argv.pop(1)).resolve()
EXAMPLES = Path("examples/ci")
SUBVERBS = {"bench": {"live"}, "live": {"initiate", "respond"}}
SHELL = {"||", "&&", ";", "|", ">", ">>", "then", "do", "fi"}


def help_of(verbs):
    done = subprocess.run([IKELAB, *verbs, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ikelab {' '.join(verbs)} --help: {done.stderr}"
    return done.stdout


def options_of(verbs):
    """Long options, and short ones, of what `--help` prints."""
    found = re.findall(r"^ +(?:(-\w), +)?(--[a-z-]+)", help_of(verbs), re.M)
    return {option for pair in found for option in pair if option}


def commands(script):
    """Words of each ikelab command of a script, without the program."""
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words = list(lexer) if "ikelab " in line else []
        while words:
            at = next((i for i, w in enumerate(words) if w.endswith("/ikelab")), None)
            if at is None:
                break
            words = words[at + 1:]
            end = next((i for i, w in enumerate(words) if w in SHELL), len(words))
            if words[:end]:
                yield words[:end]
            words = words[end:]


def split_verbs(words):
    verbs = [words[0]]
    if len(words) > 1 and words[1] in SUBVERBS.get(words[0], ()):
        verbs.append(words[1])
    return verbs, words[len(verbs):]


class ExampleTest(unittest.TestCase):
    def github(self):
        return yaml.safe_load((EXAMPLES / "github-actions.yml").read_text(encoding="utf-8"))

    def gitlab(self):
        return yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text(encoding="utf-8"))

    def scripts(self):
        """{name of a job: its shell lines}"""
        out = {f"github {name}": "\n".join(step.get("run", "") for step in job["steps"])
               for name, job in self.github()["jobs"].items()}
        for name, job in self.gitlab().items():
            if isinstance(job, dict):
                out[f"gitlab {name}"] = "\n".join(job["before_script"] + job["script"])
        return out

    def check_options(self, words):
        verbs, rest = split_verbs(words)
        have = options_of(verbs)
        for index, word in enumerate(rest):
            if word == "--":
                self.check_options(["live", *rest[index + 1:]])
                return
            if word.startswith("-") and word != "-":
                self.assertIn(word.split("=")[0], have, " ".join(words))
            if word == "--export":
                self.assertIn(rest[index + 1].split("=")[0], help_of(verbs))

    def test_every_option_is_there(self):
        seen = [words for script in self.scripts().values() for words in commands(script)]
        self.assertGreaterEqual(len(seen), 10)
        self.assertEqual({words[0] for words in seen}, {"bench", "compare", "report"})
        for words in seen:
            self.check_options(words)

    def test_a_missing_option_is_noticed(self):
        with self.assertRaises(AssertionError):
            self.check_options(shlex.split("report a.json --exprot csv=x"))
        with self.assertRaises(AssertionError):
            self.check_options(shlex.split("bench live -o x -- initiate --remot y"))
        with self.assertRaises(AssertionError):
            self.check_options(shlex.split("report a.json --export nothing=x"))

    def test_files_are_written_before_they_are_read(self):
        for name, script in self.scripts().items():
            written = set()
            for words in commands(script):
                verbs, rest = split_verbs(words)
                rest = rest[:rest.index("--")] if "--" in rest else rest
                takes = {"-o", "--base-output", "--export"}
                outputs = [rest[i + 1].split("=")[-1] for i, w in enumerate(rest) if w in takes]
                if verbs[0] in ("compare", "report"):
                    for word in rest:
                        if word.endswith(".json") and "=" not in word and word not in outputs:
                            self.assertIn(word, written | {"live-base.json"}, name)
                written |= set(outputs)
            for step in self.uploads(name):
                self.assertIn(step, written | {"live-base.json"}, name)

    def uploads(self, name):
        """What a job hands to the CI service."""
        kind, job = name.split()
        if kind == "gitlab":
            artifacts = self.gitlab()[job]["artifacts"]
            return artifacts["paths"] + list(artifacts["reports"].values())
        out = []
        for step in self.github()["jobs"][job]["steps"]:
            given = step.get("with", {})
            out += given.get("path", "").split() if "uses" in step else []
            out += [given["output-file-path"]] if "output-file-path" in given else []
        return out

    def test_the_gate_decides_by_exit_code(self):
        for name, script in self.scripts().items():
            compares = [words for words in commands(script) if words[0] == "compare"]
            for words in compares:
                self.assertIn("--fail-if", words)
            if name.startswith("github") and compares:
                self.assertIn('= 4 ]', script)
                self.assertIn('exit "$status"', script)
            if name.startswith("gitlab") and compares:
                self.assertEqual(self.gitlab()[name.split()[1]]["allow_failure"],
                                 {"exit_codes": [4]})

    def test_shell_is_well_formed(self):
        for name, script in self.scripts().items():
            done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True,
                                  check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)


if __name__ == "__main__":
    unittest.main()
