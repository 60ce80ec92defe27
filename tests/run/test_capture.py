#!/usr/bin/python3
"""tshark, which knows nothing of us, reads our captures with the profile that lies beside them:
every IKE message decrypted, no malformed frame, every ESP frame with a good ICV and its inner
packet shown."""

import os
import subprocess
import unittest

import lab

TSHARK = lab.need("tshark")
FIELDS = ["frame.number", "_ws.malformed", "_ws.expert.message", "isakmp.exchangetype",
          "isakmp.typepayload", "isakmp.enc.decrypted", "esp.spi",
          "esp.icv_good", "esp.icv_bad", "ip.src", "udp.dstport", "data.data"]
SA_INIT, ENCRYPTED_PAYLOAD, FRAGMENT_PAYLOAD = "34", "46", "53"


def frames(folder):
    environment = dict(os.environ, WIRESHARK_CONFIG_DIR=str(folder / "wireshark"))
    command = [TSHARK, "-C", "ikelab", "-r", str(folder / "capture.pcapng"), "-T", "fields",
               "-E", "separator=|", "-E", "occurrence=a"]
    for field in FIELDS:
        command += ["-e", field]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=600)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    for line in done.stdout.splitlines():
        yield dict(zip(FIELDS, line.split("|")))


class Capture(unittest.TestCase):
    def read_whole(self, scenario, *arguments):
        counts = {"ike": 0, "encrypted": 0, "esp": 0, "inner": 0}
        with lab.Run(scenario, *arguments, binary=lab.fast_build()) as run:
            for frame in frames(run.folder):
                number = frame["frame.number"]
                self.assertEqual(frame["_ws.malformed"], "", f"frame {number} is malformed")
                if frame["isakmp.exchangetype"]:
                    counts["ike"] += 1
                    payloads = frame["isakmp.typepayload"].split(",")
                    if ENCRYPTED_PAYLOAD in payloads or FRAGMENT_PAYLOAD in payloads:
                        counts["encrypted"] += 1
                        self.assertTrue(frame["isakmp.enc.decrypted"],
                                        f"frame {number} stayed encrypted: {frame}")
                if frame["esp.spi"]:
                    counts["esp"] += 1
                    self.assertIn(frame["esp.icv_good"], ("1", "True"),
                                  f"frame {number}: {frame}")
                    inner = len(frame["ip.src"].split(",")) > 1
                    counts["inner"] += inner
                    self.assertTrue(inner, f"frame {number} shows no inner packet: {frame}")
        print(scenario, counts)
        return counts

    def test_road_warriors(self):
        counts = self.read_whole("road-warriors")
        self.assertGreater(counts["encrypted"], 20)
        self.assertGreater(counts["esp"], 100)

    def test_nat_rebind(self):
        counts = self.read_whole("nat-rebind")
        self.assertGreater(counts["esp"], 10)

    def test_rekey_under_loss(self):
        counts = self.read_whole("rekey-under-loss")
        self.assertGreater(counts["encrypted"], 20)

    def test_certificates(self):
        counts = self.read_whole("certificates")
        self.assertGreater(counts["encrypted"], 200)

    def test_certificates_in_fragments(self):
        """RSA keys and an authority between: IKE_AUTH is longer than a packet may be."""
        counts = self.read_whole("certificates", "--set", "ike.auth=rsa", "--set", "traffic={}",
                                 "--set", "thresholds={}")
        self.assertGreater(counts["encrypted"], 20)

    def test_handshake_lan(self):
        self.assertGreater(self.read_whole("handshake-lan")["encrypted"], 10)


if __name__ == "__main__":
    lab.main()
