#!/usr/bin/python3
"""IKEv1 as a user of a run sees it: round trips and messages by version, keys that open the capture
in Wireshark and in `ikelab dissect`, phases in the data of the report, and what Aggressive Mode
gives away."""

import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import lab

sys.path.insert(0, str(lab.ROOT / "tests/support"))
sys.path.insert(0, str(lab.ROOT / "reports"))
import island_reader  # noqa: E402

unittest = lab.unittest
WORDS = ("letmein", "moonlight", "sunshine", "correct-horse")
SA, KE, ID, HASH, NONCE = 1, 4, 5, 8, 10

SCENARIO = """
ikelab: 1
name: both
stop_time: 40s
ike: {version: 1, proposals: [aes256-sha256-modp2048]}
nodes:
  old: {role: initiator, connect: gw}
  fast: {role: initiator, connect: gw, ike: {mode: aggressive}}
  new: {role: initiator, connect: gw, ike: {version: 2}}
  box: {role: nat}
  isp: {role: router}
  gw: {role: responder, address: 198.51.100.1, ike: {version: 0, mode: aggressive}}
links:
  lan: {sides: [old, box], delay: 1ms}
  b: {sides: [fast, isp], delay: 10ms}
  c: {sides: [new, isp], delay: 10ms}
  access: {sides: [box, isp], delay: 9ms}
  core: {sides: [isp, gw], delay: 5ms}
traffic:
  talk: {from: old, to: gw, start: up, for: 20s, packet_rate: 5/s, size: 200B, direction: both}
"""

# A NAT that is claimed puts ESP into UDP, and in transport mode makes both ends say their addresses.
TRANSPORT = """
ikelab: 1
name: transport
stop_time: 10s
ike: {version: 1, proposals: [aes256-sha256-modp2048], encap: true}
child: {mode: transport}
nodes:
  host: {role: initiator, connect: other}
  other: {role: responder}
links:
  wire: {sides: [host, other], delay: 1ms}
traffic:
  talk: {from: host, to: other, start: up, for: 2s, packet_rate: 5/s, size: 200B}
"""


def payloads(message):
    """{type: body} of a message in the clear (RFC 2408 §3.1, §3.2)."""
    kind, at, found = message[16], 28, {}
    while kind:
        length = int.from_bytes(message[at + 2:at + 4], "big")
        found.setdefault(kind, message[at + 4:at + length])
        kind, at = message[at], at + length
    return found


def frames(folder, *options):
    done = subprocess.run([lab.IKELAB, "dissect", folder / "capture.pcapng", "--json", *options],
                          check=True, capture_output=True, cwd=folder)
    return json.loads(done.stdout)["frames"]


def teach(name):
    return lab.SCENARIOS / "teach" / f"{name}.yaml"


