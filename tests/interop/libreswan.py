"""libreswan: pluto, told what to do by whack.

Its package conflicts with strongSwan's, so deps/unpack.sh lays it out under build/; pluto finds its
helpers through a bind mount that only its own mount namespace sees. Without ESP in the kernel it
runs on fakekernel.so: its IKE is whole, but no ESP comes out of it.
"""
import ipaddress
import os
import re
import shutil

import lab
from daemon import Daemon, built_shim, proposals
from lab import ROOT, Skip, sh, wait_until

TREE = str(ROOT / "build/libreswan")
LIBEXEC = TREE + "/usr/libexec"
ENCRYPTION = {"aes128": "aes128", "aes256": "aes256", "aes128gcm16": "aes_gcm128",
              "aes256gcm16": "aes_gcm256", "aes256ctr": "aes_ctr256", "aes256ccm16": "aes_ccm256",
              "chacha20poly1305": "chacha20_poly1305"}
HASH = {"sha1": "sha1", "sha256": "sha2_256", "sha384": "sha2_384", "sha512": "sha2_512"}
GROUP = {"modp2048": "dh14", "modp3072": "dh15", "ecp256": "dh19", "ecp384": "dh20", "ecp521": "dh21",
         "x25519": "dh31"}
# XAUTH_I1 is also what it stays in when an address comes unasked, whatever follows.
IKE_UP = "V2_ESTABLISHED_IKE_SA|MAIN_I4|MAIN_R3|AGGR_I2|AGGR_R2|MODE_CFG_I1|MODE_CFG_R1"
IKE_UP_PUSHED = IKE_UP + "|XAUTH_I1"
CHILD_UP = "V2_ESTABLISHED_CHILD_SA|QUICK_I2|QUICK_R2"
LOSES_RESPONSE = ("pluto 4.10 drops our response when it comes while pluto works on a request of "
                  "ours; its own exchanges then stand still")
GIVES_UP = ("pluto 4.10 found no response to an IKE_AUTH in six retransmissions and began again; seen "
            "once, not explained")
CONF = """config setup
	logfile={folder}/pluto.log
	plutodebug=none
	dumpdir={folder}/run
	uniqueids=no
	ikev1-policy=accept
	ipsecdir={folder}/etc
	nssdir={folder}/nss
	secretsfile={folder}/secrets
	protostack=xfrm
	dnssec-enable=no
"""
CONNECTION = """conn {name}
	left={local}
	leftid=@{me}
	right={remote}
	rightid=@{peer}
	{inside}
	authby={authby}
	ikev2={ikev2}
	aggressive={aggressive}
	ike={ike}
	esp={esp}
	type=tunnel
	pfs={pfs}
	fragmentation={fragmentation}
	mobike=no
	{renewal}
	retransmit-timeout=30s
	dpddelay={w.dpd}
	dpdtimeout={dpd_timeout}
	dpdaction=clear
	auto=add
	leftupdown=%disabled
	rightupdown=%disabled
"""
XAUTH_CLIENT = """leftxauthclient=yes
	leftmodecfgclient=yes
	leftusername={user}
	rightxauthserver=yes
	rightmodecfgserver=yes
	rightsubnet={peer_net}"""
XAUTH_SERVER = """leftxauthserver=yes
	leftmodecfgserver=yes
	leftsubnet={net}
	rightxauthclient=yes
	rightmodecfgclient=yes
	rightaddresspool={first}-{last}
	xauthby=file
	modecfgdns={dns}"""
CERTIFICATE = """	leftcert=me
	rightca=%same
	leftsendcert=always
"""


def ike_words(text):
    return ",".join("-".join((ENCRYPTION[p.encryption], HASH[p.prf], GROUP[p.group]))
                    for p in proposals(text))


def esp_words(text):
    return ",".join("-".join(filter(None, (ENCRYPTION[p.encryption], HASH.get(p.integrity)))) +
                    (f";{GROUP[p.group]}" if p.group else "") for p in proposals(text))


