#!/usr/bin/python3
"""What `cmake --install` leaves works away from the sources: the program finds its reports and cost
tables, completions complete, every verb has its man page.

usage: install.py CMAKE BUILD
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

CMAKE, BUILD = sys.argv[1], sys.argv[2]
del sys.argv[1:]
DATA = "usr/share"


def said(*command, **more):
    done = subprocess.run([str(c) for c in command], text=True, capture_output=True, timeout=300,
                          **more)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory(prefix="ikelab installed ")
        cls.root = pathlib.Path(cls.place.name)
        said(CMAKE, "--install", BUILD, "--prefix", "/usr",
             env=dict(os.environ, DESTDIR=str(cls.root)))
        cls.ikelab = cls.root / "usr/bin/ikelab"
        text = said(cls.ikelab, "--help").split("verbs:\n")[1].split("\n\n")[0]
        cls.verbs = [line.split()[0] for line in text.splitlines()]

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()

    def complete(self, *words):
        """What a bash offers behind these words."""
        script = self.root / DATA / "bash-completion/completions/ikelab"
        ask = ('source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ikelab; '
               'printf "%s\\n" "${COMPREPLY[@]}"')
        return said("bash", "--norc", "-c", ask, script, "ikelab", *words,
                    cwd=self.root / DATA / "ikelab").split("\n")[:-1]

    def test_the_program_finds_what_belongs_to_it(self):
        """A scenario with a CPU, elsewhere: its cost table and the report come from share."""
        elsewhere = self.root / "else where"
        elsewhere.mkdir()
        scenario = shutil.copy(self.root / DATA / "ikelab/scenarios/handshake-lan.yaml", elsewhere)
        self.assertIn("cpu:", pathlib.Path(scenario).read_text())
        said(self.ikelab, "run", scenario, "-q", "-o", elsewhere / "run", cwd=elsewhere)
        self.assertIn("</html>", (elsewhere / "run/report.html").read_text())
        self.assertIn("share/ikelab/scenarios/costs", said(self.ikelab, "explain", scenario, cwd=elsewhere))

    def test_schemas_and_scenarios_are_there(self):
        shared = self.root / DATA / "ikelab"
        for name in ("scenario", "result", "events"):
            self.assertIn("$schema", (shared / f"schema/{name}.schema.json").read_text())
        said(self.ikelab, "lint", *sorted((shared / "scenarios").glob("*.yaml")))
        self.assertEqual(list(shared.rglob("__pycache__")), [])
        self.assertIn("handshake-lan.yaml", said(self.ikelab, "list", cwd="/"))

    def test_bash_completes(self):
        script = self.root / DATA / "bash-completion/completions/ikelab"
        said("bash", "-n", script)
        registered = said("bash", "--norc", "-c", f"source '{script}'; complete -p ikelab")
        self.assertIn("-F _ikelab ikelab", registered)
        self.assertEqual(self.complete("expla"), ["explain"])
        self.assertEqual(set(self.verbs) - set(self.complete("")), set())
        self.assertEqual(self.complete("run", "--no"), ["--no-report"])
        self.assertEqual(self.complete("run", "scenarios/handshake"),
                         ["scenarios/handshake-lan.yaml"])
        self.assertIn("scenarios", self.complete("run", ""))
        self.assertEqual(self.complete("live", "init"), ["initiate"])
        self.assertEqual(self.complete("completion", ""), ["bash", "zsh", "fish"])

    def test_every_option_of_every_verb_is_completed(self):
        for verb in self.verbs:
            options = re.findall(r"^ +(?:-.*, )?(--[a-z-]+)", said(self.ikelab, verb, "--help"),
                                 re.M)
            self.assertEqual(set(options) - set(self.complete(verb, "--")), set(), verb)

    def test_the_layout_of_help_cannot_be_bent(self):
        bent = dict(os.environ, ARGP_HELP_FMT="short-opt-col=0,long-opt-col=0,opt-doc-col=40")
        self.assertEqual(said(self.ikelab, "completion", "bash", env=bent),
                         said(self.ikelab, "completion", "bash"))

    def test_zsh_and_fish_parse(self):
        zsh = self.root / DATA / "zsh/site-functions/_ikelab"
        fish = self.root / DATA / "fish/vendor_completions.d/ikelab.fish"
        self.assertTrue(zsh.read_text().startswith("#compdef ikelab\n"))
        for verb in self.verbs:
            self.assertIn(f"    {verb})\n", zsh.read_text())
            self.assertIn(f"-a {verb} -d '", fish.read_text())
        self.assertIn("-l set -s s -r -d 'Put a value (YAML)", fish.read_text())
        if shutil.which("zsh"):
            said("zsh", "-n", zsh)
        if shutil.which("fish"):
            said("fish", "--no-execute", fish)

    @unittest.skipUnless(shutil.which("help2man"), "help2man is not installed")
    def test_every_verb_has_its_page(self):
        pages = self.root / DATA / "man/man1"
        self.assertEqual({page.name for page in pages.iterdir()},
                         {"ikelab.1"} | {f"ikelab-{verb}.1" for verb in self.verbs})
        page = (pages / "ikelab-run.1").read_text()
        for needed in (".TH ", "simulate a scenario", "no\\-report", "Exit codes"):
            self.assertIn(needed, page)


unittest.main(verbosity=2)
