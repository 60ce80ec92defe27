#!/usr/bin/python3
"""tshark as the judge of captures and key tables. usage: test_capture.py SAMPLE_RUN"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SAMPLE_RUN = Path(sys.argv.pop(1))
SAMPLE_CAPTURE = SAMPLE_RUN.with_name("sample_capture")


def tshark(folder, *arguments, fields=()):
    """Rows of fields; through open.sh, as a user would."""
    picks = [part for field in fields for part in ("-e", field)]
    done = subprocess.run([folder / "open.sh", *arguments, "-T", "fields", *picks],
                          env={**os.environ, "WIRESHARK": "tshark", "HOME": str(folder)},
                          capture_output=True, text=True, check=True)
    complaints = [line for line in done.stderr.splitlines() if line and "Running as user" not in line]
    return [line.split("\t") for line in done.stdout.splitlines()], complaints


class CaptureTest(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="ikelab-capture-"))
        self.addCleanup(shutil.rmtree, self.root)

    def test_every_algorithm_that_wireshark_knows_opens(self):
        folder = self.root / "suites"
        done = subprocess.run([SAMPLE_CAPTURE, folder], check=True, capture_output=True, text=True)
        expected = [line.split() for line in done.stdout.splitlines()]
        rows, complaints = tshark(folder, fields=(
            "isakmp.id.data.fqdn", "esp.icv_good", "icmp.type", "_ws.malformed"))
        self.assertEqual(complaints, [])
        self.assertEqual(len(rows), len(expected))
        opened = 0
        for (kind, encr, integ, opens), row in zip(expected, rows):
            fqdn, icv, icmp, malformed = (row + [""] * 4)[:4]
            with self.subTest(kind=kind, encr=encr, integ=integ):
                if opens == "0":
                    self.assertEqual((fqdn, icmp), ("", ""))
                elif kind == "ike":
                    self.assertEqual((fqdn, malformed), ("client.example", ""))
                else:
                    self.assertEqual((icv, icmp, malformed), ("1", "8", ""))
                opened += opens == "1"
        self.assertGreater(opened, 50)

    def test_a_wrong_key_is_noticed(self):
        folder = self.root / "suites"
        subprocess.run([SAMPLE_CAPTURE, folder], check=True, capture_output=True)
        table = folder / "wireshark/profiles/ikelab/esp_sa"
        lines = table.read_text().splitlines()
        index = next(i for i, line in enumerate(lines) if "AES-GCM with 16" in line)
        lines[index] = _spoil(lines[index])
        table.write_text("\n".join(lines) + "\n")
        rows, _ = tshark(folder, "-Y", "esp.icv_good == 0", fields=("frame.number",))
        self.assertEqual(len(rows), 1)

    def test_capture_of_a_run(self):
        folder = self.root / "run"
        subprocess.run([SAMPLE_RUN, folder], check=True)
        result = json.loads((folder / "result.json").read_text())
        rows, complaints = tshark(folder, fields=("frame.number", "frame.interface_name",
                                                  "frame.comment", "ip.src_host", "udp.length"))
        self.assertEqual(complaints, [])
        self.assertEqual(len(rows), result["capture"]["frames"])
        self.assertEqual({row[1] for row in rows}, {"homes[0]", "boxes[0]", "gw"})
        self.assertEqual({row[2] for row in rows}, {"", "retransmission 1"})
        self.assertIn("home-0", {row[3] for row in rows})
        info = subprocess.run(["capinfos", "-M", folder / "capture.pcapng"], check=True,
                              capture_output=True, text=True).stdout
        for needed in ("scenario: sample", "seed: 1", "commit: ", "crypto: real",
                       "Time resolution = 0x09", "Number of interfaces in file: 3"):
            self.assertIn(needed, info)
        self.assertTrue(os.access(folder / "open.sh", os.X_OK))


def _spoil(row):
    """The same row with one digit of its first key changed."""
    at = row.index('","0x', row.index("RFC4106")) + 5
    return row[:at] + ("1" if row[at] == "0" else "0") + row[at + 1:]


if __name__ == "__main__":
    for tool in ("tshark", "capinfos"):
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed")
            sys.exit(77)
    unittest.main()
