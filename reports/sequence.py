"""The first handshake as a sequence chart: nodes as lifelines in path order, arrows skewed by
sending and receiving time, lost packets ending in a cross, NAT rewriting visible in the ports."""

import math
from dataclasses import dataclass, field
from html import escape

from phases import Turns

TOP, LEFT, LANE, BOTTOM = 76, 96, 252, 26
SLACK_NS = 1_000_000_000
GAP_MIN, GAP_MAX, TURN_GAP = 15, 40, 26
ROWS_MAX = 160  # hops; a handshake that goes on longer is cut, and the chart says so


@dataclass
class Hop:
    """One packet from one node towards the next."""
    source: str
    sent_ns: int
    data: dict
    frame: int = 0
    target: str = ""
    received_ns: int = 0
    cause: str = ""
    number: int = 0  # of IKEv1: which message of its exchange


@dataclass
class Handshake:
    sa: str = ""
    nodes: list = field(default_factory=list)
    hops: list = field(default_factory=list)
    states: list = field(default_factory=list)  # (t_ns, node, text)
    mappings: list = field(default_factory=list)
    turns: Turns = field(default_factory=Turns)
    numbers: dict = field(default_factory=dict)  # by packet
    cut: bool = False


BEGINNINGS = {"IKE_SA_INIT", "Main Mode", "Aggressive Mode"}


def is_start(event):
    data = event.get("data", {})
    return (event["name"] == "packet.sent" and data.get("exchange") in BEGINNINGS
            and not data.get("response") and event.get("sa"))


def collect(events):
    """Events of the first handshake, until both ends are up (or it failed) and packets landed."""
    shake, open_hops, done_at, initiator = Handshake(), {}, None, None
    for event in events:
        if initiator is None:
            if event["name"] == "nat.mapped":
                shake.mappings.append(event)
            if not is_start(event):
                continue
            shake.sa, initiator = event["sa"], event["node"]
        if done_at is not None and event["t_ns"] > done_at:
            # Arrivals may be written ahead of time, so the file is sorted only roughly.
            if event["t_ns"] > done_at + SLACK_NS:
                break
            continue
        if event["name"] == "nat.mapped":
            shake.mappings.append(event)
        if event.get("sa") != shake.sa:
            continue
        if len(shake.hops) >= ROWS_MAX:
            shake.cut = True
            break
        if event["name"] == "sa.state":
            shake.states.append((event["t_ns"], event["node"], event["data"]["state"]))
            if event["node"] == initiator and event["data"]["state"] in ("ike_up", "ike_failed"):
                done_at = event["t_ns"]
        elif event["name"].startswith("packet."):
            take_packet(shake, open_hops, event)
    if not shake.hops:
        return None
    shake.nodes = path_order(shake)
    names = set(shake.nodes)
    shake.mappings = [m for m in shake.mappings if m["node"] in names]
    return shake


def take_packet(shake, open_hops, event):
    data, node, at = event["data"], event["node"], event["t_ns"]
    packet = data["packet"]
    if event["name"] == "packet.sent":
        hop = Hop(node, at, data, event.get("frame", 0), number=number_of(shake, data))
        open_hops[packet] = hop
        shake.hops.append(hop)
        return
    hop = open_hops.pop(packet, None)
    if hop is None:
        # Dropped where it had arrived (a NAT's filter, a full backlog): the last hop ends there.
        earlier = [h for h in shake.hops if h.data["packet"] == packet and h.target == node]
        if event["name"] == "packet.dropped" and earlier:
            earlier[-1].cause = data.get("cause", "dropped")
        return
    hop.received_ns = at
    if event["name"] == "packet.dropped":
        hop.cause = data.get("cause", "dropped")
        hop.target = node if node != hop.source else ""
    else:
        hop.target = node


def number_of(shake, data):
    """Of a message of IKEv1, which has turns instead of requests and responses; else 0."""
    packet = data["packet"]
    if data.get("version") == 1 and packet not in shake.numbers:
        number = shake.turns.number((data["message_id"], data["exchange"]), packet >> 32,
                                    data["transmission"] > 0)
        shake.numbers[packet] = number
    return shake.numbers.get(packet, 0)


def answers(hop):
    return hop.number % 2 == 0 if hop.number else hop.data.get("response")


