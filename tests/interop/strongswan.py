"""strongSwan: charon with VICI. Its ESP runs in user space (kernel-libipsec), through TUN; with
fake_kernel it has none, and only IKE is real (fakekernel.c)."""
import os
import shutil

import lab
from daemon import Daemon, built_shim
from lab import Skip, sh, wait_until

CHARON = "/usr/lib/ipsec/charon"
PLUGINS = ("random nonce aes sha1 sha2 md5 hmac kdf pem pkcs1 pkcs8 x509 pubkey constraints openssl "
           "gmp curve25519 gcm ccm ctr cmac xcbc drbg aesni chapoly kernel-libipsec kernel-netlink "
           "socket-default updown vici xauth-generic")
CONF = """charon {{
  load_modular = no
  load = {plugins}
  retransmit_timeout = 1.0
  retransmit_tries = 6
  rsa_pss = yes
  reuse_ikesa = no
  delete_rekeyed = yes
  dos_protection = no
  cookie_threshold = 0
  make_before_break = {make_before_break}
  fragment_size = {fragment_size}
  i_dont_care_about_security_and_use_aggressive_mode_psk = yes
  block_threshold = 0
  install_routes = no
  {extra}
  filelog {{ f {{
    path = {folder}/charon.log
    default = {level}
    flush_line = yes
  }} }}
  syslog {{ daemon {{ default = -1 }} auth {{ default = -1 }} }}
  plugins {{
    vici {{ socket = unix://{folder}/run/vici }}
    socket-default {{ use_ipv6 = no }}
    kernel-netlink {{ xfrm_acq_expires = {acq_expires} }}
  }}
}}
swanctl {{ load = pem pkcs1 pkcs8 x509 pubkey openssl curve25519 random }}
"""
# SPIs are the kernel's also where no SA of them is ever installed (fakekernel.c): after so many
# seconds it says that they expired, and charon deletes the child SA. Its default is the time of all
# retransmissions, here 75 s.
ACQ_EXPIRES = 86400
SWANCTL = """connections {{ lab {{
  version = {w.version}
  aggressive = {aggressive}
  local_addrs = {local}
  remote_addrs = {remote}
  proposals = {w.ike}
  fragmentation = yes
  mobike = {mobike}
  unique = never
  rekey_time = {rekey_time}
  over_time = {over_time}
  {renewal}
  dpd_delay = {w.dpd}
  local {{
    auth = {auth}
    id = {me}
    {certs}
  }}
  remote {{
    auth = {auth}
    id = {peer}
  }}
  pull = {pull}
  {xauth}
  children {{ net {{
    {ts}
    esp_proposals = {w.esp}
    rekey_time = 8h
    mode = {esp_mode}
  }} }}
}} }}
secrets {{ ike-lab {{ secret = "{w.psk}" }} {xauth_secret} }}
pools {{ {pool} }}
"""


