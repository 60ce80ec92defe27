#!/usr/bin/python3
"""IKELAB_CPU makes the processor a lesser one, down to one without AES instructions: every result stays
what it was, and says who computed it."""

import platform
import re
import shutil
import subprocess
import tempfile
import unittest

import lab
from test_digests import STORED, digests

# word -> what then serves ESP at best, and whether X25519 may be our own
WORDS = {"openssl": ("OpenSSL", False), "sse": ("SSE", False), "avx": ("AVX", False),
         "avx2": ("AVX2", False), "avx512": ("AVX512", False), "vaes": ("AVX512 with VAES", True)}
LADDER = [best for best, _ in WORDS.values()]
SCENARIOS = ["handshake-lan", "rekey-under-loss", "lossy-mobile"]
LANES = "AVX512-IFMA"
# Processors as qemu has them, and what should serve ESP there: the first has no AES instructions.
MODELS = {"Nehalem": "OpenSSL", "Westmere": "SSE", "SandyBridge": "AVX", "Haswell": "AVX2"}


def allow(word):
    return {"IKELAB_CPU": word}


def engine(packets_by):
    """"AVX2" of "libipsec-mb 1.3.0, AVX2"."""
    return packets_by.split(", ")[1] if packets_by.startswith("libipsec-mb ") else "OpenSSL"


def say(*arguments, word):
    return subprocess.run([str(lab.IKELAB), *arguments], text=True, capture_output=True,
                          env={**lab.os.environ, **allow(word)})


class Processor(unittest.TestCase):
    def seen(self, scenario, word):
        with lab.Run(scenario, "--no-report", env=allow(word)) as run:
            result = run.result
        return result, (result["digest"], result["timeline_digest"], result["virtual"])

    def test_every_engine_gives_the_same_results_and_is_named(self):
        for scenario in SCENARIOS:
            whole, expected = self.seen(scenario, "")
            here = LADDER.index(engine(whole["provenance"]["packets_by"]))
            for word, (best, lanes) in WORDS.items():
                with self.subTest(scenario=scenario, word=word):
                    result, got = self.seen(scenario, word)
                    self.assertEqual(got, expected)
                    origin = result["provenance"]
                    self.assertEqual(engine(origin["packets_by"]), LADDER[min(here, LADDER.index(best))])
                    if lanes:
                        self.assertEqual(origin["x25519_by"], whole["provenance"]["x25519_by"])
                    else:
                        self.assertRegex(origin["x25519_by"], r"^OpenSSL \d")

    def test_lesser_processors_themselves(self):
        """Emulated ones: dispatch by what they say of themselves. No sanitizer runs there."""
        emulator, program = shutil.which("qemu-x86_64"), lab.fast_build()
        if not emulator or platform.machine() != "x86_64" or program == lab.IKELAB:
            self.skipTest("needs qemu-user, an amd64 processor and a release build; try: ./check")
        with lab.Run("handshake-lan", "--no-report", binary=program) as run:
            expected = run.result
        for model, best in MODELS.items():
            with self.subTest(model=model), tempfile.TemporaryDirectory() as folder:
                subprocess.run([emulator, "-cpu", model, str(program), "run", "scenarios/handshake-lan.yaml",
                                "--no-report", "-o", f"{folder}/run"], cwd=lab.ROOT, check=True,
                               capture_output=True, timeout=600)
                with open(f"{folder}/run/result.json", encoding="utf-8") as f:
                    result = lab.json.load(f)
                for part in ("digest", "timeline_digest", "virtual"):
                    self.assertEqual(result[part], expected[part])
                library = engine(expected["provenance"]["packets_by"]) != "OpenSSL"
                self.assertEqual(engine(result["provenance"]["packets_by"]), best if library else "OpenSSL")
                self.assertRegex(result["provenance"]["x25519_by"], r"^OpenSSL \d")

    def test_every_scenario_without_aes_instructions(self):
        self.assertEqual(digests(env=allow("openssl")), lab.json.loads(STORED.read_text()))

    def test_modelled_crypto_names_nobody(self):
        with lab.Run("handshake-lan", "--set", "crypto=modelled") as run:
            origin = run.result["provenance"]
        self.assertEqual((origin["packets_by"], origin["x25519_by"]), ("modelled", "modelled"))

    def test_the_version_says_it_too(self):
        _, esp, x25519 = say("--version", word="openssl").stdout.splitlines()
        self.assertRegex(esp, r"^ESP by OpenSSL \d")
        self.assertRegex(x25519, r"^X25519 of simulated peers by OpenSSL \d")
        self.assertRegex(say("--version", word="vaes").stdout.splitlines()[2], rf"by (crypto/x25519, {LANES}|OpenSSL \S+)$")

    def test_what_is_no_word_is_refused(self):
        for verb in (["--version"], ["run", "handshake-lan"], ["live", "initiate"]):
            for word in ("AVX", "avx 2", "none"):
                with self.subTest(verb=verb, word=word):
                    done = say(*verb, word=word)
                    self.assertEqual(done.returncode, 2)
                    self.assertEqual(done.stdout, "")
                    self.assertIn(f"'{word}'", done.stderr)
                    self.assertTrue(re.search(r"^try: IKELAB_CPU=openssl, ", done.stderr, re.M), done.stderr)
        done = subprocess.run([f"{lab.IKELAB}-live", "respond"], text=True, capture_output=True,
                              env={**lab.os.environ, **allow("best")})
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"IKELAB_CPU: best\ntry: IKELAB_CPU=openssl, ")


if __name__ == "__main__":
    lab.main()
