#!/usr/bin/python3
"""The data of a run's interactive report as one JSON object (docs/report-data.md), from its run
folder and `ikelab dissect`.

usage: island.py RUNDIR [--ikelab PROGRAM]
"""

import sys
from array import array
from collections import deque
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy  # noqa: E402

import dissected  # noqa: E402
import journal  # noqa: E402
from keywalk import Keys  # noqa: E402
from packing import Strings, embedded, packed, table  # noqa: E402
from phases import Turns, waits  # noqa: E402
from run import Run, RunError  # noqa: E402

VERSION = 1
DETAILS_FIRST = 5000  # messages with a detail whatever they are; behind them, problems only
# Columns of times, and of numbers that may not fit 31 bits
WIDE = {"t", "r", "from", "to", "expires", "deadline", "answered", "given_up", "mid",
        "highest", "sequence"}
RANKS = {"initiator": 0, "nat": 1, "router": 2, "responder": 3, "attacker": 0}
HOST_METRICS = ("cpu_busy_ratio", "backlog", "half_open", "ike_sas")


class Island:
    """Built step by step; parts() is what the page gets."""

    def __init__(self, run, ikelab, trees=True):
        """Reads the folder. trees=False: messages have no details. Raises RunError."""
        try:
            self.read(run, ikelab, trees)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise unlike(run, error) from error

    def read(self, run, ikelab, trees):
        self.run, self.ikelab = run, ikelab
        self.strings = Strings()
        self.journal = journal.Journal(self.strings)
        self.notes = []
        self.read_events()
        self.keys = self.read_keys()
        self.check_capture()
        self.order()
        self.dissect(trees)

    def read_events(self):
        """Every frame has its event: where the last ones have none, the file was cut."""
        frames = self.run.result["capture"]["frames"]
        for event in self.run.events():
            if not self.journal.take(event):
                return
        if self.journal.last_frame < frames:
            raise RunError(f"{self.run.folder / 'events.jsonl'} ends before frame {frames} of the "
                           "capture; try: run the scenario again")

    def check_capture(self):
        path, capture = self.run.folder / "capture.pcapng", self.run.result["capture"]
        if not capture["frames"]:
            return
        if not path.is_file():
            raise RunError(f"{self.run.folder} is not a complete run folder: capture.pcapng "
                           "missing; try: run the scenario again")
        if path.stat().st_size != capture["bytes"]:
            raise RunError(f"{path} has {path.stat().st_size} bytes, the run wrote "
                           f"{capture['bytes']}; try: run the scenario again")

    def read_keys(self):
        path = self.run.folder / "keys.jsonl"
        if not path.is_file():
            if self.run.result["capture"]["frames"]:
                raise RunError(f"{self.run.folder} is not a complete run folder: keys.jsonl "
                               "missing; try: run the scenario again")
            return None
        return Keys(path, self.journal.node)

    # ---- order ----

    def order(self):
        """Messages by the time they were first sent, hops by message and time."""
        j = self.journal
        m = {name: numpy.array(values) for name, values in j.messages.columns().items()}
        h = {name: numpy.array(values) for name, values in j.hops.columns().items()}
        by_time = numpy.argsort(m["t"], kind="stable")
        self.place = numpy.empty_like(by_time)  # of a message, by the row it was read into
        self.place[by_time] = numpy.arange(len(by_time))
        self.m = {name: values[by_time] for name, values in m.items()}
        self.problem = numpy.array(j.problem)[by_time]
        h["msg"] = self.place[h["msg"]] if len(by_time) else h["msg"]
        by_message = numpy.lexsort((h["t"], h["msg"]))
        self.h = {name: values[by_message] for name, values in h.items()}
        windows = self.journal.windows
        windows.msg = array("q", [int(self.place[row]) if row >= 0 else -1 for row in windows.msg])
        self.m["first"] = numpy.searchsorted(self.h["msg"], numpy.arange(len(by_time)))
        self.m["count"] = numpy.bincount(self.h["msg"], minlength=len(by_time))
        self.number()

    def number(self):
        """Of IKEv1 which message of its exchange each is; even ones answer odd ones."""
        m, turns = self.m, Turns()
        m["number"] = numpy.zeros(len(self.problem), dtype=numpy.int64)
        for row in numpy.flatnonzero(m["version"] == 1):
            exchange = (m["sa"][row], m["mid"][row], m["exchange"][row])
            m["number"][row] = turns.number(exchange, m["source"][row], m["transmission"][row] > 0)
            m["response"][row] = int(m["number"][row] % 2 == 0)

    # ---- what dissect tells ----

    def frames(self, rows):
        """{frame: message}; of a message in IP fragments all of them, for the last one counts."""
        out = {int(self.m["frame"][row]): row for row in rows if self.m["frame"][row]}
        for read, frames in self.journal.pieces.items():
            row = int(self.place[read])
            if row in rows and not self.m["frame"][row]:
                out.update((frame, row) for frame in frames)
        return out

    def dissect(self, trees):
        rows = len(self.problem)
        self.m["summary"] = numpy.zeros(rows, dtype=numpy.int64)
        self.m["from_initiator"] = numpy.full(rows, -1)
        self.m["detail"] = numpy.full(rows, -1)
        self.details = dissected.Details(self.strings)
        readable = self.run.result["crypto"] == "real"
        wanted = self.frames(range(rows))
        for frame in dissected.dissect(self.ikelab, self.run.folder, wanted, summary=True):
            row = wanted[frame["frame"]]
            self.m["frame"][row] = frame["frame"]
            self.m["summary"][row] = self.strings.index(short(frame))
            from_initiator = frame.get("ike", {}).get("from_initiator")
            self.m["from_initiator"][row] = -1 if from_initiator is None else from_initiator
            if readable and (frame["errors"] or frame["bad_icv"]):
                self.problem[row] |= journal.MALFORMED
            if dissected.COMPLAINT.search(frame["summary"]):
                self.problem[row] |= journal.COMPLAINT
        chosen = [row for row in range(rows if trees else 0)
                  if row < DETAILS_FIRST or self.problem[row]]
        wanted = {int(self.m["frame"][row]): row for row in chosen if self.m["frame"][row]}
        for frame in dissected.dissect(self.ikelab, self.run.folder, wanted, summary=False):
            self.m["detail"][wanted[frame["frame"]]] = self.details.add(frame)

    # ---- relations ----

    def answers(self):
        """The request that each response belongs to: same SA and ID, from the other end, the last
        transmission that was there in time."""
        m, h, out = self.m, self.h, numpy.full(len(self.problem), -1)
        requests = {}
        for row in range(len(out)):
            if m["kind"][row] != 0:
                continue
            key = (m["sa"][row], m["mid"][row], m["exchange"][row])
            if not m["response"][row]:
                requests.setdefault(key, []).append(row)
                continue
            for request in reversed(requests.get(key, ())):
                if m["source"][request] == m["source"][row] or \
                        m["number"][request] != max(0, m["number"][row] - 1):
                    continue
                last = m["first"][request] + m["count"][request] - 1
                if not h["cause"][last] and 0 <= h["r"][last] <= m["t"][row]:
                    out[row] = request
                    break
        return out

    def key_of_message(self):
        out = numpy.full(len(self.problem), -1)
        if not self.keys:
            return out
        index = self.strings.places
        ike = {index[k["spi_i"]]: i for i, k in enumerate(self.keys.ike) if k["spi_i"] in index}
        children = {index[k["spi"]]: i for i, k in enumerate(self.keys.children)
                    if k["spi"] in index}
        for row in range(len(out)):
            if self.m["kind"][row] < 2:
                keys = children if self.m["kind"][row] else ike
                out[row] = keys.get(int(self.m["sa"][row]), -1)
        return out

    def ladders(self, answers):
        """Requests that were sent again or never answered, each with all its transmissions. Of one
        that went in fragments (RFC 7383) a lost one stands for the transmission, else the first."""
        m, h, lost = self.m, self.h, self.problem & journal.LOST
        answered, groups = {}, {}
        for row in range(len(answers)):
            if m["kind"][row] == 0 and not m["response"][row]:
                key = self.request_key(row)
                sent = groups.setdefault(key, {})
                first = sent.setdefault(int(m["transmission"][row]), row)
                if lost[row] and not lost[first]:
                    sent[int(m["transmission"][row])] = row
            elif answers[row] >= 0:
                request, last = answers[row], m["first"][row] + m["count"][row] - 1
                key = self.request_key(request)
                if not h["cause"][last] and h["r"][last] >= 0:
                    answered.setdefault(key, int(h["r"][last]))
        rows = journal.Columns("node sa exchange mid answered given_up first count")
        sends = journal.Columns("t msg")
        for key, transmissions in groups.items():
            sent = list(transmissions.values())
            if len(sent) > 1 or (key not in answered and self.waits(sent[0])):
                row, node = sent[0], int(h["a"][m["first"][sent[0]]])
                gone = -1 if key in answered else self.gave_up(node, key[0], int(m["t"][sent[-1]]))
                rows.add(node, m["sa"][row], m["exchange"][row], m["mid"][row],
                         answered.get(key, -1), gone, len(sends), len(sent))
                for row in sent:
                    sends.add(int(m["t"][row]), row)
        return rows, sends

    def request_key(self, row):
        m = self.m
        return m["sa"][row], m["mid"][row], m["source"][row], m["number"][row]

    def waits(self, row):
        """Whether somebody has to answer this: of IKEv1 not every odd message."""
        number = int(self.m["number"][row])
        return not number or waits(self.strings.texts[self.m["exchange"][row]], number)

    def gave_up(self, node, sa, after):
        """When the SA ended at this end, for want of an answer or whatever else."""
        end = self.ends.get((node, int(sa)), -1)
        return end if end >= after else -1

    def complete_keys(self):
        """A child SA comes up at the responder of its exchange first, and the responder chose the
        SPI under which the initiator sends (RFC 7296 §1.3.1)."""
        s, texts = self.journal.sas, self.strings.texts
        receives, sends, sas = {}, {}, {}
        for row in range(len(s)):
            if s.kind[row]:
                receives[s.spi_in[row]], sends[s.spi_out[row]] = s.from_ns[row], s.from_ns[row]
                sas[s.spi_in[row]] = sas[s.spi_out[row]] = texts[s.sa[row]]
        children = {}
        for spi, sa in sas.items():
            known = spi in receives and spi in sends and receives[spi] != sends[spi]
            children[texts[spi]] = (sa, receives[spi] < sends[spi] if known else None)
        self.keys.complete(self.journal.successors, children)

    def sas(self):
        s = self.journal.sas
        order = sorted(range(len(s)), key=lambda row: (s.from_ns[row], row))
        place = {row: i for i, row in enumerate(order)}
        states = journal.Columns("t state reason")
        first, count = [], []
        for row in order:
            first.append(len(states))
            count.append(len(self.journal.states[row]))
            for moment in self.journal.states[row]:
                states.add(*moment)
        columns = {name: [values[row] for row in order] for name, values in s.columns().items()}
        columns["predecessor"] = [place.get(row, -1) for row in columns["predecessor"]]
        columns["from"] = columns.pop("from_ns")
        return table({**columns, "first": first, "count": count}, WIDE), \
            table(states.columns(), WIDE)

    def nat(self):
        j = self.journal
        refreshes = journal.Columns("t expires direction")
        columns, first, count = dict(j.nat.columns()), [], []
        for moments in j.refreshes:
            first.append(len(refreshes))
            count.append(len(moments))
            for moment in moments:
                refreshes.add(*moment)
        columns["from"] = columns.pop("from_ns")
        exact = {self.lane[name] for name in j.captured}
        columns["exact"] = [int(node in exact) for node in columns["node"]]
        return table({**columns, "first": first, "count": count}, WIDE), \
            table(refreshes.columns(), WIDE)

    # ---- nodes ----

    def lanes(self):
        """Names in the order of lanes, and the place of each node as it was read."""
        groups = self.run.virtual["groups"]
        ranks = group_ranks(self.run)
        names = self.journal.node_names

        def key(name):
            group, _, member = name.partition("[")
            return (name not in self.journal.captured,
                    ranks.get(group, (RANKS.get(groups.get(group, {}).get("role"), 4), 0, 0)),
                    int(member[:-1]) if member[:-1].isdigit() else 0, name)

        order = sorted(names, key=key)
        place = {name: i for i, name in enumerate(order)}
        return order, numpy.array([place[name] for name in names] + [-1], dtype=numpy.int64)

    # ---- the whole ----

    def parts(self):
        j, result = self.journal, self.run.result
        nodes = self.nodes()
        if self.keys:
            self.complete_keys()
        self.ends = {}
        for row in range(len(j.sas)):
            if j.sas.kind[row] == 0 and j.sas.to[row] >= 0:
                self.ends[(j.sas.node[row], j.sas.sa[row])] = j.sas.to[row]
        answers = self.answers()
        ladders, sends = self.ladders(answers)
        messages = {name: self.m[name] for name in (
            "t", "kind", "sa", "exchange", "mid", "response", "transmission", "length", "summary",
            "first", "count", "detail", "from_initiator", "frame", "number")}
        messages.update(problem=self.problem, answers=answers, key=self.key_of_message())
        sas, states = self.sas()
        nat, refreshes = self.nat()
        return {
            "version": VERSION, "run": about(self.run), "nodes": nodes,
            "messages": table(messages, WIDE), "hops": table(self.h, WIDE),
            "details": self.details.island(),
            "keys": packed(self.keys.island() if self.keys else
                           {"formulas": [], "ike": [], "children": []}),
            "sas": sas, "states": states, "nat": nat, "refreshes": refreshes,
            "ladders": table(ladders.columns(), WIDE), "sends": table(sends.columns(), WIDE),
            "timers": table(j.timers.columns(), WIDE),
            "windows": table(j.windows.columns(), WIDE),
            "queues": table(j.queues.columns(), WIDE),
            "hosts": self.hosts(), "events": j.events, "lesson": plain(result.get("lesson")),
            "thresholds": plain(result["thresholds"]), "capture": self.capture(),
            "strings": self.strings.texts,
        }

    def nodes(self):
        """Puts all columns that name a node into the order of lanes, too."""
        j = self.journal
        names, place = self.lanes()
        self.h["a"], self.h["b"] = place[self.h["a"]], place[self.h["b"]]
        for columns in (j.sas, j.nat, j.timers, j.windows, j.queues):
            columns.node = array("q", [int(place[node]) for node in columns.node])
        if self.keys:
            self.keys.place(place)
        self.lane = {name: i for i, name in enumerate(names)}
        return [{"name": name, "group": name.partition("[")[0],
                 "role": self.run.virtual["groups"].get(name.partition("[")[0], {}).get("role", ""),
                 "captured": name in j.captured} for name in names]

    def hosts(self):
        out = []
        for name in self.run.virtual["hosts"]:
            series = {metric: self.run.values(f"host:{name}", metric) for metric in HOST_METRICS}
            times = sorted({at for rows in series.values() for at, _ in rows})
            host = {"name": name, "node": self.lane.get(name, -1), "cores": plain(self.run.virtual["hosts"][name].get("cores")),
                    "t": [round(at * 1e9) for at in times]}
            for metric, rows in series.items():
                known = dict(rows)
                host[metric] = [known.get(at) for at in times]
            out.append(host)
        return out

    def capture(self):
        j, capture = self.journal, self.run.result["capture"]
        if j.until_ns >= 0:
            self.notes.append(f"The run goes on for more messages than this page takes: it shows "
                              f"the first {len(self.problem)}.")
        if self.run.result["crypto"] != "real":
            self.notes.append("Modelled cryptography: encrypted parts have their true sizes, and "
                              "nothing in them can be opened.")
        return {"frames": capture["frames"], "cut_packets": capture["cut_packets"],
                "cut_by_sa": capture["cut_by_sa"], "cut_by_size": capture["cut_by_size"],
                "cut_by_sample": capture["cut_by_sample"],
                "file": (self.run.folder / "capture.pcapng").is_file(),
                "messages": len(self.problem), "until_ns": j.until_ns, "notes": self.notes}


