"""Opens an island as docs/report-data.md says: a second reader beside that of the page."""

import base64
import gzip
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("group", "payload", "field", "note", "error")


def inflate(text):
    return gzip.decompress(base64.b64decode(text))


def column(data, rows):
    out, value, at = [], 0, 0
    for _ in range(rows):
        number = shift = 0
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        value += number >> 1 if number % 2 == 0 else -((number + 1) >> 1)
        out.append(value)
    assert at == len(data), "bytes behind the last row"
    return out


class Table:
    def __init__(self, raw):
        self.rows = raw["rows"]
        for name, (_, text) in raw["columns"].items():
            setattr(self, "from_" if name == "from" else name, column(inflate(text), self.rows))


class Island:
    """Members as the page sees them."""

    def __init__(self, text):
        self.raw = json.loads(text)
        for name, value in self.raw.items():
            if isinstance(value, dict) and "columns" in value:
                value = Table(value)
            elif isinstance(value, dict) and "packed" in value:
                value = json.loads(inflate(value["packed"]))
            setattr(self, name, value)

    def text(self, index):
        return self.strings[index]

    def detail(self, index):
        """(frame, bytes, [(text, [(frame, offset, length)])], tree as dissect.schema.json has it)"""
        chunk = json.loads(inflate(self.details["chunks"][index // self.details["chunk"]]))
        frame, _, _, data, texts, tree = chunk[index % self.details["chunk"]]
        data = base64.b64decode(data)
        texts = [(base64.b64decode(text), list(zip(*[iter(places)] * 3))) for text, places in texts]
        return frame, data, texts, self.node(tree, [data] + [text for text, _ in texts])

    def node(self, raw, texts):
        kind, name, text, offset, length, value, meaning, rfc, *children = raw
        place = texts[text][offset:offset + length]
        value = {-1: place.hex(), -2: str(int.from_bytes(place, "big"))}.get(value) or \
            self.strings[value]
        out = {"kind": KINDS[kind], "name": self.strings[name], "offset": offset, "length": length}
        out.update({key: found for key, found in (
            ("text", text), ("value", value), ("meaning", self.strings[meaning]),
            ("rfc", self.strings[rfc])) if found})
        if children:
            out["children"] = [self.node(child, texts) for child in children]
        return out


def make(folder, ikelab):
    """The island of a run folder, by reports/island.py."""
    done = subprocess.run([ROOT / "reports/island.py", folder, "--ikelab", ikelab], check=False,
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"island.py: {done.stderr}")
    return done.stdout
