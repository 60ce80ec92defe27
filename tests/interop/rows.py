"""The rows of the table: one behaviour each, written once for every daemon, both roles and both
paths. A row raises Failed; what it returns is a remark for its cell."""
import time

import lab
import test_data
import wire
from daemon import Words
from lab import Skip, require, wait_until
from ours import Ours, user, version

PATIENCE = 15.0
IKE_V1 = "aes256-sha256-modp2048"  # what has no AEAD and no X25519


class Cell:
    """A row meets a daemon: who plays which role on which path."""

    def __init__(self, bed, daemon, role):
        self.bed, self.daemon, self.role = bed, daemon, role
        self.peers = []
        self.defaults = {"esp": daemon.ESP}
        self.informational = wire.INFORMATIONAL

    def speak_version_1(self, mode):
        """IKEv1 from now on, where a row does not ask for anything else."""
        self.defaults.update(version=1, mode=mode, ike=IKE_V1)
        self.informational = wire.V1_INFORMATIONAL
        return self

    @property
    def initiates(self):
        return self.role == "initiate"

    def peer(self, **words):
        role = "respond" if self.initiates else "initiate"
        self.peers.append(self.daemon(self.bed, Words(role=role, **{**self.defaults, **words})))
        return self.peers[-1]

    def ours(self, peer, *args):
        """Our side, which offers what the peer takes unless args say otherwise."""
        w = peer.words
        args = [*args, *user(self.bed, w, self.initiates, lab.PEER_NET, lab.XAUTH_PASSWORD)]
        return Ours(self.bed, self.role, "--ike", w.ike, "--esp", w.esp, *version(w), *args,
                    auth=w.auth)


def said(peer, what, least=1):
    """The peer's log has it; True of a peer that never says such a thing."""
    return what not in peer.SAW or peer.saw(what) >= least


def both_up(peer, ours, count=1, limit=PATIENCE):
    ours.wait_event("child_up", count, limit=limit)
    settle(peer, (count, count), limit)


def settle(peer, sas, limit=PATIENCE):
    """IKE SAs and child SAs of the peer become these."""
    wait_until(lambda: peer.sas() == sas,
               lambda: f"{peer.NAME} has {peer.sas()} IKE and child SAs, not {sas}: "
                       f"{peer.log()[-600:]}", limit)


def bring_up(cell, *args, **words):
    """One tunnel, begun by us or by the peer."""
    peer = cell.peer(**words)
    ours = cell.ours(peer, *(["--for", "60"] if cell.initiates else []), *args)
    if not cell.initiates:
        peer.initiate()
    both_up(peer, ours)
    return peer, ours


def bring_down(peer, ours, drops=(), **virtual):
    """We leave: the peer is told. Then what our result must say."""
    ike = ours.finish(drops=drops)
    settle(peer, (0, 0))
    require((ike["completed"], ike["failed"]) == (1, 0), str(ike))
    for key, least in virtual.items():
        require(ike[key] >= least, f"{key} is {ike[key]}, not {least} or more")
    unanswered = "were not deleted: no answer" in ours.log()
    require(not unanswered or peer.LEAVES_DELETE, "a delete was not answered")
    peer.stop()
    return peer.LEAVES_DELETE if unanswered else ""


def handshake_psk(cell):
    return bring_down(*bring_up(cell))


def handshake_rsa(cell):
    return bring_down(*bring_up(cell, auth="rsa"))


def handshake_ecdsa(cell):
    return bring_down(*bring_up(cell, auth="ecdsa"))


def handshake_ed25519(cell):
    return bring_down(*bring_up(cell, auth="ed25519"))


def suites(cell):
    """No ESN: strongSwan's ESP in user space cannot do it."""
    left_out = {}
    for ike, esp in (("aes256-sha256-modp2048", "aes256-sha256"),
                     ("aes128-sha1-ecp256", "aes128-sha1"),
                     ("chacha20poly1305-prfsha384-ecp384", "chacha20poly1305"),
                     ("aes128gcm16-prfsha512-ecp521", "aes128gcm16"),
                     ("aes256ctr-sha512-modp3072", "aes256ctr-sha512"),
                     ("aes256ccm16-prfsha256-x25519", "aes256ccm16")):
        lacks = cell.daemon.LACKS
        left_out.update({k: v for k, v in lacks.items() if k in (ike, esp)})
        ike = ike if ike not in lacks else Words.ike
        esp = esp if esp not in lacks else cell.daemon.ESP
        if (ike, esp) != (Words.ike, cell.daemon.ESP):
            bring_down(*bring_up(cell, ike=ike, esp=esp))
    return "; ".join(f"without {k}: {v}" for k, v in left_out.items())


def implicit_iv(cell):
    """A proposal without IVs in front of the peer's own (RFC 8750 §5): it takes the one it knows."""
    peer, ours = bring_up(cell, "--esp", f"aes256gcm16iiv,{cell.daemon.ESP}")
    return bring_down(peer, ours)


