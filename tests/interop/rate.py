#!/usr/bin/python3
"""Handshakes a second against a strongSwan responder: `ikelab live initiate`, and strongSwan.

usage: rate.py [--count N] [--runs N] [--window N] [--cpus INITIATOR/RESPONDER]

To be run by hand as root on a machine that does nothing else; no test. Both initiators set up the
same number of IKE SAs, each with a child SA, by a shared key, at most --window at a time, pinned to
the same cores, in runs that take turns. The goal: ours at least 1.2 times strongSwan's.

With a core of its own (0/1) the responder soon is what is measured; with shared cores (0,1/0,1) it
is the work of both sides together.
"""
import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time

import lab
from daemon import Words
from strongswan import Strongswan
from vici import Vici

HZ = os.sysconf("SC_CLK_TCK")
GOAL = 1.2
FAST = """threads = 32
  ikesa_table_size = 4096
  ikesa_table_segments = 16"""


def cpu_s(pid):
    """Processor time of a process so far, its ended children included."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return sum(int(x) for x in fields[11:15]) / HZ


def pin(process, cpus):
    lab.sh("taskset", "-apc", cpus, str(process.pid))


def by_strongswan(bed, responder, args, initiator_cpus):
    swan = Strongswan(bed, Words(role="initiate", esp="aes256gcm16"), side="ours", level=-1,
                      extra=FAST)
    pin(swan.process, initiator_cpus)
    vici = Vici(swan.path("run/vici"))
    cpu, began = (cpu_s(swan.process.pid), cpu_s(responder.process.pid)), time.monotonic()
    vici.initiate(args.count, args.window)
    took = time.monotonic() - began
    used = cpu_s(swan.process.pid) - cpu[0], cpu_s(responder.process.pid) - cpu[1]
    swan.stop()
    return args.count / took, used


def by_us(bed, responder, args, initiator_cpus):
    """Timed by ourselves, from the first handshake's start to the last one's end."""
    before = cpu_s(responder.process.pid), cpu_s(os.getpid())
    done = lab.sh(*bed.inside("ours", "taskset", "-c", initiator_cpus, lab.IKELAB, "live", "initiate",
                              "--remote", lab.PEER_ADDRESS, "--psk-file", bed.psk, "--local-id",
                              lab.OUR_ID, "--remote-id", lab.PEER_ID, "--ts-local", lab.OUR_NET,
                              "--ts-remote", lab.PEER_NET, "--count", str(args.count), "--window",
                              str(args.window), "--json"))
    ike = json.loads(done.stdout)["virtual"]["ike"]
    lab.require(ike["completed"] == args.count, str(ike))
    # With the deletes at the end; strongSwan's numbers are without.
    used = cpu_s(os.getpid()) - before[1], cpu_s(responder.process.pid) - before[0]
    return ike["rate_per_s"]["mean"], used


def one_run(folder, initiator, args):
    initiator_cpus, responder_cpus = args.cpus.split("/")
    os.mkdir(folder)
    with lab.Lab(folder) as bed:
        bed.ip("ours", "addr", "add", "10.1.0.1/24", "dev", "lo")  # for kernel-libipsec
        responder = Strongswan(bed, Words(role="respond", esp="aes256gcm16"), level=-1, extra=FAST)
        pin(responder.process, responder_cpus)
        per_s, used = initiator(bed, responder, args, initiator_cpus)
    return per_s, *(u / args.count * 1e6 for u in used)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--window", type=int, default=32)
    parser.add_argument("--cpus", default="0/1")
    args = parser.parse_args()
    lab.end_on_sigterm()
    try:
        lab.need_machine()
        Strongswan.need()
        if not shutil.which("taskset"):
            raise lab.Skip("taskset is not installed; try: apt-get install util-linux")
    except lab.Skip as why:
        lab.skip(why)
    print(f"strongSwan {Strongswan.version()}, {args.count} IKE SAs, window {args.window}, "
          f"cores {args.cpus}, load before {os.getloadavg()[0]:.2f}")
    initiators = {"ours": by_us, "strongSwan": by_strongswan}
    seen = {name: [] for name in initiators}
    with tempfile.TemporaryDirectory(prefix="ikelab-rate-") as folder:
        for n in range(args.runs):
            for name, initiator in initiators.items():
                seen[name].append(one_run(f"{folder}/{name}{n}", initiator, args))
                print(f"{name:10} {seen[name][-1][0]:8.1f}/s  CPU per handshake: initiator "
                      f"{seen[name][-1][1]:6.0f} us, responder {seen[name][-1][2]:6.0f} us", flush=True)
    medians = {}
    for name, runs in seen.items():
        rates = [r[0] for r in runs]
        medians[name] = statistics.median(rates)
        print(f"{name:10} median {medians[name]:.1f}/s ({min(rates):.1f} to {max(rates):.1f}), CPU "
              f"{statistics.median(r[1] for r in runs):.0f} us and at the responder "
              f"{statistics.median(r[2] for r in runs):.0f} us")
    ratio = medians["ours"] / medians["strongSwan"]
    print(f"ratio {ratio:.2f} (goal {GOAL})")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
