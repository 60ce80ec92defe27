"""The rows of IKEv1 (RFC 2409): those of IKEv2 where they demand the same, and its own."""
import ipaddress
import time

import lab
import rows
import test_data
import wire
from lab import require, wait_until
from rows import bring_down, bring_up, leave, said, settle


def _named(name, run):
    run.__name__ = name
    run.version = 1
    return run


def _as_v1(name, row, mode="main"):
    """A row of IKEv2 in the other version, where what it demands is the same."""
    return _named(name, lambda cell: row(cell.speak_version_1(mode)))


def _of_v1(row):
    """A row of IKEv1 alone, after Main Mode."""
    return _named(row.__name__, lambda cell: row(cell.speak_version_1("main")))


def v1_suites(cell):
    """With PFS, where the ESP proposal names a group, and without."""
    left_out = ""
    for ike, esp in (("aes128-sha1-modp2048", "aes128-sha1-modp2048"),
                     ("aes256-sha384-ecp256", "aes256gcm16-ecp256"),
                     ("aes256-sha512-modp3072", "aes256-sha512")):
        if esp in cell.daemon.LACKS:
            left_out = f"without {esp}: {cell.daemon.LACKS[esp]}"
            esp = cell.daemon.ESP
        bring_down(*bring_up(cell, ike=ike, esp=esp))
    return left_out


def v1_fragmentation(cell):
    """Certificates in fragments of 576 octets at most, of both."""
    link = cell.bed.wire()
    peer, ours = bring_up(cell, "--fragmentation", "yes", "--fragment-size", "576", auth="rsa",
                          fragmentation="yes")
    mine = cell.bed.address["ours"]
    fragments = [m for m in link.messages() if m.first == wire.V1_FRAGMENT]
    require(len([m for m in fragments if m.source == mine]) >= 2, "we sent no fragments")
    bring_down(peer, ours)
    return "" if any(m.source != mine for m in fragments) else "the peer makes none: its messages fit into one packet"


def v1_rekey_theirs(cell):
    """A Quick Mode of the peer's takes the place of the child SA."""
    peer, ours = bring_up(cell, rekeys="child")
    for n in (1, 2):
        peer.rekey_child()
        ours.wait_event("child_rekeyed", n)
        wait_until(lambda: ours.sas() == (1, 1), lambda: ours.log()[-600:])
    return bring_down(peer, ours)


def _renewed(peer, ours):
    """Phase 1 twice anew. The child SA moves, and is the only one all the time."""
    ours.wait_event("ike_reauth", 2)
    settle(peer, (1, 1))
    require((ours.count("child_up"), ours.count("child_down")) == (1, 0), ours.log()[-600:])
    leave(peer, ours)


def v1_renewal_ours(cell):
    _renewed(*bring_up(cell, "--rekey-ike", "3"))


def v1_renewal_theirs(cell):
    """The side that called deletes the old one, or lets its lifetime end it."""
    _renewed(*bring_up(cell, reauth=3))


def _checks(cell, link, peer, ours):
    """Both sides say something twice, and nothing has to be repeated (RFC 3706 §5)."""
    for side in ("ours", "peer"):
        source = cell.bed.address[side] if side == "ours" else cell.bed.seen_as(side)
        wait_until(lambda: len(link.requests(source, wire.V1_INFORMATIONAL)) >= 2,
                   f"two messages of {side}")
    require(said(peer, "acknowledgement", 2), f"not seen by the peer: {peer.log()[-600:]}")
    time.sleep(0.5)
    require(not ours.events("retransmit"), "one was not answered")
    settle(peer, (1, 1))
    return bring_down(peer, ours)


def v1_dpd_ours(cell):
    link = cell.bed.wire()
    return _checks(cell, link, *bring_up(cell, "--dpd", "1"))


def v1_dpd_theirs(cell):
    link = cell.bed.wire()
    peer, ours = bring_up(cell, dpd=1)
    return _checks(cell, link, peer, ours)


def v1_child_delete_ours(cell):
    """Both ends know of the lifetime (RFC 2407 §4.5), and either may be the first to delete it. A
    peer that wants it to be there begins another at once: then its log has to do."""
    peer, ours = bring_up(cell, "--life-child", "2")
    ours.wait_event("child_down")
    require(ours.events("child_down")[0].split()[-1] in ("expired", "deleted_by_peer"), ours.log())
    if "child_deleted" in peer.SAW:
        wait_until(lambda: said(peer, "child_deleted"), lambda: peer.log()[-600:])
    else:
        settle(peer, (1, 0))
    return bring_down(peer, ours)