def invalid_ke(cell):
    """The responder wants another group than the one guessed (RFC 7296 §1.2)."""
    first, second = "aes256gcm16-prfsha256-x25519", "aes256gcm16-prfsha256-ecp256"
    link = cell.bed.wire()
    if cell.initiates:
        peer, ours = bring_up(cell, "--ike", f"{first},{second}", ike=second)
    else:
        peer, ours = bring_up(cell, "--ike", second, ike=f"{first},{second}")
    require(any(wire.INVALID_KE_PAYLOAD in m.notifies for m in link.messages()),
            "no INVALID_KE_PAYLOAD on the wire")
    require(said(peer, "invalid_ke"), "no INVALID_KE_PAYLOAD in its log")
    return bring_down(peer, ours, drops=() if cell.initiates else ("key_exchange",))


def cookie(cell):
    """The responder wants to see first that the initiator is where it says (RFC 7296 §2.6)."""
    if cell.initiates:
        raise Skip("a cookie is asked for by us; that a peer's comes back is a test of ours")
    link = cell.bed.wire()
    peer, ours = bring_up(cell, "--cookie", "always")
    mine = cell.bed.address["ours"]
    asked = [m for m in link.messages() if m.source == mine and wire.COOKIE in m.notifies]
    shown = [m for m in link.messages() if m.source != mine and wire.COOKIE in m.notifies]
    require(asked and all(m.response for m in asked), "no COOKIE on the wire")
    require(shown and all(m.first == wire.NOTIFY and m.notifies[0] == wire.COOKIE for m in shown),
            "the cookie did not come back as the first payload")
    return bring_down(peer, ours, drops=("cookie",), cookies_sent=1, cookies_accepted=1)


def wrong_key(cell):
    peer = cell.peer(psk="another key")
    ours = cell.ours(peer)
    if cell.initiates:
        ike = ours.finish(stop=False, code=1)
        require(ike["failed_by"] == {"authentication_failed": 1}, str(ike))
    else:
        peer.initiate(wait=False)
        ours.wait_event("ike_failed")
        ike = ours.finish(drops=("authentication",))
        require(set(ike["failed_by"]) == {"authentication_failed"}, str(ike))
        require(ike["failed"] == 1 or peer.TRIES_AGAIN, str(ike))
    wait_until(lambda: said(peer, "wrong_key"), lambda: peer.log()[-600:])
    settle(peer, (0, 0))
    peer.stop()


def no_proposal(cell):
    """The initiator does not believe an unprotected refusal: it tries again (RFC 7296 §2.21.1)."""
    link = cell.bed.wire()
    peer = cell.peer(ike="aes128-sha1-modp2048")
    ours = cell.ours(peer, "--ike", Words.ike)
    if cell.initiates:
        ours.wait_event("retransmit")
    else:
        peer.initiate(wait=False)
    wait_until(lambda: any(wire.NO_PROPOSAL_CHOSEN in m.notifies for m in link.messages()),
               "NO_PROPOSAL_CHOSEN on the wire")
    wait_until(lambda: said(peer, "no_proposal"), lambda: peer.log()[-600:])
    ike = ours.finish(drops=("unauthenticated" if cell.initiates else "proposal",))
    require(ike["completed"] == 0, str(ike))
    peer.stop()


def no_fragmentation(cell):
    """RFC 7383 is not asked for: we neither offer it nor take it up, and nobody sends a fragment."""
    link = cell.bed.wire()
    peer, ours = bring_up(cell)
    bring_down(peer, ours)
    me = cell.bed.address["ours"]
    inits = [m for m in link.messages() if m.exchange == wire.IKE_SA_INIT]
    offered = {m.source == me for m in inits if wire.FRAGMENTATION_SUPPORTED in m.notifies}
    require(True not in offered, "we offered fragmentation")
    require(cell.initiates or not peer.FRAGMENTS or False in offered,
            "the control: its IKE_SA_INIT does not offer it")
    require(all(m.first != wire.SKF for m in link.messages()), "a fragment was sent")


def fragmentation(cell):
    """IKE_AUTH with certificates in fragments of 576 octets at most; the peer's as it makes them."""
    link = cell.bed.wire()
    peer, ours = bring_up(cell, "--fragmentation", "yes", "--fragment-size", "576", auth="rsa",
                          fragmentation="yes")
    me = cell.bed.address["ours"]
    fragments = [m for m in link.messages() if m.first == wire.SKF]
    require(len([m for m in fragments if m.source == me]) >= 2, "we sent no fragments")
    theirs = [m for m in fragments if m.source != me]
    bring_down(peer, ours)
    return "" if theirs else "the peer's IKE_AUTH fits into one packet"


