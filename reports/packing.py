"""How the data of a report is packed: tables as columns of differences, text interned, parts as
gzip in base64 (docs/report-data.md). Knows nothing of runs."""

import base64
import gzip
import json

import numpy

HOSTILE = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028"),
           ("\u2029", "\\u2029"))


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def embedded(value):
    """JSON that may stand in a <script>: what could end it, or start anything, is escaped."""
    text = compact(value)
    for character, escape in HOSTILE:
        text = text.replace(character, escape)
    return text


def squeeze(data):
    """Bytes as base64 of gzip. Without a time in the header: same data, same text."""
    return base64.b64encode(gzip.compress(data, 6, mtime=0)).decode("ascii")


def packed(value):
    return {"packed": squeeze(compact(value).encode("utf-8"))}


class Strings:
    """Texts by index; 0 is the empty one."""

    def __init__(self):
        self.texts, self.places = [""], {"": 0}

    def index(self, text):
        place = self.places.get(text)
        if place is None:
            place = self.places[text] = len(self.texts)
            self.texts.append(text)
        return place


def varints(values):
    """Zigzag differences of whole numbers in groups of 7 bits, low ones first."""
    values = numpy.asarray(values, dtype=numpy.int64)
    steps = numpy.diff(values, prepend=numpy.int64(0))
    rest = ((steps << 1) ^ (steps >> 63)).astype(numpy.uint64)
    lengths = numpy.ones(len(rest), dtype=numpy.int64)
    for more in range(1, 10):
        lengths += rest >= numpy.uint64(1 << 7 * more)
    ends = numpy.cumsum(lengths)
    out = numpy.zeros(int(ends[-1]) if len(ends) else 0, dtype=numpy.uint8)
    starts, row = ends - lengths, numpy.arange(len(rest))
    for group in range(10):
        row = row[lengths[row] > group]
        if not len(row):
            break
        more = (lengths[row] > group + 1).astype(numpy.uint8) << 7
        bits = (rest[row] >> numpy.uint64(7 * group)) & numpy.uint64(127)
        out[starts[row] + group] = bits.astype(numpy.uint8) | more
    return out.tobytes()


def table(columns, wide):
    """Columns, equally long, by name; those of `wide` may not fit 31 bits."""
    rows = {len(values) for values in columns.values()}
    if len(rows) != 1:
        raise ValueError(f"columns of {sorted(rows)} rows")
    return {"rows": rows.pop(),
            "columns": {name: ["f" if name in wide else "i", squeeze(varints(values))]
                        for name, values in columns.items()}}
