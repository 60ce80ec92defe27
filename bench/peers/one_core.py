#!/usr/bin/python3
"""What an IKEv2 handshake costs one core, both ends together: strongSwan's and ours, in turns.

usage: bench/peers/one_core.py [--count N] [--runs N] [--core N] [--goal X] [--json]

A shared key, X25519, AES-256-GCM, SHA-256, one child SA each. As root: two strongSwan daemons, and two
`ikelab live`, talk over UDP in network namespaces that are made for a run and end with it; nothing
leaves them. Each run sets up --count IKE SAs, and its processor time is that of both ends:

  strongSwan           of the two daemons between the first handshake and the last, that is without
                       their start; no log; where the kernel refuses an SA, they hear that it took it
                       (tests/interop/fakekernel.c). Debian has no plugin load-tester: the initiator
                       is told by VICI.
  strongSwan, user     of that only what was not spent in the kernel, as if its calls cost nothing
  ikelab live          of the two processes from their start to their end, deletes included
  handshake/...        `ikelab bench` of that row: the same code, both ends in one process, no socket

All of it is pinned to one core. Ratios are medians of those of each turn. What else runs on the
machine slows all of them, though not alike: for numbers to keep, let nothing else run.

exit: 0 done, 1 an error, 2 wrong use, 3 below --goal, 77 cannot run here, and why
"""
import argparse
import json
import os
import re
import resource
import shutil
import statistics
import sys
import tempfile
import typing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/interop"))
os.environ.setdefault("IKELAB", str(ROOT / "build/release/ikelab"))

import lab  # noqa: E402
from daemon import Words  # noqa: E402
from strongswan import Strongswan  # noqa: E402
from vici import Vici  # noqa: E402

HZ = os.sysconf("SC_CLK_TCK")
WINDOW = 32      # handshakes at most at a time
WARM_UP = 50     # before those that count: pages, caches, the pool of threads
PAUSE_S = 0.02   # between looks at charon, which cost it time: of a handshake about one per cent
BENCH_MS = 500
GATE_FAILED = 3
# What made charon fastest here: its defaults are a table with one chain, and 16 threads.
FAST = "threads = 32\n  ikesa_table_size = 4096\n  ikesa_table_segments = 16"
SWAN, SWAN_USER, LIVE = "strongSwan", "strongSwan, user", "ikelab live"
PLAIN, LANES = "handshake/x25519/psk", "handshake/x25519-ifma/psk"


class Time(typing.NamedTuple):
    """Processor time in seconds."""
    user: float
    system: float

    def __sub__(self, other):
        return Time(self.user - other.user, self.system - other.system)

    def __add__(self, other):
        return Time(self.user + other.user, self.system + other.system)


def time_of(process):
    """Of one that runs, all its threads."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return Time(int(fields[11]) / HZ, int(fields[12]) / HZ)


def time_of_ended():
    """Of all that we started and that ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Time(usage.ru_utime, usage.ru_stime)


def by_strongswan(bed, args):
    settings = {"level": -1, "extra": FAST, "fake_kernel": True, "pinned": f"taskset -c {args.core} "}
    ends = [Strongswan(bed, Words(role="respond", esp="aes256gcm16"), **settings),
            Strongswan(bed, Words(role="initiate", esp="aes256gcm16"), side="ours", **settings)]
    vici = [Vici(end.path("run/vici")) for end in ends]
    used = lambda: time_of(ends[0].process) + time_of(ends[1].process)

    vici[1].initiate(WARM_UP, WINDOW)
    before = used()
    vici[1].initiate(args.count, WINDOW, pause=PAUSE_S)
    took = used() - before
    for v in vici:
        lab.require(v.ike_sas() == (args.count + WARM_UP, 0), f"IKE SAs, half open: {v.ike_sas()}")
    for end in ends:
        end.stop()
    return {SWAN: (took.user + took.system) / args.count, SWAN_USER: took.user / args.count}


def live(bed, role, side, *words):
    me, other = ((lab.OUR_ID, lab.OUR_NET), (lab.PEER_ID, lab.PEER_NET))[::1 if side == "ours" else -1]
    return ["taskset", "-c", str(bed.core), lab.IKELAB, "live", role, "--psk-file", bed.psk, "--local-id",
            me[0], "--ts-local", me[1], "--ts-remote", other[1], *words, "--json"]


def by_live(bed, args):
    before = time_of_ended()
    with open(os.path.join(bed.folder, "live.json"), "w", encoding="utf-8") as out:
        responder = bed.start("peer", live(bed, "respond", "peer", "--local", lab.PEER_ADDRESS), out)
    lab.wait_until(lambda: responder.poll() is not None or bed.listens("peer"), "we listen")
    looks = time_of_ended() - before  # `ip` and `ss`, which are not the handshake's
    done = lab.sh(*bed.inside("ours", *live(bed, "initiate", "ours", "--remote", lab.PEER_ADDRESS,
                                            "--remote-id", lab.PEER_ID, "--count", str(args.count),
                                            "--window", str(WINDOW))))
    lab.end(responder)
    took = time_of_ended() - before - looks
    ike = json.loads(done.stdout)["virtual"]["ike"]
    lab.require(ike["completed"] == args.count, str(ike))
    return {LIVE: (took.user + took.system) / args.count}


