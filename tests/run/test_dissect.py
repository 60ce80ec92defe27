#!/usr/bin/python3
"""ikelab dissect: captures of others as tshark reads them (decode.tsv), our own captures decrypted
byte for byte as tshark decrypts them, the JSON against its schema, damaged files, hex, keys."""

import gzip
import json
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import tempfile
import unittest

import lab

try:
    import jsonschema
except ImportError:
    jsonschema = None

VECTORS = pathlib.Path(os.environ.get("IKELAB_VECTORS", lab.ROOT / "../shared/vectors"))
SCHEMA = json.loads((lab.ROOT / "docs/schema/dissect.schema.json").read_text())
TSHARK = shutil.which("tshark")
HEADER = "0102030405060708" "1112131415161718"
#: HDR, Ni, N(COOKIE)
MESSAGE = (HEADER + "28202208" "00000000" "0000003c"
           "29000014" + "aa" * 16 + "0000000c" "00004006" "c00cc00c")


def dissect(*arguments, data=None):
    return subprocess.run([str(lab.IKELAB), "dissect", *map(str, arguments)], input=data,
                          capture_output=True, timeout=600)


def dissect_json(case, *arguments, data=None, expect=0):
    done = dissect(*arguments, "--json", data=data)
    case.assertEqual(done.returncode, expect, done.stderr.decode())
    result = json.loads(done.stdout)
    if jsonschema:
        jsonschema.Draft7Validator(SCHEMA).validate(result)
    return result


def walk(node):
    yield node
    for child in node.get("children", []):
        yield from walk(child)


def payloads(node):
    """Names in the words of decode.tsv: what is inside SK behind it."""
    words = {"Ni": "Ni/Nr", "Nr": "Ni/Nr", "V": "VID"}
    return [words.get(n["name"], n["name"]) for n in walk(node) if n["kind"] == "payload"]


def value_of(frame, name):
    return [n.get("value") for n in walk(frame["tree"]) if n["name"] == name]


def places_are_right(case, frame):
    """Each node lies in its parent or in a text of its own, and a hex value is what lies there."""
    texts = [bytes.fromhex(frame["bytes"])]
    texts += [bytes.fromhex(t["bytes"]) for t in frame["texts"]]

    def look(node, parent):
        text, start = node.get("text", 0), node["offset"]
        end = start + node["length"]
        case.assertLessEqual(end, len(texts[text]), node)
        if parent and parent.get("text", 0) == text:
            case.assertGreaterEqual(start, parent["offset"], node)
            case.assertLessEqual(end, parent["offset"] + parent["length"], node)
        if node["name"] in ("Nonce Data", "SPI", "Key Exchange Data", "Payload", "Padding"):
            case.assertEqual(node["value"], texts[text][start:end].hex())
        for child in node.get("children", []):
            look(child, node)

    look(frame["tree"], None)


