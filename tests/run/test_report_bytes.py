#!/usr/bin/python3
"""tshark as the judge of what the report shows decrypted: for IKE messages and ESP packets of runs
with real cryptography, the bytes in the island are those that tshark gets from the same frames."""

import os
import re
import subprocess
import sys
import unittest

import lab

sys.path.insert(0, str(lab.ROOT / "tests/support"))
import island_reader  # noqa: E402

SMALL = ("--set", "nodes.homes.count=3", "--set", "stop_time=12s", "--set", "events=[]",
         "--set", "thresholds={}", "--set", "ike.rekey_time=6s", "--set", "child.rekey_time=4s",
         "--set", "capture.of=[\"homes[0..2]\",\"boxes[0..2]\",gw]", "--no-report", "-q")
SUITES = (("aes256gcm16-prfsha256-x25519", "aes256gcm16"),
          ("aes128-sha256-x25519", "aes256-sha256"))

#: SK {} of an AEAD, which is a pad length and nothing else: tshark has no dump of that
EMPTY = b"\0"


def tshark_texts(folder, frames):
    """{frame: [decrypted bytes, ...]}, through open.sh as a user would, from the dump of all
    sources of bytes that each frame has."""
    out = {}
    listed = ",".join(map(str, sorted(frames)))
    done = subprocess.run(
        [folder / "open.sh", "-x", "-Y", f"frame.number in {{{listed}}}"], check=True, text=True,
        capture_output=True, env={**os.environ, "WIRESHARK": "tshark", "HOME": str(folder)})
    packets = done.stdout.rstrip("\n").split("\n\n")
    for frame, packet in zip(sorted(frames), packets, strict=True):
        sources = re.split(r"^(\w[\w ]*) \(\d+ bytes\):\n", packet, flags=re.M)
        out[frame] = [dump(lines) for name, lines in zip(sources[1::2], sources[2::2])
                      if name == "Decrypted Data"]
    return out


def dump(lines):
    rows = [re.match(r"[0-9a-f]{4}  ((?:[0-9a-f]{2} )+)", line)[1] for line in lines.splitlines()]
    return bytes.fromhex("".join(rows))


class DecryptedBytes(unittest.TestCase):
    def compare(self, run):
        island = island_reader.Island(island_reader.make(run.folder, lab.IKELAB))
        shown, kinds = {}, {}
        for row in range(island.messages.rows):
            if island.messages.detail[row] >= 0:
                frame, _, texts, _ = island.detail(island.messages.detail[row])
                shown[frame] = [text for text, _ in texts]
                if texts:
                    kind = island.messages.kind[row]
                    kinds[kind] = kinds.get(kind, 0) + 1
        self.assertGreater(kinds[0], 40)
        self.assertGreater(kinds[1], 100)
        judged = tshark_texts(run.folder, shown)
        self.assertEqual(set(judged), set(shown))
        return shown, judged

    def test_equal_to_tshark(self):
        for ike, esp in SUITES:
            with self.subTest(ike=ike, esp=esp), lab.Run(
                    "nat-rebind", *SMALL, "--set", f"ike.proposals=[{ike}]",
                    "--set", f"child.esp_proposals=[{esp}]") as run:
                shown, judged = self.compare(run)
                for frame, texts in shown.items():
                    if texts == [EMPTY] and not judged[frame]:
                        continue
                    self.assertEqual(texts, judged[frame], f"frame {frame}")

    def test_a_wrong_key_is_noticed(self):
        """Other keys on our side only: nothing is decrypted, which tshark contradicts."""
        with lab.Run("nat-rebind", *SMALL) as run:
            keys = run.folder / "keys.jsonl"
            keys.write_text(re.sub(r'"(SK_e[ir]|encryption)":"..', r'"\1":"00', keys.read_text()))
            island = island_reader.Island(island_reader.make(run.folder, lab.IKELAB))
            frame, _, texts, _ = island.detail(2)
            self.assertEqual(texts, [])
            self.assertEqual(len(tshark_texts(run.folder, [frame])[frame]), 1)
            self.assertTrue(island.messages.problem[2] & 4)


if __name__ == "__main__":
    lab.need("tshark")
    lab.main()
