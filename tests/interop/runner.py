#!/usr/bin/python3
"""Runs the table: rows x daemons x our role x path, each cell in namespaces of its own.

usage: runner.py [--jobs N] [--markdown FILE] [DAEMON, ROW, ikev1 or ikev2...]

The cells of a row run side by side (--jobs 1: one after the other): they mostly wait for timers.
Exit 0 when no cell failed, 77 when nothing could be run; the logs of a failure are kept.
"""
import argparse
import datetime
import os
import shutil
import sys
import time
import traceback

import apart
import lab
import pki
from apart import COLUMNS
from libreswan import Libreswan
from openiked import Openiked
from ours import OursAsPeer
from rows import ROWS, Cell
from rows_v1 import ROWS_V1
from strongswan import Strongswan

DAEMONS = {"ours": OursAsPeer, "strongswan": Strongswan, "libreswan": Libreswan,
           "openiked": Openiked}
THEIR_ROLE = {"initiate": "respond", "respond": "initiate"}


def run_cell(folder, daemon, row, role, nat):
    """(what the table says, why) of one cell."""
    reason = daemon.cannot(row.__name__, THEIR_ROLE[role])
    if reason:
        return "n/a", reason
    folder = f"{folder}/{daemon.__name__.lower()}-{row.__name__}-{role}-{nat or 'direct'}"
    os.mkdir(folder)
    try:
        with lab.Lab(folder, nat) as bed:
            return run_row(row, Cell(bed, daemon, role))
    except lab.Skip as why:
        return "n/a", str(why)
    except Exception:  # every failure is a cell of the table
        return "FAILED", traceback.format_exc()


def run_row(row, cell):
    try:
        return "ok", row(cell) or ""
    except lab.Failed:
        excuse = "; ".join(filter(None, (p.excuse(row.__name__) for p in cell.peers)))
        if not excuse:
            raise
        return "n/a", excuse


class Notes:
    """Remarks, each said once and numbered."""

    def __init__(self):
        self.all = []

    def number(self, text):
        if text not in self.all:
            self.all.append(text)
        return self.all.index(text) + 1


def run_table(folder, daemon, rows, jobs, notes):
    """Prints the table of one daemon as it is made; [(row, [cell text])]."""
    print(f"`ikelab live` and {daemon.NAME} {daemon.version()}; our role:", flush=True)
    print(f"{'':24}" + "".join(f"{c[0]:16}" for c in COLUMNS), flush=True)
    table = []
    with apart.pool(jobs) as pool:
        for row in rows:
            began = time.monotonic()
            cells = show_row(pool, folder, daemon, row, notes)
            print(f"{row.__name__:24}" + "".join(f"{c:16}" for c in cells) +
                  f"{time.monotonic() - began:5.1f} s", flush=True)
            table.append((row.__name__, cells))
    return table


def spoken(daemon, rows):
    """Those whose version of IKE it speaks."""
    return [r for r in rows if getattr(r, "version", 2) in daemon.VERSIONS]


def show_row(pool, folder, daemon, row, notes):
    done = apart.run_all(pool, run_cell, [(folder, daemon, row, *c[1:]) for c in COLUMNS])
    cells = []
    for (heading, *_), (said, why) in zip(COLUMNS, done):
        if said == "FAILED":
            print(f"{row.__name__}, {heading}: {why}", file=sys.stderr, flush=True)
            why = ""
        cells.append(f"{said} ({notes.number(why)})" if why else said)
    return cells


def write_markdown(path, tables, notes):
    """The table as docs/interop.md shows it: rows down, daemon and role across."""
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"Run on {datetime.date.today().isoformat()} with "
                + ", ".join(f"{d.NAME} {d.version()}" for d, _ in tables) + ".\n")
        for daemon, table in tables:
            f.write(f"\n### {daemon.NAME} {daemon.version()}\n\n")
            f.write("| our role | " + " | ".join(c[0] for c in COLUMNS) + " |\n")
            f.write("|---" * (len(COLUMNS) + 1) + "|\n")
            for name, cells in table:
                f.write(f"| `{name}` | " + " | ".join(cells) + " |\n")
        f.write("\nNotes:\n\n")
        for n, note in enumerate(notes.all, 1):
            f.write(f"{n}. {note}\n")


def words():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=len(COLUMNS))
    parser.add_argument("--markdown", metavar="FILE")
    parser.add_argument("only", nargs="*", metavar="DAEMON, ROW or VERSION")
    args = parser.parse_args()
    versions = {"ikev2": ROWS, "ikev1": ROWS_V1}
    args.only = [w for word in args.only
                 for w in ([r.__name__ for r in versions[word]] if word in versions else [word])]
    rows = {r.__name__: r for r in ROWS + ROWS_V1}
    for word in args.only:
        if word not in DAEMONS and word not in rows:
            parser.error(f"no {word}; daemons: {' '.join(DAEMONS)}; rows: {' '.join(rows)}; "
                         f"of one version: {' '.join(versions)}")
    args.daemons = [d for d in DAEMONS if d in args.only] or list(DAEMONS)
    args.rows = [rows[r] for r in rows if r in args.only] or list(rows.values())
    return args


def main():
    args = words()
    lab.begin()
    here, why = [], []
    for name in args.daemons:
        try:
            DAEMONS[name].need()
            here.append(DAEMONS[name])
        except lab.Skip as reason:
            why.append(str(reason))
    if not here:
        lab.skip("; ".join(why))
    folder = lab.keep_folder()
    for kind in pki.KINDS:
        pki.make(folder + "/pki", kind)
    os.chmod(folder, 0o755)  # iked gives up root and still reads its files
    notes = Notes()
    tables = [(d, run_table(folder, d, spoken(d, args.rows), args.jobs, notes)) for d in here]
    for n, note in enumerate(notes.all, 1):
        print(f"({n}) {note}")
    for reason in why:
        print(f"left out: {reason}")
    if args.markdown:
        write_markdown(args.markdown, tables, notes)
    if any("FAILED" in c for _, table in tables for _, cells in table for c in cells):
        print(f"logs: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
