"""`ikelab live`: our side of every cell, and in its own column also the peer."""
import json
import os
import signal
import subprocess

import lab
from daemon import Daemon
from lab import IKELAB, Skip, require, sh, wait_until


def credentials(bed, side, auth, psk=None):
    if auth == "psk":
        return ["--psk-file", psk or bed.psk]
    at = lambda name: os.path.join(bed.pki, auth, name)
    return ["--cert", at(f"{side}.crt"), "--key", at(f"{side}.key"), "--ca", at("ca.crt")]


def version(words):
    return ["--version", "1", "--mode", words.mode] if words.version == 1 else []


def user(bed, words, initiates, their_net, password):
    """XAUTH and Mode-Config, of the one who asks or the one who answers."""
    if not words.user:
        return []
    name = os.path.join(bed.folder_for("xauth"), "words")
    with open(name, "w", encoding="ascii") as f:
        f.write(password if initiates else f"{words.user} {password}\n")
    if initiates:
        return ["--xauth-user", words.user, "--xauth-password-file", name, "--ask-address"]
    return ["--xauth-users", name, "--pool", lab.pool_of(their_net), "--pool-dns", lab.DNS,
            *(["--pool-push"] if words.pushed else [])]


class Ours:
    """One `ikelab live` in the namespace of `side`."""

    def __init__(self, bed, role, *args, psk=None, auth="psk", side="ours"):
        self.bed = bed
        self.base = os.path.join(bed.folder_for("live"), "out")
        ours = side == "ours"
        me, peer = (lab.OUR_ID, lab.PEER_ID) if ours else (lab.PEER_ID, lab.OUR_ID)
        nets = (lab.OUR_NET, lab.PEER_NET) if ours else (lab.PEER_NET, lab.OUR_NET)
        words = ["--local-id", me]
        words += ["--ts-remote", nets[1]] if "--transport" not in args else []
        words += ["--ts-local", nets[0]] if not {"--ask-address", "--transport"} & {*args} else []
        if role == "initiate":
            words += ["--remote", bed.seen_as("peer" if ours else "ours"), "--remote-id", peer]
        else:
            words += ["--local", bed.address[side]]
        command = [IKELAB, "live", role, *credentials(bed, side, auth, psk), *words, "--json",
                   "--events", *args]
        with open(self.base + ".json", "w", encoding="utf-8") as out, \
                open(self.base + ".log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(bed.inside(side, *command), stdout=out, stderr=log)
        bed.processes.append(self.process)
        if role == "respond":
            wait_until(lambda: bed.listens(side) or self.process.poll() is not None, "we listen")

    def log(self):
        with open(self.base + ".log", encoding="utf-8") as f:
            return f.read()

    def events(self, name):
        return [l for l in self.log().splitlines() if len(l.split()) > 1 and l.split()[1] == name]

    def count(self, name):
        return len(self.events(name))

    def wait_event(self, name, count=1, limit=15.0):
        wait_until(lambda: self.count(name) >= count,
                   lambda: f"{count} x {name} at our side: {self.log()[-600:]}", limit)

    def sas(self):
        """IKE SAs and child SAs that are up, by the events."""
        return (self.count("ike_up") + self.count("ike_rekeyed") - self.count("ike_down"),
                self.count("child_up") - self.count("child_down"))

    def finish(self, stop=True, code=None, limit=60.0, drops=()):
        """End (Ctrl-C), check the exit code and that messages were dropped for the reasons `drops`
        only (None: any); return the result's `virtual.ike`."""
        if stop and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        got = self.process.wait(limit)
        if code is None:
            code = 128 + signal.SIGINT if stop else 0
        require(got == code, f"exit {got}, not {code}: {self.log()[-400:]}")
        seen = {l.split(": ")[-1] for l in self.log().splitlines() if " messages dropped: " in l}
        require(drops is None or seen == set(drops), f"dropped {seen}: {self.log()[-400:]}")
        with open(self.base + ".json", encoding="utf-8") as f:
            return json.load(f)["virtual"]["ike"]


class OursAsPeer(Daemon):
    """The same program in the place of a daemon. It has no commands: it rekeys by its own clock,
    and deletes everything when it is told to end."""

    NAME = "ours"
    COMMANDS = False
    FRAGMENTS = False
    SAW = {"wrong_key": ["authentication_failed"], "user_refused": ["user_refused"]}
    CANNOT = {
        "data": "the test interop/data has it",
        "v1_data": "strongSwan's row has it, in both roles",
        "v1_child_delete_theirs": "without commands a lifetime does it, which both ends of IKEv1 heed: "
                                  "the row v1_child_delete_ours",
    }

    def __init__(self, bed, words, side="peer"):
        super().__init__(bed, words, side)
        self.live = None
        self.psk = self.path("psk")
        self.write("psk", words.psk + "\n")
        if words.role == "respond":
            self._start()

    @staticmethod
    def need():
        if not os.access(IKELAB, os.X_OK):
            raise Skip(f"{IKELAB} is not built")

    @staticmethod
    def version():
        return sh(IKELAB, "--version").stdout.split()[1]

    def _start(self, *args):
        w = self.words
        args = ["--ike", w.ike, "--esp", w.esp, *version(w), *args]
        args += user(self.bed, w, w.role == "initiate", self.nets()[1], w.password)
        args += ["--dpd", str(w.dpd)] if w.dpd else []
        args += [f"--rekey-{w.rekeys}", "1"] if w.rekeys else []
        args += ["--life-child", "2"] if w.ends_child else []
        args += ["--reauth" if w.version == 2 else "--rekey-ike", str(w.reauth)] if w.reauth else []
        args += ["--make-before-break"] if w.make_before_break else []
        args += ["--childless", w.childless] if w.childless else []
        args += ["--fragmentation", w.fragmentation] if w.fragmentation else []
        args += ["--fragment-size", "576"] if w.fragmentation and w.version == 1 else []
        args += ["--mobike"] if w.mobike else []
        args += ["--transport"] if w.transport else []
        args += ["--move-to", w.moves_to] if w.moves_to else []
        self.live = Ours(self.bed, w.role, *args, psk=self.psk, auth=w.auth, side=self.side)
        self.process = self.live.process

    def initiate(self, count=1, wait=True):
        self._start("--count", str(count), "--for", "90")

    def rekey_child(self, check=True):
        """Happens by itself."""

    rekey_ike = delete_child = move = rekey_child

    def delete_ike(self):
        self.process.send_signal(signal.SIGINT)

    def log(self):
        return self.live.log() if self.live else ""

    def sas(self):
        return self.live.sas() if self.live else (0, 0)
