"""events.jsonl, read once from front to end: messages and their hops, SAs, NAT mappings, timers,
replay windows. Only columns of numbers are kept, so memory is some 200 bytes a hop."""

from array import array

MESSAGES_MAX = 100_000
SLACK_NS = 1_000_000_000  # arrivals may be written ahead of time: the file is sorted only roughly
KINDS = {"ike": 0, "esp": 1, "keepalive": 2}
OTHER = 3
LOST, AGAIN, MALFORMED, COMPLAINT, REPLAYED = 1, 2, 4, 8, 16
ENDED = {"ike_down", "ike_failed", "child_down"}
TIMER_ENDS = ["timer.armed", "timer.fired", "timer.cancelled"]
VERDICTS = {"replayed": REPLAYED, "old": REPLAYED, "not_authentic": MALFORMED}
CHILD_STATES = {"child_up", "child_rekeyed", "child_down", "additional_ts"}


def spi_text(spi):
    return f"0x{spi:08x}"


class Columns:
    """Growing columns of whole numbers."""

    def __init__(self, names):
        self.names = names.split()
        for name in self.names:
            setattr(self, name, array("q"))
        self.appends = [getattr(self, name).append for name in self.names]

    def add(self, *values):
        for append, value in zip(self.appends, values):
            append(value)
        return len(self) - 1

    def __len__(self):
        return len(getattr(self, self.names[0]))

    def columns(self):
        return {name: getattr(self, name) for name in self.names}


