// A run as the page thinks of it: the tables of the island, and answers to what the views ask of them.

const KIND_NAMES = ["ike", "esp", "keepalive", "other"];
const PROBLEMS = [
  [1, "lost"],
  [2, "retransmission"],
  [4, "malformed"],
  [8, "error notification"],
  [16, "replayed"],
];
const HOSTS = new Set(["initiator", "responder"]);
// A run may not have recorded these; an empty table says so to every view.
const OPTIONAL = [
  "sas",
  "states",
  "nat",
  "refreshes",
  "ladders",
  "sends",
  "timers",
  "windows",
  "queues",
];
const NAMES_MAX = 400; // choices in a filter; whoever looks for others types them

class Model {
  /** `mark` stands before the number of a message in addresses: nothing, or b for the second run. */
  constructor(island, mark = "") {
    Object.assign(this, {
      island,
      mark,
      nodes: island.nodes,
      messages: island.messages,
      hops: island.hops,
    });
    this.run = island.run;
    for (const name of OPTIONAL) island[name] = island[name] || { rows: 0 };
    this.nodeByName = new Map(this.nodes.map((node, i) => [node.name, i]));
    this.text = (i) => island.text(i);
    this.makeEnds();
    this.makeFars();
    this.ordinary = ordinaryEsp(this);
    this.makeEvents();
    const last = Math.max(0, this.longestTime(), island.run.duration_ns || 0);
    this.end = island.capture.until_ns > 0 ? island.capture.until_ns : last;
    if (!(this.end > 0)) this.end = 1e9;
  }

  longestTime() {
    const { rows } = this.messages;
    return rows ? this.ends[rows - 1] : 0;
  }

  owns(m) {
    return this.mark ? m.startsWith(this.mark) : /^\d/.test(m);
  }

  /** The row of a message named in an address, or -1. */
  indexOf(m) {
    const i = Number(m.slice(this.mark.length));
    return this.owns(m) && Number.isInteger(i) && i < this.messages.rows ? i : -1;
  }

  // When each message was last seen. A packet still under way at the end is on its way until then.
  makeEnds() {
    const { messages, hops } = this;
    this.ends = new Float64Array(messages.rows);
    for (let i = 0; i < messages.rows; i++) {
      let end = messages.t[i];
      for (let hop = messages.first[i]; hop < messages.first[i] + messages.count[i]; hop++) {
        end = Math.max(end, hops.t[hop], hops.r[hop]);
      }
      this.ends[i] = end;
    }
  }

  endOf(message) {
    return this.ends[message];
  }

  // Who talks to whom under an SPI, learnt from what arrived: a lost packet points there, and one
  // whose way began unseen belongs to its tunnel all the same.
  makeFars() {
    const { messages, hops } = this;
    this.fars = new Map(); //    SA and sender -> receiver
    this.espEnds = new Map(); // SPI -> {from, to}, for an SPI has one direction
    this.origins = new Map(); // address -> the only node that sends from it, or -1
    for (let i = 0; i < messages.rows; i++) {
      const to = this.lastNode(i);
      const from = messages.count[i] ? hops.a[messages.first[i]] : -1;
      if (this.isHost(from)) this.noteOrigin(hops.src[messages.first[i]], from);
      if (to < 0 || from < 0 || !HOSTS.has(this.nodes[to].role)) continue;
      this.fars.set(messages.sa[i] + "/" + from, to);
      if (messages.kind[i] === 0) this.fars.set(messages.sa[i] + "/" + to, from);
      if (messages.kind[i] !== 1) continue;
      const sender = this.isHost(from) ? from : (this.espEnds.get(messages.sa[i])?.from ?? -1);
      this.espEnds.set(messages.sa[i], { from: sender, to });
    }
  }

  isHost(node) {
    return node >= 0 && HOSTS.has(this.nodes[node].role);
  }

  noteOrigin(address, node) {
    if ((this.origins.get(address) ?? node) === node) this.origins.set(address, node);
    else this.origins.set(address, -1);
  }