def v1_transport(cell):
    """Behind a NAT both say NAT-OA (RFC 3947 §5.2), and the selectors are of other addresses."""
    peer, ours = bring_up(cell, "--transport", transport=True, rekeys="child")
    require(not cell.bed.nat_before or said(peer, "nat_oa", 2), peer.log()[-600:])
    peer.rekey_child()
    ours.wait_event("child_rekeyed")
    settle(peer, (1, 1))
    return bring_down(peer, ours)


def _xauth(cell, auth="psk", **words):
    """The initiator gives a name and a password, and gets an address by Mode-Config."""
    peer, ours = bring_up(cell, auth=auth, user="alice", **words)
    net = lab.OUR_NET if cell.initiates else lab.PEER_NET
    address, *more = ours.events("child_up")[0].rpartition(" inside ")[2].split()
    pool = ipaddress.ip_network(lab.pool_of(net))
    require(ipaddress.ip_address(address) in pool, ours.log())
    require(("dns", lab.DNS) in zip(more, more[1:]), ours.log())
    return bring_down(peer, ours)


def v1_xauth_psk(cell):
    return _xauth(cell, "psk")


def v1_xauth_rsa(cell):
    return _xauth(cell, "rsa")


def v1_xauth_pushed(cell):
    """The gateway gives the address unasked (Mode-Config SET)."""
    return _xauth(cell, pushed=True)


def v1_xauth_wrong(cell):
    """A wrong password is refused, and both ends say so. Both delete the IKE SA, so one Delete meets none."""
    peer = cell.peer(user="alice", password=lab.XAUTH_PASSWORD + "!")
    ours = cell.ours(peer)
    if cell.initiates:
        ike = ours.finish(stop=False, code=1, drops=None)
    else:
        peer.initiate(wait=False)
        ours.wait_event("ike_failed")
        ike = ours.finish(drops=None)
    require(set(ike["failed_by"]) == {"user_refused"}, str(ike))
    require(ike["completed"] == 0 and (ike["failed"] == 1 or peer.TRIES_AGAIN), str(ike))
    wait_until(lambda: said(peer, "user_refused"), lambda: peer.log()[-600:])
    peer.stop()


def v1_loss(cell):
    """One datagram in ten is lost on the way to either side; a peer takes a second tunnel with the
    same names for the first one's successor, so they come and go one after the other. Nothing answers a Delete: one that is lost stays so."""
    for side in ("ours", "peer"):
        cell.bed.lose_a_tenth(side)
    for _ in range(3):
        peer = cell.peer()
        ours = cell.ours(peer, *(["--for", "90"] if cell.initiates else []))
        if not cell.initiates:
            peer.initiate(wait=False)
        rows.both_up(peer, ours, limit=60)
        ike = ours.finish(drops=None)
        require((ike["completed"], ike["failed"]) == (1, 0), str(ike))
        peer.stop()


def v1_data(cell):
    """Twenty pings each way through the tunnel."""
    test_data.ping(cell.bed, cell.role, version=1, ike=rows.IKE_V1)


ROWS_V1 = [_as_v1("v1_main_psk", rows.handshake_psk), _as_v1("v1_main_rsa", rows.handshake_rsa),
           _as_v1("v1_main_ecdsa", rows.handshake_ecdsa),
           _as_v1("v1_aggressive_psk", rows.handshake_psk, "aggressive"),
           _as_v1("v1_aggressive_rsa", rows.handshake_rsa, "aggressive"), _of_v1(v1_suites),
           _of_v1(v1_fragmentation), _as_v1("v1_rekey_ours", rows.child_rekey_ours),
           _of_v1(v1_rekey_theirs), _of_v1(v1_renewal_ours), _of_v1(v1_renewal_theirs),
           _of_v1(v1_dpd_ours), _of_v1(v1_dpd_theirs),
           _as_v1("v1_ike_delete_ours", rows.ike_delete_ours),
           _as_v1("v1_ike_delete_theirs", rows.ike_delete_theirs),
           _of_v1(v1_child_delete_ours),
           _as_v1("v1_child_delete_theirs", rows.child_delete_theirs),
           _of_v1(v1_xauth_psk), _of_v1(v1_xauth_rsa),
           _as_v1("v1_xauth_aggressive", _xauth, "aggressive"), _of_v1(v1_xauth_pushed),
           _of_v1(v1_xauth_wrong),
           _of_v1(v1_loss), _of_v1(v1_data), _of_v1(v1_transport)]