def path_order(shake):
    """Nodes from initiator to responder: the longest way any request took, then any others."""
    ways = {}
    for hop in shake.hops:
        way = ways.setdefault(hop.data["packet"], [hop.source])
        if hop.target and hop.target not in way:
            way.append(hop.target)
        if hop.source not in way:
            way.append(hop.source)
    requests = [way for packet, way in ways.items()
                if not next(h for h in shake.hops if h.data["packet"] == packet).data.get("response")]
    nodes = list(max(requests or list(ways.values()), key=len))
    for way in ways.values():
        nodes += [node for node in way if node not in nodes]
    return nodes[:6]


def time_axis(times, turns):
    """y of each moment: longer gaps are longer, but not by their true ratio. And the breaks.
    Around a turn, where a message answers another at once, there is room for both labels."""
    positions, breaks, y = {}, [], TOP + 26
    last = None
    for at in sorted(set(times)):
        if last is not None:
            gap_ms = (at - last) / 1e6
            step = min(GAP_MAX, GAP_MIN + 1.25 * gap_ms)
            if gap_ms > 100:
                breaks.append((y + GAP_MAX - 4, gap_ms))
                step = GAP_MAX + 16
            if last in turns or at in turns:
                step = max(step, TURN_GAP)
            y += step
        positions[at] = y
        last = at
    return positions, breaks, y


def seconds(ns):
    return f"{ns / 1e9:.4f}"


def label(hop):
    data = hop.data
    kind = "response" if data.get("response") else "request"
    text = f"{data.get('exchange', data['kind'])} {kind} {data.get('message_id', '')}".strip()
    if hop.number:
        text = f"{data['exchange']} {hop.number}"
    if data.get("transmission"):
        text += f" · resent {data['transmission']}"
    return text


def arrow_class(hop):
    return ("lost" if hop.cause else "resp" if answers(hop) else "req") + (
        " again" if hop.data.get("transmission") else "")


def head(x, y, dx, dy):
    """An arrow head at (x, y) for a line of direction (dx, dy)."""
    length = (dx * dx + dy * dy) ** 0.5 or 1
    ux, uy = dx / length, dy / length
    return (f"{x:.1f},{y:.1f} {x - 9 * ux + 4 * uy:.1f},{y - 9 * uy - 4 * ux:.1f} "
            f"{x - 9 * ux - 4 * uy:.1f},{y - 9 * uy + 4 * ux:.1f}")


def hop_svg(hop, lanes, ys, first):
    x1, y1 = lanes[hop.source], ys[hop.sent_ns]
    if hop.target in lanes:
        x2, y2 = lanes[hop.target], ys[hop.received_ns]
    else:
        step = -1 if answers(hop) else 1
        x2, y2 = x1 + step * LANE * 0.5, y1 + 14
    out = [f'<g class="hop {arrow_class(hop)}"><title>{escape(tooltip(hop))}</title>',
           f'<line x1="{x1}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>']
    if hop.cause:
        out.append(f'<path class="cross" d="M{x2 - 6:.1f} {y2 - 6:.1f} l12 12 m0 -12 l-12 12"/>')
        out.append(f'<text class="cause" x="{x2:.1f}" y="{y2 + 20:.1f}" '
                   f'text-anchor="middle">dropped: {escape(hop.cause.replace("_", " "))}</text>')
    else:
        out.append(f'<polygon points="{head(x2, y2, x2 - x1, y2 - y1)}"/>')
    xm = x1 + (LANE if x2 > x1 else -LANE) / 2
    ym = y1 + (y2 - y1) * abs(xm - x1) / (abs(x2 - x1) or 1)
    slope = (y2 - y1) / (x2 - x1) if x2 != x1 else 0
    turn = f'transform="rotate({math.degrees(math.atan(slope)):.2f} {xm:.1f} {ym:.1f})"'
    ports = f"{hop.data['source']} → {hop.data['destination']}"
    if first:
        out.append(f'<text class="what" x="{xm:.1f}" y="{ym - 6:.1f}" {turn}>{escape(label(hop))}</text>')
    out.append(f'<text class="ports" x="{xm:.1f}" y="{ym + (12 if first else -5):.1f}" {turn}>'
               f"{escape(ports)}</text></g>")
    return "".join(out)