  /** The node where a message wanted to get, as far as the run tells; -1 if not. */
  towards(message) {
    const sa = this.messages.sa[message];
    return this.fars.get(sa + "/" + this.fromNode(message)) ?? this.espEnds.get(sa)?.to ?? -1;
  }

  fromNode(message) {
    const { messages, hops } = this;
    const first = messages.first[message];
    const node = messages.count[message] ? hops.a[first] : -1;
    if (this.isHost(node) || messages.kind[message] !== 1 || !messages.count[message]) return node;
    // Of ESP only the first packets are on record from their sender on.
    const known = this.espEnds.get(messages.sa[message])?.from ?? -1;
    const sender = known >= 0 ? known : (this.origins.get(hops.src[first]) ?? -1);
    return sender >= 0 ? sender : node;
  }

  lastNode(message) {
    return this.messages.count[message]
      ? this.hops.b[this.messages.first[message] + this.messages.count[message] - 1]
      : -1;
  }

  /** Whether a node sends, forwards, gets or should have got a message. */
  passes(message, node) {
    const first = this.messages.first[message];
    for (let hop = first; hop < first + this.messages.count[message]; hop++) {
      if (this.hops.a[hop] === node || this.hops.b[hop] === node) return true;
    }
    return this.fromNode(message) === node || this.towards(message) === node;
  }

  pairOf(message) {
    const ends = [this.fromNode(message), this.towards(message)];
    return Math.min(...ends) + "/" + Math.max(...ends);
  }

  nodeName(node) {
    return node >= 0 && node < this.nodes.length ? this.nodes[node].name : "–";
  }

  kindOf(message) {
    return KIND_NAMES[this.messages.kind[message]] || "other";
  }

  causeOf(hop) {
    return this.text(this.hops.cause[hop]);
  }

  /** "2/3" of a message in fragments (RFC 7383), as far as the run tells; else empty. */
  fragmentOf(message) {
    if (this.kindOf(message) !== "ike") return "";
    const found = /^HDR, SKF\((\d+\/\d+)\)/.exec(this.text(this.messages.summary[message]));
    return found ? found[1] : "";
  }

  /** "IKE_AUTH request 1", "ESP 17", what a reader calls it. */
  title(message) {
    const { messages } = this;
    switch (this.kindOf(message)) {
      case "ike":
        return (
          `${this.text(messages.exchange[message]) || "IKE"} ${this.turn(message)}` +
          (this.fragmentOf(message) ? ` · part ${this.fragmentOf(message)}` : "") +
          (messages.transmission[message] ? ` · resent ${messages.transmission[message]}` : "")
        );
      case "esp":
        return `ESP ${messages.mid[message]}`;
      case "keepalive":
        return "NAT keepalive";
      default:
        return this.text(messages.summary[message]) || "packet";
    }
  }

  /** "request 1"; IKEv1 has turns instead: "3 · phase 1". */
  turn(message) {
    const { messages } = this;
    const number = messages.number ? messages.number[message] : 0;
    if (number) return `${number} · phase ${messages.mid[message] ? 2 : 1}`;
    return `${messages.response[message] ? "response" : "request"} ${messages.mid[message]}`;
  }

  /** The same of what a ladder is about, whose first message tells it. */
  ladderTurn(i) {
    const { ladders, sends } = this.island;
    return ladders.count[i] ? this.turn(sends.msg[ladders.first[i]]) : `request ${ladders.mid[i]}`;
  }

  exchangeText(message) {
    const kind = this.kindOf(message);
    if (kind !== "ike") return this.title(message);
    const { messages } = this;
    const name = this.text(messages.exchange[message]);
    if (messages.number && messages.number[message]) return `${name} ${messages.number[message]}`;
    return `${name} ${messages.response[message] ? "resp" : "req"} ${messages.mid[message]}`;
  }