class Journal:
    """What the events of a run tell; take() each, in the order of the file."""

    def __init__(self, strings):
        self.strings, self.limit = strings, MESSAGES_MAX
        self.nodes, self.node_names, self.captured = {}, [], set()
        self.messages = Columns("t kind sa exchange mid response transmission length source frame "
                                "version")
        self.problem = array("q")
        self.hops = Columns("t r a b cause msg src dst frame rframe link")
        self.sas = Columns("kind node sa spi_in spi_out role from_ns to why predecessor")
        self.states = []  # by row of sas: [(t, state, reason)]
        self.nat = Columns("node inside outside remote protocol from_ns to end")
        self.refreshes = []  # by row of nat: [(t, expires, direction)]
        self.timers = Columns("t node sa timer fired deadline mid transmission request")
        self.windows = Columns("t node spi highest window bitmap verdict sequence msg")
        self.queues = Columns("t node backlog busy_cores peak")
        self.events = []
        self.until_ns, self.last_frame = -1, 0
        self.pieces = {}      # message: further frames, where it went in IP fragments
        self.by_packet = {}   # packet: message
        self.under_way = {}   # packet: hops that have not arrived
        self.last_hops = {}   # packet: hop that arrived last
        self.strips = {}      # (node, initiator's SPI) or (node, inbound SPI): row of sas
        self.awaited = {}     # the same, of an IKE SA to come: row that it replaces
        self.successors = {}  # initiator's SPI: that of the IKE SA before its rekey
        self.mapped = {}      # (node, outside): row of nat
        self.takers = {
            "packet.sent": self.sent, "packet.received": self.received,
            "packet.dropped": self.dropped, "sa.state": self.sa_state,
            "nat.mapped": self.nat_mapped, "nat.refreshed": self.nat_refreshed,
            "nat.expired": self.nat_expired, "nat.rebooted": self.nat_rebooted,
            "timer.armed": self.timer, "timer.fired": self.timer, "timer.cancelled": self.timer,
            "esp.window": self.window, "host.queue": self.queue,
            "scenario.event": self.scenario,
        }

    def take(self, event):
        """@return False: all the messages it takes are there, and they have landed."""
        at = event["t_ns"]
        if self.until_ns >= 0 and at > self.until_ns + SLACK_NS:
            return False
        taker = self.takers.get(event["name"])
        if taker:
            taker(event, at, event["data"])
        return True

    def node(self, name):
        place = self.nodes.get(name)
        if place is None:
            place = self.nodes[name] = len(self.node_names)
            self.node_names.append(name)
        return place

    # ---- packets ----

    def message(self, event, at, data):
        """The message that this packet is, a new one if need be; None: one too many."""
        packet = data["packet"]
        row = self.by_packet.get(packet)
        kind = KINDS.get(data["kind"], OTHER)
        if row is not None:
            if kind != OTHER and self.messages.kind[row] == OTHER:
                self.describe(row, event, data, kind)
            return row
        if self.until_ns >= 0:
            return None
        if len(self.messages) == self.limit:
            self.until_ns = at
            return None
        row = self.messages.add(at, OTHER, 0, 0, 0, 0, 0, data["length"], packet >> 32, 0, 0)
        self.problem.append(0)
        self.by_packet[packet] = row
        self.describe(row, event, data, kind)
        return row

    def describe(self, row, event, data, kind):
        m, index = self.messages, self.strings.index
        m.kind[row] = kind
        m.sa[row] = index(event.get("sa", ""))
        m.exchange[row] = index(data.get("exchange", ""))
        m.mid[row] = data.get("sequence" if kind == 1 else "message_id", 0)
        m.response[row] = int(data.get("response", False))
        m.transmission[row] = data.get("transmission", 0)
        m.version[row] = data.get("version", 2) if kind == 0 else 0
        if m.transmission[row]:
            self.problem[row] |= AGAIN

    def framed(self, event, data, row):
        """The frame of this event; one of them is the one that is dissected."""
        frame = event.get("frame", 0)
        if frame:
            self.captured.add(event["node"])
            self.last_frame = max(self.last_frame, frame)
            if data["protocol"] == "fragment":
                self.pieces.setdefault(row, []).append(frame)
            elif not self.messages.frame[row]:
                self.messages.frame[row] = frame
        return frame

    def sent(self, event, at, data):
        row = self.message(event, at, data)
        if row is None:
            return
        index = self.strings.index
        hop = self.hops.add(at, -1, self.node(event["node"]), -1, 0, row, index(data["source"]),
                            index(data["destination"]), self.framed(event, data, row), 0,
                            index(data.get("link", "")))
        self.under_way.setdefault(data["packet"], []).append(hop)

    def landing(self, event, at, data):
        """The hop that ends here. A copy that a link made, or one whose way was not recorded, gets
        a hop of its own."""
        row = self.message(event, at, data)
        if row is None:
            return None
        packet, h = data["packet"], self.hops
        waiting = self.under_way.get(packet)
        if waiting:
            hop = waiting.pop(0)
            if not waiting:
                del self.under_way[packet]
            return hop
        last = self.last_hops.get(packet)
        here = self.nodes.get(event["node"])
        if last is not None and h.b[last] == here and h.a[last] >= 0:
            if event["name"] == "packet.dropped" and h.r[last] == at:
                return last  # where it had just arrived: a NAT's filter, a full backlog
            return h.add(h.t[last], -1, h.a[last], -1, 0, row, h.src[last], h.dst[last], 0, 0,
                         h.link[last])
        index = self.strings.index
        return h.add(at, -1, -1, -1, 0, row, index(data["source"]), index(data["destination"]), 0,
                     0, index(data.get("link", "")))

    def received(self, event, at, data):
        hop = self.landing(event, at, data)
        if hop is None:
            return
        h = self.hops
        h.r[hop], h.b[hop] = at, self.node(event["node"])
        h.rframe[hop] = self.framed(event, data, h.msg[hop])
        self.last_hops[data["packet"]] = hop

    def dropped(self, event, at, data):
        hop = self.landing(event, at, data)
        if hop is None:
            return
        h, node = self.hops, self.node(event["node"])
        cause = data.get("cause", "dropped")
        if h.r[hop] < 0 and "link" in data:  # on its way out of the node that sent it
            if h.a[hop] >= 0 and h.a[hop] != node:  # which had it without an event
                h.r[hop], h.b[hop] = at, node
                hop = h.add(at, at, node, -1, 0, h.msg[hop], self.strings.index(data["source"]),
                            self.strings.index(data["destination"]), 0, 0,
                            self.strings.index(data["link"]))
            h.a[hop], h.r[hop] = node, at
        elif h.r[hop] < 0:
            h.b[hop], h.r[hop] = node, at
        h.cause[hop] = self.strings.index(cause)
        self.problem[h.msg[hop]] |= LOST | (REPLAYED if cause == "replay" else 0)

    # ---- SAs ----

    def sa_state(self, event, at, data):
        """A strip for each end. A rekeyed SA stays until it is deleted: both are there for a while
        (RFC 7296 §2.8)."""
        node, state = self.node(event["node"]), data["state"]
        child = state in CHILD_STATES
        row = self.child(node, event, at, data) if child else self.ike(node, event["sa"], at, data)
        if row is None:
            return
        reason = self.strings.index(data.get("reason", ""))
        self.states[row].append((at, self.strings.index(state), reason))
        if "successor" in data:
            self.succeed(row, node, at, state, data)
        if state in ENDED:
            self.sas.to[row], self.sas.why[row] = at, reason

    def ike(self, node, sa, at, data):
        key = (node, sa)
        if key not in self.strips:
            self.strips[key] = self.sa(0, node, sa, at, data)
            self.sas.predecessor[self.strips[key]] = self.awaited.pop(key, -1)
        row = self.strips[key]
        if not self.sas.role[row]:
            self.sas.role[row] = self.strings.index(data.get("role", ""))
        return row

    def child(self, node, event, at, data):
        """None: its beginning was not recorded."""
        if "spi_in" not in data:
            return None
        key = (node, data["spi_in"])
        if data["state"] == "child_up":
            self.strips[key] = self.sa(1, node, event["sa"], at, data)
        return self.strips.get(key)

    def sa(self, kind, node, sa, at, data):
        index = self.strings.index
        spis = [index(spi_text(data[name]) if name in data else "")
                for name in ("spi_in", "spi_out")]
        self.states.append([])
        return self.sas.add(kind, node, index(sa), *spis, index(data.get("role", "")), at, -1, 0,
                            -1)

    def succeed(self, row, node, at, state, data):
        """What replaces this SA: a child SA that is up, an IKE SA that is up from now on, or, by
        re-authentication (RFC 7296 §2.8.3), one that may have to come up yet."""
        if state == "child_rekeyed":
            key = (node, int(data["successor"], 16))
        else:
            key = (node, data["successor"])
        if key in self.strips:
            self.sas.predecessor[self.strips[key]] = row
        elif state == "ike_rekeyed":
            self.successors[data["successor"]] = self.strings.texts[self.sas.sa[row]]
            self.awaited[key] = row
            self.states[self.ike(*key, at, {})].append((at, self.strings.index("ike_up"), 0))
        else:
            self.awaited[key] = row

    # ---- NAT boxes ----

    def nat_mapped(self, event, at, data):
        index = self.strings.index
        node = self.node(event["node"])
        row = self.nat.add(node, index(data["inside"]), index(data["outside"]),
                           index(data.get("remote", "")), index(data.get("protocol", "")), at, -1,
                           0)
        self.refreshes.append([(at, data.get("expires_ns", -1), 0)])
        self.mapped.setdefault((node, data["outside"], data["inside"]), []).append(row)

    def nat_refreshed(self, event, at, data):
        rows = self.mapped.get((self.node(event["node"]), data["outside"], data["inside"]))
        if rows:
            moment = (at, data.get("expires_ns", -1), 2 if data["direction"] == "inbound" else 1)
            before = self.refreshes[rows[-1]]
            if before[-1][0] == at and before[-1][2] == 0:
                before[-1] = (at, moment[1], 0)  # the packet that made it refreshes it too
            else:
                before.append(moment)

    def nat_expired(self, event, at, data):
        key = (self.node(event["node"]), data["outside"], data["inside"])
        for row in self.mapped.pop(key, []):
            self.nat.to[row], self.nat.end[row] = at, self.strings.index("expired")

    def nat_rebooted(self, event, at, _):
        node = self.node(event["node"])
        for key in [key for key in self.mapped if key[0] == node]:
            for row in self.mapped.pop(key):
                self.nat.to[row], self.nat.end[row] = at, self.strings.index("reboot")

    # ---- the rest ----

    def timer(self, event, at, data):
        self.timers.add(at, self.node(event["node"]), self.strings.index(event.get("sa", "")),
                        self.strings.index(data["timer"]), TIMER_ENDS.index(event["name"]),
                        data.get("deadline_ns", -1), data.get("message_id", -1),
                        data.get("transmission", -1), self.strings.index(data.get("request", "")))

    def window(self, event, at, data):
        index = self.strings.index
        spi, verdict = data["spi"], data.get("verdict", "")
        message = self.by_packet.get(data.get("packet"), -1)
        if message >= 0:
            self.problem[message] |= VERDICTS.get(verdict, 0)
        self.windows.add(at, self.node(event["node"]),
                         index(spi_text(spi)), data["highest"],
                         data["window"], index(str(data.get("bitmap", ""))),
                         index(verdict), data.get("sequence", 0), message)

    def queue(self, event, at, data):
        self.queues.add(at, self.node(event["node"]), data["backlog"], data["busy_cores"],
                        data.get("peak", data["backlog"]))

    def scenario(self, event, at, data):
        self.events.append({"t": at, "do": data["do"], "nodes": data["nodes"]})