def short(frame):
    """The summary; of ESP only what the columns do not say, so that texts repeat."""
    text = frame["summary"]
    return text[text.index("{"):] if frame["kind"] == "esp" and "{" in text else \
        "" if frame["kind"] == "esp" else text


def plain(value):
    """Decimals of result.json as JSON numbers."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value if value is None or isinstance(value, (bool, int, str)) else float(value)


def about(run):
    r = run.result
    return {"name": r["scenario"]["name"], "file": r["scenario"]["file"], "seed": r["seed"],
            "digest": r["digest"], "crypto": r["crypto"], "partial": r["partial"],
            "violation": r["violation"] or None,
            "duration_ns": round(run.virtual["duration_s"] * 10**9),
            "command": f"ikelab run {r['scenario']['file']} --seed {r['seed']}",
            "commit": r["provenance"]["commit"], "scenario": plain(r["scenario"].get("effective"))}


def group_ranks(run):
    """Where each group stands between initiators and responders, by the links of the scenario."""
    effective = run.result["scenario"].get("effective") or {}
    roles = {name: group.get("role") for name, group in run.virtual["groups"].items()}
    beside = {}
    for link in (effective.get("links") or {}).values():
        a, b = link["sides"]
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    distance = {name: 0 for name, role in roles.items() if role == "initiator"}
    waiting = deque(distance)
    while waiting:
        group = waiting.popleft()
        for other in beside.get(group, ()):
            if other not in distance:
                distance[other] = distance[group] + 1
                waiting.append(other)
    ends = {"initiator": 0, "responder": 2}
    return {name: (ends.get(role, 1), distance.get(name, 99), place)
            for place, (name, role) in enumerate(roles.items())}


def make(folder, ikelab=None):
    """The island of a run folder as text that may stand in a page. Raises RunError."""
    run = folder if isinstance(folder, Run) else Run(folder)
    island = Island(run, dissected.find_ikelab(ikelab))
    try:
        return embedded(island.parts())
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise unlike(run, error) from error


def unlike(run, error):
    return RunError(f"{run.folder} is not laid out as schema version 1 says "
                    f"({type(error).__name__}: {error}); try: run the scenario again")


def take_option(arguments, name):
    """The value of an option, taken out of the arguments; None without it."""
    if name not in arguments[:-1]:
        return None
    place = arguments.index(name)
    value = arguments[place + 1]
    del arguments[place:place + 2]
    return value


def main(arguments):
    ikelab = take_option(arguments, "--ikelab")
    if len(arguments) != 1 or arguments[0] in ("-h", "--help"):
        helped = bool(arguments) and arguments[0] in ("-h", "--help")
        print(__doc__.strip(), file=sys.stdout if helped else sys.stderr)
        return 0 if helped else 2
    try:
        sys.stdout.write(make(arguments[0], ikelab) + "\n")
    except RunError as error:
        print(f"island.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
