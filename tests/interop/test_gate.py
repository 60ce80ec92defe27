"""The regression gate against a gateway that is known to be slower: strongSwan with its table of
IKE SAs as it comes, one chain and one lock for all of them, and with 4096 chains and 16 locks,
while it holds 15,000 SAs.

`ikelab bench live` measures both in turns; `ikelab compare` must call the handshakes "slower" and
end with 3. Only IKE is measured: charon's kernel calls succeed in any case (fakekernel.c).
"""
import json
import os
import shutil
import sys
import time

import lab
from daemon import Words
from lab import IKELAB, require, wait_until
from strongswan import Strongswan
from vici import Vici

# The SAs that are held come from an address of their own. Runs beside them are short, and all of
# their handshakes meet the full table. 5,000 were not enough: where the list of them stays in the
# cache of the processor the two settings differ by a tenth, and on some machines not at all.
HELD, COUNT, WINDOW = 15000, 500, 32
# The daemons have one core and we the other, so that threads that wander between cores spread no
# sample. The two take turns, so that what lasts for several runs is in both; on "cannot tell" both
# begin again.
REPETITIONS, ATTEMPTS = 12, 8
PATIENCE = 600
FAST = "ikesa_table_size = 4096\n  ikesa_table_segments = 16"
SLOW = "ikesa_table_size = 1\n  ikesa_table_segments = 1"
ROW, WORSE = "live/handshakes", 3


def run(*command):
    return lab.subprocess.run(command, text=True, capture_output=True, timeout=PATIENCE)


class Gateway:
    """A daemon with one setting, and SAs at it that stay while the runs come and go."""

    def __init__(self, bed, side, setting, network, interface):
        self.bed = bed
        self.address, self.ours, holds = (f"{network}.{host}" for host in (1, 2, 3))
        if side not in bed.sides:
            bed.add_peer(side, self.address, self.ours, interface)
        swan = Strongswan(bed, Words(role="respond", esp="aes256gcm16"), side=side, level=-1,
                          extra=setting, fake_kernel=True, anybody=True,
                          pinned="taskset -c 1 ")
        self.vici = Vici(swan.path("run/vici"))
        bed.ip("ours", "addr", "add", holds + "/24", "dev", interface)
        with open(swan.path("holder.log"), "w", encoding="utf-8") as log:
            self.holder = bed.start("ours", [IKELAB, "live", *self.words(holds, HELD),
                                             "--for", "3600"], log)
        self.wait_for_held(PATIENCE)

    def words(self, local, count):
        return ["initiate", "--local", local, "--remote", self.address, "--remote-id", lab.PEER_ID,
                "--local-id", lab.OUR_ID, "--psk-file", self.bed.psk, "--ike", Words.ike,
                "--esp", "aes256gcm16", "--ts-local", lab.OUR_NET, "--ts-remote", lab.PEER_NET,
                "--count", str(count), "--window", str(WINDOW)]

    def run_words(self):
        return self.words(self.ours, COUNT)

    def wait_for_held(self, limit):
        wait_until(lambda: self.vici.ike_sas() == (HELD, 0), f"{HELD} IKE SAs", limit)


def measure(slow, fast, folder):
    """The bench files (fast, slow), measured in turns; the SAs of a run are deleted behind it."""
    files = [f"{folder}/{name}.json" for name in ("fast", "slow")]
    began = time.monotonic()
    done = run(*slow.bed.inside(
        "ours", "taskset", "-c", "0", IKELAB, "bench", "live", "--repetitions", str(REPETITIONS),
        "-o", files[1], "--base-output", files[0],
        "--", *slow.run_words(), "--", *fast.run_words()))
    require(done.returncode == 0, f"exit {done.returncode}: {done.stderr[-400:]}")
    for gateway in (slow, fast):
        gateway.wait_for_held(15)
    print(f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.2f}")
    print(run(IKELAB, "compare", *files).stdout.strip(), flush=True)
    return files


def compare(base, now):
    """(exit code, verdict on the handshakes)"""
    done = run(IKELAB, "compare", "--json", base, now)
    try:
        rows = {row["name"]: row for row in json.loads(done.stdout)["rows"]}
    except (ValueError, KeyError):
        raise lab.Failed(f"compare: exit {done.returncode}: {done.stderr[-400:]}") from None
    require(ROW in rows, f"no {ROW} in {list(rows)}")
    return done.returncode, rows[ROW]["verdict"]


def judge(fast, slow):
    """Whether it can be told; if so, all three answers must be right."""
    seen = {f"{a} to {b}": compare(*pair) for a, b, pair in (
        ("fast", "slow", (fast, slow)), ("slow", "fast", (slow, fast)),
        ("fast", "fast", (fast, fast)))}
    if any(verdict == "cannot tell" for _, verdict in seen.values()):
        return False
    require(seen["fast to slow"] == (WORSE, "slower"), str(seen))
    for pair, verdict in (("slow to fast", "faster"), ("fast to fast", "no change")):
        require(seen[pair][0] != WORSE and seen[pair][1] == verdict, str(seen))
    return True


def trial(folder):
    """Whether it could be told."""
    bed_folder = f"{folder}/bed"
    os.makedirs(bed_folder)
    with lab.Lab(bed_folder) as bed:
        fast = Gateway(bed, "peer", FAST, "198.51.100", "v0")
        slow = Gateway(bed, "slow", SLOW, "203.0.113", "v1")
        told = judge(*measure(slow, fast, folder))
        for gateway in (fast, slow):
            gateway.holder.kill()  # and nothing is deleted: the daemon goes as well
    return told


def main():
    lab.end_on_sigterm()
    try:
        lab.need_machine()
        Strongswan.need(fake_kernel=True)
    except lab.Skip as why:
        lab.skip(why)
    folder = lab.keep_folder()
    print(f"strongSwan {Strongswan.version()} with {HELD} IKE SAs, {COUNT} more in each run, "
          f"window {WINDOW}; load before {os.getloadavg()[0]:.2f}", flush=True)
    try:
        require(any(trial(f"{folder}/{n}") for n in range(ATTEMPTS)),
                f"cannot tell in {ATTEMPTS} attempts")
    except (lab.Failed, lab.subprocess.TimeoutExpired) as why:
        print(f"FAILED: {why}\nlogs: {folder}")
        return 1
    except lab.Skip as why:
        shutil.rmtree(folder)
        lab.skip(why)
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
