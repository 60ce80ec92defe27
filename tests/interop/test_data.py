"""Data through `ikelab live --tun`: with strongSwan's ESP in user space in both roles, directly and
through a NAT, and between two of our own programs, there also with ESP that has no UDP around it.

No packet may be lost or come twice, whoever rekeys what while packets flow.
"""
import json
import os
import shutil
import signal
import sys
import time
import traceback

import apart
import lab
import traffic
from apart import COLUMNS
from daemon import Words
from lab import require, wait_until
from ours import Ours, version
from strongswan import Strongswan
from traffic import Host, Stream

OUR_INSIDE, SWAN_INSIDE = "10.1.0.1", "10.2.0.1"
RATE, SECONDS = 1000, 10
TUN = ("--tun", "ikelab0", "--tun-address", OUR_INSIDE + "/32")


class Swans:
    """strongSwan at the other end."""

    def __init__(self, bed, role, *args, **words):
        self.bed = bed
        theirs = "respond" if role == "initiate" else "initiate"
        self.swan = Strongswan(bed, Words(role=theirs, **{"esp": "aes256gcm16", **words}))
        # Lab's strongSwan makes no routes; its device is there before any SA.
        bed.ip("peer", "route", "add", lab.OUR_NET, "dev", "ipsec0", "src", SWAN_INSIDE)
        self.ours = Ours(bed, role, *TUN, *version(self.swan.words), *args)
        if role == "respond":
            self.swan.ctl("--initiate", "--child", "net", "--timeout", "10")
        self.ours.wait_event("child_up")
        wait_until(lambda: self.swan.sas() == (1, 1), "strongSwan's SAs are up")
        self.hosts = (Host(bed, "ours", OUR_INSIDE), Host(bed, "peer", SWAN_INSIDE))

    def rekey(self, what):
        self.swan.ctl("--rekey", *(("--child", "net") if what == "child" else ("--ike", "lab")))

    def finish(self):
        """Leave; what our result says of ESP."""
        self.ours.finish(drops=None)
        wait_until(lambda: self.swan.sas() == (0, 0), "strongSwan's SAs are gone")
        self.swan.stop()
        return result(self.ours.base)


def result(base):
    with open(base + ".json", encoding="utf-8") as f:
        return json.load(f)["virtual"]


def whole(virtual, packets):
    """At least so many packets each way, and none was refused."""
    esp = virtual["esp"]
    require(esp["sent_packets"] >= packets and esp["delivered_packets"] >= packets, str(esp))
    require(not any(esp["dropped"].values()), str(esp["dropped"]))
    require(esp["delivered_ratio"] is None and esp == virtual["flows"]["tun"]["esp"], str(esp))


def ping(bed, role, **words):
    ends = Swans(bed, role, **words)
    one, other = ends.hosts
    traffic.ping(one, other)
    traffic.ping(other, one)
    whole(ends.finish(), 20)
    return "20 of 20"


def tcp(bed, role):
    """Both ways at once, while both ends rekey child and IKE SA."""
    ends = Swans(bed, role, "--rekey-child", "3", "--rekey-ike", "4")
    with apart.pool(1) as pool:
        moved = pool.submit(traffic.tcp, *ends.hosts, SECONDS)
        for what in ("child", "ike") * 2:
            time.sleep(2)
            ends.rekey(what)
        up, down = moved.result()
    for event in ("child_rekeyed", "ike_rekeyed"):
        require(len(ends.ours.events(event)) >= 3, f"too few {event}")
    esp = ends.finish()["esp"]
    require(esp["sent_bytes"] > up and esp["delivered_bytes"] > down, str(esp))
    return f"{up * 8 / SECONDS / 1e6:.0f}/{down * 8 / SECONDS / 1e6:.0f} Mbit/s"


def stream(bed, role, *args, theirs=()):
    """`theirs`: what strongSwan rekeys meanwhile, two seconds apart."""
    ends = Swans(bed, role, *args)
    flow = Stream(*ends.hosts, RATE, SECONDS)
    for n, what in enumerate(theirs):
        time.sleep(max(0, flow.began + 2 * (n + 1) - time.monotonic()))
        ends.rekey(what)
    ways = flow.finish()
    virtual = ends.finish()
    require(not any(w["lost"] or w["doubled"] for w in ways), f"ours to theirs, theirs to ours: {ways}")
    whole(virtual, RATE * SECONDS)
    return ends.ours, virtual["ike"]


def rekeyed(ours, event, least):
    count = len(ours.events(event))
    require(count >= least, f"only {count} x {event}")
    return f"0 lost, {count} rekeys"


def child_ours(bed, role):
    ours, ike = stream(bed, role, "--rekey-child", "2")
    require(ike["rekeys_child"] >= 3, str(ike))
    return rekeyed(ours, "child_rekeyed", 3)


def child_theirs(bed, role):
    return rekeyed(stream(bed, role, theirs=["child"] * 3)[0], "child_rekeyed", 3)