  summary(message) {
    const text = this.text(this.messages.summary[message]);
    if (this.kindOf(message) === "esp")
      return `${this.text(this.messages.sa[message])} ${text}`.trim();
    return text || this.title(message);
  }

  /** What is wrong with a message, in words; of a lost one also why. */
  problems(message) {
    const bits = this.messages.problem[message];
    return PROBLEMS.filter(([bit]) => bits & bit).map(([bit, name]) =>
      bit === 1 ? words(this.lossOf(message) || name) : name,
    );
  }

  lossOf(message) {
    const { messages } = this;
    for (
      let hop = messages.first[message];
      hop < messages.first[message] + messages.count[message];
      hop++
    ) {
      const cause = this.causeOf(hop);
      if (cause) return cause === "loss" ? "lost" : cause;
    }
    return "";
  }

  tooltip(message) {
    const marks = this.problems(message);
    return (
      `${this.title(message)}\n${this.summary(message)}\n${seconds(this.messages.t[message])}, ` +
      `${this.messages.length[message]} octets${marks.length ? "\n" + marks.join(", ") : ""}`
    );
  }

  searchText(message) {
    this.searchTexts = this.searchTexts || new Array(this.messages.rows);
    if (this.searchTexts[message] === undefined) {
      const { messages, hops } = this;
      const parts = [
        this.title(message),
        this.text(messages.summary[message]),
        this.text(messages.sa[message]),
        this.problems(message).join(" "),
        this.nodeName(this.lastNode(message)),
      ];
      for (
        let hop = messages.first[message];
        hop < messages.first[message] + messages.count[message];
        hop++
      ) {
        parts.push(this.nodeName(hops.a[hop]), this.text(hops.src[hop]), this.text(hops.dst[hop]));
      }
      this.searchTexts[message] = parts.join(" ").toLowerCase();
    }
    return this.searchTexts[message];
  }

  /** String indexes of an SA and of what belongs to it: an IKE SA brings the SPIs of its children. */
  saFamily(name) {
    const { sas } = this.island;
    const family = new Set();
    const { strings } = this.island;
    const own = strings.indexOf(name);
    if (own >= 0) family.add(own);
    for (let i = 0; i < sas.rows; i++) {
      if (sas.kind[i] !== 1 || sas.sa[i] !== own) continue;
      for (const spi of [sas.spi_in[i], sas.spi_out[i]]) if (spi > 0) family.add(spi);
    }
    return family;
  }

  textIndex(text) {
    return this.island.strings.indexOf(text);
  }

  filterNames(what) {
    if (what === "node") return this.nodes.slice(0, NAMES_MAX).map((node) => node.name);
    const column = this.messages[what];
    const names = new Set();
    for (let i = 0; i < this.messages.rows && names.size < NAMES_MAX; i++) {
      if (column[i] > 0) names.add(column[i]);
    }
    return [...names].map((i) => this.text(i));
  }

  /** Everything that is no packet, in order of time: {t, node (-1: all), kind, text, problem}. */
  makeEvents() {
    const { island } = this;
    this.interventions = (island.events || []).map((event) => ({
      t: event.t,
      node: -1,
      kind: "done",
      problem: true,
      text: `${words(event.do || "")}${event.nodes && event.nodes !== "begin" ? " (" + event.nodes + ")" : ""}`,
    }));
    const events = [
      ...this.interventions,
      ...this.stateEvents(),
      ...this.natEvents(),
      ...this.ladderEvents(),
    ];
    this.events = events.sort((a, b) => a.t - b.t);
    const lost = [];
    for (let i = 0; i < this.messages.rows; i++)
      if (this.messages.problem[i]) lost.push(this.messages.t[i]);
    this.moments = Float64Array.from(
      new Set([...this.events.map((event) => event.t), ...lost]),
    ).sort();
  }

