"""The load of `ikelab live initiate --load`: pings through the tunnel without a TUN device, answered
by our own responder (`--echo`) and by a host behind strongSwan's ESP in user space.

At a modest rate nothing may be lost; what is lost on purpose must be counted as lost.
"""
import json
import os
import shutil
import signal
import sys
import time
import traceback

try:
    import jsonschema
except ImportError:  # the other tests still mean something
    jsonschema = None

import lab
from daemon import Words
from lab import require, wait_until
from ours import Ours
from strongswan import Strongswan

THERE, THERE_6 = "10.2.0.1", "fd00:2::7"
OUTER_6 = {"ours": "2001:db8::2", "peer": "2001:db8::1"}
SECONDS = 1.5
RATE = 1000
OPEN = ("--load-rate", str(RATE), "--load-for", str(SECONDS))
CLOSED = ("--load-window", "8", "--load-for", str(SECONDS))


def esp_of(end):
    with open(end.base + ".json", encoding="utf-8") as f:
        result = json.load(f)
    if jsonschema:
        schema = lab.ROOT / "docs/schema/result.schema.json"
        jsonschema.validate(result, json.loads(schema.read_text(encoding="utf-8")))
    return result["virtual"]["esp"]


def load(bed, *args, to=THERE, code=0):
    """What the result of our initiator says of ESP."""
    ours = Ours(bed, "initiate", "--load", to, *args)
    ours.finish(stop=False, code=code)
    esp = esp_of(ours)
    sums = esp["delivered_packets"] + esp["lost_packets"] + esp["pending_packets"]
    require(esp["sent_packets"] == sums, str(esp))
    require(esp["round_trip_s"]["count"] == esp["delivered_packets"], str(esp))
    return esp


def whole(esp):
    """Every request was sent, answered once and in time."""
    require(esp["delivered_packets"] == esp["sent_packets"] > 0, str(esp))
    require((esp["lost_packets"], esp["lost_ratio"], esp["stray_packets"]) == (0, 0, 0), str(esp))
    require(not any(esp["dropped"].values()), str(esp["dropped"]))
    require(0 < esp["round_trip_s"]["p50"] <= esp["round_trip_s"]["max"] < 1, str(esp))
    return (f"{esp['delivered_per_s']:.0f}/s, {esp['throughput_bps'] / 1e6:.1f} Mbit/s, "
            f"round trip p50 {esp['round_trip_s']['p50'] * 1e6:.0f} us")


def at_the_rate(esp):
    require(esp["sent_packets"] == RATE * SECONDS, str(esp))
    require(abs(esp["sent_per_s"] / RATE - 1) < 0.05, str(esp))
    return whole(esp)


class Echo:
    """Our responder in the place of the peer; what it counted must be what the initiator did."""

    def __init__(self, bed, *args):
        self.live = Ours(bed, "respond", "--echo", *args, side="peer")

    def finish(self, esp):
        self.live.finish(drops=None)
        its = esp_of(self.live)
        for a, b in (("sent", "delivered"), ("delivered", "sent")):
            require(its[f"{a}_packets"] == esp[f"{b}_packets"], f"{its} {esp}")
            require(its[f"{a}_bytes"] == esp[f"{b}_bytes"], f"{its} {esp}")
        require(not any(its["dropped"].values()), str(its))


def echo_closed(bed):
    peer = Echo(bed)
    esp = load(bed, *CLOSED)
    peer.finish(esp)
    return whole(esp)


def echo_open(bed):
    """Any address is answered. Three child SAs with the same selectors take turns, and each answer
    comes back by the child SA of its request."""
    peer = Echo(bed)
    wire = bed.wire()
    esp = load(bed, *OPEN, "--count", "3", "--encap", "--load-size", "128", to="10.2.0.77")
    peer.finish(esp)
    require(esp["sent_bytes"] == 128 * esp["sent_packets"], str(esp))
    seen = wire.esp()
    require(sorted(seen.values()) == [RATE * SECONDS / 3] * 6, str(seen))
    return at_the_rate(esp)


def echo_v6(bed):
    """IPv6 inside and outside, ESP without UDP, rekeyed meanwhile."""
    for side, address in OUTER_6.items():
        bed.ip(side, "addr", "add", address + "/64", "dev", "v0", "nodad")
    bed.address, bed.seen_as = OUTER_6, OUTER_6.get
    nets = ["fd00:1::/64", "fd00:2::/64"]
    peer = Echo(bed, "--ts-local", nets[1], "--ts-remote", nets[0])
    esp = load(bed, *OPEN, "--ts-local", nets[0], "--ts-remote", nets[1], "--load-from",
               "fd00:1::5", "--rekey-child", "0.4", to=THERE_6)
    peer.finish(esp)
    return at_the_rate(esp)


