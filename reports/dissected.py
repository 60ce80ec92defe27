"""What `ikelab dissect --json`, the only parser of payloads, says about frames of a run's capture:
summaries for all, trees of fields for some."""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from packing import compact, squeeze
from run import RunError

CHUNK = 100
ARGUMENT_MAX, ARGUMENTS_MAX = 100_000, 1_000_000
KINDS = {"group": 0, "payload": 1, "field": 2, "note": 3, "error": 4}
HEX_OF_BYTES, NUMBER_OF_BYTES = -1, -2
LOCKED, BAD_ICV = 1, 2
# Notify Message Types below 16384 (RFC 7296 §3.10.1)
COMPLAINT = re.compile(
    r"N\((UNSUPPORTED_CRITICAL_PAYLOAD|INVALID_\w+|NO_PROPOSAL_CHOSEN|AUTHENTICATION_FAILED|"
    r"SINGLE_PAIR_REQUIRED|NO_ADDITIONAL_SAS|INTERNAL_ADDRESS_FAILURE|FAILED_CP_REQUIRED|"
    r"TS_UNACCEPTABLE|UNACCEPTABLE_ADDRESSES|UNEXPECTED_NAT_DETECTED|TEMPORARY_FAILURE|"
    r"CHILD_SA_NOT_FOUND)\b")


def find_ikelab(given=None):
    """The program: as said, beside these scripts, or on the way."""
    here = Path(__file__).resolve().parent
    places = [given] if given else [here.parent / "build/release/ikelab",
                                    here.parent / "build/dev/ikelab",
                                    here.parents[2] / "bin/ikelab", shutil.which("ikelab")]
    for place in places:
        if place and os.access(place, os.X_OK) and Path(place).is_file():
            return str(place)
    raise RunError(f"{given or 'ikelab'}: no such program; try: ./run --build-only, or --ikelab "
                   "PROGRAM")


def ranges(frames):
    """"3,5-9": as few words as can be."""
    out, first, last = [], None, None
    for frame in sorted(frames):
        if last is not None and frame <= last + 1:
            last = frame
            continue
        if last is not None:
            out.append((first, last))
        first = last = frame
    if last is not None:
        out.append((first, last))
    return [str(a) if a == b else f"{a}-{b}" for a, b in out]


def arguments(frames):
    """--frame options for these; none if they would not fit a command line: then all are shown."""
    words = ranges(frames)
    if sum(len(word) + 1 for word in words) > ARGUMENTS_MAX:
        return []
    out, size = [[]], 0
    for word in words:
        if size + len(word) + 1 > ARGUMENT_MAX:
            out.append([])
            size = 0
        out[-1].append(word)
        size += len(word) + 1
    return [part for words in out for part in ("--frame", ",".join(words))]


def dissect(ikelab, folder, frames, summary):
    """Each of these frames as dissect.schema.json has it; one at a time, memory does not grow."""
    frames = set(frames)
    if not frames:
        return
    command = [ikelab, "dissect", str(folder), "--json", *(["--summary"] if summary else []),
               *arguments(frames)]
    with tempfile.TemporaryFile() as talk, \
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=talk) as process:
        last = b""
        for last in process.stdout:
            if last.startswith(b'{"frame":'):
                frame = json.loads(last.rstrip(b",\n"))
                if frame["frame"] in frames:
                    yield frame
        code = process.wait()
        if code != 0:
            talk.seek(0)
            words = talk.read().decode("utf-8", "replace").strip().splitlines() or ["no word"]
            raise RunError(f"{folder}/capture.pcapng cannot be read: {words[0]}; "
                           "try: run the scenario again")


class Details:
    """Trees of fields, packed in chunks: rows as in docs/report-data.md."""

    def __init__(self, strings):
        self.strings, self.open, self.chunks, self.count = strings, [], [], 0

    def add(self, frame):
        self.open.append(self.row(frame))
        self.count += 1
        if len(self.open) == CHUNK:
            self.close()
        return self.count - 1

    def close(self):
        if self.open:
            self.chunks.append(squeeze(compact(self.open).encode("utf-8")))
        self.open = []

    def island(self):
        self.close()
        return {"count": self.count, "chunk": CHUNK, "chunks": self.chunks}

    def row(self, frame):
        data = bytes.fromhex(frame["bytes"])
        texts = [bytes.fromhex(text["bytes"]) for text in frame["texts"]]
        flags = LOCKED * frame["locked"] | BAD_ICV * frame["bad_icv"]
        return [frame["frame"], flags, frame["errors"], coded(data),
                [[coded(text), [part[key] for part in source["from"]
                                for key in ("frame", "offset", "length")]]
                 for text, source in zip(texts, frame["texts"])],
                self.node(frame["tree"], [data, *texts])]

    def node(self, node, texts):
        index = self.strings.index
        text, offset, length = node.get("text", 0), node["offset"], node["length"]
        return [KINDS[node["kind"]], index(node["name"]), text, offset, length,
                self.value(node.get("value", ""), texts[text][offset:offset + length]),
                index(node.get("meaning", "")), index(node.get("rfc", "")),
                *(self.node(child, texts) for child in node.get("children", ()))]

    def value(self, value, place):
        """Most values say what the bytes say: then they are not said again."""
        if value and value == place.hex():
            return HEX_OF_BYTES
        if 0 < len(place) <= 6 and value == str(int.from_bytes(place, "big")):
            return NUMBER_OF_BYTES
        return self.strings.index(value)


def coded(data):
    return base64.b64encode(data).decode("ascii")
