"""VICI, strongSwan's control socket, as far as initiating and counting need it."""
import socket
import struct
import time

import lab


class Vici:
    """One connection to charon."""

    SECTION, SECTION_END, KEY_VALUE, LIST, LIST_END, ITEM = 1, 2, 3, 4, 5, 6

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)

    def ask(self, command, **words):
        packet = bytes([0, len(command)]) + command.encode()
        for key, value in words.items():
            packet += (bytes([self.KEY_VALUE, len(key)]) + key.encode() +
                       struct.pack(">H", len(value)) + value.encode())
        self.socket.sendall(struct.pack(">I", len(packet)) + packet)
        return self._read(struct.unpack(">I", self._read(4))[0])

    def _read(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise lab.Failed("charon closed its control socket")
            data += part
        return data

    def ike_sas(self):
        """(all, half open)"""
        message, at, path, found = self.ask("stats")[1:], 0, [], {}
        while at < len(message):
            kind, name, at = message[at], "", at + 1
            if kind in (self.SECTION, self.KEY_VALUE, self.LIST):
                name = message[at + 1:at + 1 + message[at]].decode()
                at += 1 + message[at]
            if kind in (self.KEY_VALUE, self.ITEM):
                size = struct.unpack_from(">H", message, at)[0]
                found[".".join([*path, name])] = message[at + 2:at + 2 + size]
                at += 2 + size
            if kind == self.SECTION:
                path.append(name)
            if kind == self.SECTION_END:
                path.pop()
        return int(found["ikesas.total"]), int(found["ikesas.half-open"])

    def initiate(self, count, window, limit=120.0, pause=0.003):
        """`count` more IKE SAs, each with a child SA, at most `window` at a time, until all are up."""
        before, sent, began = self.ike_sas()[0], 0, time.monotonic()
        total, half_open = before, 0
        while sent < count or half_open or total < before + count:
            lab.require(time.monotonic() - began < limit,
                        f"{total - before} of {count} IKE SAs after {limit:g} s")
            total, half_open = self.ike_sas()
            for _ in range(min(window - half_open, count - sent)):
                self.ask("initiate", child="net", timeout="-1", loglevel="-1")
                sent += 1
            time.sleep(pause)