def child_rekey_ours(cell):
    peer, ours = bring_up(cell, "--rekey-child", "1")
    ours.wait_event("child_rekeyed", 2)
    settle(peer, (1, 1))
    return bring_down(peer, ours, rekeys_child=2)


def child_rekey_theirs(cell):
    peer, ours = bring_up(cell, rekeys="child")
    for n in (1, 2):
        peer.rekey_child()
        ours.wait_event("child_rekeyed", n)
        ours.wait_event("child_down", n)
        settle(peer, (1, 1))
    return bring_down(peer, ours)


def child_rekey_both(cell):
    """Rekeys from both sides, many at the same time: one child is left (RFC 7296 §2.8.1)."""
    peer, ours = bring_up(cell, "--rekey-child", "0.5", rekeys="child")
    end = time.monotonic() + 5
    while time.monotonic() < end:
        peer.rekey_child(check=False)
        time.sleep(0.1)
    least = 20 if peer.COMMANDS else 8
    ours.wait_event("child_rekeyed", least)
    settle(peer, (1, 1))
    return bring_down(peer, ours, drops=None, rekeys_child=least)


def ike_rekey_ours(cell):
    peer, ours = bring_up(cell, "--rekey-ike", "1")
    ours.wait_event("ike_rekeyed", 2)
    settle(peer, (1, 1))
    return bring_down(peer, ours, rekeys_ike=2)


def ike_rekey_theirs(cell):
    peer, ours = bring_up(cell, rekeys="ike")
    for n in (1, 2):
        peer.rekey_ike()
        ours.wait_event("ike_rekeyed", n)
        settle(peer, (1, 1))
    if peer.COMMANDS:
        peer.rekey_child()  # under the keys of the new IKE SA
        ours.wait_event("child_rekeyed")
    return bring_down(peer, ours)


def ike_rekey_both(cell):
    """The same with IKE SAs (RFC 7296 §2.8.2)."""
    peer, ours = bring_up(cell, "--rekey-ike", "0.5", rekeys="ike")
    end = time.monotonic() + 5
    while time.monotonic() < end:
        peer.rekey_ike(check=False)
        time.sleep(0.15)
    least = 10 if peer.COMMANDS else 4
    ours.wait_event("ike_rekeyed", least)
    settle(peer, (1, 1))
    return bring_down(peer, ours, drops=None, rekeys_ike=least)


def leave(peer, ours):
    """As bring_down, after IKE SAs have come and gone by themselves."""
    ike = ours.finish(drops=None)
    settle(peer, (0, 0))
    require(ike["failed"] == 0, str(ike))
    peer.stop()


def _reauth(cell, *args, **words):
    """The IKE SA is authenticated anew, twice, and one of each is left (RFC 7296 §2.8.3)."""
    peer, ours = bring_up(cell, *args, **words)
    ours.wait_event("ike_up", 3, limit=30)
    settle(peer, (1, 1))
    wait_until(lambda: ours.sas() == (1, 1), lambda: ours.log()[-600:])
    leave(peer, ours)


def reauth_ours(cell):
    """Ours to say: as initiator it calls again, as responder it says by when (RFC 4478)."""
    _reauth(cell, "--reauth", "3")


def reauth_theirs(cell):
    _reauth(cell, reauth=3)


def fewest_children(ours):
    """How many child SAs we had when we had the fewest, from the first one on."""
    here, fewest = 0, None
    for line in ours.log().splitlines():
        event = (line.split() + ["", ""])[1]
        if event in ("child_up", "child_down"):
            here += 1 if event == "child_up" else -1
            fewest = here if fewest is None else min(fewest, here)
    return fewest


def reauth_make_before_break(cell):
    """The side that called makes the new one first; no moment is without a child SA."""
    if cell.initiates:
        peer, ours = bring_up(cell, "--reauth", "3", "--make-before-break")
    else:
        peer, ours = bring_up(cell, "--make-before-break", reauth=3, make_before_break=True)
    ours.wait_event("ike_up", 3)
    settle(peer, (1, 1))
    wait_until(lambda: ours.sas() == (1, 1), lambda: ours.log()[-600:])
    require(fewest_children(ours) >= 1, f"a moment without a child SA: {ours.log()[-600:]}")
    leave(peer, ours)


def childless(cell):
    """IKE_AUTH without a child SA, which CREATE_CHILD_SA then makes (RFC 6023)."""
    link = cell.bed.wire()
    peer, ours = bring_up(cell, "--childless", "force",
                          childless="allow" if cell.initiates else "force")
    asks = cell.bed.address["ours"] if cell.initiates else cell.bed.seen_as("peer")
    require(link.requests(asks, wire.CREATE_CHILD_SA), "the child SA came with IKE_AUTH")
    return bring_down(peer, ours)