  stateEvents() {
    const { sas, states } = this.island;
    const events = [];
    for (let i = 0; i < sas.rows; i++) {
      for (let row = sas.first[i]; row < sas.first[i] + sas.count[i]; row++) {
        const state = this.text(states.state[row]);
        const reason = this.text(states.reason[row]);
        if (state === "half_open") continue;
        const bad = /fail|down|dead/.test(state);
        events.push({
          t: states.t[row],
          node: sas.node[i],
          sa: sas.sa[i],
          kind: bad ? "end" : "up",
          problem: bad,
          text: words(state) + (reason ? ": " + words(reason) : ""),
        });
      }
    }
    return events;
  }

  natEvents() {
    const { nat } = this.island;
    const events = [];
    for (let i = 0; i < nat.rows; i++) {
      const ports = `${portOf(this.text(nat.inside[i]))} → ${portOf(this.text(nat.outside[i]))}`;
      events.push({ t: nat.from[i], node: nat.node[i], kind: "nat", text: `mapped ${ports}` });
      const end = this.text(nat.end[i]);
      if (nat.to[i] >= 0)
        events.push({
          t: nat.to[i],
          node: nat.node[i],
          kind: "bad",
          problem: true,
          text: `${ports} ${words(end || "ended")}`,
        });
    }
    return events;
  }

  ladderEvents() {
    const { ladders } = this.island;
    const events = [];
    for (let i = 0; i < ladders.rows; i++) {
      if (ladders.given_up[i] < 0) continue;
      events.push({
        t: ladders.given_up[i],
        node: ladders.node[i],
        sa: ladders.sa[i],
        kind: "bad",
        problem: true,
        text: `gives up ${this.text(ladders.exchange[i])} ${ladders.mid[i]}`,
      });
    }
    return events;
  }

  /** Whose tunnel the panels show: the node of the filter, of the open message, or the first one. */
  focus(state) {
    const open = this.indexOf(state.m);
    const candidates = [this.nodeByName.get(state.node) ?? -1];
    if (open >= 0) candidates.push(this.fromNode(open), this.towards(open), this.lastNode(open));
    const initiator = candidates.find((node) => node >= 0 && this.nodes[node].role === "initiator");
    return initiator ?? this.nodes.findIndex((node) => node.role === "initiator");
  }

  /** Rows of `sas` of every IKE SA that a node has had, at both ends, in order of time. */
  sasOf(node) {
    const { sas } = this.island;
    const own = new Set();
    for (let i = 0; i < sas.rows; i++) if (sas.node[i] === node) own.add(sas.sa[i]);
    const rows = [];
    for (let i = 0; i < sas.rows; i++) if (own.has(sas.sa[i])) rows.push(i);
    return rows.sort((a, b) => sas.from[a] - sas.from[b]);
  }

  /** NAT boxes on the way of a node's messages. */
  boxesOf(node) {
    const boxes = new Set();
    for (let i = 0; i < this.messages.rows; i++) {
      if (this.fromNode(i) !== node) continue;
      for (
        let hop = this.messages.first[i];
        hop < this.messages.first[i] + this.messages.count[i];
        hop++
      ) {
        const to = this.hops.b[hop];
        if (to >= 0 && this.nodes[to].role === "nat") boxes.add(to);
      }
    }
    return boxes;
  }

  /** When NAT keepalives came from an inside address (a string) to a box, in order of time. */
  keepalivesAt(box, inside) {
    if (!this.keepalives) {
      this.keepalives = new Map();
      for (let i = 0; i < this.messages.rows; i++)
        if (this.messages.kind[i] === 2) this.noteKeepalive(i);
    }
    return this.keepalives.get(`${box}/${inside}`) || [];
  }

  noteKeepalive(message) {
    const { hops, messages } = this;
    for (
      let hop = messages.first[message];
      hop < messages.first[message] + messages.count[message];
      hop++
    ) {
      const key = `${hops.b[hop]}/${hops.src[hop]}`;
      if (!this.keepalives.has(key)) this.keepalives.set(key, []);
      this.keepalives.get(key).push(hops.r[hop]);
    }
  }
}

function portOf(address) {
  return address.includes(":") ? address.slice(address.lastIndexOf(":")) : address;
}
