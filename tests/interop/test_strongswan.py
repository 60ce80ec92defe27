"""strongSwan and `ikelab live` in both roles, directly and through a NAT: one row per behaviour."""
import os
import shutil
import sys
import time
import traceback

import lab
from lab import Ours, Swan, require, wait_until


def both_up(swan, ours, count=1):
    ours.wait_event("child_up", count)
    wait_until(lambda: swan.sas() == (count, count), f"strongSwan has {count} SAs: {swan.sas()}")


def bring_up(bed, role, *args, **swan_words):
    """One tunnel, begun by us (initiate) or by strongSwan."""
    swan = Swan(bed, **swan_words)
    if role == "initiate":
        ours = Ours(bed, role, "--for", "60", *args)
    else:
        ours = Ours(bed, role, *args)
        swan.ctl("--initiate", "--child", "net", "--timeout", "10")
    both_up(swan, ours)
    return swan, ours


def bring_down(swan, ours, drops=(), **virtual):
    """We leave: strongSwan is told. Then what our result must say."""
    ike = ours.finish(drops=drops)
    wait_until(lambda: swan.sas() == (0, 0), "strongSwan's SAs are gone")
    require((ike["completed"], ike["failed"]) == (1, 0), str(ike))
    for key, least in virtual.items():
        require(ike[key] >= least, f"{key} is {ike[key]}, not {least} or more")
    swan.stop()


def handshake(bed, role):
    bring_down(*bring_up(bed, role))


def suites(bed, role):
    """No ESN: strongSwan's ESP in user space cannot do it."""
    for ike, esp in (("aes256-sha256-modp2048", "aes256-sha256"),
                     ("aes128-sha1-ecp256", "aes128-sha1"),
                     ("chacha20poly1305-prfsha384-ecp384", "chacha20poly1305"),
                     ("aes128gcm16-prfsha512-ecp521", "aes128gcm16"),
                     ("aes256ctr-sha512-modp3072", "aes256ctr-sha512"),
                     ("aes256ccm16-prfsha256-x25519", "aes256ccm16")):
        swan, ours = bring_up(bed, role, "--ike", ike, "--esp", esp, ike=ike, esp=esp)
        bring_down(swan, ours)


def invalid_ke(bed, role):
    """The responder wants another group than the one guessed (RFC 7296 §1.2)."""
    first, second = "aes256gcm16-prfsha256-x25519", "aes256gcm16-prfsha256-ecp256"
    if role == "initiate":
        swan, ours = bring_up(bed, role, "--ike", f"{first},{second}", ike=second)
    else:
        swan, ours = bring_up(bed, role, "--ike", second, ike=f"{first},{second}")
    require("N(INVAL_KE)" in swan.log(), "no INVALID_KE_PAYLOAD")
    bring_down(swan, ours, drops=("key_exchange",) if role == "respond" else ())


def wrong_key(bed, role):
    swan = Swan(bed, psk="another key")
    if role == "initiate":
        ours = Ours(bed, role)
        ike = ours.finish(stop=False, code=1)
        require(ike["failed_by"] == {"authentication_failed": 1}, str(ike))
    else:
        ours = Ours(bed, role)
        swan.ctl("--initiate", "--child", "net", "--timeout", "5", check=False)
        ours.wait_event("ike_failed")
        ike = ours.finish(drops=("authentication",))
        require(ike["failed_by"] == {"authentication_failed": 1}, str(ike))
    require("AUTH_FAILED" in swan.log() or "MAC mismatched" in swan.log(), swan.log()[-400:])
    require(swan.sas() == (0, 0), "strongSwan has SAs")
    swan.stop()


