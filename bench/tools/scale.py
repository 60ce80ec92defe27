#!/usr/bin/python3
"""Fleets of 1,000 to 1,000,000 clients: ours and ns-3's, each run in a process of its own, and the
curves and the table of docs/scale.md made of them.

usage: bench/tools/scale.py [OPTION...]        measure, then draw
       bench/tools/scale.py --draw             draw what docs/scale.json has

Every size is run so many times (--repetitions), kinds in turns; the fastest counts, and of memory
the median. Short runs are repeated to a second within their process. A kind ends where the next
size would take too much memory or too long, and that is said. What is measured is kept after each
size: Ctrl-C loses the one under way.
"""

import argparse
import datetime
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "reports"))

import charts  # noqa: E402
from history import coloured, write  # noqa: E402

SIZES = [1000, 3000, 10000, 30000, 100000, 300000, 1000000]
OURS = {"opaque": "opaque UDP", "ikev2": "IKEv2, modelled", "ikev2-real": "IKEv2, real"}
THEIRS = {"ns3-tree-lean": "ns-3 lean", "ns3-tree-stock": "ns-3 as shipped"}
KINDS = OURS | THEIRS
PATIENCE = 10       # times as long as a run may be expected to take, and
PATIENCE_S = 60     # this: then it is ended
MEMORY_SHARE = 0.9  # of what is available
BEGIN, END = "<!-- begin: made by bench/tools/scale.py -->", "<!-- end -->"

CURVES = {  # file: (the y axis, value of a row)
    "speed": ("exchanges per second of one core", lambda r: 1e9 * r["clients"] / r["loop_ns"]),
    "memory": ("memory per client (B)", lambda r: r["memory_bytes"] / r["clients"]),
    "setup": ("set-up per client (us)", lambda r: r["setup_ns"] / r["clients"] / 1e3),
    "event": ("time per event (ns)", lambda r: r["loop_ns"] / r["events"]),
}


def talk(words):
    print(words, file=sys.stderr, flush=True)


# ---- measuring ----

def available_bytes():
    text = Path("/proc/meminfo").read_text(encoding="ascii")
    return int(re.search(r"^MemAvailable:\s*(\d+) kB", text, re.M).group(1)) * 1024


def command(kind, clients, build):
    if kind in THEIRS:
        return [build / "ikelab-bound-ns3", "--once", f"{kind[4:].replace('-', '/')}/{clients}"]
    return [build / "ikelab_fleet", kind, str(clients)]


def run_once(kind, clients, options):
    """A row; None when it took too long or failed, which is said."""
    processor = min(os.sched_getaffinity(0))
    limit = PATIENCE * options.seconds + PATIENCE_S
    try:
        done = subprocess.run([str(word) for word in command(kind, clients, options.build)],
                              capture_output=True, text=True, timeout=limit,
                              preexec_fn=lambda: os.sched_setaffinity(0, {processor}))
    except subprocess.TimeoutExpired:
        talk(f"{kind} {clients}: ended after {limit:.0f} s")
        return None
    if done.returncode != 0:
        talk(f"{kind} {clients}: exit {done.returncode}: {done.stderr.strip()}")
        return None
    row = json.loads(done.stdout)
    if row["completed"] != clients:
        talk(f"{kind} {clients}: only {row['completed']} clients completed")
        return None
    return row


def best(rows):
    """Each time is that of its fastest run; what others did to the machine only adds."""
    fastest = {what: min(r[what] for r in rows) for what in ("setup_ns", "loop_ns")}
    memory = int(statistics.median(r["memory_bytes"] for r in rows))
    return rows[0] | fastest | {"memory_bytes": memory, "repetitions": len(rows)}


def too_big(last, clients, options):
    """Why the next size is not tried, judged by the one before; '' if it is."""
    if last is None:
        return ""
    growth = clients / last["clients"]
    memory = 1.2 * last["memory_bytes"] * growth
    seconds = (last["setup_ns"] + last["loop_ns"]) / 1e9 * growth
    if memory > MEMORY_SHARE * available_bytes():
        return f"would take {memory / 2**30:.1f} GiB of memory"
    if seconds > options.seconds:
        return f"would take {seconds:.0f} s"
    return ""


def measure_size(clients, kinds, last, options):
    """{kind: row} of one size; kinds that cannot go on are taken out of `kinds`."""
    rows = {}
    for kind in list(kinds):
        why = too_big(last.get(kind), clients, options)
        if why:
            talk(f"{kind} ends before {clients:,} clients: {why}")
            kinds.remove(kind)
    for repetition in range(options.repetitions):
        for kind in list(kinds):
            talk(f"{clients:,} clients, {repetition + 1} of {options.repetitions}: {kind}")
            row = run_once(kind, clients, options)
            if row is None:
                kinds.remove(kind)
            else:
                rows.setdefault(kind, []).append(row)
    return {kind: best(found) for kind, found in rows.items()}


def machine(build):
    cpu = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"),
                    re.M)
    version = subprocess.run([str(build / "ikelab"), "--version"], capture_output=True, text=True,
                             check=True).stdout.splitlines()[0]
    return {"date": datetime.date.today().isoformat(), "program": version,
            "cpu": cpu.group(1) if cpu else "unknown", "cores": os.cpu_count(),
            "kernel": os.uname().release, "load": [os.getloadavg()[0]]}