class Vectors(unittest.TestCase):
    """Captures and keys that nobody here wrote."""

    @classmethod
    def setUpClass(cls):
        if not (VECTORS / "pcap/decode.tsv").exists():
            raise unittest.SkipTest("no captures: set IKELAB_VECTORS")
        cls.rows = {}
        for line in (VECTORS / "pcap/decode.tsv").read_text().splitlines()[1:]:
            cells = line.split("\t")
            cls.rows.setdefault(cells[0], {})[int(cells[1])] = cells[8]
        cls.keys = json.loads((VECTORS / "pcap/keys.json").read_text())

    def key_arguments(self, name, folder):
        entry = self.keys.get(name, {})
        lines = []
        if "ikev2" in entry:
            k = entry["ikev2"]
            lines.append(f'{k["spi_i"]},{k["spi_r"]},{k["sk_ei"]},{k["sk_er"]},"{k["encr"]}",'
                         f'{k["sk_ai"]},{k["sk_ar"]},"{k["integ"]}"')
        if "ikev1" in entry:
            lines.append('"{initiator_cookie}","{enc_key}"'.format(**entry["ikev1"]))
        for k in entry.get("esp", []):
            if isinstance(k, dict) and "spi" in k and "encr" in k:
                lines.append(f'"IPv4","*","{k["dst"]}","{k["spi"]}","{k["encr"]}","0x{k["key"]}",'
                             f'"{k["integ"]}","0x{k["auth_key"]}"')
        if not lines:
            return []
        table = pathlib.Path(folder) / "table"
        table.write_text("\n".join(lines) + "\n")
        return ["--keys", table]

    def check_ike(self, name, frame, row, opened):
        listed = re.match(r"([A-Z_]+)/(\w*) mid=0x(\w+) \[([^]]*)\](.*)", row)
        if not listed or "MALFORMED" in listed[5]:
            return False
        got, want = payloads(frame["tree"]), listed[4].split()
        if frame["locked"] and "SK" in want: # decode.tsv lists what our suites cannot open
            want = want[:want.index("SK") + 1]
        if frame["errors"] and len(got) < len(want):
            return False # strict where tshark is not: tests/vectors/captures counts those
        self.assertEqual(got, want, f"{name} frame {frame['frame']}")
        self.assertEqual(frame["ike"]["exchange"], listed[1])
        self.assertEqual(frame["ike"]["message_id"], int(listed[3], 16))
        opened[0] += "SK" in want and not frame["locked"]
        return True

    def check_ikev1(self, name, frame, row, opened):
        listed = re.match(r"(\w+)/(enc)? ?mid=0x(\w+) \[([^]]*)\](.*)", row)
        if not listed:
            return False
        names = {"14": "ATTR", "SAK": "payload"}  # 15 is GDOI's: drafts of NAT-T had it for NAT-D
        want = [names.get(w, w.replace("v1", "")) for w in listed[4].split()]
        got = [n.replace("-DRAFT", "") for n in payloads(frame["tree"])]
        where = f"{name} frame {frame['frame']}"
        if "MALFORMED" in listed[5]:
            # Refused, or a retransmission that tshark takes for the next message of its chain.
            self.assertTrue(frame["errors"] or got[:len(want)] == want, where)
            self.malformed_v1 += frame["errors"] > 0
            return False
        if frame["errors"] and len(got) > len(want):
            return False  # tshark stops where the chain goes wrong: vectors/ikev1_captures tells why
        self.assertEqual(got, want, where)
        self.assertEqual(frame["ike"]["exchange"], listed[1].upper(), where)
        self.assertEqual(frame["ike"]["message_id"], int(listed[3], 16), where)
        if listed[2] and not frame["locked"]:
            opened[1] += 1
            for digest in re.findall(r"hash=(\w+)", listed[5]):  # of SHA-256 its first 20 bytes
                self.assertTrue(value_of(frame, "Hash Data")[0].startswith(digest), where)
        self.assertEqual(bool(listed[2]) and not want, frame["locked"], where)
        return True

    def test_payload_lists(self):
        listed = listed_v1 = esp = inner = self.malformed_v1 = 0
        opened = [0, 0]
        with tempfile.TemporaryDirectory() as folder:
            for name, rows in self.rows.items():
                data = (VECTORS / "pcap" / name).read_bytes()
                if name.endswith(".gz"):
                    data = gzip.decompress(data)
                result = dissect_json(self, "-", *self.key_arguments(name, folder), data=data)
                for frame in result["frames"]:
                    places_are_right(self, frame)
                    row = rows.get(frame["frame"], "")
                    if frame["kind"] == "esp":
                        match = re.match(r"ESP (0x\w+) seq (\d+)", row)
                        if match:
                            esp += 1
                            self.assertEqual(frame["esp"]["spi"], match[1])
                            self.assertIn(match[2], value_of(frame, "Sequence Number"))
                        inner += len(frame["texts"])
                    elif frame.get("ike", {}).get("version") == 2:
                        listed += self.check_ike(name, frame, row, opened)
                    elif frame.get("ike", {}).get("version") == 1:
                        listed_v1 += self.check_ikev1(name, frame, row, opened)
        print(f"lists equal: {listed} IKEv2 ({opened[0]} of them opened), {listed_v1} IKEv1 "
              f"({opened[1]} of them opened, {self.malformed_v1} malformed besides); "
              f"{esp} ESP headers, {inner} ESP packets opened")
        self.assertGreaterEqual(listed, 110)
        self.assertGreaterEqual(opened[0], 10)
        self.assertEqual(listed_v1, 90)
        self.assertEqual(opened[1], 17)
        self.assertEqual(self.malformed_v1, 3)
        self.assertGreaterEqual(esp, 100)
        self.assertGreaterEqual(inner, 6)