def no_proposal(bed, role):
    """The initiator does not believe an unprotected refusal: it tries again (RFC 7296 §2.21.1)."""
    swan = Swan(bed, ike="aes128-sha1-modp2048")
    ours = Ours(bed, role)
    if role == "initiate":
        ours.wait_event("retransmit")
        ike = ours.finish(drops=("unauthenticated",))
    else:
        swan.ctl("--initiate", "--child", "net", "--timeout", "5", check=False)
        ike = ours.finish(drops=("proposal",))
    require("N(NO_PROP)" in swan.log(), "no NO_PROPOSAL_CHOSEN")
    require(ike["completed"] == 0, str(ike))
    swan.stop()


def child_rekey_ours(bed, role):
    swan, ours = bring_up(bed, role, "--rekey-child", "1")
    ours.wait_event("child_rekeyed", 2)
    wait_until(lambda: swan.sas() == (1, 1), "one child is left")
    bring_down(swan, ours, rekeys_child=2)


def child_rekey_theirs(bed, role):
    swan, ours = bring_up(bed, role)
    for n in (1, 2):
        swan.ctl("--rekey", "--child", "net")
        ours.wait_event("child_rekeyed", n)
        ours.wait_event("child_down", n)
        wait_until(lambda: swan.sas() == (1, 1), "one child is left")
    bring_down(swan, ours)


def ike_rekey_ours(bed, role):
    swan, ours = bring_up(bed, role, "--rekey-ike", "1")
    ours.wait_event("ike_rekeyed", 2)
    wait_until(lambda: swan.sas() == (1, 1), "one IKE SA with its child is left")
    bring_down(swan, ours, rekeys_ike=2)


def ike_rekey_theirs(bed, role):
    swan, ours = bring_up(bed, role)
    for n in (1, 2):
        swan.ctl("--rekey", "--ike", "lab")
        ours.wait_event("ike_rekeyed", n)
        wait_until(lambda: swan.sas() == (1, 1), "one IKE SA with its child is left")
    swan.ctl("--rekey", "--child", "net")  # under the keys of the new IKE SA
    ours.wait_event("child_rekeyed")
    bring_down(swan, ours)


def child_rekey_both(bed, role):
    """Rekeys from both sides, many at the same time: one child is left (RFC 7296 §2.8.1)."""
    swan, ours = bring_up(bed, role, "--rekey-child", "0.5")
    end = time.monotonic() + 5
    while time.monotonic() < end:
        swan.ctl("--rekey", "--child", "net", check=False)
        time.sleep(0.1)
    ours.wait_event("child_rekeyed", 20)
    wait_until(lambda: swan.sas() == (1, 1), "one child is left")
    bring_down(swan, ours, drops=None, rekeys_child=20)


def ike_rekey_both(bed, role):
    """The same with IKE SAs (RFC 7296 §2.8.2)."""
    swan, ours = bring_up(bed, role, "--rekey-ike", "0.5")
    end = time.monotonic() + 5
    while time.monotonic() < end:
        swan.ctl("--rekey", "--ike", "lab", check=False)
        time.sleep(0.15)
    ours.wait_event("ike_rekeyed", 10)
    wait_until(lambda: swan.sas() == (1, 1), "one IKE SA with its child is left")
    bring_down(swan, ours, drops=None, rekeys_ike=10)


def loss(bed, role):
    """One datagram in ten is lost on the way to either side; 20 tunnels come up and go."""
    count = 20
    for side in ("ours", "swan"):
        bed.lose_a_tenth(side)
    swan = Swan(bed)
    if role == "initiate":
        ours = Ours(bed, role, "--count", str(count), "--for", "90")
    else:
        ours = Ours(bed, role)
        for _ in range(count):
            swan.ctl("--initiate", "--child", "net", "--timeout", "-1", check=False)
    ours.wait_event("child_up", count, limit=60)
    wait_until(lambda: swan.sas() == (count, count), "all are up at strongSwan", limit=60)
    ike = ours.finish(drops=None, limit=90)
    require((ike["completed"], ike["failed"]) == (count, 0), str(ike))
    wait_until(lambda: swan.sas() == (0, 0), "strongSwan's SAs are gone")
    swan.stop()