def ike_ours(bed, role):
    ours, ike = stream(bed, role, "--rekey-ike", "2")
    require(ike["rekeys_ike"] >= 3, str(ike))
    return rekeyed(ours, "ike_rekeyed", 3)


def ike_theirs(bed, role):
    return rekeyed(stream(bed, role, theirs=["ike"] * 3)[0], "ike_rekeyed", 3)


def all_rekeys(bed, role):
    """Everything by both, whatever collides."""
    ours, ike = stream(bed, role, "--rekey-child", "1", "--rekey-ike", "1.7",
                       theirs=["child", "ike"] * 2)
    require(ike["rekeys_child"] >= 3 and ike["rekeys_ike"] >= 3, str(ike))
    return rekeyed(ours, "child_rekeyed", 5)


# ---- our two programs ----


class Pair:
    """Two of our own: the initiator in `ours`, the responder in `peer`."""

    OUTER = (lab.OUR_ADDRESS, lab.PEER_ADDRESS)
    INSIDE = (OUR_INSIDE + "/32", SWAN_INSIDE + "/32")
    NETS = (lab.OUR_NET, lab.PEER_NET)

    def __init__(self, bed, *args):
        self.bed = bed
        self.args = ["--psk-file", bed.psk, "--json", "--events", "--tun", "ikelab0", *args]
        self.base = [os.path.join(bed.folder, n) for n in ("initiator", "responder")]
        self.responder = self._start(1, "peer", ["respond", "--local", self.OUTER[1], "--local-id",
                                                 lab.PEER_ID])
        wait_until(lambda: "ikelab0" in bed.ip("peer", "link").stdout, "the responder's device")
        self.initiator = self._start(0, "ours", ["initiate", "--remote", self.OUTER[1],
                                                 "--local-id", lab.OUR_ID])
        wait_until(lambda: " child_up " in self.log(0), "the tunnel is up")
        self.hosts = tuple(Host(bed, side, address.split("/")[0])
                           for side, address in zip(("ours", "peer"), self.INSIDE))

    def _start(self, n, side, words):
        words += ["--ts-local", self.NETS[n], "--ts-remote", self.NETS[1 - n], "--tun-address",
                  self.INSIDE[n], *self.args]
        with open(self.base[n] + ".json", "w", encoding="utf-8") as out, \
                open(self.base[n] + ".log", "w", encoding="utf-8") as log:
            process = lab.subprocess.Popen(
                ["ip", "netns", "exec", self.bed.ns(side), lab.IKELAB, "live", *words], stdout=out,
                stderr=log)
        self.bed.processes.append(process)
        return process

    def log(self, n):
        with open(self.base[n] + ".log", encoding="utf-8") as f:
            return f.read()

    def finish(self):
        for n, process in enumerate((self.initiator, self.responder)):
            process.send_signal(signal.SIGINT)
            require(process.wait(30) == 128 + signal.SIGINT, f"exit code: {self.log(n)[-300:]}")
            require(" packets " not in self.log(n), self.log(n)[-300:])
        require("deleted_by_peer" in self.log(1), "no DELETE came")
        return [result(base) for base in self.base]


class Pair6(Pair):
    """The same with IPv6 inside and outside."""

    OUTER = ("2001:db8::2", "2001:db8::1")
    INSIDE = ("fd00:1::1/128", "fd00:2::1/128")
    NETS = ("fd00:1::/64", "fd00:2::/64")

    def __init__(self, bed, *args):
        for side, address in zip(("ours", "peer"), self.OUTER):
            bed.ip(side, "addr", "add", address + "/64", "dev", "v0", "nodad")
        super().__init__(bed, *args)


def pair(bed, *args, kind=Pair):
    """Ping, TCP and a stream with rekeys from both ends."""
    ends = kind(bed, "--rekey-child", "1.5", "--rekey-ike", "2.5", *args)
    traffic.ping(*ends.hosts)
    traffic.ping(*reversed(ends.hosts))
    up, down = traffic.tcp(*ends.hosts, SECONDS)
    ways = Stream(*ends.hosts, RATE, SECONDS).finish()
    require(not any(w["lost"] or w["doubled"] for w in ways), str(ways))
    rekeys = [ends.log(0).count(name) for name in (" child_rekeyed ", " ike_rekeyed ")]
    require(min(rekeys) >= 3, f"only {rekeys} rekeys")
    sides = ends.finish()
    for a, b in (sides, sides[::-1]):
        require(a["esp"]["sent_packets"] == b["esp"]["delivered_packets"], str(sides))
        require(a["esp"]["sent_bytes"] == b["esp"]["delivered_bytes"], str(sides))
        whole(a, RATE * SECONDS)
    return (f"{up * 8 / SECONDS / 1e6:.0f}/{down * 8 / SECONDS / 1e6:.0f} Mbit/s, 0 lost, "
            f"{rekeys[0]} child and {rekeys[1]} IKE rekeys")