def no_answer(bed):
    """Nobody answers: all is lost, said by the exit code, and the end comes in time."""
    peer = Ours(bed, "respond", side="peer")
    began = time.monotonic()
    esp = load(bed, *CLOSED, "--load-wait", "0.3", code=1)
    took = time.monotonic() - began
    require(took < SECONDS + 2, f"it took {took:.1f} s")
    require(esp["lost_packets"] == esp["sent_packets"] and esp["lost_ratio"] == 1, str(esp))
    require(8 <= esp["sent_packets"] <= 8 * (SECONDS / 0.3 + 1), str(esp))
    peer.finish(drops=None)
    return f"{esp['lost_packets']} of {esp['sent_packets']} lost, in {took:.1f} s"


def loss(bed):
    """One packet in ten is lost on the way: so says the result."""
    peer = Ours(bed, "respond", "--echo", side="peer")
    bed.lose_a_tenth("peer")
    esp = load(bed, *OPEN, "--encap", "--load-wait", "0.5")
    require(0.05 < esp["lost_ratio"] < 0.16 and esp["pending_packets"] == 0, str(esp))
    require(abs(esp["lost_ratio"] + esp["delivered_ratio"] - 1) < 1e-5, str(esp))
    peer.finish(drops=None, limit=60)
    require(esp_of(peer)["delivered_packets"] == esp["delivered_packets"], "answers were lost")
    return f"{esp['lost_ratio']:.3f} lost"


def leave(bed):
    """Ctrl-C under load: what is under way is neither lost nor answered, and the peer is told."""
    peer = Ours(bed, "respond", "--echo", side="peer")
    ours = Ours(bed, "initiate", "--load", THERE, "--load-for", "60")
    ours.wait_event("child_up")
    time.sleep(0.5)
    ours.process.send_signal(signal.SIGINT)
    began = time.monotonic()
    ours.finish(stop=False, code=128 + signal.SIGINT)
    require(time.monotonic() - began < 2, "it took long")
    peer.wait_event("ike_down")
    require("deleted_by_peer" in peer.events("ike_down")[0], peer.log())
    peer.finish(drops=None)
    esp = esp_of(ours)
    require(esp["lost_packets"] == 0 and esp["delivered_packets"] > 100, str(esp))
    return f"after {esp['delivered_packets']} answers"


def swan_load(bed, *args):
    """The host behind strongSwan is its own machine: the kernel answers."""
    swan = Strongswan(bed, Words(role="respond", esp="aes256gcm16"))
    bed.ip("peer", "route", "add", lab.OUR_NET, "dev", "ipsec0", "src", THERE)
    esp = load(bed, *args)
    wait_until(lambda: swan.sas() == (0, 0), "strongSwan's SAs are gone")
    swan.stop()
    return esp


def swan_closed(bed):
    return whole(swan_load(bed, *CLOSED))


def swan_open(bed):
    return at_the_rate(swan_load(bed, *OPEN))


# (row, needs strongSwan)
ROWS = [(echo_closed, False), (echo_open, False), (echo_v6, False), (no_answer, False),
        (loss, False), (leave, False), (swan_closed, True), (swan_open, True)]


def show(folder, row):
    """One row in namespaces of its own; whether it failed."""
    os.mkdir(f"{folder}/{row.__name__}")
    began = time.monotonic()
    failed = False
    try:
        with lab.Lab(f"{folder}/{row.__name__}") as bed:
            said = row(bed)
    except lab.Skip as why:
        said = f"n/a: {why}"
    except Exception:  # the other rows still say what they say
        said, failed = f"FAILED\n{traceback.format_exc()}", True
    print(f"{row.__name__:14}{said}  ({time.monotonic() - began:.1f} s)", flush=True)
    return failed


def main():
    only = sys.argv[1:]
    lab.begin()
    swan = True
    try:
        Strongswan.need()
    except lab.Skip as why:
        print(f"without strongSwan: {why}")
        swan = False
    folder = lab.keep_folder()
    failed = [show(folder, row) for row, needs_swan in ROWS
              if (not only or row.__name__ in only) and (swan or not needs_swan)]
    if any(failed):
        print(f"logs: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
