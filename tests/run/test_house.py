#!/usr/bin/python3
"""Rules of the house that no compiler checks: what the protocol may not touch, where includes
may point, what never gets into the tree."""

import re
import subprocess
import unittest

import lab

FLOORS = ["base", "crypto", "proto", "record", "dissect", "explore", "net", "sim", "bench", "cli"]
SOURCES = [path for floor in FLOORS for path in sorted((lab.ROOT / floor).rglob("*.[ch]"))]
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\])*\"", re.S)


def code(path):
    """The file without comments and strings."""
    return COMMENT.sub(" ", path.read_text())


def floor_of(path):
    return path.relative_to(lab.ROOT).parts[0]


class House(unittest.TestCase):
    def offenders(self, pattern, paths):
        return [f"{p.relative_to(lab.ROOT)}: {m.group(0)}"
                for p in paths for m in re.finditer(pattern, code(p))]

    def test_the_protocol_is_pure(self):
        proto = [p for p in SOURCES if floor_of(p) == "proto"]
        self.assertGreater(len(proto), 50)
        self.assertEqual(self.offenders(
            r"\b(printf|fprintf|fopen|time|clock_gettime|gettimeofday|getenv|socket|sendto|rand|"
            r"random|pthread_\w+)\s*\(", proto), [])

    def test_only_crypto_sees_openssl(self):
        for path in SOURCES:
            if floor_of(path) != "crypto" and "bounds" not in path.parts:
                self.assertNotRegex(path.read_text(), r"#include\s*<openssl/", str(path))

    def test_includes_never_point_up(self):
        for path in SOURCES:
            here = FLOORS.index(floor_of(path))
            for name in re.findall(r'#include\s+"([^"]+)"', path.read_text()):
                if "/" not in name:
                    continue
                self.assertIn(name.split("/")[0], FLOORS, f"{path}: {name}")
                self.assertLessEqual(FLOORS.index(name.split("/")[0]), here, f"{path}: {name}")

    def test_no_floating_point_below_the_results(self):
        deciding = [p for p in SOURCES if floor_of(p) in ("base", "proto", "sim")]
        self.assertEqual(self.offenders(r"\b(double|float)\b", deciding), [])

    def test_nothing_secret_or_generated_is_in_the_tree(self):
        if not (lab.ROOT / ".git").exists():
            self.skipTest("no git here: the tree is a release")
        listed = subprocess.run(["git", "ls-files"], cwd=lab.ROOT, text=True, capture_output=True,
                                check=True).stdout.split()
        for name in listed:
            self.assertNotRegex(name, r"\.(o|a|so|pem|key|crt|p12|pcap|pcapng|orig|rej|swp)$")
            self.assertNotRegex(name, r"^(build|runs)/")
            text = (lab.ROOT / name).read_bytes()
            self.assertNotIn(b"PRIVATE" + b" KEY-----", text, name)


if __name__ == "__main__":
    lab.main()
