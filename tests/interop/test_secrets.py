"""`ikelab live` against itself over real sockets: both roles at once, and no secret ever twice."""
import json
import os
import shutil
import signal
import subprocess
import sys

import lab
from lab import require

COUNT = 20


def both(bed, name):
    """COUNT tunnels between our two programs; the initiator's exported keys."""
    folder = os.path.join(bed.folder, name)
    common = ["--psk-file", bed.psk, "--json", "--events"]
    with open(folder + ".responder", "w", encoding="utf-8") as out:
        responder = bed.start("peer", [lab.IKELAB, "live", "respond", "--local", lab.PEER_ADDRESS,
                                       "--local-id", lab.PEER_ID, *common], out)
    lab.wait_until(lambda: bed.listens("peer"), "the responder listens")
    done = subprocess.run(
        bed.inside("ours", lab.IKELAB, "live", "initiate", "--remote", lab.PEER_ADDRESS, "--local-id",
                   lab.OUR_ID, "--remote-id", lab.PEER_ID, "--count", str(COUNT), "--rate", "200",
                   "--for", "1", "--export-keys", folder, *common),
        text=True, capture_output=True, timeout=60)
    require(done.returncode == 0, done.stderr[-400:])
    responder.send_signal(signal.SIGTERM)
    require(responder.wait(20) == 128 + signal.SIGTERM, "the responder's exit code")
    result = json.loads(done.stdout)
    ike = result["virtual"]["ike"]
    require((ike["started"], ike["completed"], ike["failed"]) == (COUNT, COUNT, 0), str(ike))
    require(ike["setup_time_s"]["count"] == COUNT, str(ike))
    require(result["crypto"] == "real", "crypto")
    # Open loop: the last one was due (COUNT - 1) / rate after the first.
    require(result["wall"]["run_s"] >= (COUNT - 1) / 200 + 1, "arrivals came too early")
    with open(folder + ".responder", encoding="utf-8") as f:
        said = f.read()
    require(said.count("deleted_by_peer") == 2 * COUNT, "a delete for each IKE and child SA")
    require("messages dropped" not in said + done.stderr, said[-400:] + done.stderr)
    with open(folder + "/keys.jsonl", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def secrets(lines):
    """Every SPI and key of a run."""
    found = []
    for line in lines:
        found += [line[k] for k in ("spi_i", "spi_r", "spi") if k in line]
        found += [v for v in line["keys"].values() if v]
    return found


def main():
    lab.begin()
    folder = lab.keep_folder()
    with lab.Lab(folder) as bed:
        runs = [secrets(both(bed, f"run{i}")) for i in (1, 2)]
    for run in runs:
        require(len(run) >= COUNT * 10, f"only {len(run)} values")
        require(len(set(run)) == len(run), "a value occurs twice in a run")
    require(not set(runs[0]) & set(runs[1]), "two runs share a value")
    shutil.rmtree(folder)
    print(f"{len(runs[0])} and {len(runs[1])} SPIs and keys, no two alike")
    return 0


if __name__ == "__main__":
    sys.exit(main())