class Strongswan(Daemon):
    """One connection `lab` with its child `net`."""

    NAME = "strongSwan"
    CANNOT = {
        ("reauth_theirs", "respond"): "strongSwan sends no AUTH_LIFETIME here: at its reauth_time it deletes "
                                      "the IKE SA and calls the initiator, who answers nobody",
    }
    SAW = {"invalid_ke": ["N(INVAL_KE)"], "no_proposal": ["N(NO_PROP)"],
           "wrong_key": ["AUTH_FAILED", "MAC mismatched"],
           "user_refused": ["XAuth authentication of 'alice' failed",
                            "XAuth authentication of 'alice' (myself) failed"],
           "request": ["parsed INFORMATIONAL request"], "check": ["sending DPD request"],
           "retransmit": ["retransmit"], "acknowledgement": ["N(DPD_ACK)"],
           "nat_oa": ["NAT-OA NAT-OA ]"]}

    def __init__(self, bed, words, side="peer", level=1, extra="", fake_kernel=False,
                 anybody=False, pinned=""):
        super().__init__(bed, words, side)
        self.anybody = anybody or (words.role == "respond" and bed.nat_before == self.other)
        self.plugins, shim = PLUGINS, ""
        if fake_kernel or words.transport:  # libipsec has tunnel mode only
            self.plugins = PLUGINS.replace("kernel-libipsec ", "")
            shim = f"LD_PRELOAD={built_shim(os.path.dirname(bed.folder))} "
        os.mkdir(self.path("run"))
        self._write(level, extra)
        self.env = {"STRONGSWAN_CONF": self.path("strongswan.conf"), "SWANCTL_DIR": self.folder}
        # charon's pid file lies in /run: a private one, in the mount namespace of `ip netns exec`.
        self.start(["sh", "-c", f"mount -t tmpfs none /run && {shim}exec {pinned}{CHARON}"], self.env)
        wait_until(lambda: os.path.exists(self.path("run/vici")), "charon answers")
        self.ctl("--load-all", "--file", self.path("swanctl.conf"), "--noprompt")

    @staticmethod
    def need(fake_kernel=False):
        if not os.access(CHARON, os.X_OK) or not shutil.which("swanctl"):
            raise Skip("strongSwan is not installed; try: ./check --interop")
        if not fake_kernel and not os.path.exists("/dev/net/tun"):
            raise Skip("no /dev/net/tun for strongSwan's ESP in user space")

    @staticmethod
    def version():
        out = sh(CHARON, "--version", check=False).stdout
        return out.split()[-1] if out else "?"

    def _write(self, level, extra):
        psk = self.words.auth == "psk"
        if not psk:
            for folder, name in (("x509ca", "ca.crt"), ("x509", f"{self.side}.crt"),
                                 ("private", f"{self.side}.key")):
                os.mkdir(self.path(folder))
                shutil.copy(self.credential(name), self.path(folder))
        net, peer_net = self.nets()
        self.write("strongswan.conf", CONF.format(
            plugins=self.plugins, folder=self.folder, level=level, extra=extra,
            fragment_size=576 if self.words.version == 1 and self.words.fragmentation else 1280,
            make_before_break="yes" if self.words.make_before_break else "no",
            acq_expires=ACQ_EXPIRES))
        self.write("swanctl.conf", SWANCTL.format(
            w=self.words, me=self.me(), peer=self.peer(),
            aggressive="yes" if self.words.mode == "aggressive" else "no",
            remote="%any" if self.anybody else self.bed.seen_as(self.other), 
            pull="no" if self.words.pushed else "yes", **self.user(), ts=self.selectors(net, peer_net),
            rekey_time="0" if self.words.reauth else "24h", renewal=self.renewal(),
            local="%any" if self.words.moves_to else self.bed.address[self.side],
            esp_mode="transport" if self.words.transport else "tunnel",
            mobike="yes" if self.words.mobike else "no",
            # The new SA may take a retransmission; the old one must not come to its hard end first.
            over_time="10s" if self.words.make_before_break or self.words.version == 1 else "1s",
            auth="psk" if psk else "pubkey", certs="" if psk else f"certs = {self.side}.crt"))

    def selectors(self, net, peer_net):
        mine, others = ("dynamic", "dynamic") if self.words.transport else (net, peer_net)
        if self.words.user:  # who asked for an address is that address
            mine, others = ("dynamic", peer_net) if self.words.role == "initiate" else (net, "dynamic")
        return f"local_ts = {mine}\n    remote_ts = {others}"

    def user(self):
        """XAUTH and Mode-Config, of the one who asks or the one who answers."""
        name = self.words.user
        if not name:
            return {"xauth": "", "xauth_secret": "", "pool": ""}
        secret = f'xauth-lab {{ id = {name}\n secret = "{self.words.password}" }}'
        if self.words.role == "initiate":
            return {"xauth": f"vips = 0.0.0.0\n  local-user {{ auth = xauth\n xauth_id = {name} }}",
                    "xauth_secret": secret, "pool": ""}
        return {"xauth": "pools = inside\n  remote-user { auth = xauth }", "xauth_secret": secret,
                "pool": f"inside {{ addrs = {lab.pool_of(self.nets()[1])}\n dns = {lab.DNS} }}"}

    def renewal(self):
        w = self.words
        return " ".join(([f"reauth_time = {w.reauth}s\n  rand_time = 0s\n "]
                         if w.reauth else [])
                        + ([f"childless = {w.childless}"] if w.childless else []))

    def ctl(self, *args, check=True):
        return sh("swanctl", *args, "--uri", f"unix://{self.path('run/vici')}", check=check,
                  env={**os.environ, **self.env})

    def initiate(self, count=1, wait=True):
        for _ in range(count):
            self.ctl("--initiate", "--child", "net", "--timeout", "10" if wait else "-1", check=wait)

    def move(self):
        """Its first address goes; it finds the other one by itself."""
        self.bed.ip(self.side, "addr", "del", f"{self.bed.address[self.side]}/24", "dev", "v0")

    def rekey_child(self, check=True):
        self.ctl("--rekey", "--child", "net", check=check)

    def rekey_ike(self, check=True):
        self.ctl("--rekey", "--ike", "lab", check=check)

    def delete_child(self):
        self.ctl("--terminate", "--child", "net", "--timeout", "5")

    def delete_ike(self):
        self.ctl("--terminate", "--ike", "lab", "--timeout", "5")

    def log(self):
        with open(self.path("charon.log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def sas(self):
        out = self.ctl("--list-sas").stdout.splitlines()
        return sum(", ESTABLISHED," in l for l in out), sum(", INSTALLED," in l for l in out)
