#!/usr/bin/python3
"""ikelab import: configurations become scenarios that are good and set up every tunnel, and every
setting of the input is carried over or named in a comment.

usage: import.py IKELAB FOLDER (from the root of the source tree)
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])

# Settings with a word in a scenario: what must stand there when no comment names the line.
WORDS = {
    "proposals": "proposals", "rekey_time": "rekey_time", "over_time": "over_time",
    "rand_time": "rand_time", "dpd_delay": "dpd_delay", "encap": "encap", "mobike": "mobike",
    "unique": "initial_contact", "esp_proposals": "esp_proposals", "life_time": "life_time",
    "rekey_bytes": "rekey_bytes", "life_bytes": "life_bytes", "rekey_packets": "rekey_packets",
    "life_packets": "life_packets", "replay_window": "replay_window", "auth": "auth",
    "tfc_padding": "tfc_padding",
    "version": "version", "aggressive": "mode", "reauth_time": "rekey_time", "vips": "ask_address",
    "pools": "address_pool", "addrs": "address_pool", "xauth_id": "xauth_user",
    "local_ts": "(protects|local_ts)", "remote_ts": "(protects|local_ts)", "id": "id",
    "local_addrs": "address", "remote_addrs": "(address|connect)",
    "retransmit_timeout": "retransmit_timeout", "retransmit_base": "retransmit_base",
    "retransmit_tries": "retransmit_tries", "retransmit_jitter": "retransmit_jitter",
    "retransmit_limit": "retransmit_limit", "keep_alive": "nat_keepalive",
    "half_open_timeout": "half_open_timeout",
}
# Values that say what happens anyway, or that clear.
ANYWAY = {("version", "2"), ("fragmentation", "no"), ("reauth_time", "0s"),
          ("local_port", "500"), ("mediation", "no"), ("mode", "tunnel"), ("remote_ts", "dynamic"),
          ("remote_addrs", "%any"), ("id", "%any"), ("rekey_time", "")}
# Secrets' identities tell whose they are; a file that is included has its own lines.
SILENT = {"id-1", "include"}


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                          timeout=120)


def settings(path):
    """(line, key, value) of a configuration, read without the importer's help."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        for key, value in re.findall(r"([\w-]+)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^}\"]*)", line):
            yield number, key, value.strip().strip('"')
        for pattern in re.findall(r"^\s*include\s+(\S+)", line):
            yield number, "include", pattern