def tshark_texts(folder, count):
    """The decrypted texts of each frame, as tshark dumps them."""
    environment = dict(os.environ, WIRESHARK_CONFIG_DIR=str(folder / "wireshark"))
    done = subprocess.run([TSHARK, "-C", "ikelab", "-r", str(folder / "capture.pcapng"), "-c",
                           str(count), "-P", "-x"], env=environment, text=True,
                          capture_output=True, timeout=600, check=True)
    texts, frame, current = {}, None, None
    for line in done.stdout.splitlines():
        head = re.match(r" *(\d+) +\d+\.\d+ ", line)
        dump = re.match(r"[0-9a-f]{4,}  ((?:[0-9a-f]{2} )+)", line)
        if line.startswith("Decrypted Data ("):
            current = texts.setdefault(frame, [])
            current.append("")
        elif dump and current is not None:
            current[-1] += dump[1].replace(" ", "")
        elif not dump:
            current = None
            frame = int(head[1]) if head else frame
    return texts


class OwnCapture(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.run_folder = lab.Run("nat-rebind", binary=lab.fast_build())

    @classmethod
    def tearDownClass(cls):
        cls.run_folder.remove()

    def test_decrypted_bytes_are_those_of_tshark(self):
        if not TSHARK:
            self.skipTest("tshark is not installed")
        count = 400
        want = tshark_texts(self.run_folder.folder, count)
        result = dissect_json(self, self.run_folder.folder, "--frame", f"1-{count}")
        got = {f["frame"]: [t["bytes"] for t in f["texts"]] for f in result["frames"] if f["texts"]}
        self.assertEqual(got, want)
        kinds = {f["kind"] for f in result["frames"] if f["texts"]}
        self.assertEqual(kinds, {"ike", "esp"})
        print(f"{len(got)} frames decrypted as by tshark")

    def test_everything_opens_and_lies_where_it_says(self):
        result = dissect_json(self, self.run_folder.folder)
        self.assertEqual(result["counts"]["locked"], 0)
        self.assertEqual(result["counts"]["bad_icv"], 0)
        self.assertEqual(result["counts"]["malformed"], 0)
        for frame in result["frames"]:
            places_are_right(self, frame)
        for frame in result["frames"][:50]:
            for text in frame["texts"]:
                self.assertEqual([s["frame"] for s in text["from"]], [frame["frame"]])
        nodes = {f["interface"] for f in result["frames"]}
        self.assertTrue({"gw", "homes[0]", "boxes[0] inside"} <= nodes, nodes)

    def test_a_lone_folder_of_keys_names_its_capture(self):
        wanted = ["--summary", "--frame", "1-20"]
        named = dissect_json(self, self.run_folder.folder, *wanted)
        self.assertEqual(len(named["frames"]), 20)
        self.assertEqual(dissect_json(self, "--keys", self.run_folder.folder, *wanted), named)
        frame, = dissect_json(self, "--keys", self.run_folder.folder, "--hex", MESSAGE)["frames"]
        self.assertEqual(frame["summary"], "HDR, Ni, N(COOKIE)")
        done = dissect("--keys", self.run_folder.folder / "keys.jsonl")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"no capture given", done.stderr)

    def test_wireshark_tables_open_the_same(self):
        profile = self.run_folder.folder / "wireshark/profiles/ikelab"
        capture = self.run_folder.folder / "capture.pcapng"
        wanted = ["--frame", "1-200"]
        ours = dissect_json(self, self.run_folder.folder, *wanted)
        theirs = dissect_json(self, capture, "--keys", profile / "ikev2_decryption_table",
                              "--keys", profile / "esp_sa", *wanted)
        self.assertEqual(ours, theirs)

    def test_without_keys_and_with_wrong_ones(self):
        capture = self.run_folder.folder / "capture.pcapng"
        result = dissect_json(self, capture, "--frame", "1-100")
        self.assertGreater(result["counts"]["locked"], 10)
        self.assertFalse(any(f["texts"] for f in result["frames"]))
        with tempfile.TemporaryDirectory() as folder:
            wrong = pathlib.Path(folder) / "keys.jsonl"
            text = (self.run_folder.folder / "keys.jsonl").read_text()
            wrong.write_text(re.sub(r'("(?:SK_e.|encryption)":"..)(.)',
                                    lambda m: m[1] + ("1" if m[2] == "0" else "0"), text))
            result = dissect_json(self, capture, "--keys", wrong, "--frame", "1-100")
        self.assertGreater(result["counts"]["bad_icv"], 10)
        self.assertEqual(result["counts"]["locked"], 0)
        errors = [n["meaning"] for f in result["frames"] for n in walk(f["tree"])
                  if n["kind"] == "error"]
        self.assertEqual(set(errors), {"ERR_ICV"})

    def test_filters_and_summary(self):
        folder = self.run_folder.folder
        whole = dissect_json(self, folder, "--summary", "--frame", "1-120")
        self.assertNotIn("tree", whole["frames"][0])
        some = dissect_json(self, folder, "--summary", "--frame", "3,7-9")
        self.assertEqual([f["frame"] for f in some["frames"]], [3, 7, 8, 9])
        some = dissect_json(self, folder, "--summary", "--frame", "3, 7-9,\t118-", "--frame", "5")
        self.assertEqual([f["frame"] for f in some["frames"]][:7], [3, 5, 7, 8, 9, 118, 119])
        spi = next(f["esp"]["spi"] for f in whole["frames"] if f["kind"] == "esp")
        only = dissect_json(self, folder, "--summary", "--frame", "1-120", "--spi", spi)
        self.assertEqual({f["esp"]["spi"] for f in only["frames"]}, {spi})
        lines = dissect(folder, "--summary", "--frame", "1-24").stdout.decode().splitlines()
        self.assertEqual(len(lines), 24)
        self.assertTrue(lines[0].endswith("HDR, SAi1, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), "
                                          "N(NAT_DETECTION_DESTINATION_IP)"), lines[0])
        self.assertTrue(any("HDR, SK {IDi," in line for line in lines))

    def test_a_file_cut_at_any_place(self):
        """The frames before the cut, then an error and exit 1."""
        data = (self.run_folder.folder / "capture.pcapng").read_bytes()
        random.seed(1)
        whole = dissect_json(self, "-", "--summary", "--frame", "1-20", data=data)["frames"]
        ends = set()
        at = 0
        while at < 20000:
            at += struct.unpack("<I", data[at + 4:at + 8])[0]
            ends.add(at)
        for cut in [1, 8, 11, 12, 27, *random.sample(range(30, 20000), 40)]:
            done = dissect("-", "--summary", "--json", data=data[:cut])
            result = json.loads(done.stdout)
            self.assertEqual(done.returncode, 0 if cut in ends else 1, cut)
            self.assertEqual(result["error"] is None, cut in ends)
            shown = result["frames"][:20]
            self.assertEqual(shown, whole[:len(shown)])
        self.assertIn(b"try: ", done.stderr)


