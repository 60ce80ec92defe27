"""What passes on the wire, whatever a daemon's log says: the IKE messages at our interface."""
import collections
import ctypes
import os
import socket
import struct
import typing

IKE_SA_INIT, IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL = 34, 35, 36, 37
V1_INFORMATIONAL, V1_QUICK, V1_FRAGMENT = 5, 32, 132
NOTIFY, SKF = 41, 53
INVALID_KE_PAYLOAD, NO_PROPOSAL_CHOSEN = 17, 14
FRAGMENTATION_SUPPORTED = 16430
COOKIE = 16390
ETH_P_ALL, CLONE_NEWNET, SO_RCVBUFFORCE, HEADER = 3, 0x40000000, 33, 28


class Message(typing.NamedTuple):
    source: str
    spi_i: bytes
    first: int  # type of the first payload
    exchange: int
    response: bool
    id: int
    notifies: tuple  # of an IKE_SA_INIT message; the others are encrypted


class Wire:
    """A packet socket, opened in the namespace and used from outside: a socket stays where it was
    made. Nothing runs in the background; the kernel keeps what was not read yet."""

    def __init__(self, namespace, interface="v0"):
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/self/ns/net", "rb") as home, open(f"/run/netns/{namespace}", "rb") as there:
            if libc.setns(there.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                                            socket.htons(ETH_P_ALL))
                self.socket.bind((interface, ETH_P_ALL))
            finally:
                libc.setns(home.fileno(), CLONE_NEWNET)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.socket.setblocking(False)
        self.seen = []

    def packets(self):
        """Those that were not read yet."""
        while True:
            try:
                yield self.socket.recv(65536)
            except BlockingIOError:
                return

    def messages(self):
        """All IKE messages so far, in their order."""
        self.seen += filter(None, map(_ike, self.packets()))
        return self.seen

    def esp(self):
        """How often each (source, SPI) came by in UDP since the last look, IKE left out."""
        return collections.Counter(filter(None, map(_esp, self.packets())))

    def requests(self, source, exchange):
        return [m for m in self.messages()
                if m.source == source and m.exchange == exchange and not m.response]

    def close(self):
        self.socket.close()


def _udp(packet):
    """Ports and content of an IPv4 packet with UDP, or None; also for later fragments."""
    if len(packet) < 28 or packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_UDP:
        return None
    udp = (packet[0] & 15) * 4
    if struct.unpack_from(">H", packet, 6)[0] & 0x1FFF:
        return None
    return struct.unpack_from(">HH", packet, udp), packet[udp + 8:]


def _esp(packet):
    """(source, SPI) of ESP in UDP, or None."""
    found = _udp(packet)
    if not found or 4500 not in found[0] or len(found[1]) < 8 or found[1][:4] == bytes(4):
        return None
    return socket.inet_ntoa(packet[12:16]), found[1][:4]


def _ike(packet):
    """The IKE message of an IPv4 packet, or None."""
    found = _udp(packet)
    if not found:
        return None
    ports, message = found
    if 500 not in ports:
        if 4500 not in ports or message[:4] != bytes(4):
            return None
        message = message[4:]
    if len(message) < HEADER:
        return None
    first, _, exchange, flags, number = struct.unpack_from(">BBBBI", message, 16)
    return Message(socket.inet_ntoa(packet[12:16]), message[:8], first, exchange,
                   bool(flags & 0x20), number,
                   tuple(_notifies(first, message)) if exchange == IKE_SA_INIT else ())


def _notifies(kind, message):
    at = HEADER
    while kind and at + 8 <= len(message):
        following, _, length = struct.unpack_from(">BBH", message, at)
        if kind == NOTIFY:
            yield struct.unpack_from(">H", message, at + 6)[0]
        kind, at = following, at + max(length, 4)
