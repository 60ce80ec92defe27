"""The regression gate against a gateway that is known to be slower: strongSwan with its table of
IKE SAs as it comes, one chain and one lock for all of them, and with 4096 chains and 16 locks,
while it holds 5,000 SAs.

`ikelab bench live` measures both; `ikelab compare` must call the handshakes "slower" and end with
3. Only IKE is measured: charon's kernel calls succeed in any case (fakekernel.c).
"""
import json
import os
import shutil
import sys
import time

import lab
from daemon import Words
from lab import IKELAB, require, wait_until
from ours import Ours
from rate import Vici
from strongswan import Strongswan

# The SAs that are held come from an address of their own. Runs beside them are short, and all of
# their handshakes meet the full table; runs of 5,000 with nothing beside them meet half of it on
# average, where the two settings differ by a fourth only.
HELD, HOLDER = 5000, "198.51.100.3"
COUNT, WINDOW = 1000, 32
# The three rows of a live run share an alpha of 0.01 (Holm): the p of Mann-Whitney must be 0.0033.
# With six samples each that is so if every one of the fast ones is above every slow one; with
# twelve a seventh of the pairs may be the wrong way round, as on a machine with other things to do.
REPETITIONS = 12
PATIENCE = 600
SETTINGS = {"fast": "ikesa_table_size = 4096\n  ikesa_table_segments = 16",
            "slow": "ikesa_table_size = 1\n  ikesa_table_segments = 1"}
ROW, WORSE = "live/handshakes", 3


def run(*command):
    return lab.subprocess.run(command, text=True, capture_output=True, timeout=PATIENCE)


def hold(bed, vici):
    """SAs that stay while the runs come and go."""
    bed.ip("ours", "addr", "add", HOLDER + "/24", "dev", "v0")
    holder = Ours(bed, "initiate", "--local", HOLDER, "--count", str(HELD), "--for", "3600")
    wait_until(lambda: vici.ike_sas() == (HELD, 0), f"{HELD} IKE SAs", PATIENCE)
    return holder


def measure(folder, name):
    """The bench file of this setting; a daemon of its own, whose SAs are deleted after each run."""
    file = f"{folder}/{name}.json"
    os.mkdir(f"{folder}/{name}")
    began = time.monotonic()
    with lab.Lab(f"{folder}/{name}") as bed:
        swan = Strongswan(bed, Words(role="respond", esp="aes256gcm16"), level=-1,
                          extra=SETTINGS[name], fake_kernel=True, anybody=True)
        vici = Vici(swan.path("run/vici"))
        holder = hold(bed, vici)
        done = run(*bed.inside(
            "ours", IKELAB, "bench", "live", "--repetitions", str(REPETITIONS), "-o", file, "--",
            "initiate", "--local", lab.OUR_ADDRESS, "--remote", lab.PEER_ADDRESS, "--remote-id",
            lab.PEER_ID, "--local-id", lab.OUR_ID, "--psk-file", bed.psk, "--ike", Words.ike,
            "--esp", "aes256gcm16", "--ts-local", lab.OUR_NET, "--ts-remote", lab.PEER_NET,
            "--count", str(COUNT), "--window", str(WINDOW)))
        require(done.returncode == 0, f"exit {done.returncode}: {done.stderr[-400:]}")
        wait_until(lambda: vici.ike_sas() == (HELD, 0), "the SAs of the runs are gone")
        holder.process.kill()  # and nothing is deleted: the daemon goes as well
    print(f"{name} ({time.monotonic() - began:.0f} s):\n{done.stdout.strip()}", flush=True)
    return file


def compare(base, now):
    """(exit code, verdict on the handshakes)"""
    done = run(IKELAB, "compare", "--json", base, now)
    try:
        rows = {row["name"]: row for row in json.loads(done.stdout)["rows"]}
    except (ValueError, KeyError):
        raise lab.Failed(f"compare: exit {done.returncode}: {done.stderr[-400:]}") from None
    require(ROW in rows, f"no {ROW} in {list(rows)}")
    return done.returncode, rows[ROW]["verdict"]


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
        fast, slow = (measure(folder, name) for name in SETTINGS)
        print(run(IKELAB, "compare", fast, slow).stdout.strip(), flush=True)
        seen = {f"{a} to {b}": compare(*pair) for a, b, pair in (
            ("fast", "slow", (fast, slow)), ("slow", "fast", (slow, fast)),
            ("fast", "fast", (fast, fast)))}
        require(seen["fast to slow"] == (WORSE, "slower"), str(seen))
        for pair, verdict in (("slow to fast", "faster"), ("fast to fast", "no change")):
            require(seen[pair][0] != WORSE and seen[pair][1] == verdict, str(seen))
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
