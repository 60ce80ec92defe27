#!/usr/bin/python3
"""The programs that say what the hardware allows: every row that they list can be asked for,
whatever else comes in is answered with a question mark, and nothing of ours is in them."""

import json
import re
import subprocess
import unittest

import lab

SOURCES = lab.ROOT / "bench/bounds"
PROGRAMS = ["crypto", "esp", "copy", "queue"]
if (lab.IKELAB.parent / "ikelab-bound-ns3").exists():  # it was there to be built with
    PROGRAMS.append("ns3")


def run(program, *arguments, lines=(), expect=0):
    path = lab.IKELAB.parent / f"ikelab-bound-{program}"
    done = subprocess.run([str(path), *arguments], input="".join(f"{l}\n" for l in lines),
                          text=True, capture_output=True, timeout=900)
    if done.returncode != expect:
        raise AssertionError(f"{path} {arguments}: exit {done.returncode}\n{done.stderr}")
    return done


def rows(program):
    listed = run(program, "--list").stdout.splitlines()
    return [line.split(None, 1) for line in listed]


class Bounds(unittest.TestCase):
    def answers(self, program, lines):
        out = run(program, lines=lines).stdout.splitlines()
        self.assertEqual(len(out), len(lines))
        return out

    def test_every_listed_row_answers(self):
        for program in PROGRAMS:
            names = [name for name, by in rows(program)]
            self.assertGreater(len(names), 3)
            self.assertEqual(len(set(names)), len(names))
            # Twice: the second time finds a row that was set up.
            for name, ns in zip(names * 2, self.answers(program, [f"{n} 2" for n in names * 2])):
                self.assertRegex(ns, r"^[1-9]\d* \S", f"{program} {name}")

    def test_a_list_says_what_computes_a_row(self):
        for program in PROGRAMS:
            self.assertTrue(all(len(row) == 2 for row in rows(program)), program)
        self.assertTrue(all("OpenSSL" in by for name, by in rows("esp")
                            if name.startswith("openssl/")))

    def test_what_is_no_row_gets_a_question_mark(self):
        unknown = {
            "crypto": ["", "pair", "pair/x25519", "pair/x25519/psk+cert", "pair/x25519/rsa2048+",
                       "pair/x25519/psk/", "pair/x25519/psk/ikev1", "pair/x25519/rsa2048/ikev1-main",
                       "pair/x25519/psk/ikev1-main/1", "pair/ecp192/psk/ikev1-main", "pair/ecp192/psk", "end/x25519/dsa", "sign/psk",
                       "generate/x25519/psk", "prf/0", "prf/x", "prf/64x", "prf/064", "prf/-1",
                       "prf/65537", "prf_plus/8161", "random/99999999999999999999", "1400"],
            "esp": ["aes256gcm16/encrypt/1400", "aes256gcm16/encrypt/1400/1/1",
                    "aes256gcm16/encrypt/0/1", "aes256gcm16/encrypt/1400/200001",
                    "aes256gcm16/both/1400/1", "aes192gcm16/encrypt/1400/1",
                    "openssl/aes256gcm16/encrypt/1400/16385", "openssl/aes256gcm16/encrypt/1400",
                    "other/aes256gcm16/encrypt/1400/1"],
            "copy": ["0", "8193", "64/1", "imix"],
            "queue": ["exp", "exp/0", "exp/10000001", "pareto/1000", "net/1000/1"],
            "ns3": ["tree", "tree/lean", "tree/lean/", "tree/lean/0", "tree/lean/1000001",
                    "ring/lean/10", "tree/fat/10", "tree/lean/10/1", "setup", "setup/tree/lean",
                    "setup/setup/tree/lean/10", "made/tree/lean/10"],
        }
        for program in PROGRAMS:
            names = unknown[program]
            self.assertEqual(set(self.answers(program, [f"{n} 1" for n in names])), {"?"}, program)

    def test_what_is_no_question_gets_a_question_mark(self):
        garbage = ["", " ", "64", "64 ", "64 0", "64 -1", "64 1 ", "64  1", "64\t1", " 64 1",
                   "64 1\r", "64 18446744073709551616", "64 1 1", "--list", "\x00", "64 1\x00", "/////// 1",
                   "x" * 100000, "x" * 100000 + " 1", "ä 1"]
        for program in PROGRAMS:
            self.assertEqual(set(self.answers(program, garbage)), {"?"}, program)

    def test_the_end_of_input_ends_the_program(self):
        for program in PROGRAMS:
            self.assertEqual(run(program).stdout, "")

    def test_any_number_of_sas_meets_packets_that_it_can_open(self):
        counts = [1, 2, 3, 63, 64, 65, 100, 240, 241, 1000]
        lines = [f"{prefix}{suite}/decrypt/{size}/{count} 1500"
                 for prefix in ("", "openssl/") for size in ("64", "imix") for count in counts
                 for suite in ("aes256gcm16", "aes256-sha256_128", "chacha20poly1305")]
        for line, ns in zip(lines, self.answers("esp", lines)):
            self.assertRegex(ns, r"^[1-9]\d* \S", line)

    def test_they_can_be_used_by_hand(self):
        self.assertRegex(run("copy", "64", "0.01", "3").stdout,
                         r"^\d+\.\d ns per operation, 3 windows of 0.01 s, spread \d+\.\d %\n$")
        self.assertIn("no row 0", run("copy", "0", expect=2).stderr)
        for wrong in (["64", "0"], ["64", "1", "0"], ["64", "x"], ["64", "0.01", "3", "4"]):
            self.assertIn("usage:", run("copy", *wrong, expect=2).stderr)
        for program in PROGRAMS:
            self.assertIn("usage:", run(program, "--help").stdout)

    def test_ns3_serves_every_client_once(self):
        if "ns3" not in PROGRAMS:
            self.skipTest("ns-3 is not installed; try: apt-get install libns3-dev")
        for layout in "tree/lean", "tree/stock", "star/lean", "star/stock":
            fleet = json.loads(run("ns3", "--once", f"{layout}/200").stdout)
            self.assertEqual(fleet["kind"], f"ns3-{layout.replace('/', '-')}")
            self.assertEqual((fleet["clients"], fleet["completed"], fleet["failed"]), (200, 200, 0))
            for what in "setup_ns", "loop_ns", "events", "memory_bytes":
                self.assertGreater(fleet[what], 0, what)
        for wrong in "tree", "tree/lean", "tree/lean/0", "", "/", "tree/lean/10/1":
            self.assertIn("try:", run("ns3", "--once", wrong, expect=2).stderr)

    def test_nothing_of_ours_is_in_them(self):
        for path in SOURCES.glob("ns3/*"):
            for name in re.findall(r'#include\s+"([^"]+)"', path.read_text()):
                self.assertTrue(name == "loop.h" or (path.parent / name).exists(),
                                f"{path}: {name}")
        for path in SOURCES.glob("*.[ch]"):
            for name in re.findall(r'#include\s+"([^"]+)"', path.read_text()):
                self.assertTrue((SOURCES / name).exists() and "/" not in name, f"{path}: {name}")


if __name__ == "__main__":
    lab.main()