class Import(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def put(self, name, text):
        (self.path / name).write_text(text, encoding="utf-8")
        return self.path / name

    def imported(self, path, *options):
        """The text of the scenario, which is good."""
        out = self.path / "out.yaml"
        done = run("import", path, "-o", out, "--force", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "")
        good = run("lint", out)
        self.assertEqual(good.returncode, 0, good.stderr + out.read_text())
        return out.read_text()

    def test_every_tunnel_comes_up(self):
        files = sorted(FOLDER.glob("*.conf"))
        self.assertGreaterEqual(len(files), 6)
        for path in files:
            with self.subTest(path=path.name):
                self.imported(path)
                done = run("run", "--json", "-q", "-o", self.path / "run", "--force",
                           self.path / "out.yaml")
                self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr)
                result = json.loads(done.stdout)
                ike = result["virtual"]["ike"]
                self.assertGreater(ike["started"], 0)
                self.assertEqual(ike["completed"], ike["started"])
                self.assertEqual((ike["failed"], ike["pending"]), (0, 0))
                self.assertEqual(len(result["thresholds"]), 2)

    def account(self, scenario, path, shown):
        code = "\n".join(x for x in scenario.splitlines() if not x.lstrip().startswith("#"))
        count = 0
        for line, key, value in settings(path):
            count += 1
            comment = re.search(rf"^# {re.escape(shown)}:{line}: {re.escape(key)}[ :]", scenario,
                                re.M)
            word = key in WORDS and re.search(rf"\b{WORDS[key]}:", code)
            self.assertTrue(comment or word or key in SILENT or (key, value) in ANYWAY,
                            f"{path}:{line}: {key} = {value} is not accounted for\n{scenario}")
        return count

    def test_every_setting_is_accounted_for(self):
        count = 0
        for path in sorted(FOLDER.glob("*.conf")):
            with self.subTest(path=path.name):
                scenario = self.imported(path)
                count += self.account(scenario, path, path.name)
                for part in sorted(FOLDER.glob("conf.d/*")) if path.stem == "includes" else []:
                    count += self.account(scenario, part, f"conf.d/{part.name}")
        self.assertGreater(count, 250)

    def test_counts_add_up(self):
        for path in sorted(FOLDER.glob("*.conf")):
            scenario = self.imported(path)
            noted = re.search(r"(\d+) settings carried over, (\d+) not", scenario)
            self.assertEqual(len(re.findall(r"^# \S+:\d+: ", scenario, re.M)), int(noted.group(2)))
            if path.stem != "includes":
                self.assertLessEqual(len(list(settings(path))),
                                     int(noted.group(1)) + int(noted.group(2)))

    def test_it_is_the_same_every_time(self):
        for path in FOLDER.glob("*.conf"):
            self.assertEqual(run("import", path).stdout, run("import", path).stdout)
            self.assertEqual(run("import", path).stdout, self.imported(path))

    def test_clients(self):
        scenario = self.imported(FOLDER / "road-warriors.conf", "--clients", 700)
        self.assertEqual(scenario.count("count: 700"), 2)
        for wrong in ("0", "-1", "many", "20001", ""):
            done = run("import", "--clients", wrong, FOLDER / "road-warriors.conf")
            self.assertEqual(done.returncode, 2, wrong)

    def test_secrets(self):
        path = FOLDER / "road-warriors.conf"
        self.assertNotIn("do not copy me", self.imported(path))
        self.assertIn('psk: "do not copy me"', self.imported(path, "--with-secrets"))
        kept = self.path / "kept.yaml"
        self.assertEqual(run("import", path, "--with-secrets", "-o", kept).returncode, 0)
        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
        self.assertNotIn("unlock", self.imported(path, "--with-secrets"))
        every = self.imported(FOLDER / "every-key.conf", "--with-secrets")
        for secret in ("Ar3etTnp", "W7R0g3do", "0x0011", "0x0123", "0x9999", "123456"):
            self.assertNotIn(secret, every)

    def test_output_is_not_written_over(self):
        there = self.put("there.yaml", "mine")
        done = run("import", FOLDER / "includes.conf", "-o", there)
        self.assertEqual(done.returncode, 2)
        self.assertIn("exists\ntry: another name, or --force", done.stderr)
        self.assertEqual(there.read_text(), "mine")
        done = run("import", FOLDER / "includes.conf", "-o", self.path / "no" / "such.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("try: ", done.stderr)

    def test_wrong_files(self):
        broken = self.put("broken.conf", "connections {\n  a {\n    version 2\n  }\n}\n")
        done = run("import", broken)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr.splitlines(), [
            f"{broken}:3:13: error: '=' or '{{' is missing behind 'version'", "    version 2",
            " " * 12 + "^", "try: docs/import.md says what of a swanctl.conf can be imported"])
        for path, words in ((self.path / "none.conf", "No such file"), (self.path, "directory"),
                            ("/dev/null", "Invalid argument")):
            done = run("import", path)
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, rf"error: .*{words}.*\ntry: ")
        self.assertEqual(run("import").returncode, 2)
        self.assertEqual(run("import", "a", "b").returncode, 2)

    def test_an_error_in_an_included_file_names_it(self):
        part = self.put("part.conf", "a {\n")
        done = run("import", self.put("main.conf", "connections {\n include part.conf\n}\n"))
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"{part}:1:1: error: the section 'a' has no closing '}}'", done.stderr)

    def test_includes_end(self):
        self.put("loop.conf", "a { local { auth = psk\n } }\ninclude loop.conf\n")
        scenario = self.imported(self.put("main.conf", "connections {\n include loop.conf\n}\n"))
        self.assertRegex(scenario, r"# loop.conf:3: include loop.conf: more than 8 files")
        for number in range(80):
            self.put(f"many-{number}.inc", f"x{number} = 1\n")
        self.put("many.conf", "connections { a { } }\ninclude many-*.inc\ninclude /dev/zero\n"
                              "include .\ninclude \"\"\n")
        scenario = self.imported(self.path / "many.conf")
        self.assertRegex(scenario, r"# many.conf:2: include many-\*.inc: more than 64 files")
        self.assertEqual(len(re.findall(r"^# many-\d+.inc:1: x\d+ = 1: ", scenario, re.M)), 63)
        self.put("odd.conf", "connections { a { } }\ninclude /dev/zero\ninclude .\ninclude \"\"\n")
        scenario = self.imported(self.path / "odd.conf")
        for line in (2, 3, 4):
            self.assertRegex(scenario, rf"# odd.conf:{line}: include ")

    def test_comments_stay_comments(self):
        path = self.put("odd.conf", 'connections { "')
        path.write_bytes(b'connections { a { zz\xff\xc2\x85 = "x\nikelab: 2\n\xe2\x80\xa8y\xff"\n } }')
        scenario = self.imported(path)
        self.assertRegex(scenario, r"# odd.conf:1: zz\\xff\\xc2\\x85 = x\\nikelab: 2\\n")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