def mobike(cell):
    """Who called has another address after a while; everything stays up and is told where it is."""
    new = cell.bed.second_address("ours" if cell.initiates else "peer")
    if cell.initiates:
        peer, ours = bring_up(cell, "--mobike", "--move-to", new, mobike=True)
        ours.wait_event("moved")
    else:
        peer, ours = bring_up(cell, "--mobike", mobike=True, moves_to=new)
        peer.move()
        ours.wait_event("peer_moved")
    settle(peer, (1, 1))
    return bring_down(peer, ours, moves=cell.initiates)


def dpd_ours(cell):
    link = cell.bed.wire()
    peer, ours = bring_up(cell, "--dpd", "1")
    checks = lambda: link.requests(cell.bed.address["ours"], wire.INFORMATIONAL)
    wait_until(lambda: len(checks()) >= 2, "two checks of ours")
    require(said(peer, "request", 2), "not seen by the peer")
    time.sleep(0.5)
    require(len({(m.spi_i, m.id) for m in checks()}) == len(checks()), "one was not answered")
    return bring_down(peer, ours)


def dpd_theirs(cell):
    link = cell.bed.wire()
    peer, ours = bring_up(cell, dpd=1)
    checks = lambda: link.requests(cell.bed.seen_as("peer"), wire.INFORMATIONAL)
    wait_until(lambda: len(checks()) >= 2, "two checks of theirs")
    require(said(peer, "check", 2), "not said by the peer")
    time.sleep(0.5)
    require("retransmit" not in peer.SAW or not peer.saw("retransmit"), "a check was not answered")
    require(len({(m.spi_i, m.id) for m in checks()}) == len(checks()), "one was not answered")
    return bring_down(peer, ours)


def ike_delete_ours(cell):
    """What every row does at its end, looked at from the peer: no SA, and a delete on the wire."""
    link = cell.bed.wire()
    peer, ours = bring_up(cell)
    require(not link.requests(cell.bed.address["ours"], cell.informational), "a request too early")
    bring_down(peer, ours)
    require(link.requests(cell.bed.address["ours"], cell.informational), "no delete on the wire")


def ike_delete_theirs(cell):
    peer, ours = bring_up(cell)
    peer.delete_ike()
    ours.wait_event("ike_down")
    require("deleted_by_peer" in ours.events("ike_down")[0], ours.log())
    settle(peer, (0, 0))
    ours.finish()
    peer.stop()


def child_delete_ours(cell):
    peer, ours = bring_up(cell, "--life-child", "2")
    ours.wait_event("child_down")
    require("expired" in ours.events("child_down")[0], ours.log())
    settle(peer, (1, 0))
    return bring_down(peer, ours)


def child_delete_theirs(cell):
    peer, ours = bring_up(cell, ends_child=True)
    peer.delete_child()
    ours.wait_event("child_down")
    require("deleted_by_peer" in ours.events("child_down")[0], ours.log())
    settle(peer, (1, 0))
    return bring_down(peer, ours)


def _many(cell, count, limit, drops):
    peer = cell.peer(count=1 if cell.initiates else count)
    if cell.initiates:
        ours = cell.ours(peer, "--count", str(count), "--for", "90")
    else:
        ours = cell.ours(peer)
        peer.initiate(count, wait=drops == ())
    both_up(peer, ours, count, limit)
    ike = ours.finish(drops=drops, limit=90)
    require((ike["completed"], ike["failed"]) == (count, 0), str(ike))
    settle(peer, (0, 0))
    peer.stop()


def tunnels(cell):
    _many(cell, 100, 30, drops=())


def loss(cell):
    """One datagram in ten is lost on the way to either side; 20 tunnels come up and go, at once or,
    where the peer begins only one, one after the other."""
    for side in ("ours", "peer"):
        cell.bed.lose_a_tenth(side)
    if cell.initiates or not cell.daemon.BEGINS_ONE:
        return _many(cell, 20, 60, drops=None)
    for _ in range(5):
        _many(cell, 1, 60, drops=None)
    return "five tunnels one after the other: " + cell.daemon.BEGINS_ONE


def data(cell):
    """Twenty pings each way through the tunnel; test_data.py has TCP, loss and rekeys besides."""
    test_data.ping(cell.bed, cell.role)


ROWS = [handshake_psk, handshake_rsa, handshake_ecdsa, handshake_ed25519, suites, implicit_iv, invalid_ke,
        cookie, wrong_key, no_proposal, no_fragmentation, fragmentation, child_rekey_ours, child_rekey_theirs,
        child_rekey_both,
        ike_rekey_ours, ike_rekey_theirs, ike_rekey_both, reauth_ours, reauth_theirs,
        reauth_make_before_break, childless, mobike, dpd_ours, dpd_theirs, ike_delete_ours,
        ike_delete_theirs, child_delete_ours, child_delete_theirs, tunnels, loss, data]