def measure(options):
    kinds = [kind for kind in options.kinds
             if command(kind, 1, options.build)[0].exists() or skip(kind)]
    data = {"machine": machine(options.build), "rows": []}
    last = {}
    for clients in options.sizes:
        if not kinds:
            break
        rows = measure_size(clients, kinds, last, options)
        last |= rows
        data["rows"] += rows.values()
        data["machine"]["load"].append(os.getloadavg()[0])
        options.data.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return data


def skip(kind):
    talk(f"{kind} is left out: its program is not built; try: "
         + ("apt-get install libns3-dev, and ./run --build-only" if kind in THEIRS
            else "./run --build-only"))
    return False


# ---- drawing ----

def curve(rows, name):
    label, value = CURVES[name]
    lines = [(title, [(r["clients"], value(r)) for r in rows if r["kind"] == kind])
             for kind, title in KINDS.items()]
    script = charts.HEAD.format(width=760, height=340, xlabel="clients", ylabel=label,
                                key="outside right top")
    script += "set logscale xy\nset format x '10^{%L}'\nset format y '10^{%L}'\n"
    script += "unset rmargin\nset offsets graph 0, graph 0, graph 0.1, graph 0.1\n"
    sizes = [r["clients"] for r in rows]
    script += f"set xrange [{0.9 * min(sizes)}:{1.1 * max(sizes)}]\n"
    plots = []
    for i, (title, points) in enumerate(lines):
        if not points:
            continue
        script += charts.block(f"d{i}", points)
        plots.append(f"$d{i} using 1:2 with linespoints pt 7 ps 0.5 lw 2 dt {charts.DASHES[i]} "
                     f"lc rgb '{charts.SERIES[i]}' title '{charts.quote(title)}' noenhanced")
    return coloured(charts.gnuplot(script + "plot " + ", \\\n  ".join(plots) + "\n"))


def digits(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(data):
    """Lines of Markdown: a row for each kind and size, the ratios beside ns-3 of that size."""
    rows = data["rows"]
    theirs = {r["clients"]: r for r in rows if r["kind"] == "ns3-tree-lean"}
    about = data["machine"]
    lines = [f"{about['program']}, {about['cpu']}, {about['cores']} cores, Linux "
             f"{about['kernel']}, {about['date']}; load average "
             f"{min(about['load']):.1f} to {max(about['load']):.1f}.", "",
             "| fleet | clients | exchanges/s | us per exchange | x ns-3 lean | ns per event "
             "| set-up us per client | B per client |",
             "|---|---|---|---|---|---|---|---|"]
    for kind, label in KINDS.items():
        for r in (r for r in rows if r["kind"] == kind):
            beside = theirs.get(r["clients"])
            ratio = "-"
            if beside and kind in OURS and kind != "ikev2-real":
                ratio = f"{beside['loop_ns'] / r['loop_ns']:.1f}"
            cells = [CURVES[name][1](r) for name in ("speed", "event", "setup", "memory")]
            lines.append(f"| {label} | {r['clients']:,} | {digits(cells[0])} "
                         f"| {digits(1e6 / cells[0])} | {ratio} | {digits(cells[1])} "
                         f"| {digits(cells[2])} | {digits(cells[3])} |")
    return lines


def put_table(page, lines):
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    write(page, head + BEGIN + "\n" + "\n".join(lines) + "\n" + END + tail)


def draw(data, options):
    options.pictures.mkdir(parents=True, exist_ok=True)
    for name in CURVES:
        write(options.pictures / f"scale-{name}.svg", curve(data["rows"], name))
    if options.page:
        put_table(options.page, table(data))
    else:
        print("\n".join(table(data)))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--draw", action="store_true", help="draw what was measured before")
    parser.add_argument("--to", type=int, default=SIZES[-1], metavar="CLIENTS",
                        help="the largest size (default 1000000)")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="CLIENTS")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--repetitions", type=int, default=3, metavar="N")
    parser.add_argument("--seconds", type=float, default=120, metavar="S",
                        help="a run expected to take longer is not tried (default 120)")
    parser.add_argument("--build", type=Path, default=ROOT / "build/release", metavar="DIR")
    parser.add_argument("--data", type=Path, default=ROOT / "docs/scale.json", metavar="FILE")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR",
                        help="data and pictures there, the table on standard output; "
                             "default: into docs")
    options = parser.parse_args()
    options.sizes = [n for n in options.sizes if n <= options.to]
    options.page, options.pictures = ROOT / "docs/scale.md", ROOT / "docs/pictures"
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        options.data = options.output / "scale.json"
        options.page, options.pictures = None, options.output
    return options


def main():
    options = arguments()
    try:
        data = json.loads(options.data.read_text(encoding="utf-8")) if options.draw \
            else measure(options)
        if not data["rows"]:
            raise ValueError("nothing was measured")
        draw(data, options)
    except (OSError, RuntimeError, ValueError, KeyError, subprocess.SubprocessError) as error:
        talk(f"scale.py: error: {error}; try: ./run --build-only, or fewer --kinds and --to")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
