"""Network namespaces of a test's own: ours and peer, directly joined or with a NAT before one.

Nothing leaves the namespaces, and only processes started here are ended, each by its own id.
The shared key is a test's: worth nothing.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from wire import Wire

PSK = "interop test key, worth nothing"
PEER_ADDRESS = "198.51.100.1"
OUR_ADDRESS = "198.51.100.2"
INSIDE, NAT_INSIDE = "10.99.0.2", "10.99.0.1"
OUR_ID, PEER_ID = "ours.test", "peer.test"
XAUTH_PASSWORD = "interop password, worth nothing"
DNS = "192.0.2.53"
OUR_NET, PEER_NET = "10.1.0.0/24", "10.2.0.0/24"
PEER_INSIDE = "10.2.0.1/24"
ROOT = pathlib.Path(__file__).resolve().parents[2]
IKELAB = os.environ.get("IKELAB", str(ROOT / "build/dev/ikelab"))


def pool_of(net):
    """Some of its addresses, for those who ask for one."""
    return net.replace(".0/24", ".16/28")


class Skip(Exception):
    """This machine cannot run the test, and why."""


class Failed(Exception):
    """What was seen is not what should have been."""


def require(condition, what):
    if not condition:
        raise Failed(what)


def wait_until(condition, what, limit=15.0):
    """`what` may be a function, asked when it did not happen."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"not within {limit:g} s: {what() if callable(what) else what}")
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


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def end_on_sigterm():
    """SIGTERM becomes an exception, so that everything is taken down on the way out."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


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
    # Entering one remounts /, which a chroot, say, refuses.
    entered = subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], text=True, capture_output=True)
    subprocess.run(["ip", "netns", "del", name], check=True)
    if entered.returncode:
        raise Skip(f"network namespaces cannot be entered here: {entered.stderr.strip()}")


class Lab:
    """Namespaces ours and peer, directly joined or with a masquerading NAT before one of them."""

    def __init__(self, folder, nat_before=None):
        self.folder = folder
        self.nat_before = nat_before
        self.prefix = f"ikelab-{os.getpid()}"
        self.sides = ["ours", "peer"] + (["nat"] if nat_before else [])
        self.processes = []
        self.wires = []
        self.number = 0
        self.address = {"ours": OUR_ADDRESS, "peer": PEER_ADDRESS}
        self.pki = os.path.join(os.path.dirname(folder), "pki")
        self.psk = os.path.join(folder, "psk")
        with open(self.psk, "w", encoding="ascii") as f:
            f.write(PSK + "\n")

    def ns(self, side):
        return f"{self.prefix}-{side}"

    def ip(self, side, *args):
        return sh("ip", "-n", self.ns(side), *args)

    def inside(self, side, *command):
        return ["ip", "netns", "exec", self.ns(side), *command]

    def seen_as(self, side):
        """The address of a side as the other side sees it."""
        return OUR_ADDRESS if side == "ours" else PEER_ADDRESS

    def folder_for(self, name):
        self.number += 1
        folder = os.path.join(self.folder, f"{name}{self.number}")
        os.mkdir(folder)
        return folder

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
        for wire in self.wires:
            wire.close()
        for side in self.sides:
            # What a daemon left behind; nobody else has processes in a namespace of ours.
            for pid in sh("ip", "netns", "pids", self.ns(side), check=False).stdout.split():
                kill(int(pid))
            sh("ip", "netns", "del", self.ns(side), check=False)

    def _build(self):
        for side in self.sides:
            self._add(side)
        # kernel-libipsec wants an address of its own inside the protected network.
        self.ip("peer", "addr", "add", PEER_INSIDE, "dev", "lo")
        if not self.nat_before:
            self._join("ours", OUR_ADDRESS, "peer", PEER_ADDRESS)
            return
        inner = self.nat_before
        outer = "peer" if inner == "ours" else "ours"
        outside = self.address[inner]
        self.address[inner] = INSIDE
        self._join(inner, INSIDE, "nat", NAT_INSIDE, "in0")
        self._join("nat", outside, outer, self.address[outer], "out0", first=True)
        self.ip(inner, "route", "add", "default", "via", NAT_INSIDE)
        sh(*self.inside("nat", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"))
        rules = ('table ip nat { chain post {\n'
                 'type nat hook postrouting priority 100; policy accept;\n'
                 'oifname "out0" masquerade random\n}\n}\n')
        if sh(*self.inside("nat", "nft", "-f", "-"), check=False, input=rules).returncode:
            raise Skip("the kernel has no masquerading for nftables")

    def _add(self, side):
        sh("ip", "netns", "add", self.ns(side))
        self.ip(side, "link", "set", "lo", "up")

    def add_peer(self, side, address, our_address, our_interface):
        """One more peer, on a link of its own."""
        self.sides.append(side)
        self.address[side] = address
        self._add(side)
        self._join("ours", our_address, side, address, our_interface, first=True)

    def _join(self, a, address_a, b, address_b, nat_side="v0", first=False):
        name_a, name_b = (nat_side, "v0") if first else ("v0", nat_side)
        sh("ip", "link", "add", name_a, "netns", self.ns(a), "type", "veth", "peer", "name", name_b,
           "netns", self.ns(b))
        for side, name, address in ((a, name_a, address_a), (b, name_b, address_b)):
            self.ip(side, "addr", "add", f"{address}/24", "dev", name)
            self.ip(side, "link", "set", name, "up")

    def second_address(self, side):
        """One more address of this side, on the same wire; the first may go without it."""
        address = self.address[side].rsplit(".", 1)[0] + ".77"
        sh(*self.inside(side, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/all/promote_secondaries"))
        self.ip(side, "addr", "add", f"{address}/24", "dev", "v0")
        return address

    def lose_a_tenth(self, side):
        rules = ("table inet lossy { chain in {\n"
                 "type filter hook input priority 0; policy accept;\n"
                 "meta l4proto udp numgen random mod 10 == 0 drop\n}\n}\n")
        if sh(*self.inside(side, "nft", "-f", "-"), check=False, input=rules).returncode:
            raise Skip("the kernel has no random drops for nftables")

    def start(self, side, command, out, env=None):
        process = subprocess.Popen(self.inside(side, *command), stdout=out,
                                   stderr=subprocess.STDOUT if out is not None else None,
                                   env={**os.environ, **(env or {})})
        self.processes.append(process)
        return process

    def listens(self, side, port=500):
        return f":{port} " in sh(*self.inside(side, "ss", "-lunH")).stdout

    def wire(self):
        """What passes at our interface from now on."""
        self.wires.append(Wire(self.ns("ours")))
        return self.wires[-1]


def keep_folder():
    """Where the logs of the last failure stay; a folder of their own."""
    return tempfile.mkdtemp(prefix="ikelab-interop-")


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def begin():
    """The first call of a program here: where this machine cannot run it, it is skipped."""
    end_on_sigterm()
    try:
        need_machine()
    except Skip as why:
        skip(why)