def tooltip(hop):
    text = (f"{label(hop)}\n{hop.data['source']} → {hop.data['destination']}, "
            f"{hop.data['length']} bytes\n{hop.source} at {seconds(hop.sent_ns)} s")
    if hop.target:
        text += f"\n{hop.target} at {seconds(hop.received_ns)} s"
    if hop.data.get("link"):
        text += f"\nlink {hop.data['link']}"
    if hop.cause:
        text += f"\ndropped: {hop.cause}"
    if hop.frame:
        text += f"\nframe {hop.frame} in capture.pcapng"
    return text


def lifelines(shake, lanes, roles, bottom):
    out = []
    for node in shake.nodes:
        x, role = lanes[node], roles.get(node.split("[")[0], "")
        nat = " nat" if role == "nat" else ""
        out.append(f'<line class="life{nat}" x1="{x}" y1="{TOP - 12}" x2="{x}" y2="{bottom}"/>'
                   f'<rect class="node{nat}" x="{x - 70}" y="{TOP - 62}" width="140" height="48" rx="9"/>'
                   f'<text class="name" x="{x}" y="{TOP - 41}">{escape(node)}</text>'
                   f'<text class="role" x="{x}" y="{TOP - 25}">{escape("NAT box" if role == "nat" else role)}</text>')
    return out


def chart(shake, roles):
    """SVG text of the chart."""
    lanes = {node: LEFT + 84 + LANE * i for i, node in enumerate(shake.nodes)}
    hops = [h for h in shake.hops if h.source in lanes]
    times = [h.sent_ns for h in hops] + [h.received_ns for h in hops if h.target]
    states = [s for s in shake.states if s[1] in lanes and s[2] != "half_open"]
    times += [at for at, _, _ in states]
    arrivals = {(h.target, h.received_ns) for h in hops if h.target}
    turns = {h.sent_ns for h in hops if (h.source, h.sent_ns) in arrivals and h.source in (
        shake.nodes[0], shake.nodes[-1])}
    ys, breaks, bottom = time_axis(times, turns)
    bottom += BOTTOM
    width = LEFT + 84 + LANE * (len(lanes) - 1) + 120
    out = [f'<svg class="sequence" viewBox="0 0 {width} {bottom + 16:.0f}" role="img" '
           f'style="min-width:{min(width, 900)}px" aria-label="Sequence chart of the first handshake">']
    out += lifelines(shake, lanes, roles, bottom)
    last_y = -100
    for at in sorted({h.sent_ns for h in hops} | {s[0] for s in states}):
        if ys[at] - last_y >= 15:
            out.append(f'<text class="time" x="{LEFT - 12}" y="{ys[at] + 4:.1f}">{seconds(at)} s</text>')
            last_y = ys[at]
    for y, gap_ms in breaks:
        out.append(f'<line class="break" x1="{LEFT}" y1="{y:.1f}" x2="{width - 20}" y2="{y:.1f}"/>'
                   f'<text class="gap" x="{LEFT - 12}" y="{y + 4:.1f}">⋮ {gap_ms:.0f} ms</text>')
    out += [hop_svg(hop, lanes, ys, is_first(hop, hops)) for hop in hops]
    below = {}
    for at, node, state in states:
        lift = below.get((at, node), 0)
        below[(at, node)] = lift + 1
        right = node == shake.nodes[-1]
        x = lanes[node] + (10 if right else -10)
        out.append(f'<circle class="up" cx="{lanes[node]}" cy="{ys[at]:.1f}" r="4.5"/>'
                   f'<text class="state" x="{x}" y="{ys[at] + 15 + 14 * lift:.1f}" '
                   f'text-anchor="{"start" if right else "end"}">{escape(state.replace("_", " "))}</text>')
    out.append("</svg>")
    return "".join(out)


def is_first(hop, hops):
    return next(h for h in hops if h.data["packet"] == hop.data["packet"]) is hop


def rewrites(shake):
    """[(node, inside, outside)] of the NAT mappings on the path, in order of making."""
    seen, out = set(), []
    for event in shake.mappings:
        data = event["data"]
        row = (event["node"], data["inside"], data["outside"])
        if row not in seen:
            seen.add(row)
            out.append(row)
    return out[:8]
