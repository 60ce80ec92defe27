"""What the rows know of a daemon: one interface for all, and one notation for its words."""
import dataclasses
import os
import subprocess
import typing

import lab
from lab import PSK, Skip, end


@dataclasses.dataclass(frozen=True)
class Words:
    """What the peer is told. Proposals are written as `ikelab live` and strongSwan write them."""
    role: str                # its role: "initiate" or "respond"
    esp: str
    ike: str = "aes256gcm16-prfsha256-x25519"
    version: int = 2         # of IKE
    mode: str = "main"       # or aggressive: how version 1 begins
    auth: str = "psk"        # or rsa, ecdsa, ed25519
    psk: str = PSK
    user: str = ""           # the initiator's name for XAUTH; it gets an address by Mode-Config
    password: str = lab.XAUTH_PASSWORD
    pushed: bool = False     # the address comes unasked, if the daemon can be told so
    dpd: int = 0             # liveness check after so many seconds of silence
    reauth: int = 0          # it authenticates anew after so many seconds, or wants us to
    make_before_break: bool = False
    mobike: bool = False
    moves_to: str = ""       # as initiator it goes on from this address of its own: move()
    childless: str = ""      # as strongSwan and `ikelab live` say it
    fragmentation: str = ""  # as `ikelab live` says it; the others do it anyway
    rekeys: str = ""         # "ike" or "child": rekey_ike() or rekey_child() will be called
    ends_child: bool = False  # delete_child() will be called
    transport: bool = False  # ESP in transport mode, between the hosts
    count: int = 1           # how many IKE SAs initiate(n) will begin


class Daemon:
    """One daemon with one connection to the other side, in the namespace of `side`."""

    NAME = ""
    ESP = "aes256gcm16"      # what a row offers that does not care
    LACKS: typing.ClassVar = {}   # algorithm -> why a suite with it is left out
    COMMANDS = True           # it rekeys when told to; else by a timer, when words.rekeys says so
    TRIES_AGAIN = False      # it begins again after a failure
    FRAGMENTS = True         # it offers RFC 7383
    VERSIONS = (2, 1)        # of IKE that it speaks
    CANNOT: typing.ClassVar = {}  # row, or (row, its role) -> why not; each was tried or read
    # (rows, text in its log, what it does wrong): with that text there, a failure is not ours
    DEFECTS: typing.ClassVar = []
    BEGINS_ONE = ""          # why it begins one IKE SA to one peer only
    LEAVES_DELETE = ""       # why it may leave a delete of ours without an answer
    SAW: typing.ClassVar = {}     # what -> texts of its log, one of which says so

    def __init__(self, bed, words, side="peer"):
        self.bed, self.words, self.side = bed, words, side
        self.other = "peer" if side == "ours" else "ours"
        self.folder = bed.folder_for(type(self).__name__.lower())
        self.process = None

    @staticmethod
    def need():
        """Raises Skip when it is not installed."""

    @staticmethod
    def version():
        return "?"

    @classmethod
    def cannot(cls, row, role):
        return cls.CANNOT.get((row, role)) or cls.CANNOT.get(row)

    def excuse(self, row):
        """What it verifiably did wrong in this row, or ""."""
        log = self.log()
        return next((why for rows, text, why in self.DEFECTS if row in rows and text in log), "")

    def initiate(self, count=1, wait=True):
        raise NotImplementedError

    def rekey_child(self, check=True):
        raise NotImplementedError

    def rekey_ike(self, check=True):
        raise NotImplementedError

    def delete_child(self):
        raise NotImplementedError

    def delete_ike(self):
        raise NotImplementedError

    def sas(self):
        """IKE SAs and child SAs that are up."""
        raise NotImplementedError

    def log(self):
        raise NotImplementedError

    def saw(self, what):
        """How often its log says so."""
        text = self.log()
        return sum(text.count(t) for t in self.SAW[what])

    def stop(self):
        if self.process:
            end(self.process)

    # What several daemons need:

    def me(self):
        return lab.OUR_ID if self.side == "ours" else lab.PEER_ID

    def peer(self):
        return lab.PEER_ID if self.side == "ours" else lab.OUR_ID

    def nets(self):
        """(what it protects, what the other side protects)"""
        both = (lab.OUR_NET, lab.PEER_NET)
        return both if self.side == "ours" else both[::-1]

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(self.path(name), mode)

    def credential(self, name):
        """A file of the test PKI of our kind of key."""
        return os.path.join(self.bed.pki, self.words.auth, name)

    def start(self, command, env=None):
        with open(self.path("out"), "w", encoding="utf-8") as out:
            self.process = self.bed.start(self.side, command, out, env)


class Proposal(typing.NamedTuple):
    """The algorithms of one proposal, "" for those it does not name."""
    encryption: str
    integrity: str
    prf: str
    group: str


def proposals(text):
    """Take apart what `ikelab live` and strongSwan read, such as aes256-sha256-modp2048."""
    return [_proposal(p.split("-")) for p in text.split(",")]


def _proposal(words):
    encryption, rest = words[0], words[1:]
    pick = lambda test: next((w for w in rest if test(w)), "")
    group = pick(lambda w: w.startswith(("modp", "ecp", "x25519")))
    prf = pick(lambda w: w.startswith("prf"))
    integrity = pick(lambda w: w.startswith("sha"))
    return Proposal(encryption, integrity, prf.removeprefix("prf") or integrity, group)


def built_shim(folder):
    """fakekernel.so, built once: for kernels without ESP or PF_KEY."""
    source, shim = os.path.join(os.path.dirname(__file__), "fakekernel.c"), folder + "/fakekernel.so"
    if not os.path.exists(shim):
        done = subprocess.run(["cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o",
                               f"{shim}.{os.getpid()}", source], capture_output=True, text=True)
        if done.returncode:
            raise Skip(f"fakekernel.c does not build: {done.stderr.strip()[-200:]}")
        os.rename(f"{shim}.{os.getpid()}", shim)
    return shim