def classic(link, *frames, snaplen=65535, magic=0xa1b2c3d4):
    data = struct.pack("<IHHiIII", magic, 2, 4, 0, 0, snaplen, link)
    for frame in frames:
        there = frame[:snaplen]
        data += struct.pack("<IIII", 1, 5, len(there), len(frame)) + there
    return data


def pcapng(resolution, ticks, frame):
    """A packet of raw IP, its time in ticks of if_tsresol."""
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))

    return (block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)) +
            block(1, struct.pack("<HHIHHI", 101, 0, 0, 9, 1, resolution) + bytes(4)) +
            block(6, struct.pack("<IIIII", 0, ticks >> 32, ticks & 0xffffffff, len(frame),
                                 len(frame)) + frame))


def udp_packet(payload, port=500, v6=False):
    udp = struct.pack(">HHHH", port, port, 8 + len(payload), 0) + payload
    if v6:
        head = struct.pack(">IHBB", 6 << 28, len(udp), 17, 64)
        return head + bytes(15) + b"\1" + bytes(15) + b"\2" + udp
    return struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(udp), 7, 0, 64, 17, 0, 0x0a000001,
                       0x0a000002) + udp


class Inputs(unittest.TestCase):
    def test_link_types(self):
        ip, ip6 = udp_packet(bytes.fromhex(MESSAGE)), udp_packet(bytes.fromhex(MESSAGE), v6=True)
        mac = bytes(12)
        for link, frame in [(101, ip), (101, ip6), (228, ip), (1, mac + b"\x08\x00" + ip),
                            (1, mac + b"\x86\xdd" + ip6),
                            (1, mac + b"\x81\x00\x00\x05\x08\x00" + ip),
                            (1, mac + b"\x88\xa8\x00\x05\x81\x00\x00\x06\x08\x00" + ip),
                            (113, bytes(14) + b"\x08\x00" + ip),
                            (276, b"\x08\x00" + bytes(18) + ip),
                            (0, struct.pack("<I", 2) + ip), (108, struct.pack(">I", 2) + ip)]:
            result = dissect_json(self, "-", data=classic(link, frame))
            self.assertEqual(result["frames"][0]["summary"], "HDR, Ni, N(COOKIE)", link)
        done = dissect("-", data=classic(105, ip)) # IEEE 802.11
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"IEEE802_11", done.stderr)
        self.assertIn(b"try: ", done.stderr)

    def test_others_are_counted(self):
        ip = bytearray(udp_packet(bytes.fromhex(MESSAGE)))
        tcp, icmp = bytearray(ip), bytearray(ip)
        tcp[9], icmp[9] = 6, 1
        arp = bytes(12) + b"\x08\x06" + bytes(28)
        ether = bytes(12) + b"\x08\x00"
        result = dissect_json(self, "-", data=classic(
            1, arp, ether + tcp, ether + icmp, ether + udp_packet(b"x", 53), ether + ip,
            ether + udp_packet(b"\xff", 4500), ether + bytes(5)))
        self.assertEqual([f["frame"] for f in result["frames"]], [5, 6])
        self.assertEqual(result["frames"][1]["kind"], "keepalive")
        self.assertEqual(result["counts"]["others"], {
            "not IP": 1, "TCP": 1, "ICMP": 1, "UDP on other ports": 1,
            "with headers of IP or UDP that cannot be read": 1})

    def test_ports_and_marker(self):
        message = bytes.fromhex(MESSAGE)
        marked = bytes(4) + message
        for port, payload in [(4500, marked), (4444, message), (4444, marked)]:
            data = classic(101, udp_packet(payload, port))
            result = dissect_json(self, "-", "--port", "4444", data=data)
            self.assertEqual(result["frames"][0]["summary"], "HDR, Ni, N(COOKIE)")
        data = classic(101, udp_packet(message, 4444))
        self.assertEqual(dissect_json(self, "-", data=data)["frames"], [])

    def test_ip_fragments(self):
        whole = udp_packet(bytes.fromhex(MESSAGE))
        pieces = []
        for at in range(0, len(whole) - 20, 24):
            piece = whole[20 + at:20 + at + 24]
            more = 0x2000 if at + 24 < len(whole) - 20 else 0
            head = bytearray(whole[:20])
            head[2:4] = struct.pack(">H", 20 + len(piece))
            head[6:8] = struct.pack(">H", more | at // 8)
            pieces.append(bytes(head) + piece)
        frame, = dissect_json(self, "-", data=classic(101, *reversed(pieces)))["frames"]
        self.assertEqual((frame["frame"], frame["ip_fragments"]), (len(pieces), len(pieces)))
        self.assertEqual(frame["summary"], "HDR, Ni, N(COOKIE)")

    def test_a_fragment_within_fragments(self):
        """IPv6: what is joined is a fragment itself. It is no packet of UDP or ESP."""
        for protocol, length in ((17, 32), (17, 1), (50, 32)):
            inner = struct.pack(">BBHI", protocol, 0, 1, 9) + bytes(length)
            pieces = []
            for more, at, end in ((1, 0, 8), (0, 8, 8 + length)):
                piece = struct.pack(">BBHI", 44, 0, at | more, 7) + inner[at:end]
                pieces.append(struct.pack(">IHBB", 6 << 28, len(piece), 44, 64) + bytes(15) +
                              b"\1" + bytes(15) + b"\2" + piece)
            result = dissect_json(self, "-", data=classic(101, *pieces))
            self.assertEqual(result["frames"], [])
            self.assertEqual(result["counts"]["others"], {
                "IP fragments that await others or are doubles": 1,
                "with headers of IP or UDP that cannot be read": 1})

    def test_a_snapshot_length_on_another_port(self):
        """A cut IKE message is one still, and cut ciphertext that looks like one is none."""
        message = bytes.fromhex(MESSAGE)
        esp = bytearray(b"\x12\x34\x56\x78" + bytes(76))
        esp[17], esp[24:28] = 0x20, struct.pack(">I", 5000)
        for payload, kind in ((message, "ike"), (bytes(4) + message, "ike"), (bytes(esp), "esp")):
            for room in (28, 40, len(payload) - 1):
                data = classic(101, udp_packet(payload, 600), snaplen=28 + room)
                frame, = dissect_json(self, "-", "--port", "600", data=data)["frames"]
                self.assertEqual((frame["kind"], frame["cut"]), (kind, True), (kind, room))

    def test_times_of_every_resolution(self):
        ip = udp_packet(bytes.fromhex(MESSAGE))
        for resolution, ticks, ns in [
                (0, 7, 7 * 10**9), (6, 1500000, 1500000000), (9, 1500000001, 1500000001),
                (12, 1500000001999, 1500000001), (28, 15 * 10**18, 1), (10, 15, 1),
                (19, 15 * 10**18, 1500000000), (29, 2**64 - 1, None), (127, 5, None),
                (0x80 | 10, 1536, 1500000000), (0x80 | 40, 3 << 39, 1500000000),
                (0x80 | 63, 3 << 62, 1500000000), (0x80 | 64, 1 << 63, None), (0xff, 5, None)]:
            data = pcapng(resolution, ticks, ip)
            frame, = dissect_json(self, "-", "--summary", data=data)["frames"]
            self.assertEqual(frame["t_ns"], ns, (resolution, ticks))
        line = dissect("-", "--summary", data=data).stdout # without a time
        self.assertTrue(line.startswith(b"1  10.0.0.1:500 > "), line)

    def test_a_pcap_cut_at_every_place(self):
        data = classic(101, *[udp_packet(bytes.fromhex(MESSAGE))] * 2)
        size = (len(data) - 24) // 2
        for cut in range(1, len(data)):
            if cut % 3 and cut not in (24, 24 + size):
                continue
            done = dissect("-", "--json", "--summary", data=data[:cut])
            if data[0] != 0xd4 or cut >= 4:
                frames = json.loads(done.stdout)["frames"]
                self.assertEqual(len(frames), max(0, (cut - 24) // size))
            self.assertEqual(done.returncode, 0 if cut in (24, 24 + size) else 1, cut)

    def test_hex(self):
        message = bytes.fromhex(MESSAGE)
        esp = "12345678" "00000001" + "00" * 24
        spaced = message.hex(" ")
        dump = "".join(f"{at:04x}  {message[at:at + 16].hex(' ')}   {'.' * 16}\n"
                       for at in range(0, len(message), 16))
        for text in (MESSAGE, "0x" + MESSAGE, "00000000" + MESSAGE, spaced, dump):
            frame, = dissect_json(self, "--hex", text)["frames"]
            self.assertEqual(frame["summary"], "HDR, Ni, N(COOKIE)")
            self.assertIsNone(frame["t_ns"])
            frame, = dissect_json(self, "-", data=text.encode())["frames"]
            self.assertEqual(frame["summary"], "HDR, Ni, N(COOKIE)")
        frame, = dissect_json(self, "--esp", "--hex", esp)["frames"]
        self.assertEqual(frame["esp"]["spi"], "0x12345678")
        if shutil.which("xxd"):
            for options in ([], ["-c", "8"], ["-g", "1"], ["-p"]):
                text = subprocess.run(["xxd", *options], input=message, capture_output=True,
                                      check=True)
                frame, = dissect_json(self, "-", data=text.stdout)["frames"]
                self.assertEqual(frame["summary"], "HDR, Ni, N(COOKIE)", options)
        if shutil.which("hexdump"):
            text = subprocess.run(["hexdump", "-C"], input=message, capture_output=True, check=True)
            frame, = dissect_json(self, "-", data=text.stdout)["frames"]
            self.assertEqual(frame["bytes"], MESSAGE)
            text = subprocess.run(["hexdump", "-C"], input=message + bytes(100),
                                  capture_output=True, check=True)
            self.assertIn(b"\n*\n", text.stdout)
            frame, = dissect_json(self, "-", data=text.stdout)["frames"]
            self.assertEqual(frame["bytes"], MESSAGE + "00" * 100)

    def test_hex_behind_empty_lines(self):
        for front in ("\n", "\r\n", "\n\n\n\n\n", "\n\r\n", "\n \t\n", " \n"):
            frame, = dissect_json(self, "-", data=(front + MESSAGE).encode())["frames"]
            self.assertEqual(frame["bytes"], MESSAGE, front.encode())
        with tempfile.NamedTemporaryFile(suffix=".txt") as file:
            file.write(b"\n" + MESSAGE.encode())
            file.flush()
            self.assertEqual(dissect_json(self, file.name)["frames"][0]["bytes"], MESSAGE)

    def test_bad_hex(self):
        for text, words in [("12 3g", b"--hex:1:5: this is no hex digit"), ("123", b"half a byte"),
                            ("", b"no bytes"),
                            ("0000  01 02\n0004  03", b":2:1: this offset")]:
            done = dissect("--hex", text)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)
            self.assertIn(b"try: ", done.stderr)

    def test_a_message_cut_at_every_byte_has_an_error(self):
        for end in range(1, len(MESSAGE) // 2, 5):
            frame, = dissect_json(self, "--hex", MESSAGE[:2 * end])["frames"]
            self.assertGreater(frame["errors"], 0, end)
            self.assertIn("error", {n["kind"] for n in walk(frame["tree"])})

    def test_wrong_use(self):
        for arguments, words in [
                ([], b"no capture given"), (["/no/such/file"], b"No such file"),
                (["x", "--hex", "00"], b"exclude each other"),
                (["x", "--frame", "0"], b"list of frames"),
                (["x", "--frame", "5-3"], b"list of frames"),
                (["x", "--frame", "4294967295x"], b"list of frames"),
                (["x", "--frame", "1-4294967295x"], b"list of frames"),
                (["x", "--frame", "1-4294967296"], b"list of frames"),
                (["x", "--frame", "3, "], b"list of frames"),
                (["x", "--frame", "3 -5"], b"list of frames"),
                (["--hex", MESSAGE, "--port", "600"], b"--port is for captures"),
                (["x", "--spi", "123"], b"not an SPI"),
                (["x", "--port", "70000"], b"not a port"),
                (["--hex", MESSAGE, "--keys", "/no/such/keys"], b"No such file"),
                (["--hex", MESSAGE, "--keys", lab.ROOT / "README.md"], b"README.md:3: error")]:
            done = dissect(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(words, done.stderr, arguments)
        for option, data, words in [
                (["--esp"], classic(101, udp_packet(bytes.fromhex(MESSAGE))), b"--esp is for hex"),
                (["--port", "600"], MESSAGE.encode(), b"--port is for captures")]:
            with tempfile.NamedTemporaryFile() as file:
                file.write(data)
                file.flush()
                for done in (dissect("-", *option, data=data), dissect(file.name, *option)):
                    self.assertEqual((done.returncode, done.stdout), (2, b""), option)
                    self.assertIn(words, done.stderr)
                    self.assertIn(b"try: ", done.stderr)

    def test_what_is_no_capture(self):
        for data in (b"\xa1", b"\x1f\x8b" + bytes(100), b"\n" + bytes(40), bytes(64)):
            done = dissect("-", data=data)
            self.assertEqual(done.returncode, 1, data)
            self.assertIn(b"try: ", done.stderr)

    def test_keys_that_cannot_be_used_are_told(self):
        with tempfile.TemporaryDirectory() as folder:
            table = pathlib.Path(folder) / "table"
            table.write_text('# a comment\n'
                             f'{HEADER[:16]},{HEADER[16:]},{"00" * 24},{"00" * 24},'
                             '"3DES [RFC2451]",'
                             f'{"00" * 20},{"00" * 20},"HMAC_SHA1_96 [RFC2404]"\n'
                             f'{HEADER[:16]},{HEADER[16:]},{"00" * 20},{"00" * 20},'
                             '"AES-GCM-128 with 16 octet ICV [RFC5282]",'
                             f'{"00" * 20},{"00" * 20},"HMAC_SHA1_96 [RFC2404]"\n' +
                             json.dumps({"kind": "ike", "encr": "aes256gcm16iiv"}) + "\n")
            done = dissect("--hex", MESSAGE, "--keys", table)
            self.assertEqual(done.returncode, 0)
            self.assertIn(b"table:2: warning", done.stderr)
            self.assertIn(b"table:3: warning: this key is left out: an AEAD", done.stderr)
            self.assertIn(b"table:4: warning: this key is left out: its algorithm is for ESP only",
                          done.stderr)

    def test_foreign_text_is_escaped(self):
        name = b"\x1b[2J<script>"
        body = b"\x02\0\0\0" + name
        length = 28 + 4 + len(body)
        message = (bytes.fromhex(HEADER) + bytes([35, 0x20, 35, 8]) + bytes(4) +
                   struct.pack(">I", length) + struct.pack(">BBH", 0, 0, 4 + len(body)) + body)
        done = dissect("--hex", message.hex())
        self.assertNotIn(b"\x1b", done.stdout)
        self.assertIn(b"\\x1b[2J<script>", done.stdout)
        frame, = dissect_json(self, "--hex", message.hex())["frames"]
        self.assertIn("\\x1b[2J<script>", value_of(frame, "IDi"))


if __name__ == "__main__":
    lab.main()
