"""The device of `ikelab live --tun`: how it comes up, what is routed into it, and what a user is told
when it cannot be made. No other daemon is needed."""
import os
import shutil
import signal
import sys

import lab
from lab import require, wait_until

INSIDE = "10.1.0.1"
ROLES = {"initiate": ["--remote", lab.PEER_ADDRESS], "respond": ["--local", lab.OUR_ADDRESS]}


class Live:
    """`ikelab live` in the namespace `ours`, with or without some rights, until it is ended."""

    def __init__(self, bed, role, *args, without=None, until="ikelab0"):
        limits = ["setpriv", "--bounding-set", "-" + without] if without else []
        self.bed = bed
        self.base = os.path.join(bed.folder, f"live{bed.number}")
        bed.number += 1
        with open(self.base, "w", encoding="utf-8") as log:
            self.process = bed.start("ours", [*limits, lab.IKELAB, "live", role, *ROLES[role],
                                              "--psk-file", bed.psk, "--local-id", lab.OUR_ID,
                                              *args], log)
        wait_until(lambda: until in bed.ip("ours", "link").stdout or self.process.poll() is not None,
                   "the device")

    def said(self):
        with open(self.base, encoding="utf-8") as f:
            return f.read()

    def end(self):
        self.process.send_signal(signal.SIGINT)
        require(self.process.wait(20) == 128 + signal.SIGINT, self.said())
        require("ikelab0" not in self.bed.ip("ours", "link").stdout, "the device stayed")
        return self.said()


def comes_up(bed):
    """MTU, address, route; packets without a tunnel are dropped, counted, and not fatal."""
    live = Live(bed, "respond", "--tun", "ikelab0", "--tun-address", INSIDE + "/32", "--ts-local",
                lab.OUR_NET, "--ts-remote", lab.PEER_NET)
    wait_until(lambda: f"{lab.PEER_NET} dev ikelab0" in bed.ip("ours", "route").stdout, "the route")
    shown = bed.ip("ours", "addr", "show", "dev", "ikelab0").stdout
    require("mtu 1400" in shown and f"inet {INSIDE}/32" in shown and "inet6" not in shown, shown)
    lab.sh("ip", "netns", "exec", bed.ns("ours"), "ping", "-n", "-i", "0.05", "-c", "5", "-W", "0.1",
           "10.2.0.1", check=False)
    said = live.end()
    require("5 packets not sent: no child SA is for them" in said, said)
    require("esp         0 packets sent, 0 delivered" in said, said)


def mtu(bed):
    live = Live(bed, "respond", "--tun", "ikelab%d", "--tun-mtu", "1280")
    wait_until(lambda: "mtu 1280" in bed.ip("ours", "link", "show", "dev", "ikelab0").stdout, "MTU")
    live.end()


def goes_while_used(bed):
    """Somebody deletes the device: said, and the rest goes on."""
    live = Live(bed, "respond", "--tun", "ikelab0")
    bed.ip("ours", "link", "del", "ikelab0")
    wait_until(lambda: "the device ikelab0 is gone" in live.said(), "a word about it")
    live.end()


def keeps_its_peer_out(bed):
    """A network that contains the peer is not routed into the tunnel, and the user is told."""
    for role, net, whose in (("initiate", None, "0.0.0.0/0 contains the peer's address"),
                             ("initiate", "198.51.100.0/24", "contains the peer's address"),
                             ("respond", None, "0.0.0.0/0 contains our own address")):
        live = Live(bed, role, "--tun", "ikelab0", *(["--ts-remote", net] if net else []))
        wait_until(lambda: "\ntry: " in live.said(), "advice")
        require("no route was made: " in live.said() and whose in live.said(), live.said())
        require("ikelab0" not in bed.ip("ours", "route").stdout, "a route was made")
        live.end()


def warns_of_a_peer_inside(bed):
    """A responder learns too late that its answers go into the tunnel; it says so, once."""
    live = Live(bed, "respond", "--tun", "ikelab0", "--ts-remote", lab.PEER_ADDRESS + "/32")
    with open(os.path.join(bed.folder, "caller"), "w", encoding="utf-8") as out:
        caller = bed.start("peer", [lab.IKELAB, "live", "initiate", "--remote", lab.OUR_ADDRESS,
                                    "--psk-file", bed.psk, "--local-id", lab.PEER_ID], out)
    wait_until(lambda: "answers may not reach it" in live.said(), "a warning")
    lab.end(caller)
    require(live.end().count("answers may not reach it") == 1, live.said())


def refuses(bed):
    """What cannot be made ends the program with what failed and what to try."""
    first = Live(bed, "respond", "--tun", "ikelab0")
    taken = ["--tun", "ikelab0", "--local", lab.INSIDE]
    bed.ip("ours", "addr", "add", lab.INSIDE + "/32", "dev", "lo")
    for args, without, words in (
            (taken, None, "make the TUN device: Device or resource busy\ntry: another name"),
            (["--tun", "ikelab1"], "net_admin", "make the TUN device: Operation not permitted\n"
                                                "try: as root, or with the capability"),
            (["--tun", "ikelab1", "--tun-mtu", "60"], None, "set the MTU of the TUN device: Invalid"),
            (["--tun", "a/b"], None, "is not a name of a device"),
            (["--tun", "ikelab1", "--tun-address", "10.1.0.1"], None, "not an address with a length"),
            (["--tun-mtu", "1400"], None, "--tun is missing")):
        if args is not taken:
            args = args + ["--local", lab.INSIDE]
        live = Live(bed, "respond", *args, without=without, until="ikelab1")
        code = live.process.wait(20)
        require(code in (1, 2) and words in live.said(), f"{code}: {live.said()}")
    first.end()
    live = Live(bed, "respond", "--tun", "ikelab0", without="net_raw")
    wait_until(lambda: "raw socket for ESP" in live.said() and "--encap" in live.said(), "advice")
    live.end()


def main():
    try:
        lab.need_machine()
        if not os.path.exists("/dev/net/tun"):
            raise lab.Skip("no /dev/net/tun")
    except lab.Skip as why:
        lab.skip(why)
    folder = lab.keep_folder()
    for row in (comes_up, mtu, goes_while_used, keeps_its_peer_out, warns_of_a_peer_inside, refuses):
        os.mkdir(f"{folder}/{row.__name__}")
        with lab.Lab(f"{folder}/{row.__name__}") as bed:
            row(bed)
        print(f"{row.__name__:24}ok", flush=True)
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