def outer(bed, rule):
    """Count what reaches `peer` from outside and is what `rule` says (nftables)."""
    rules = ("table inet seen { counter c { }\nchain in {\n"
             "type filter hook input priority 0; policy accept;\n"
             f'iifname "v0" {rule} counter name c\n}}\n}}\n')
    lab.sh("ip", "netns", "exec", bed.ns("peer"), "nft", "-f", "-", input=rules)

    def count():
        said = lab.sh("ip", "netns", "exec", bed.ns("peer"), "nft", "list", "counters").stdout
        return int(said.split("packets ")[1].split()[0])
    return count


def pair_bare(bed, _):
    count = outer(bed, "meta l4proto esp")
    said = pair(bed)
    require(count() >= RATE * SECONDS, f"only {count()} packets of protocol 50")
    return said


def pair_udp(bed, _):
    count = outer(bed, "udp dport 4500")
    said = pair(bed, "--encap")
    require(count() >= RATE * SECONDS, f"only {count()} packets to port 4500")
    return said


def pair_v6(bed, _):
    count = outer(bed, "meta l4proto esp ip6 version 6")
    said = pair(bed, kind=Pair6)
    require(count() >= RATE * SECONDS, f"only {count()} packets of protocol 50 over IPv6")
    return said


def leave_loaded(bed, _):
    """Ctrl-C under more load than there is room for: it is heard, and the DELETE goes out."""
    ends = Pair(bed, "--encap")
    one, other = ends.hosts
    floods = [a.start("flood", a.address, b.address, 20) for a, b in ((one, other), (other, one))]
    time.sleep(2)
    require(all(p.poll() is None for p in floods), "the load is over already")
    ends.initiator.send_signal(signal.SIGINT)
    began = time.monotonic()
    require(ends.initiator.wait(20) == 128 + signal.SIGINT, ends.log(0)[-300:])
    took = time.monotonic() - began
    require(took < 5, f"it took {took:.1f} s")
    wait_until(lambda: "ike_down" in ends.log(1) and "deleted_by_peer" in ends.log(1), "DELETE", 5)
    sent = result(ends.base[0])["esp"]["sent_packets"]
    require(sent > 5000, f"only {sent} packets were sent: that was no load")
    return f"{took:.2f} s after {sent} packets"


def peer_leaves(bed, _):
    """Without a tunnel the initiator's device would only swallow packets: it ends."""
    ends = Pair(bed)
    traffic.ping(*ends.hosts)
    ends.responder.send_signal(signal.SIGINT)
    require(ends.initiator.wait(20) == 0, ends.log(0)[-300:])
    require("ikelab0" not in bed.ip("ours", "link").stdout, "the device stayed")
    return "ended"


# (row, needs strongSwan, cells at once: more where they send little)
ROWS = [(ping, True, 2), (tcp, True, 1), (child_ours, True, 2), (child_theirs, True, 2),
        (ike_ours, True, 2), (ike_theirs, True, 2), (all_rekeys, True, 2), (pair_bare, False, 1),
        (pair_udp, False, 1), (pair_v6, False, 1), (leave_loaded, False, 1), (peer_leaves, False, 1)]


def cell(folder, row, role, nat):
    folder = f"{folder}/{row.__name__}-{role}-{nat or 'direct'}"
    os.mkdir(folder)
    try:
        with lab.Lab(folder, nat) as bed:
            return "ok", row(bed, role)
    except lab.Skip as why:
        return "skip", str(why)
    except Exception:  # every failure is a cell of the table
        return "FAILED", traceback.format_exc()


def show(folder, row, columns, jobs, notes):
    with apart.pool(jobs) as pool:
        done = apart.run_all(pool, cell, [(folder, row, *c[1:]) for c in columns])
    print(f"{row.__name__:14}" + "".join(f"{more if said == 'ok' else said:24}" for said, more in done),
          flush=True)
    notes += [(said, f"{row.__name__}, {c[0]}: {more}")
              for c, (said, more) in zip(columns, done) if said != "ok"]


def main():
    only = sys.argv[1:]
    lab.end_on_sigterm()
    notes = []
    try:
        lab.need_machine()
        if not os.path.exists("/dev/net/tun"):
            raise lab.Skip("no /dev/net/tun")
        if not shutil.which("ping"):
            raise lab.Skip("ping is not installed; try: ./check --interop")
    except lab.Skip as why:
        lab.skip(why)
    try:
        Strongswan.need()
        swan = True
    except lab.Skip as why:
        print(f"without strongSwan: {why}")
        swan = False
    folder = lab.keep_folder()
    print(f"`ikelab live --tun` and strongSwan {Strongswan.version() if swan else '-'}; our role:")
    print(f"{'':14}" + "".join(f"{c[0]:24}" for c in COLUMNS))
    for row, needs_swan, jobs in ROWS:
        if (not only or row.__name__ in only) and (swan or not needs_swan):
            show(folder, row, COLUMNS if needs_swan else COLUMNS[:1], jobs, notes)
    for _, note in notes:
        print(note)
    if any(said == "FAILED" for said, _ in notes):
        print(f"logs: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