class BothVersions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory(prefix="ikelab-test-")
        cls.addClassCleanup(cls.place.cleanup)
        path = lab.pathlib.Path(cls.place.name) / "both.yaml"
        path.write_text(SCENARIO)
        cls.run_ = lab.Run(str(path), "--no-report")
        cls.addClassCleanup(cls.run_.remove)
        cls.ike = cls.run_.result["virtual"]["ike"]
        cls.events = list(cls.run_.events())

    def test_all_are_up_and_counted_by_version(self):
        self.assertEqual((self.ike["v1"]["completed"], self.ike["v2"]["completed"]), (2, 1))
        self.assertEqual(self.ike["failed"], 0)
        # Main and Quick 4, Aggressive and Quick 2; IKE_SA_INIT and IKE_AUTH 2
        self.assertEqual((self.ike["v1"]["round_trips"], self.ike["v2"]["round_trips"]), (6, 2))

    def test_messages_are_those_of_the_events(self):
        """Each message once, where its endpoint sends it."""
        ends = {"old", "fast", "new", "gw"}
        sent = [e["data"] for e in self.events if e["name"] == "packet.sent"
                and e["node"] in ends and e["data"]["kind"] == "ike"]
        for version, name in ((1, "v1"), (2, "v2")):
            own = [d for d in sent if d.get("version", 2) == version]
            self.assertEqual(len(own), self.ike[name]["messages"])
            self.assertEqual(sum(d["length"] for d in own), self.ike[name]["bytes"])
        names = {d["exchange"] for d in sent if d.get("version") == 1}
        self.assertLessEqual({"Main Mode", "Aggressive Mode", "Quick Mode"}, names)
        self.assertFalse(any(d["response"] for d in sent if d.get("version") == 1))

    def test_dissect_opens_every_message_with_the_keys_of_the_run(self):
        done = subprocess.run([lab.IKELAB, "dissect", self.run_.folder, "--json"], check=True,
                              capture_output=True)
        encrypted = 0
        for frame in json.loads(done.stdout)["frames"]:
            self.assertFalse(frame["locked"] or frame["errors"], frame["summary"])
            encrypted += "HDR*" in frame["summary"]
        self.assertGreater(encrypted, 10)

    def test_tshark_decrypts_both_phases(self):
        """What one node has seen, as docs/captures.md says: every IV comes of the message before."""
        tshark = shutil.which("tshark")
        if not tshark:
            self.skipTest("tshark is not installed")
        table = self.run_.folder / "wireshark/profiles/ikelab/ikev1_decryption_table"
        rows = [line for line in table.read_text().splitlines() if not line.startswith("#")]
        self.assertEqual(len(rows), 2)
        opener, alone = self.run_.folder / "open.sh", self.run_.folder.parent / "gw.pcapng"

        def opened(*words):
            done = subprocess.run(["sh", opener, *words], check=True, capture_output=True,
                                  text=True, env=dict(os.environ, WIRESHARK="tshark"))
            return done.stdout.splitlines()

        opened("-Y", 'frame.interface_name == "gw"', "-w", alone)

        def found(expression):
            return len(opened("-r", alone, "-Y", expression, "-T", "fields", "-e", "frame.number"))

        encrypted = "isakmp.version == 0x10 && isakmp.flag_e == 1"
        both = found(encrypted)
        # Main 5 and 6, Aggressive 3, and three of Quick Mode for each; each has a HASH payload.
        self.assertEqual(both, 9)
        self.assertEqual(found(f"{encrypted} && isakmp.hash"), both)
        self.assertEqual(found(f"{encrypted} && isakmp.exchangetype == 2 && isakmp.id.type"), 2)
        self.assertEqual(found(f"{encrypted} && isakmp.exchangetype == 32 && isakmp.sa.doi"), 4)
        self.assertEqual(found("_ws.malformed"), 0)

    def test_tshark_reads_the_original_addresses(self):
        """RFC 3947 §5.2: NAT-OAi and NAT-OAr in messages 1 and 2 of Quick Mode."""
        if not shutil.which("tshark"):
            self.skipTest("tshark is not installed")
        path = lab.pathlib.Path(self.place.name) / "transport.yaml"
        path.write_text(TRANSPORT)
        run = lab.Run(str(path), "--no-report")
        self.addCleanup(run.remove)
        self.assertEqual(run.result["virtual"]["esp"]["delivered_packets"], 10)
        alone = path.with_name("other.pcapng")

        def opened(*words):
            return subprocess.run(["sh", run.folder / "open.sh", *words], check=True, text=True,
                                  capture_output=True, env=dict(os.environ, WIRESHARK="tshark")).stdout

        opened("-Y", 'frame.interface_name == "other"', "-w", alone)
        said = [line.split("(")[1].strip(" )") for line in opened("-r", alone, "-V").splitlines()
                if "NAT Original IPv4 Address" in line]
        self.assertEqual(said, ["100.64.0.1", "100.64.0.2"] * 2)

    def test_the_report_numbers_messages_and_walks_to_their_keys(self):
        island = island_reader.Island(island_reader.make(self.run_.folder, lab.IKELAB))
        m, text, numbers = island.messages, island.text, {}
        for row in range(m.rows):
            if m.kind[row] == 0 and m.number[row]:
                name = text(m.exchange[row])
                numbers.setdefault((text(m.sa[row]), m.mid[row], name), []).append(m.number[row])
                self.assertEqual(m.response[row], m.number[row] % 2 == 0)
        for (_, _, name), found in numbers.items():
            last = {"Main Mode": 6, "Aggressive Mode": 3, "Quick Mode": 3}.get(name)
            if last:
                self.assertEqual(found, list(range(1, last + 1)), name)
        answered = {m.answers[row] for row in range(m.rows)}
        for row in range(m.rows):
            if m.number[row] and text(m.exchange[row]) == "Main Mode" and m.number[row] % 2:
                self.assertIn(row, answered)
        entries = [entry for entry in island.keys["ike"] if entry.get("version") == 1]
        self.assertEqual(len(entries), 2)
        for entry in entries:
            self.assertFalse(entry["differs"])
            self.assertEqual(len(entry["nodes"]), 2)
            self.assertEqual([value["name"] for value in entry["values"]],
                             ["SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "encryption"])
        formulas = island.keys["formulas"]
        for child in island.keys["children"]:
            version = island.keys["ike"][child["ike"]].get("version", 2)
            self.assertEqual(formulas[child["values"][0]["formula"]]["rfc"],
                             "RFC 2409 §5.5" if version == 1 else "RFC 7296 §2.17")


class LaterLife(unittest.TestCase):
    """Rekeys of both kinds, liveness checks, and a delete: all of it under message IDs."""

    def test_what_comes_after_the_handshake_is_counted_and_opened(self):
        with tempfile.TemporaryDirectory(prefix="ikelab-test-") as place:
            path = lab.pathlib.Path(place) / "later.yaml"
            path.write_text(SCENARIO)
            with lab.Run(str(path), "--no-report", "--set", "ike.dpd_delay=4s", "--set",
                         "ike.rekey_time=25s", "--set", "ike.rand_time=2s", "--set",
                         "child.rekey_time=12s", "--set", "child.rand_time=2s", "--set",
                         "events=[{at: 39s, nodes: fast, do: terminate}]") as run:
                self.judge(run)

    def judge(self, run):
        virtual = run.result["virtual"]
        ike = virtual["ike"]
        self.assertEqual((ike["completed"], ike["failed"], ike["dpd_failures"]), (3, 0, 0))
        self.assertGreater(ike["rekeys_child"], 6)
        self.assertEqual(virtual["tunnels"]["up"], 2)
        names = {e["data"]["exchange"] for e in run.events() if e["name"] == "packet.sent"
                 and e["data"].get("version") == 1}
        self.assertEqual(names, {"Main Mode", "Aggressive Mode", "Quick Mode", "Informational"})
        done = subprocess.run([lab.IKELAB, "dissect", run.folder, "--json"], check=True,
                              capture_output=True)
        for frame in json.loads(done.stdout)["frames"]:
            self.assertFalse(frame["locked"] or frame["errors"], frame["summary"])
        island = island_reader.Island(island_reader.make(run.folder, lab.IKELAB))
        m = island.messages
        last = {"Main Mode": 6, "Aggressive Mode": 3, "Quick Mode": 3}
        for row in range(m.rows):
            if m.kind[row] == 0 and m.number[row]:
                name = island.text(m.exchange[row])
                self.assertLessEqual(m.number[row], last.get(name, 2), name)


class Signatures(unittest.TestCase):
    """RFC 2409 §5.1, RFC 4754, with certificates that do not fit into one packet."""
    FILE = lab.ROOT / "tests/scenarios/edges.yaml"
    WORDS = ("rsa", "ecdsa", "ecdsa-384", "ecdsa-521")

    def simulate(self, *words):
        settings = ["traffic={}", "pki.rsa_keys=1", "ike.version=1",
                    "ike.proposals=[aes256-sha256-modp2048]", *words]
        with lab.Run(str(self.FILE), "--no-report",
                     *(part for word in settings for part in ("--set", word))) as run:
            return run.result

    def test_all_connect_with_both_providers_in_both_modes(self):
        for word in self.WORDS:
            for mode in ("main", "aggressive"):
                with self.subTest(word=word, mode=mode):
                    both = [self.simulate(f"ike.auth={word}", f"ike.mode={mode}", f"crypto={crypto}")
                            for crypto in ("real", "modelled")]
                    ike = both[0]["virtual"]["ike"]
                    self.assertEqual((ike["v1"]["completed"], ike["failed"]), (10, 0))
                    self.assertEqual(both[0]["virtual"], both[1]["virtual"])
                    self.assertEqual(both[0]["timeline_digest"], both[1]["timeline_digest"])

    def test_bad_certificates_are_refused(self):
        for mode in ("main", "aggressive"):
            for what in ("revoked", "expired", "wrong_ca", "wrong_identity"):
                with self.subTest(mode=mode, what=what):
                    result = self.simulate("ike.auth=ecdsa", f"ike.mode={mode}", "stop_time=3min",
                                           f"pki.{what}=homes[2..4]")
                    self.assertEqual(result["virtual"]["ike"]["v1"]["completed"], 7)

    def test_one_gateway_takes_several_ways(self):
        result = self.simulate("nodes.gw.ike.auth=rsa", "ike.auth=psk")
        self.assertEqual(result["virtual"]["ike"]["v1"]["completed"], 10)

    def test_long_messages_go_in_fragments(self):
        words = ("ike.auth=rsa", "pki.intermediates=1", "ike.fragment_size=600B")
        for mode in ("main", "aggressive"):
            with self.subTest(mode=mode):
                whole, pieces = (self.simulate(*words, f"ike.mode={mode}",
                                               f"ike.fragmentation={policy}")["virtual"]["ike"]
                                 for policy in ("accept", "yes"))
                self.assertEqual((whole["failed"], pieces["failed"]), (0, 0))
                self.assertEqual(pieces["v1"]["completed"], 10)
                made = pieces["fragments"]
                self.assertGreaterEqual(made["messages"], 10)
                self.assertEqual(made["joined"], made["messages"])
                self.assertGreater(pieces["v1"]["messages"], whole["v1"]["messages"])

    def test_dissect_joins_and_opens_the_fragments(self):
        """Message 5 and 6 of Main Mode with certificates; all other fragments are pieces of them."""
        words = ("traffic={}", "pki.rsa_keys=1", "ike.version=1", "ike.auth=rsa",
                 "ike.proposals=[aes256-sha256-modp2048]", "pki.intermediates=1",
                 "ike.fragment_size=600B", "capture={of: [gw]}")
        with lab.Run(str(self.FILE), "--no-report",
                     *(part for word in words for part in ("--set", word))) as run:
            counted = run.result["virtual"]["ike"]["fragments"]
            done = subprocess.run([lab.IKELAB, "dissect", run.folder, "--json"], check=True,
                                  capture_output=True)
        pieces, whole, covered = 0, [], set()
        for frame in json.loads(done.stdout)["frames"]:
            self.assertFalse(frame["locked"] or frame["errors"], frame["summary"])
            pieces += "FRAG(" in frame["summary"]
            if "{" in frame["summary"] and "FRAG(" in frame["summary"]:
                whole.append(frame)
        self.assertEqual((pieces, len(whole)), (counted["made"], counted["messages"]))
        for frame in whole:
            joined, opened = frame["texts"]
            covered.update(source["frame"] for source in joined["from"])
            self.assertEqual(int(joined["bytes"][48:56], 16) * 2, len(joined["bytes"]))
            self.assertEqual(sum(source["length"] for source in opened["from"]) * 2,
                             len(opened["bytes"]))
            self.assertRegex(frame["summary"],
                             r"^HDR, FRAG\(\d+, the last\) \{HDR\*, ID, CERT, CERT,.* SIG")
        self.assertEqual(len(covered), pieces)


class Encryption(unittest.TestCase):
    """RFC 2409 §5.2, §5.3: who is known proves himself by reading what was encrypted to him."""
    WORDS = ("rsa-encryption", "rsa-encryption-revised")
    simulate = Signatures.simulate
    FILE = Signatures.FILE

    def test_all_connect_with_both_providers_in_both_modes(self):
        for word in self.WORDS:
            for mode in ("main", "aggressive"):
                with self.subTest(word=word, mode=mode):
                    both = [self.simulate(f"ike.auth={word}", f"ike.mode={mode}", f"crypto={crypto}")
                            for crypto in ("real", "modelled")]
                    ike = both[0]["virtual"]["ike"]
                    self.assertEqual((ike["v1"]["completed"], ike["failed"]), (10, 0))
                    self.assertEqual(both[0]["virtual"], both[1]["virtual"])
                    self.assertEqual(both[0]["timeline_digest"], both[1]["timeline_digest"])

    def test_bad_certificates_are_refused(self):
        for word in self.WORDS:
            for what in ("revoked", "expired", "wrong_ca", "wrong_identity"):
                with self.subTest(word=word, what=what):
                    result = self.simulate(f"ike.auth={word}", "stop_time=3min",
                                           f"pki.{what}=homes[2..4]")
                    self.assertEqual(result["virtual"]["ike"]["v1"]["completed"], 7)

    def test_authorities_between_are_known_as_well(self):
        result = self.simulate("ike.auth=rsa-encryption", "pki.intermediates=2")
        self.assertEqual(result["virtual"]["ike"]["v1"]["completed"], 10)

    def test_where_it_cannot_be_is_an_error(self):
        def refused(*words):
            settings = [part for word in words for part in ("--set", word)]
            done = subprocess.run([lab.IKELAB, "lint", str(self.FILE), *settings],
                                  capture_output=True, text=True)
            self.assertNotEqual(done.returncode, 0, words)
            return done.stderr

        for word in self.WORDS:
            version1 = ("ike.version=1", "ike.proposals=[aes256-sha256-modp2048]")
            self.assertIn("is of IKEv1", refused(f"ike.auth={word}"))
            self.assertIn("give both the same 'auth'",
                          refused(*version1, f"ike.auth={word}", "nodes.gw.ike.auth=rsa"))
            self.assertIn("XAUTH has no method with",
                          refused(*version1, f"ike.auth={word}", "ike.xauth=true"))

    def test_dissect_shows_what_is_ciphertext(self):
        with lab.Run(str(self.FILE), "--no-report", "--set", "ike.version=1",
                     "--set", "ike.proposals=[aes256-sha256-modp2048]", "--set", "traffic={}",
                     "--set", "pki.rsa_keys=1", "--set", "ike.auth=rsa-encryption") as run:
            shown = subprocess.run([lab.IKELAB, "dissect", run.folder], check=True,
                                   capture_output=True, text=True).stdout
        self.assertIn("Ciphertext", shown)
        self.assertNotIn("not decrypted", shown)
        self.assertNotRegex(shown, "(?i)malformed")


class Users(unittest.TestCase):
    """XAUTH and Mode-Config behind phase 1, with test credentials."""
    SETTINGS = ("pki.rsa_keys=1", "ike.version=1", "ike.proposals=[aes256-sha256-modp2048]",
                "ike.xauth=true")

    def simulate(self, *words):
        settings = [part for word in (*self.SETTINGS, *words) for part in ("--set", word)]
        with lab.Run(str(Signatures.FILE), "--no-report", *settings) as run:
            return run.result

    def test_users_are_known_by_name_and_password(self):
        for mode in ("main", "aggressive"):
            for way in (["ike.auth=psk"], ["ike.auth=rsa"],
                        ["nodes.homes.ike.auth=null", "nodes.gw.ike.auth=rsa"]):
                with self.subTest(mode=mode, way=way):
                    words = (*way, f"ike.mode={mode}", "traffic={}", "nodes.homes.ike.xauth_user=u{n}")
                    real, modelled = (self.simulate(*words, f"crypto={c}") for c in ("real", "modelled"))
                    ike = real["virtual"]["ike"]
                    self.assertEqual((ike["v1"]["completed"], ike["failed"]), (10, 0))
                    self.assertEqual((ike["users_known"], ike["users_refused"]), (10, 0))
                    self.assertEqual(real["virtual"], modelled["virtual"])
                    self.assertEqual(real["timeline_digest"], modelled["timeline_digest"])

    def test_a_wrong_password_is_refused_and_counted(self):
        for mode in ("main", "aggressive"):
            virtual = self.simulate("nodes.homes.ike.xauth_password=guess", "traffic={}",
                                    f"ike.mode={mode}")["virtual"]
            ike, groups = virtual["ike"], virtual["groups"]
            self.assertEqual((ike["completed"], ike["failed_by"]), (0, {"user_refused": 10}))
            self.assertEqual(groups["homes"]["ike"]["users_refused"], 10)
            self.assertEqual(groups["gw"]["ike"]["users_refused"], 10)
            self.assertEqual((ike["users_known"], ike["users_refused"]), (0, 20))

    def test_addresses_are_given_while_there_are_any(self):
        words = ("nodes.homes.ike.ask_address=true", "nodes.gw.ike.address_pool=10.99.0.0/%d")
        for length, up in ((28, 10), (29, 6)):
            with self.subTest(length=length):
                ike = self.simulate(words[0], words[1] % length)["virtual"]["ike"]
                self.assertEqual(ike["completed"], up)
                self.assertEqual(ike["failed_by"], {"no_address": 10 - up} if up < 10 else {})
                self.assertEqual((ike["addresses_given"], ike["addresses_short"]), (up, 10 - up))

    def test_traffic_has_the_address_that_was_given(self):
        words = ("ike.ask_address=true", "nodes.gw.ike.ask_address=false", "capture={of: [gw]}",
                 "nodes.gw.ike.address_pool=10.99.0.0/28", "ike.address_only=true")
        settings = [part for word in (*self.SETTINGS, *words) for part in ("--set", word)]
        with lab.Run(str(Signatures.FILE), "--no-report", *settings) as run, \
             lab.Run(str(Signatures.FILE), "--no-report", *settings, "--set", "crypto=modelled") as other:
            self.assertEqual(run.result["timeline_digest"], other.result["timeline_digest"])
            virtual = run.result["virtual"]
            self.assertEqual((virtual["ike"]["completed"], virtual["esp"]["dropped"]["other"]), (10, 0))
            self.assertGreater(virtual["esp"]["delivered_ratio"], 0.99)
            done = subprocess.run([lab.IKELAB, "dissect", run.folder, "--summary"], check=True,
                                  capture_output=True, text=True)
        packets = re.findall(r"ESP .* \{(\S+) > (\S+) UDP", done.stdout)
        inside = {end for pair in packets for end in pair if end.startswith("10.99.0.")}
        self.assertGreaterEqual(len(packets), 1000)
        self.assertTrue(all(len(inside & set(pair)) == 1 for pair in packets))
        self.assertEqual(len(inside), 10)

    def test_who_keeps_to_the_plan_is_refused_where_addresses_alone_count(self):
        virtual = self.simulate("nodes.homes.ike.ask_address=true", "nodes.gw.ike.address_only=true",
                                "nodes.gw.ike.address_pool=10.99.0.0/28")["virtual"]
        self.assertEqual((virtual["ike"]["completed"], virtual["esp"]["delivered_packets"]), (0, 0))

    def test_the_report_shows_them(self):
        settings = (*self.SETTINGS, "nodes.homes.ike.xauth_password=guess", "traffic={}")
        with lab.Run(str(Signatures.FILE),
                     *(part for word in settings for part in ("--set", word))) as run:
            page = (run.folder / "report.html").read_text()
        self.assertIn('data-metric="groups.gw.ike.users_refused" value="10"', page)

    def test_thresholds_name_them(self):
        words = ("nodes.homes.ike.ask_address=true", "nodes.gw.ike.address_pool=10.99.0.0/28",
                 "traffic={}", 'thresholds={ike.users_known: ["==10"], ike.users_refused: ["==0"], '
                 'ike.addresses_given@gw: ["==10"], ike.addresses_short: ["==0"]}')
        rows = self.simulate(*words)["thresholds"]
        self.assertEqual([(row["value"], row["pass"]) for row in rows],
                         [(10, True), (0, True), (10, True), (0, True)])

    def test_renewals_keep_users_and_addresses(self):
        virtual = self.simulate("nodes.homes.ike.ask_address=true", "ike.rekey_time=6s",
                                "nodes.gw.ike.address_pool=10.99.0.0/28")["virtual"]
        self.assertEqual(virtual["ike"]["failed"], 0)
        self.assertGreaterEqual(virtual["ike"]["reauthentications"], 10)


class AggressiveMode(unittest.TestCase):
    def test_a_listener_finds_the_secret_without_keys(self):
        """RFC 2409 §5: HASH_R is of the secret and of what messages 1 and 2 have in the clear."""
        with lab.Run(teach("aggressive-psk-leak"), "--no-report") as run:
            (run.folder / "keys.jsonl").unlink()
            first, second = (bytes.fromhex(frame["bytes"])
                             for frame in distinct(frames(run.folder))[:2])
        asked, answered = payloads(first), payloads(second)
        said = (answered[KE] + asked[KE] + second[8:16] + second[0:8] + asked[SA] + answered[ID])
        found = []
        for word in WORDS:
            skeyid = hmac.digest(word.encode(), asked[NONCE] + answered[NONCE], hashlib.sha256)
            if hmac.digest(skeyid, said, hashlib.sha256) == answered[HASH]:
                found.append(word)
        self.assertEqual(found, ["sunshine"])

    def test_in_main_mode_there_is_no_hash_to_compare_with(self):
        with lab.Run(teach("aggressive-psk-leak-fixed"), "--no-report") as run:
            (run.folder / "keys.jsonl").unlink()
            messages = [bytes.fromhex(frame["bytes"]) for frame in distinct(frames(run.folder))]
        clear = [m for m in messages if not m[19] & 1]
        self.assertEqual(len(clear), 4)
        for message in clear:
            self.assertNotIn(HASH, payloads(message))
            self.assertNotIn(ID, payloads(message))


def distinct(all_frames):
    """IKE messages, each once, however many nodes have seen it."""
    seen = {}
    for frame in all_frames:
        if frame["kind"] == "ike":
            seen.setdefault(frame["bytes"], frame)
    return list(seen.values())


if __name__ == "__main__":
    lab.main()