def by_bench(_folder, args):
    """Both rows, or one where the processor lacks what the other needs."""
    found = {}
    for row in (PLAIN, LANES):
        done = lab.sh("taskset", "-c", str(args.core), lab.IKELAB, "bench", row, "--repetitions", "1",
                      "--window", str(BENCH_MS), "--json", check=row == PLAIN)
        if done.returncode == 0:
            found[row] = json.loads(done.stdout)["benchmarks"][0]["median"] / 1e6
    return found


def in_namespaces(subject):
    def run(folder, args):
        with lab.Lab(folder) as bed:
            bed.core = args.core
            return subject(bed, args)
    return run


SUBJECTS = [in_namespaces(by_strongswan), in_namespaces(by_live), by_bench]


def measure(args):
    """name -> seconds a handshake, one of each turn. Who is first changes from turn to turn."""
    seen = {}
    with tempfile.TemporaryDirectory(prefix="ikelab-peers-") as folder:
        for turn in range(args.runs):
            for n in range(len(SUBJECTS)):
                place = f"{folder}/{turn}.{n}"
                os.mkdir(place)
                for name, cost in SUBJECTS[(turn + n) % len(SUBJECTS)](place, args).items():
                    lab.require(cost > 0, f"{name}: no processor time; try: a larger --count")
                    seen.setdefault(name, []).append(cost)
            print(f"turn {turn + 1} of {args.runs}: strongSwan {seen[SWAN][-1] * 1e6:.0f} us, "
                  f"{PLAIN} {seen[PLAIN][-1] * 1e6:.0f} us", file=sys.stderr, flush=True)
    return seen


def ratio(seen, other, ours):
    return statistics.median(a / b for a, b in zip(seen[other], seen[ours], strict=True))


def describe(args):
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
    return {"strongswan": Strongswan.version(), "ikelab": lab.sh(lab.IKELAB, "--version").stdout.split("\n")[0],
            "cpu": cpu.group(1) if cpu else "unknown", "kernel": os.uname().release, "core": args.core,
            "count": args.count, "window": WINDOW, "load": os.getloadavg()[0]}


def table(context, seen):
    yield (f"strongSwan {context['strongswan']} and {context['ikelab']}, {context['cpu']}, core "
           f"{context['core']}, {len(seen[SWAN])} turns of {context['count']}, load {context['load']:.1f} before")
    yield "x25519, AES-256-GCM, SHA-256, shared key; processor time of both ends together"
    yield ""
    yield f"{'':28}{'us a handshake':>16}{'smallest, largest':>20}{'per CPU s':>11}{'ratio':>8}{'to user':>9}"
    for name, costs in seen.items():
        us = [c * 1e6 for c in costs]
        line = (f"{name:28}{statistics.median(us):16.1f}{f'{min(us):.1f}, {max(us):.1f}':>20}"
                f"{1e6 / statistics.median(us):11.0f}")
        if name not in (SWAN, SWAN_USER):
            line += f"{ratio(seen, SWAN, name):8.2f}{ratio(seen, SWAN_USER, name):9.2f}"
        yield line
    yield ""
    yield "ratio: strongSwan's time over ours; to user: over ours, with strongSwan's kernel calls as if they were free"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    number = lambda low, high: lambda text: _within(parser, text, low, high)
    parser.add_argument("--count", type=number(1, 10000), default=1000,
                        help="handshakes of a run (default 1000)")
    parser.add_argument("--runs", type=number(1, 100), default=5, help="of each, in turns (default 5)")
    parser.add_argument("--core", type=number(0, 4095), default=max(os.sched_getaffinity(0)),
                        help="where all of it runs (default: the last)")
    parser.add_argument("--goal", type=float, help=f"exit 3 unless {PLAIN} is so many times as cheap")
    parser.add_argument("--json", action="store_true", help="print one object, seconds a handshake")
    args = parser.parse_args()
    if args.core not in os.sched_getaffinity(0):
        parser.error(f"--core {args.core}: there is none; try: one of {sorted(os.sched_getaffinity(0))}")
    return args


def _within(parser, text, low, high):
    if not text.isdecimal() or not low <= int(text) <= high:
        parser.error(f"'{text}' is no whole number from {low} to {high}; try: {low}")
    return int(text)


def need():
    """Raises Skip with the reason when it cannot run here."""
    lab.need_machine()
    Strongswan.need(fake_kernel=True)
    for program in ("taskset", "cc", "ss"):
        if not shutil.which(program):
            raise lab.Skip(f"{program} is not installed; try: ./check --interop")
    if not os.access(lab.IKELAB, os.X_OK):
        raise lab.Skip(f"{lab.IKELAB} is not built; try: ./run --build-only")


def main():
    args = arguments()
    lab.end_on_sigterm()
    try:
        need()
        context = describe(args)
        seen = measure(args)
    except lab.Skip as why:
        lab.skip(why)
    except lab.Failed as why:
        print(f"{sys.argv[0]}: {why}", file=sys.stderr)
        return 1
    reached = ratio(seen, SWAN, PLAIN)
    if args.json:
        ratios = {name: {"all": ratio(seen, SWAN, name), "user": ratio(seen, SWAN_USER, name)}
                  for name in seen if name not in (SWAN, SWAN_USER)}
        print(json.dumps({"context": context, "seconds": seen, "ratios": ratios}, indent=1))
    else:
        print("\n".join(table(context, seen)))
    if args.goal and reached < args.goal:
        print(f"below the goal: {reached:.2f}, not {args.goal:g}", file=sys.stderr)
        return GATE_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
