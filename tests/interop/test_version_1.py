"""`ikelab live --version 1` against itself over real sockets: Main and Aggressive Mode, and a
responder that answers both versions."""
import json
import os
import shutil
import signal
import subprocess
import sys

import lab
from lab import require

COUNT = 10
AGGRESSIVE = ["--version", "1", "--mode", "aggressive"]
# (words of the responder, of the initiator, kind of its lines in keys.jsonl)
CASES = [(["--version", "1"], ["--version", "1"], "ikev1"),
         (AGGRESSIVE, AGGRESSIVE, "ikev1"),
         (["--version", "0"], ["--version", "1"], "ikev1"),
         (["--version", "0"], ["--version", "2"], "ike")]


def run(bed, number, answers, words, kind):
    folder = os.path.join(bed.folder, f"v1-{number}")
    common = ["--psk-file", bed.psk, "--json", "--events"]
    with open(folder + ".responder", "w", encoding="utf-8") as out:
        responder = bed.start("peer", [lab.IKELAB, "live", "respond", "--local", lab.PEER_ADDRESS,
                                       "--local-id", lab.PEER_ID, *answers, *common],
                              out)
    lab.wait_until(lambda: bed.listens("peer"), "the responder listens")
    done = subprocess.run(
        bed.inside("ours", lab.IKELAB, "live", "initiate", "--remote", lab.PEER_ADDRESS,
                   "--local-id", lab.OUR_ID, "--count", str(COUNT), "--for", "1",
                   "--export-keys", folder, *words, *common),
        text=True, capture_output=True, timeout=60)
    require(done.returncode == 0, done.stderr[-400:])
    responder.send_signal(signal.SIGTERM)
    require(responder.wait(20) == 128 + signal.SIGTERM, "the responder's exit code")
    result = json.loads(done.stdout)
    ike = result["virtual"]["ike"]
    require((ike["started"], ike["completed"], ike["failed"]) == (COUNT, COUNT, 0), str(ike))
    require(result["security"]["ike"]["version"] == (2 if kind == "ike" else 1), "its version")
    with open(folder + "/keys.jsonl", encoding="utf-8") as f:
        kinds = [json.loads(line)["kind"] for line in f]
    require(kinds.count(kind) == COUNT, str(kinds))
    require(set(kinds) == {kind, "child"}, str(set(kinds)))


def main():
    lab.begin()
    folder = lab.keep_folder()
    with lab.Lab(folder) as bed:
        for number, case in enumerate(CASES):
            run(bed, number, *case)
    shutil.rmtree(folder)
    print(f"{len(CASES)} pairs of versions and modes, {COUNT} tunnels each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
