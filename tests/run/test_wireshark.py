#!/usr/bin/python3
"""The Wireshark profile of a run: every button finds what it names, every colour rule is a filter
that Wireshark takes, and open.sh works from anywhere, in folders of any name."""

import csv
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import lab

TSHARK = lab.need("tshark")

# Something for every button: loss, damage, a NAT, rekeying, a peer that refuses, a narrow link.
SCENARIO = """
ikelab: 1
stop_time: 50s
ike: {nat_keepalive: 10s, dpd_delay: 15s}
child: {rekey_time: 20s, life_time: 30s, rand_time: 2s, path_mtu_discovery: true}
nodes:
  home: {role: initiator, count: 3, connect: gw}
  odd: {role: initiator, count: 1, connect: gw, ike: {proposals: [aes128-sha256-modp2048]}}
  box: {role: nat, one_per: {home: 1}}
  isp: {role: router}
  gw: {role: responder}
links:
  lan: {sides: [home, box], delay: 1ms}
  access: {sides: [box, isp], delay: 10ms, loss: {random: 5%}, corrupt: 2%}
  side: {sides: [odd, isp], delay: 10ms}
  core: {sides: [isp, gw], delay: 2ms, mtu: 1300B}
traffic:
  talk: {from: home, to: gw, for: 20s, packet_rate: 20/s, size: [100B, 1300B], df: true}
"""


def tshark(opener, *arguments):
    """How many frames; through open.sh, from another folder."""
    done = subprocess.run(["sh", str(opener), *arguments, "-T", "fields", "-e", "frame.number"],
                          cwd="/", text=True, capture_output=True, timeout=120,
                          env=dict(os.environ, WIRESHARK="tshark", CDPATH="/tmp"))
    said = [line for line in done.stderr.splitlines() if line and "Running as user" not in line]
    return done.returncode, len(done.stdout.splitlines()), said


class Profile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory(prefix="ikelab-test-")
        scenario = pathlib.Path(cls.place.name) / "profile.yaml"
        scenario.write_text(SCENARIO)
        cls.folder = pathlib.Path(cls.place.name) / "-a folder with 'quotes' and blanks"
        lab.Run(str(scenario), "--no-report", folder=cls.folder)
        cls.folder /= "run"

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()

    def profile(self, name):
        return (self.folder / "wireshark/profiles/ikelab" / name).read_text()

    def test_every_button_finds_what_it_names(self):
        rows = [[field.replace("\\x22", '"') for field in row]
                for row in csv.reader(self.profile("dfilter_buttons").splitlines())]
        names = [row[1] for row in rows]
        for needed in ("Rekey", "Resent", "Keepalive", "Only problems"):
            self.assertIn(needed, names)
        _, all_frames, _ = tshark(self.folder / "open.sh")
        for enabled, name, expression, comment in rows:
            with self.subTest(button=name):
                code, count, said = tshark(self.folder / "open.sh", "-Y", expression)
                self.assertEqual((enabled, code, said), ("TRUE", 0, []))
                self.assertGreater(count, 0, expression)
                self.assertLess(count, all_frames)
                self.assertTrue(comment)

    def test_every_colour_rule_is_a_filter(self):
        rules = self.profile("colorfilters").splitlines()
        for rule in rules:
            with self.subTest(rule=rule):
                colour = r"\[\d{1,5},\d{1,5},\d{1,5}\]"
                parts = re.fullmatch(f"@([^@]+)@([^@]+)@{colour}{colour}", rule)
                self.assertTrue(parts)
                code, _, said = tshark(self.folder / "open.sh", "-c", "1", "-Y", parts.group(2))
                self.assertEqual((code, said), (0, []))
        code, _, said = tshark(self.folder / "open.sh", "--color", "-c", "5")
        self.assertEqual((code, said), (0, []))

    def test_columns_and_names(self):
        columns = self.profile("preferences")
        for needed in ("%Cus:frame.interface_name", "%Cus:frame.comment",
                       "esp.do_esp_sequence_analysis: FALSE", "nameres.network_name: TRUE"):
            self.assertIn(needed, columns)
        code, count, said = tshark(self.folder / "open.sh", "-Y", 'ip.dst_host == "gw"')
        self.assertEqual((code, said), (0, []))
        self.assertGreater(count, 100)

    def test_without_wireshark_it_says_what_to_try(self):
        done = subprocess.run(["sh", str(self.folder / "open.sh")], cwd="/", text=True,
                              capture_output=True, timeout=60,
                              env=dict(os.environ, WIRESHARK="no-such-shark"))
        self.assertEqual(done.returncode, 127)
        self.assertIn("try: WIRESHARK=tshark", done.stderr)


if __name__ == "__main__":
    lab.main()