class Libreswan(Daemon):
    NAME = "libreswan"
    TRIES_AGAIN = True
    LACKS = {"aes256gcm16-ecp256": "addconn 4.10 refuses it: ESP DH algorithm 'dh19' is not supported by IKEv1",
             "aes256ccm16-prfsha256-x25519": "pluto 4.10 has AES-CCM for ESP, not for IKE"}
    CANNOT = {
        **dict.fromkeys(("data", "v1_data"), "pluto leaves ESP to the kernel; on fakekernel.c no packet passes"),
        ("v1_renewal_theirs", "respond"): "as responder pluto 4.10 deletes the old phase 1 at once, before the first "
                                          "message of the new one is answered, so that no other can keep the child "
                                          "SA; and it sends that to port 500, also through a NAT",
        ("v1_xauth_pushed", "respond"): "pluto 4.10 gives an address unasked under the message ID of the XAUTH "
                                        "exchange before, which is that exchange come again",
        "v1_main_ecdsa": "addconn 4.10 refuses it: ikev1 connection must use authby= of rsasig, secret or "
                         "never",
        "handshake_ed25519": "libreswan 4.10 has no EdDSA: its authby knows RSA and ECDSA",
        ("reauth_ours", "initiate"): "libreswan 4.10 does not heed AUTH_LIFETIME: we delete the IKE SA when its "
                                     "time is over, and it begins no other",
        "reauth_theirs": "no re-authentication of its own is configured in this lab",
        ("reauth_make_before_break", "initiate"): "no re-authentication of its own is configured in this lab",
        "mobike": "its mobike is switched off in this lab",
        ("childless", "initiate"): "libreswan 4.10 asks for the child SA in IKE_AUTH",
    }
    DEFECTS = [(("child_rekey_both", "ike_rekey_both"), text, LOSES_RESPONSE) for text in
               ("discarding packet received during asynchronous work",
                "has no matching SA")] + [(("loss",), "starting keying attempt", GIVES_UP)]
    SAW = {"invalid_ke": ["INVALID_KE_PAYLOAD"], "no_proposal": ["NO_PROPOSAL_CHOSEN"],
           "wrong_key": ["AUTHENTICATION_FAILED"],
           "user_refused": ["Authentication Failed: Incorrect", "XAUTH status: FAIL"], "child_deleted": ["deleting state (STATE_QUICK"]}

    def __init__(self, bed, words, side="peer"):
        super().__init__(bed, words, side)
        for name in ("run", "nss", "etc", "etc/policies", "etc/cacerts", "etc/crls"):
            os.mkdir(self.path(name))
        self._credentials()
        self._write()
        shim = built_shim(os.path.dirname(bed.folder))
        # An SPI whose SA the kernel refused would expire after 30 s, and pluto delete its child.
        self.start(["sh", "-c", "echo 3600 >/proc/sys/net/core/xfrm_acq_expires && "
                    f"mount --bind {LIBEXEC} /usr/libexec && "
                    f"LD_PRELOAD={shim} exec /usr/libexec/ipsec/pluto --config "
                    f"{self.path('ipsec.conf')} --rundir {self.path('run')} --nofork"])
        wait_until(lambda: os.path.exists(self.path("run/pluto.ctl")), "pluto answers")
        self.whack("--listen")
        sh(*bed.inside(side, f"{LIBEXEC}/ipsec/addconn", "--config", self.path("ipsec.conf"),
                       "--ctlsocket", self.path("run/pluto.ctl"), "--autoall"))

    @staticmethod
    def need():
        if not os.access(f"{LIBEXEC}/ipsec/pluto", os.X_OK) or not shutil.which("certutil"):
            raise Skip("libreswan is not unpacked under build/; try: ./check --interop")

    @staticmethod
    def version():
        return sh(f"{LIBEXEC}/ipsec/whack", "--version", check=False).stdout.split()[-1]

    def _credentials(self):
        nss = f"sql:{self.path('nss')}"
        sh("certutil", "-N", "-d", nss, "--empty-password")
        self.write("secrets", f': PSK "{self.words.psk}"\n' + self._users())
        if self.words.auth == "psk":
            return
        sh("openssl", "pkcs12", "-export", "-in", self.credential(f"{self.side}.crt"), "-inkey",
           self.credential(f"{self.side}.key"), "-certfile", self.credential("ca.crt"), "-name", "me",
           "-passout", "pass:x", "-out", self.path("me.p12"))
        sh("pk12util", "-i", self.path("me.p12"), "-d", nss, "-W", "x", "-K", "")
        sh("certutil", "-A", "-d", nss, "-n", "ca", "-t", "CT,,", "-a", "-i",
           self.credential("ca.crt"))

    def _users(self):
        """The user of XAUTH: who calls has the password among its secrets, who is called its hash."""
        w = self.words
        if not w.user or w.role == "initiate":
            return f'@{w.user} : XAUTH "{w.password}"\n' if w.user else ""
        hashed = sh("openssl", "passwd", "-6", w.password).stdout.strip()
        self.write("etc/passwd", f"{w.user}:{hashed}:lab\n")
        return ""

    def connections(self):
        """One, or for many tunnels one each, with an identity and an address of its own: pluto
        puts all children of two identities into one IKE SA, and gives a network to one of them."""
        count = self.words.count
        return ["lab"] if count == 1 else [f"lab{n}" for n in range(count)]

    def _write(self):
        w = self.words
        net, peer_net = self.nets()
        text = CONF.format(folder=self.folder)
        for n, name in enumerate(self.connections()):
            mine = net if w.count == 1 else f"{net.removesuffix('.0/24')}.{n + 1}/32"
            text += CONNECTION.format(
                name=name, w=w, local=self.bed.address[self.side],
                inside=self.inside(mine, peer_net),
                remote=self.bed.seen_as(self.other), me=self.me() if n == 0 else f"{n}.{self.me()}",
                peer=self.peer(), ike=ike_words(w.ike), esp=esp_words(w.esp),
                authby={"psk": "secret", "rsa": "rsasig", "ecdsa": "ecdsa"}[w.auth],
                fragmentation="force" if w.version == 1 and w.fragmentation else "yes",
                ikev2="insist" if w.version == 2 else "no",
                aggressive="yes" if w.mode == "aggressive" else "no",
                dpd_timeout=30 if w.dpd else 0,
                pfs="yes" if proposals(w.esp)[0].group else "no", renewal=self.renewal())
            text += CERTIFICATE if w.auth != "psk" else ""
        if w.transport:  # without networks it is between the hosts
            text = re.sub(r"\t(left|right)subnet=.*\n", "", text).replace("type=tunnel", "type=transport")
        self.write("ipsec.conf", text)

    def inside(self, net, peer_net):
        """The protected networks; with a user, who asks for an address is that address."""
        w = self.words
        if not w.user:
            return f"leftsubnet={net}\n\trightsubnet={peer_net}"
        pull = f"\n\tmodecfgpull={'no' if w.pushed else 'yes'}"
        if w.role == "initiate":
            return XAUTH_CLIENT.format(user=w.user, peer_net=peer_net) + pull
        pool = list(ipaddress.ip_network(lab.pool_of(peer_net)))
        return XAUTH_SERVER.format(net=net, first=pool[0], last=pool[-1], dns=lab.DNS) + pull

    def renewal(self):
        """IKEv1 has no command for it, and goes by lifetimes; everything else by command only."""
        w = self.words
        life = {"ikelifetime": w.reauth + 1} if w.reauth else {"salifetime": 4}
        if w.version == 2 or not (w.reauth or w.rekeys):
            return "rekey=no"
        return "\n\t".join(["rekey=yes", "rekeymargin=1s", "rekeyfuzz=0%"] +
                           [f"{k}={v}s" for k, v in life.items()])

    def whack(self, *args, check=False):
        return sh(*self.bed.inside(self.side, f"{LIBEXEC}/ipsec/whack", "--rundir",
                                   self.path("run"), *args), check=check)

    def initiate(self, count=1, wait=True):
        for name in self.connections()[:count]:
            self.whack("--name", name, "--initiate", *([] if wait else ["--asynchronous"]))

    def rekey_child(self, check=True):
        if self.words.version == 1:
            return
        self.whack("--name", "lab", "--rekey-ipsec", "--asynchronous")

    def rekey_ike(self, check=True):
        self.whack("--name", "lab", "--rekey-ike", "--asynchronous")

    def delete_child(self):
        self.whack("--deletestate", self._states(CHILD_UP)[0])

    def delete_ike(self):
        self.whack("--name", "lab", "--terminate")

    def _states(self, state):
        return re.findall(rf"#(\d+): .*STATE_(?:{state})", self.whack("--showstates").stdout)

    def sas(self):
        up = IKE_UP_PUSHED if self.words.pushed else IKE_UP
        return len(self._states(up)), len(self._states(CHILD_UP))

    def log(self):
        with open(self.path("pluto.log"), encoding="utf-8", errors="replace") as f:
            return f.read()
