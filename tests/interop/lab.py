"""Real IKE daemons against `ikelab live` in network namespaces of this test's own.

Nothing leaves the namespaces, and only processes started here are ended, each by its own id.
strongSwan runs ESP in user space (kernel-libipsec), so the kernel needs no ESP.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PSK = "interop test key, worth nothing"
SWAN_ADDRESS = "198.51.100.1"
OUR_ADDRESS = "198.51.100.2"
INSIDE, NAT_INSIDE = "10.99.0.2", "10.99.0.1"
OUR_ID, SWAN_ID = "ours.test", "swan.test"
OUR_NET, SWAN_NET = "10.1.0.0/24", "10.2.0.0/24"
SWAN_INSIDE = "10.2.0.1/24"
IKELAB = os.environ.get("IKELAB", str(pathlib.Path(__file__).resolve().parents[2] / "build/dev/ikelab"))
CHARON = "/usr/lib/ipsec/charon"
PLUGINS = ("random nonce aes sha1 sha2 md5 hmac kdf pem pkcs1 pkcs8 x509 pubkey constraints openssl "
           "gmp curve25519 gcm ccm ctr cmac xcbc drbg aesni chapoly kernel-libipsec kernel-netlink "
           "socket-default updown vici")


class Skip(Exception):
    """This machine cannot run the test, and why."""


class Failed(Exception):
    """What was seen is not what should have been."""


def require(condition, what):
    if not condition:
        raise Failed(what)


def wait_until(condition, what, limit=15.0):
    end = time.monotonic() + limit
    while not condition():
        require(time.monotonic() < end, f"not within {limit:g} s: {what}")
        time.sleep(0.05)


def sh(*command, check=True, **kwargs):
    done = subprocess.run(command, text=True, capture_output=True, timeout=60, **kwargs)
    if check and done.returncode:
        raise Failed(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done


def end(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def need_machine():
    """What every test here needs; raises Skip with the reason."""
    if os.geteuid() != 0:
        raise Skip("needs root for network namespaces")
    for program in ("ip", "nft"):
        if not shutil.which(program):
            raise Skip(f"{program} is not installed; try: ./check --interop")
    name = f"ikelab-probe-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode:
        raise Skip("the kernel refuses network namespaces")
    subprocess.run(["ip", "netns", "del", name], check=True)


def need_strongswan():
    if not os.access(CHARON, os.X_OK) or not shutil.which("swanctl"):
        raise Skip("strongSwan is not installed; try: ./check --interop")
    if not os.path.exists("/dev/net/tun"):
        raise Skip("no /dev/net/tun for strongSwan's ESP in user space")


def strongswan_version():
    out = sh(CHARON, "--version", check=False).stdout
    return out.split()[-1] if out else "?"


class Lab:
    """Namespaces ours and swan, directly joined or with a masquerading NAT before one of them."""

    def __init__(self, folder, nat_before=None):
        self.folder = folder
        self.nat_before = nat_before
        self.prefix = f"ikelab-{os.getpid()}"
        self.processes = []
        self.number = 0
        self.address = {"ours": OUR_ADDRESS, "swan": SWAN_ADDRESS}
        self.psk = os.path.join(folder, "psk")
        with open(self.psk, "w", encoding="ascii") as f:
            f.write(PSK + "\n")

    def ns(self, side):
        return f"{self.prefix}-{side}"

    def ip(self, side, *args):
        return sh("ip", "-n", self.ns(side), *args)

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_):
        self._remove()

    def _remove(self):
        for process in reversed(self.processes):
            end(process)
        self.processes.clear()
        for side in ("ours", "swan", "nat"):
            sh("ip", "netns", "del", self.ns(side), check=False)

    def _build(self):
        sides = ["ours", "swan"] + (["nat"] if self.nat_before else [])
        for side in sides:
            sh("ip", "netns", "add", self.ns(side))
            self.ip(side, "link", "set", "lo", "up")
        # kernel-libipsec wants an address of its own inside the protected network.
        self.ip("swan", "addr", "add", SWAN_INSIDE, "dev", "lo")
        if not self.nat_before:
            self._join("ours", OUR_ADDRESS, "swan", SWAN_ADDRESS)
            return
        inner = self.nat_before
        outer = "swan" if inner == "ours" else "ours"
        outside = self.address[inner]
        self.address[inner] = INSIDE
        self._join(inner, INSIDE, "nat", NAT_INSIDE, "in0")
        self._join("nat", outside, outer, self.address[outer], "out0", first=True)
        self.ip(inner, "route", "add", "default", "via", NAT_INSIDE)
        sh("ip", "netns", "exec", self.ns("nat"), "sh", "-c",
           "echo 1 > /proc/sys/net/ipv4/ip_forward")
        rules = ('table ip nat { chain post {\n'
                 'type nat hook postrouting priority 100; policy accept;\n'
                 'oifname "out0" masquerade random\n}\n}\n')
        done = sh("ip", "netns", "exec", self.ns("nat"), "nft", "-f", "-", check=False, input=rules)
        if done.returncode:
            raise Skip("the kernel has no masquerading for nftables")

    def _join(self, a, address_a, b, address_b, nat_side="v0", first=False):
        name_a, name_b = (nat_side, "v0") if first else ("v0", nat_side)
        sh("ip", "link", "add", name_a, "netns", self.ns(a), "type", "veth", "peer", "name", name_b,
           "netns", self.ns(b))
        for side, name, address in ((a, name_a, address_a), (b, name_b, address_b)):
            self.ip(side, "addr", "add", f"{address}/24", "dev", name)
            self.ip(side, "link", "set", name, "up")

    def lose_a_tenth(self, side):
        rules = ("table inet lossy { chain in {\n"
                 "type filter hook input priority 0; policy accept;\n"
                 "meta l4proto udp numgen random mod 10 == 0 drop\n}\n}\n")
        if sh("ip", "netns", "exec", self.ns(side), "nft", "-f", "-", check=False,
              input=rules).returncode:
            raise Skip("the kernel has no random drops for nftables")

    def start(self, side, command, out, env=None):
        process = subprocess.Popen(["ip", "netns", "exec", self.ns(side), *command], stdout=out,
                                   stderr=subprocess.STDOUT if out is not None else None,
                                   env={**os.environ, **(env or {})})
        self.processes.append(process)
        return process


class Swan:
    """One strongSwan daemon with one connection `lab` and its child `net`."""

    def __init__(self, lab, ike="aes256gcm16-prfsha256-x25519", esp="aes256gcm16", psk=PSK, dpd=0):
        self.lab = lab
        lab.number += 1
        self.folder = os.path.join(lab.folder, f"swan{lab.number}")
        os.makedirs(os.path.join(self.folder, "run"))
        self._write(ike, esp, psk, dpd)
        self.env = {"STRONGSWAN_CONF": os.path.join(self.folder, "strongswan.conf"),
                    "SWANCTL_DIR": self.folder}
        out = open(os.path.join(self.folder, "out"), "w", encoding="utf-8")
        # charon's pid file lies in /run: a private one, in the mount namespace of `ip netns exec`.
        self.process = lab.start("swan", ["sh", "-c", f"mount -t tmpfs none /run && exec {CHARON}"],
                                 out, self.env)
        out.close()
        wait_until(lambda: os.path.exists(self.folder + "/run/vici"), "charon answers")
        self.ctl("--load-all", "--file", self.folder + "/swanctl.conf", "--noprompt")

    def _write(self, ike, esp, psk, dpd):
        d = self.folder
        with open(d + "/strongswan.conf", "w", encoding="ascii") as f:
            f.write(f"""charon {{
  load_modular = no
  load = {PLUGINS}
  retransmit_timeout = 1.0
  retransmit_tries = 3
  reuse_ikesa = no
  dos_protection = no
  cookie_threshold = 0
  block_threshold = 0
  install_routes = no
  filelog {{ f {{
    path = {d}/charon.log
    default = 1
    flush_line = yes
  }} }}
  syslog {{ daemon {{ default = -1 }} auth {{ default = -1 }} }}
  plugins {{
    vici {{ socket = unix://{d}/run/vici }}
    socket-default {{ use_ipv6 = no }}
  }}
}}
swanctl {{ load = pem pkcs1 x509 pubkey random }}
""")
        with open(d + "/swanctl.conf", "w", encoding="ascii") as f:
            f.write(f"""connections {{ lab {{
  version = 2
  local_addrs = {self.lab.address["swan"]}
  remote_addrs = {OUR_ADDRESS if self.lab.nat_before != "ours" else "%any"}
  proposals = {ike}
  mobike = no
  unique = never
  rekey_time = 24h
  dpd_delay = {dpd}
  local {{
    auth = psk
    id = {SWAN_ID}
  }}
  remote {{
    auth = psk
    id = {OUR_ID}
  }}
  children {{ net {{
    local_ts = {SWAN_NET}
    remote_ts = {OUR_NET}
    esp_proposals = {esp}
    rekey_time = 8h
    mode = tunnel
  }} }}
}} }}
secrets {{ ike-lab {{ secret = "{psk}" }} }}
""")

    def ctl(self, *args, check=True):
        return sh("swanctl", *args, "--uri", f"unix://{self.folder}/run/vici", check=check,
                  env={**os.environ, **self.env})

    def log(self):
        with open(self.folder + "/charon.log", encoding="utf-8", errors="replace") as f:
            return f.read()

    def sas(self):
        """IKE SAs and child SAs that are up."""
        out = self.ctl("--list-sas").stdout
        ikes = sum(", ESTABLISHED," in l for l in out.splitlines())
        children = sum(", INSTALLED," in l for l in out.splitlines())
        return ikes, children

    def stop(self):
        end(self.process)


class Ours:
    """`ikelab live` on our side."""

    def __init__(self, lab, role, *args, psk=None):
        self.lab = lab
        lab.number += 1
        self.base = os.path.join(lab.folder, f"ours{lab.number}")
        ids = ["--local-id", OUR_ID, "--ts-local", OUR_NET, "--ts-remote", SWAN_NET]
        if role == "initiate":
            ids += ["--remote", SWAN_ADDRESS, "--remote-id", SWAN_ID]
        else:
            ids += ["--local", lab.address["ours"]]
        command = [IKELAB, "live", role, "--psk-file", psk or lab.psk, *ids, "--json",
                   "--events", *args]
        with open(self.base + ".json", "w", encoding="utf-8") as out, \
                open(self.base + ".log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(["ip", "netns", "exec", lab.ns("ours"), *command],
                                            stdout=out, stderr=log)
        lab.processes.append(self.process)
        if role == "respond":
            time.sleep(0.3)  # until its sockets are bound; a caller repeats itself anyway

    def log(self):
        with open(self.base + ".log", encoding="utf-8") as f:
            return f.read()

    def events(self, name):
        return [l for l in self.log().splitlines() if len(l.split()) > 1 and l.split()[1] == name]

    def wait_event(self, name, count=1, limit=15.0):
        wait_until(lambda: len(self.events(name)) >= count, f"{count} x {name} at our side", limit)

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


def keep_folder():
    """Where the logs of the last failure stay; a folder of their own."""
    return tempfile.mkdtemp(prefix="ikelab-interop-")


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)
