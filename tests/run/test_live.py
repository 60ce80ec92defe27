#!/usr/bin/python3
"""`ikelab live` as built: a program that cannot repeat a secret, and says what it is. How it talks
to real peers is in tests/interop."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import lab

LIVE = lab.IKELAB.parent / "ikelab-live"
REPEATABLE = ["sim_rand_open", "sim_rand_seed", "crypto_openssl_create", "crypto_modelled_create"]


# Each writes its events into a file of its name.
CALLS = """
words="--version 1 --psk-file $2/psk --local-id lab.test --events"
$1 live respond --local 127.0.0.1 $words 2>$2/called & called=$!
sleep 1
$1 live initiate --local 127.0.0.2 --remote 127.0.0.1 --for 6 $words 2>$2/caller & caller=$!
sleep 2
timeout -s INT 2 $1 live initiate --local 127.0.0.3 --remote 127.0.0.2 $words 2>$2/vain
$1 live initiate --local 127.0.0.3 --remote 127.0.0.1 $words 2>$2/third || exit 1
wait $caller || exit 1
kill -INT $called
wait $called
exit 0
"""


def symbols(program):
    return subprocess.run(["nm", str(program)], text=True, capture_output=True, check=True).stdout


def live(*words):
    return subprocess.run([str(lab.IKELAB), "live", *words], text=True, capture_output=True,
                          timeout=60)


def netns(*command):
    """In a network namespace with nothing but loopback, which goes with it."""
    return ["unshare", "--user", "--map-root-user", "--net", "sh", "-c",
            'ip link set lo up && exec "$@"', "sh", *command]


def namespaces_work():
    return subprocess.run(netns("true"), capture_output=True).returncode == 0


class Live(unittest.TestCase):
    def test_the_repeatable_random_provider_is_not_linked(self):
        ours, theirs = symbols(LIVE), symbols(lab.IKELAB)
        for name in REPEATABLE:
            self.assertNotIn(name, ours)
            self.assertIn(name, theirs, "the control: the simulator has it")
        self.assertIn("entropy_fill", ours)
        loaded = LIVE.with_name("ikelab-live.map").read_text().split("Memory Configuration")[0]
        self.assertIn("openssl_live", loaded)
        for name in ("sim_rand.c", "openssl_sim.c", "modelled_provider.c"):
            self.assertNotIn(name, loaded)

    def test_it_says_that_it_is_a_test_tool(self):
        for words in ([], ["initiate"], ["respond"]):
            done = live(*words, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn("test tool, not a VPN", " ".join(done.stdout.split()))

    @unittest.skipUnless(namespaces_work(), "no network namespaces here")
    def test_who_calls_with_version_1_answers_nobody_else(self):
        """127.0.0.2 calls 127.0.0.1 and stays; 127.0.0.3, who has the key as well, calls it in vain, and
        then 127.0.0.1, which answers anybody."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "psk").write_text("a lab's secret\n")
            done = subprocess.run(netns("sh", "-c", CALLS, "sh", str(lab.IKELAB), folder), text=True,
                                  capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            log = {name: Path(folder, name).read_text() for name in ("called", "caller", "vain", "third")}
        self.assertEqual(log["caller"].count(" half_open "), 1, log["caller"])
        self.assertIn(" ike_up ", log["caller"])
        self.assertRegex(log["caller"], "messages dropped: unexpected")
        self.assertNotIn(" ike_up ", log["vain"])
        self.assertIn(" ike_up ", log["third"])
        self.assertEqual(log["called"].count(" ike_up "), 2, log["called"])

    def test_wrong_words_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            psk, empty, long = (Path(folder, n) for n in ("psk", "empty", "long"))
            psk.write_text("key\n")
            empty.write_text("\n")
            long.write_text("x" * 65)
            good = {"--remote": "127.0.0.1", "--psk-file": str(psk), "--local-id": "a"}
            for change in ({"--remote": None}, {"--psk-file": None}, {"--local-id": None},
                           {"--remote": "127.0.0"}, {"--local": "::1"}, {"--local-id": ""},
                           {"--local-id": "x" * 256}, {"--psk-file": str(empty)},
                           {"--psk-file": str(long)}, {"--psk-file": folder + "/none"},
                           {"--ike": "aes256"}, {"--ike": "aes256gcm16-prfsha256-x25519,"},
                           {"--esp": "rot13"}, {"--ts-local": "10.0.0.1/8"}, {"--count": "0"},
                           {"--count": "-1"}, {"--count": "1x"}, {"--rate": "0"},
                           {"--rate": "nan"}, {"--for": "-2"}, {"--window": "0"},
                           {"--rekey-ike": "soon"}, {"--dpd": ""}, {"--version": "3"},
                           {"--version": "1", "--childless": "allow"},
                           {"--version": "1", "--reauth": "60"},
                           {"--version": "1", "--peer-key": str(psk)},
                           {"--version": "1", "--mode": "quick"}, {"--mode": "aggressive"},
                           {"--xauth-user": "me", "--xauth-password-file": str(psk)},
                           {"--version": "1", "--xauth-user": "me"},
                           {"--version": "1", "--xauth-password-file": str(psk)},
                           {"--version": "1", "--xauth-user": "me",
                            "--xauth-password-file": str(empty)},
                           {"--version": "1", "--xauth-users": str(psk)},
                           {"--version": "1", "--pool": "10.99.0.0/24"}):
                words = {**good, **change}
                done = live("initiate", *(w for k, v in words.items() if v is not None
                                          for w in (k, v)))
                self.assertEqual(done.returncode, 2, f"{change}: {done.stderr}")
                self.assertEqual(done.stdout, "")
        self.assertEqual(live("respond", "--psk-file", "x").returncode, 2)
        with tempfile.TemporaryDirectory() as folder:
            good, users, psk = Path(folder, "good"), Path(folder, "users"), Path(folder, "psk")
            good.write_text("alice wonder\n")
            users.write_text("alice wonder\nbob\n")
            psk.write_text("a lab's secret\n")
            for words in (["--xauth-users", str(users)], ["--pool", "10.99.0.1/32"],
                          ["--xauth-users", str(good), "--version", "0"],
                          ["--pool-dns", "10.99.0.1"], ["--pool-push"],
                          ["--pool", "10.99.0.0/24", "--pool-dns", "10.99.0"],
                          ["--pool", "10.99.0.1/8"], ["--cookie", "always"], ["--cookie", "30"]):
                done = live("respond", "--version", "1", "--local", "127.0.0.1", "--local-id", "gw",
                            "--psk-file", str(psk), *words)
                self.assertEqual(done.returncode, 2, words)
        self.assertEqual(live("listen").returncode, 2)
        self.assertEqual(live().returncode, 2)


if __name__ == "__main__":
    lab.main()
