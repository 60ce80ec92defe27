#!/usr/bin/python3
"""What `ikelab doctor` says, here and where things are missing.
usage: doctor.py IKELAB DOCTOR_WITHOUT (from the root of the source tree)"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import jsonschema

IKELAB, WITHOUT = (os.path.abspath(path) for path in sys.argv[1:3])
SCHEMA = json.loads(pathlib.Path("docs/schema/doctor.schema.json").read_text(encoding="utf-8"))
NAMES = ["program", "processor", "OpenSSL", "libipsec-mb", "ESP", "X25519", "memory", "large pages",
         "run folders", "python3", "gnuplot", "tshark", "valgrind", "live", "tun", "namespaces"]
NOBODY = 65534


def doctor(*arguments, **how):
    done = subprocess.run([IKELAB, "doctor", *arguments], capture_output=True, text=True,
                          check=False, **how)
    return done.returncode, done.stdout, done.stderr


def checks(**how):
    status, out, _ = doctor("--json", **how)
    told = json.loads(out)
    jsonschema.validate(told, SCHEMA)
    return status, told["verdict"], {check["name"]: check for check in told["checks"]}


class Doctor(unittest.TestCase):
    def test_each_check_is_told_and_ends_with_what_to_try(self):
        status, verdict, found = checks()
        self.assertEqual(list(found), NAMES)
        for name, check in found.items():
            self.assertEqual("try" in check, check["level"] != "ok", name)
        worst = max(found.values(), key=lambda c: ["ok", "warning", "failed"].index(c["level"]))
        self.assertEqual(verdict, worst["level"])
        self.assertEqual(status, 1 if verdict == "failed" else 0)

    def test_the_text_says_the_same(self):
        _, _, found = checks()
        _, out, err = doctor()
        self.assertEqual(err, "")
        for name, check in found.items():
            if name != "memory":  # others take and give it back meanwhile
                self.assertIn(f"{check['level']:8} {name:12} {check['text']}\n", out)
        self.assertEqual(out.count(" try: "), sum("try" in c for c in found.values()))

    def test_what_computes_is_what_the_version_says(self):
        said = subprocess.check_output([IKELAB, "--version"], text=True)
        _, _, found = checks()
        esp = found["ESP"]["text"].removeprefix("by ")
        self.assertIn(f"ESP by {esp}\n", said)
        self.assertEqual(found["libipsec-mb"]["level"],
                         "ok" if esp.startswith("libipsec-mb") else "warning")

    def test_tools_that_are_missing(self):
        status, verdict, found = checks(env={"PATH": "/nonexistent"})
        for name in "gnuplot", "tshark", "valgrind":
            self.assertEqual(found[name]["level"], "warning")
            self.assertIn("apt-get install", found[name]["try"])
        self.assertIn("iproute2", found["namespaces"]["try"])
        self.assertEqual(found["python3"], checks()[2]["python3"])  # it is not looked for on PATH
        self.assertEqual((status, verdict), (0, "warning"))

    def test_a_folder_that_takes_no_results(self):
        """For root everything can be written: it is somebody else who asks."""
        with tempfile.TemporaryDirectory() as place:
            os.chmod(place, 0o555)
            how = {"cwd": place, "env": {"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0"}}
            if os.geteuid() == 0:
                how["user"] = NOBODY
            try:
                status, verdict, found = checks(**how)
            except PermissionError:
                self.skipTest("the program lies where only root gets to")
            finally:
                os.chmod(place, 0o755)
        self.assertEqual((status, verdict), (1, "failed"))
        self.assertEqual(found["run folders"]["level"], "failed")
        self.assertIn("ikelab run -o DIR", found["run folders"]["try"])

    def test_a_build_without_libipsec_mb_says_so(self):
        lines = subprocess.check_output([WITHOUT], text=True).splitlines()
        found = {line.split("|")[1]: line.split("|") for line in lines}
        self.assertEqual(list(found), NAMES)
        level, _, text, hint = found["libipsec-mb"]
        self.assertEqual(level, "1")
        self.assertIn("this build is without it", text)
        self.assertIn("libipsec-mb-dev", hint)
        self.assertTrue(found["ESP"][2].startswith("by OpenSSL "))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
