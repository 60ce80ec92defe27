"""OpenIKED: iked, whose policies begin by themselves when they are active.

Debian's iked wants PF_KEY. Without it in the kernel iked runs on fakekernel.so: its IKE is whole,
but no ESP comes out of it.
"""
import os
import re
import shutil

from daemon import Daemon, built_shim, proposals
from lab import Skip, sh, wait_until

ENCRYPTION = {"aes128": "aes-128", "aes256": "aes-256", "aes128gcm16": "aes-128-gcm",
              "aes256gcm16": "aes-256-gcm", "chacha20poly1305": "chacha20-poly1305",
              "aes256ctr": "aes-256-ctr"}
HASH = {"sha1": "hmac-sha1", "sha256": "hmac-sha2-256", "sha384": "hmac-sha2-384",
        "sha512": "hmac-sha2-512"}
GROUP = {"modp2048": "modp2048", "modp3072": "modp3072", "ecp256": "ecp256", "ecp384": "ecp384",
         "ecp521": "ecp521", "x25519": "curve25519"}
AUTH = {"rsa": "rsa", "ecdsa": "ecdsa256"}
NO_AEAD = "iked 7.2 answers an AEAD for ESP with NO_PROPOSAL_CHOSEN on Linux"
LOADED, CA_LOADED = "config_getstatic: no stickyaddress", "updated local CERTREQ"
POLICY = """ikev2 "{name}" {mode} esp from {net} to {peer_net} local {local} peer {remote} \\
	{ike} \\
	{esp} \\
	srcid {me} dstid {peer} \\
	ikelifetime {ikelifetime} lifetime {lifetime} \\
	{auth}
"""


def ike_words(text):
    words = []
    for p in proposals(text):
        auth = f" auth {HASH[p.integrity]}" if p.integrity else ""
        words.append(f"ikesa enc {ENCRYPTION[p.encryption]} prf {HASH[p.prf]}{auth} "
                     f"group {GROUP[p.group]}")
    return " \\\n\t".join(words)


def esp_words(text):
    words = []
    for p in proposals(text):
        auth = f" auth {HASH[p.integrity]}" if p.integrity else ""
        words.append(f"childsa enc {ENCRYPTION[p.encryption]}{auth} noesn")
    return " \\\n\t".join(words)


