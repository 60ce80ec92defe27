#!/usr/bin/python3
"""The first messages of a run as a Mermaid sequence diagram, for slides and READMEs: one arrow a
message, from end to end; lost ones end in a cross; notes where SAs change their state.

usage: mermaid.py RUNDIR [--spi HEX] [--ikelab PROGRAM]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import dissected  # noqa: E402
from island import Island, take_option  # noqa: E402
from journal import AGAIN, LOST  # noqa: E402
from run import Run, RunError  # noqa: E402

MESSAGES_MAX = 200
TEXT_MAX = 90  # characters of an arrow; Mermaid takes 50,000 in all
# What would end a statement, begin a comment or be taken for markup, as Mermaid writes it.
ESCAPES = str.maketrans({"#": "#35;", ";": "#59;", "<": "#lt;", ">": "#gt;", "&": "#amp;",
                         "%": "#37;", '"': "#quot;", "`": "#96;", "\\": "#92;", "\n": " ",
                         "\r": " ", "\u2028": " ", "\u2029": " "})


def escaped(text):
    return "".join(c if c.isprintable() else "\ufffd" for c in text.translate(ESCAPES))


def shortened(text):
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX - 1] + "…"


class Diagram:
    def __init__(self, island, spi):
        self.island, self.texts = island, island.strings.texts
        self.m, self.h, self.spi = island.m, island.h, spi
        nodes = island.nodes()
        self.names = [node["name"] for node in nodes]
        self.ends = {i for i, node in enumerate(nodes) if node["role"] in ("initiator", "responder")}
        self.peers = {}  # SA and node: the other end

    def chosen(self):
        """Rows of messages: those of the SPI, of an IKE SA with its child SAs."""
        sas = self.island.journal.sas
        wanted = {self.spi}
        for row in range(len(sas)):
            if self.spi and self.texts[sas.sa[row]] == self.spi and sas.kind[row]:
                wanted |= {self.texts[sas.spi_in[row]], self.texts[sas.spi_out[row]]}
        rows = [row for row in range(len(self.island.problem))
                if not self.spi or self.texts[self.m["sa"][row]] in wanted]
        if self.spi and not rows:
            raise RunError(f"no message of this run has the SPI {self.spi}; try: ikelab dissect "
                           f"{self.island.run.folder} --summary")
        return rows

    def way(self, row):
        """First and last node and the cause, as far as they are known."""
        first = self.m["first"][row]
        hops = range(first, first + self.m["count"][row])
        if not hops:
            return -1, -1, ""
        ends = [int(self.h["b"][hop]) for hop in hops if self.h["b"][hop] >= 0]
        causes = [self.texts[self.h["cause"][hop]] for hop in hops if self.h["cause"][hop]]
        return int(self.h["a"][first]), ends[-1] if ends else -1, causes[-1] if causes else ""

    def label(self, row, cause):
        text = self.texts[self.m["summary"][row]]
        kind, mid = self.m["kind"][row], self.m["mid"][row]
        if kind == 0:
            words = f"{'response' if self.m['response'][row] else 'request'} {mid}"
            if self.m["number"][row]:
                words = str(self.m["number"][row])
            again = f", sent again ({self.m['transmission'][row]})" \
                if self.island.problem[row] & AGAIN else ""
            text = f"{self.texts[self.m['exchange'][row]]} {words}{again}: {text}"
        elif kind == 1:
            text = f"ESP {self.texts[self.m['sa'][row]]} seq {mid} {text}"
        else:
            text = "NAT keepalive" if kind == 2 else "other packet"
        if cause:
            text = f"{cause.replace('_', ' ')}: {text}"
        return escaped(shortened(text.strip().rstrip(":")))

    def target(self, row, source, end, cause):
        """Where it arrived; of one that did not, where its like went before or after."""
        key = (self.m["sa"][row], source)
        if not cause and end >= 0:
            self.peers[key] = end
            return end
        return self.peers.get(key, end if end >= 0 else source)

    def lines(self):
        ways = {row: self.way(row) for row in self.chosen()}
        # Of some only their end on a link was recorded.
        ways = dict([(row, way) for row, way in ways.items() if way[0] in self.ends][:MESSAGES_MAX])
        for row, way in ways.items():  # the peers first: the first message may be the lost one
            self.target(row, *way)
        arrows, used = [], []
        for row, (source, end, cause) in ways.items():
            target = self.target(row, source, end, cause)
            lost = cause or self.island.problem[row] & LOST
            arrow = ("-" if self.m["response"][row] else "") + ("-x" if lost else "->>")
            arrows.append((int(self.m["t"][row]), 0, f"n{source}{arrow}n{target}: "
                           f"{self.label(row, cause)}"))
            used += [source, target]
        last = arrows[-1][0] if arrows else 0
        arrows += self.notes(set(used), last, {self.m["sa"][row] for row in ways})
        yield "sequenceDiagram"
        for node in sorted(set(used)):
            yield f"  participant n{node} as {escaped(self.names[node])}"
        for _, _, line in sorted(arrows, key=lambda arrow: arrow[:2]):
            yield f"  {line}"

    def notes(self, nodes, last, sas):
        s = self.island.journal.sas
        for row in range(len(s)):
            if s.node[row] not in nodes or s.sa[row] not in sas:
                continue
            for at, state, reason in self.island.journal.states[row]:
                if at <= last and self.texts[state] != "half_open":
                    words = f"{self.texts[state]} {self.texts[reason]}".strip().replace("_", " ")
                    yield at, 1, f"Note over n{s.node[row]}: {at / 1e9:.3f} s {escaped(words)}"


def main(arguments):
    ikelab, spi = take_option(arguments, "--ikelab"), take_option(arguments, "--spi")
    if len(arguments) != 1 or arguments[0] in ("-h", "--help"):
        helped = bool(arguments) and arguments[0] in ("-h", "--help")
        print(__doc__.strip(), file=sys.stdout if helped else sys.stderr)
        return 0 if helped else 2
    try:
        island = Island(Run(arguments[0]), dissected.find_ikelab(ikelab), trees=False)
        for line in Diagram(island, spi and spi.lower()).lines():
            print(line)
    except RunError as error:
        print(f"mermaid.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