def dpd_ours(bed, role):
    swan, ours = bring_up(bed, role, "--dpd", "1")
    wait_until(lambda: swan.log().count("parsed INFORMATIONAL request") >= 2, "two checks of ours")
    bring_down(swan, ours)


def dpd_theirs(bed, role):
    swan, ours = bring_up(bed, role, dpd=1)
    wait_until(lambda: swan.log().count("sending DPD request") >= 2, "two checks of theirs")
    time.sleep(0.5)
    require(swan.log().count("retransmit") == 0, "a check was not answered")
    bring_down(swan, ours)


def ike_delete_theirs(bed, role):
    swan, ours = bring_up(bed, role)
    swan.ctl("--terminate", "--ike", "lab", "--timeout", "5")
    ours.wait_event("ike_down")
    require("deleted_by_peer" in ours.events("ike_down")[0], ours.log())
    require(swan.sas() == (0, 0), "strongSwan has SAs")
    ours.finish()
    swan.stop()


def child_delete_theirs(bed, role):
    swan, ours = bring_up(bed, role)
    swan.ctl("--terminate", "--child", "net", "--timeout", "5")
    ours.wait_event("child_down")
    require("deleted_by_peer" in ours.events("child_down")[0], ours.log())
    wait_until(lambda: swan.sas() == (1, 0), "the IKE SA stays")
    bring_down(swan, ours)


def tunnels(bed, role):
    count = 50
    swan = Swan(bed)
    if role == "initiate":
        ours = Ours(bed, role, "--count", str(count), "--for", "60")
    else:
        ours = Ours(bed, role)
        for _ in range(count):
            swan.ctl("--initiate", "--child", "net", "--timeout", "10")
    both_up(swan, ours, count)
    ike = ours.finish()
    require((ike["completed"], ike["failed"]) == (count, 0), str(ike))
    wait_until(lambda: swan.sas() == (0, 0), "strongSwan's SAs are gone")
    swan.stop()


ROWS = [handshake, suites, invalid_ke, wrong_key, no_proposal, child_rekey_ours, child_rekey_theirs,
        child_rekey_both, ike_rekey_ours, ike_rekey_theirs, ike_rekey_both, dpd_ours, dpd_theirs,
        ike_delete_theirs, child_delete_theirs, tunnels, loss]
# (heading, our role, who is behind the NAT)
COLUMNS = [("initiator", "initiate", None), ("responder", "respond", None),
           ("initiator, NAT", "initiate", "ours"), ("responder, NAT", "respond", "swan")]


def cell(folder, row, role, nat):
    folder = f"{folder}/{row.__name__}-{role}-{nat or 'direct'}"
    os.mkdir(folder)
    try:
        with lab.Lab(folder, nat) as bed:
            row(bed, role)
        return "ok", ""
    except lab.Skip as why:
        return "skip", str(why)
    except Exception:  # every failure is a cell of the table
        return "FAILED", traceback.format_exc()


def main():
    only = sys.argv[1:]
    try:
        lab.need_machine()
        lab.need_strongswan()
    except lab.Skip as why:
        lab.skip(why)
    folder = lab.keep_folder()
    print(f"`ikelab live` and strongSwan {lab.strongswan_version()}; our role:")
    print(f"{'':20}" + "".join(f"{c[0]:16}" for c in COLUMNS))
    notes = []
    for row in ROWS:
        if only and row.__name__ not in only:
            continue
        print(f"{row.__name__:20}", end="", flush=True)
        for heading, role, nat in COLUMNS:
            said, why = cell(folder, row, role, nat)
            print(f"{said:16}", end="", flush=True)
            if why:
                notes.append((said, f"{row.__name__}, {heading}: {why}"))
        print(flush=True)
    for _, note in notes:
        print(note)
    if any(said == "FAILED" for said, _ in notes):
        print(f"logs: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