class Openiked(Daemon):
    NAME = "OpenIKED"
    ESP = "aes256-sha1"
    COMMANDS = False
    VERSIONS = (2,)
    LACKS = {
        "chacha20poly1305-prfsha384-ecp384": "iked 7.2 has ChaCha20-Poly1305 for ESP, not for IKE",
        "aes256ctr-sha512-modp3072": "iked 7.2 has AES-CTR for ESP, not for IKE",
        "aes256ccm16-prfsha256-x25519": "iked 7.2 has no AES-CCM",
        "aes256-sha256": "iked 7.2 has no SHA2-256 for Linux's PF_KEY",
        "aes128gcm16": NO_AEAD, "chacha20poly1305": NO_AEAD, "aes256ccm16": NO_AEAD,
    }
    BEGINS_ONE = ("iked 7.2 finds a policy by the peer's identity: a second one to the same peer ends "
                  "in its \"policy mismatch\"")
    CANNOT = {
        "data": "iked leaves ESP to the kernel; on fakekernel.c no packet passes",
        "handshake_ed25519": "iked 7.2 has no EdDSA: its signatures are RSA and ECDSA",
        ("reauth_ours", "initiate"): "iked 7.2 does not heed AUTH_LIFETIME: we delete the IKE SA when its time is "
                                     "over, and it begins no other",
        "reauth_theirs": "no re-authentication of its own is configured in this lab",
        ("reauth_make_before_break", "initiate"): "no re-authentication of its own is configured in this lab",
        "mobike": "its mobike is switched off in this lab",
        "childless": "iked 7.2 neither announces nor asks for IKE_AUTH without a child SA",
        ("tunnels", "initiate"): BEGINS_ONE,
        "dpd_theirs": "iked 7.2 on Linux takes every SA for unused, whatever PF_KEY answers, and checks "
                      "only a used one: no check in 15 s at dpd_check_interval 1",
        "child_delete_theirs": "ikectl has no command that deletes a child SA alone",
    }
    LEAVES_DELETE = ("iked 7.2 takes requests on an IKE SA that was rekeyed from its first initiator "
                     "only: where that is iked, our DELETE has no answer, and we give up")
    SAW = {"invalid_ke": ["INVALID_KE_PAYLOAD"], "no_proposal": ["NO_PROPOSAL_CHOSEN"],
           "wrong_key": ["AUTHENTICATION_FAILED"], "check": ["sending alive check"],
           "retransmit": ["retransmit"]}

    def __init__(self, bed, words, side="peer"):
        super().__init__(bed, words, side)
        for name in ("etc", "etc/ca", "etc/certs", "etc/crls", "etc/private", "etc/pubkeys",
                     *(f"etc/pubkeys/{t}" for t in ("ipv4", "ipv6", "fqdn", "ufqdn"))):
            os.mkdir(self.path(name), 0o755)
        self._write()
        if words.role == "respond":
            self._start()

    @staticmethod
    def need():
        if not shutil.which("iked") or not shutil.which("ikectl"):
            raise Skip("OpenIKED is not installed; try: ./check --interop")

    @staticmethod
    def version():
        out = sh("dpkg-query", "-W", "-f", "${Version}", "openiked", check=False).stdout
        return out.split("-")[0] or "?"

    def _write(self):
        w = self.words
        psk = w.auth == "psk"
        self._credentials("ecdsa" if psk else w.auth)
        net, peer_net = self.nets()
        text = "set fragmentation\nset nomobike\n"
        text += f"set dpd_check_interval {w.dpd}\n"
        for n in range(w.count):
            text += POLICY.format(
                name=f"lab{n}", mode="active" if w.role == "initiate" else "passive", net=net,
                peer_net=peer_net, local=self.bed.address[self.side],
                remote=self.bed.seen_as(self.other), ike=ike_words(w.ike), esp=esp_words(w.esp),
                me=self.me() if n == 0 else f"{n}.{self.me()}", peer=self.peer(),
                ikelifetime=2 if w.rekeys == "ike" else 0, lifetime=2 if w.rekeys == "child" else 0,
                auth=f'psk "{w.psk}"' if psk else AUTH[w.auth])
        self.write("iked.conf", text)

    def _credentials(self, kind):
        """iked wants a key and its public half even when a shared key is all it uses."""
        at = lambda name: os.path.join(self.bed.pki, kind, name)
        shutil.copy(at("ca.crt"), self.path("etc/ca"))
        shutil.copy(at(f"{self.side}.crt"), self.path("etc/certs"))
        shutil.copy(at(f"{self.side}.key"), self.path("etc/private/local.key"))
        os.chmod(self.path("etc/private/local.key"), 0o600)
        sh("openssl", "pkey", "-in", at(f"{self.side}.key"), "-pubout", "-out",
           self.path("etc/local.pub"))

    def _start(self):
        shim = built_shim(os.path.dirname(self.bed.folder))
        self.start(["sh", "-c", f"mount --bind {self.path('etc')} /etc/iked && "
                    f"mount -t tmpfs none /run && LD_PRELOAD={shim} exec iked -dvv "
                    f"-s {self.path('sock')} -f {self.path('iked.conf')}"])
        # The sockets are there before the policies are.
        wait_until(lambda: os.path.exists(self.path("sock")) and LOADED in self.log() and
                   CA_LOADED in self.log(), lambda: f"iked listens: {self.log()[-400:]}")

    def ctl(self, *args):
        return sh(*self.bed.inside(self.side, "ikectl", "-s", self.path("sock"), *args), check=False)

    def initiate(self, count=1, wait=True):
        self._start()

    def rekey_child(self, check=True):
        """Happens when the kernel says that the lifetime is nearly over."""

    def rekey_ike(self, check=True):
        """Happens by its clock."""

    def delete_ike(self):
        self.ctl("reset", "id", f"FQDN/{self.peer()}")

    def sas(self):
        out = self.ctl("show", "sa").stdout
        return (len(re.findall(r"^iked_sas: .* ESTABLISHED ", out, re.M)),
                len(re.findall(r"^ *sa_childsas: .* in .*\(L", out, re.M)))

    def log(self):
        with open(self.path("out"), encoding="utf-8", errors="replace") as f:
            return f.read().replace("ikev2_info: called\n", "")  # one for each look at its SAs
