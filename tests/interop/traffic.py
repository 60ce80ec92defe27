"""Traffic through a tunnel between two network namespaces: ping, TCP and a numbered UDP stream.

As a module it starts itself as a program inside the namespaces; as a program it is one end.
"""
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time

from lab import require, sh

PORT = 7007
TCP_SEED = b"content of the transfer "
BUFFER = 8 << 20
QUIET = 1.5  # seconds without a packet after which a stream is over


# ---- as a module: a host is (lab, side, address inside the tunnel) ----


class Host:
    """One end of the tunnel: a namespace and the address that it has inside."""

    def __init__(self, bed, side, address):
        self.bed, self.side, self.address = bed, side, address

    def start(self, *words):
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.bed.ns(self.side), sys.executable, os.path.abspath(__file__),
             *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.bed.processes.append(process)
        return process


def answer(process, limit=60):
    """What a program of ours found out; Failed with its own words when it could not."""
    out, said = process.communicate(timeout=limit)
    require(process.returncode == 0, f"{process.args[4:]}: {said.strip()[-300:]}")
    return json.loads(out)


def ready(process):
    """Wait until a receiver is bound: it says so in its first line."""
    require(process.stdout.readline().strip() == "ready", "a receiver did not start")


def ping(one, other, count=10):
    """ICMP echo from `one`: every request must be answered, once."""
    said = sh("ip", "netns", "exec", one.bed.ns(one.side), "ping", "-n", "-i", "0.05", "-c",
              str(count), "-W", "2", "-I", one.address, other.address, check=False).stdout
    require(f"{count} packets transmitted, {count} received, 0% packet loss" in said and
            "DUP!" not in said, f"ping from {one.side}: {said[-300:]}")


def tcp(one, other, seconds):
    """Both ways at once for `seconds`: bytes from one and from the other; contents are compared."""
    server = other.start("tcp-server", other.address, seconds)
    ready(server)
    client = one.start("tcp-client", one.address, other.address, seconds)
    ends = [answer(client, seconds + 60), answer(server, seconds + 60)]
    for end, peer in (ends, ends[::-1]):
        require(end["received"] == peer["sent"] > 0, f"TCP lost bytes: {ends}")
        require(end["received_hash"] == peer["sent_hash"], f"TCP delivered another content: {ends}")
    return ends[0]["sent"], ends[1]["sent"]


class Stream:
    """UDP packets with numbers, `rate` a second for `seconds`, each way."""

    def __init__(self, one, other, rate, seconds, size=100):
        self.seconds = seconds
        self.receivers = [h.start("receive", h.address) for h in (one, other)]
        for process in self.receivers:
            ready(process)
        self.senders = [a.start("send", a.address, b.address, rate, seconds, size)
                        for a, b in ((one, other), (other, one))]
        self.began = time.monotonic()

    def finish(self):
        """Per direction (from one, from other): sent, lost, doubled, disordered."""
        sent = [answer(p, self.seconds + 60)["sent"] for p in self.senders]
        got = [answer(p, 60) for p in reversed(self.receivers)]
        return [{"sent": s, "lost": s - g["distinct"], "doubled": g["doubled"],
                 "late": g["late"], "missing": missing(s, g["numbers"])}
                for s, g in zip(sent, got)]


def missing(sent, ranges):
    """The first gaps, to be found in a capture."""
    gaps, at = [], 0
    for first, last in [*ranges, [sent, sent]]:
        if first > at:
            gaps.append([at, first - 1])
        at = last + 1
    return gaps[:20]


# ---- as a program: one end ----


def reply(**values):
    print(json.dumps(values), flush=True)


def udp_socket(address, port):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    for option in (33, 32):  # SO_RCVBUFFORCE, SO_SNDBUFFORCE: losses must not be our own
        s.setsockopt(socket.SOL_SOCKET, option, BUFFER)
    s.bind((address, port))
    return s


def send(source, to, rate, seconds, size):
    s = udp_socket(source, 0)
    count = int(float(rate) * float(seconds))
    start = time.monotonic()
    for number in range(count):
        due = start + number / float(rate)
        wait = due - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        s.sendto(struct.pack("!I", number).ljust(int(size), b"\0"), (to, PORT))
    reply(sent=count)


def flood(source, to, seconds):
    """More than any tunnel takes: the kernel cuts each 60 kB into packets (UDP_SEGMENT)."""
    s = udp_socket(source, 0)
    s.setsockopt(socket.IPPROTO_UDP, 103, 1300)
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        s.sendto(bytes(1300 * 46), (to, PORT))


def receive(address):
    s = udp_socket(address, PORT)
    s.settimeout(20)
    print("ready", flush=True)
    seen, doubled, late, highest = set(), 0, 0, -1
    try:
        while True:
            number = struct.unpack_from("!I", s.recv(2048))[0]
            s.settimeout(QUIET)
            doubled += number in seen
            late += number < highest
            highest = max(highest, number)
            seen.add(number)
    except socket.timeout:
        pass
    reply(distinct=len(seen), doubled=doubled, late=late, numbers=ranges(sorted(seen)))


def ranges(numbers):
    out = []
    for n in numbers:
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return out


def pump(s, role, seconds):
    """Send for `seconds` a content nobody could guess, receive until the other end is done."""
    result = {"sent": 0, "received": 0}

    def write():
        digest, block = hashlib.sha256(), TCP_SEED + role + os.urandom(16)
        block = b"".join(hashlib.sha256(block + bytes([i])).digest() for i in range(255))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            head = struct.pack("!Q", result["sent"])
            s.sendall(head + block)
            digest.update(head + block)
            result["sent"] += len(head) + len(block)
        s.shutdown(socket.SHUT_WR)
        result["sent_hash"] = digest.hexdigest()

    writer = threading.Thread(target=write)
    writer.start()
    digest = hashlib.sha256()
    while data := s.recv(1 << 16):
        digest.update(data)
        result["received"] += len(data)
    writer.join()
    reply(**result, received_hash=digest.hexdigest())


def tcp_server(address, seconds):
    with socket.create_server((address, PORT),
                              family=socket.AF_INET6 if ":" in address else socket.AF_INET) as s:
        s.settimeout(20)
        print("ready", flush=True)
        c, _ = s.accept()
    c.settimeout(30)
    pump(c, b"server", float(seconds))


def tcp_client(source, to, seconds):
    with socket.create_connection((to, PORT), 20, (source, 0)) as s:
        s.settimeout(30)
        pump(s, b"client", float(seconds))


if __name__ == "__main__":
    {"send": send, "flood": flood, "receive": receive, "tcp-server": tcp_server,
     "tcp-client": tcp_client}[sys.argv[1]](*sys.argv[2:])
