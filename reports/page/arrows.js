// The arrows of the chart: for each message in view its hops, what they are called, where addresses
// changed, and the cross and cause of those that were lost.

const HOPS_DRAWN = 400; // arrows in view; beyond, a choice of them and a hint to look closer
const CAUSE_WIDTH = 150; // px
const WHAT_LETTER = 6.7; // px, the usual width of a letter
const LABEL_ROOM = 13; // px between two labels on one stretch

class Arrows {
  /** Draws on the lanes and the scale of a chart. */
  constructor(chart, model) {
    Object.assign(this, { chart, model });
  }

  /** Groups of shapes for the messages in view; `height` is that of the picture. */
  draw(inView, height) {
    const chosen = this.thinned(inView);
    const left = inView.length - chosen.length;
    // In a crowd names would only cover each other; those of problems stay.
    const labels = new Map();
    const named = (message) => !left || this.model.messages.problem[message];
    const drawn = chosen.map((message) => this.message(message, named(message) ? labels : null));
    return left ? [...drawn, this.crowded(left, height)] : drawn;
  }

  // Of too many arrows every so-manieth is drawn, and problems before others.
  thinned(inView) {
    const { count: hopsOf, problem } = this.model.messages;
    const total = inView.reduce((sum, message) => sum + hopsOf[message], 0);
    const stride = Math.ceil(total / HOPS_DRAWN);
    if (stride <= 1) return inView;
    let problems = HOPS_DRAWN / 2;
    return inView.filter((message) => {
      if (this.chart.isOpen(message) || message % stride === 0) return true;
      return problem[message] && (problems -= hopsOf[message]) >= 0;
    });
  }

  crowded(left, height) {
    return svg(
      "g",
      { class: "crowded" },
      svg("rect", { x: CHART_GUTTER + 8, y: height - 34, width: 330, height: 24, rx: 12 }),
      svg(
        "text",
        { x: CHART_GUTTER + 20, y: height - 17 },
        `${plural(left, "message")} more here: zoom in or filter`,
      ),
    );
  }

  message(message, labels) {
    const { model } = this;
    const first = model.messages.first[message];
    const group = svg("g", { class: this.classOf(message), "data-message": message });
    for (let hop = first; hop < first + model.messages.count[message]; hop++) {
      const line = this.hopLine(hop);
      if (!line) continue;
      group.append(...this.hopShapes(hop, line));
      if (labels) this.label(group, hop, hop === first, line, labels);
    }
    return group;
  }

  classOf(message) {
    const { messages } = this.model;
    return [
      "message",
      this.model.kindOf(message),
      messages.response[message] ? "response" : "request",
      messages.transmission[message] ? "again" : "",
      messages.problem[message] ? "problem" : "",
      this.chart.isOpen(message) ? "open" : "",
    ]
      .filter(Boolean)
      .join(" ");
  }

  /** Where a hop is drawn: lost packets end half way, or where they were thrown away. */
  hopLine(hop) {
    const { hops } = this.model;
    const from = hops.a[hop] >= 0 ? this.chart.lanes.laneOf(hops.a[hop]) : undefined;
    const to = hops.b[hop] >= 0 ? this.chart.lanes.laneOf(hops.b[hop]) : undefined;
    if (from === undefined) return to === undefined ? null : this.stub(hop, to);
    const x1 = this.chart.x(from);
    const y1 = this.chart.y(hops.t[hop]);
    if (to !== undefined && to !== from)
      return { x1, y1, x2: this.chart.x(to), y2: this.chart.y(hops.r[hop]) };
    const way = this.wayOf(hop, from);
    if (to === from)
      return { x1, y1, x2: x1 + way * 26, y2: Math.max(this.chart.y(hops.r[hop]), y1 + 6) };
    return { x1, y1, x2: x1 + way * this.chart.laneWidth * 0.5, y2: y1 + 12 };
  }

  // What came before was not recorded: the arrow comes out of nowhere, from the side of the sender.
  stub(hop, to) {
    const y2 = this.chart.y(this.model.hops.r[hop]);
    const sender = this.model.fromNode(this.model.hops.msg[hop]);
    const from = sender >= 0 ? this.chart.lanes.laneOf(sender) : undefined;
    const way = from === undefined || from === to ? this.wayOf(hop, to) : Math.sign(to - from);
    return {
      x1: this.chart.x(to) - way * this.chart.laneWidth * 0.6,
      y1: y2 - 10,
      x2: this.chart.x(to),
      y2,
    };
  }

  // A lost packet points to the far end of its conversation.
  wayOf(hop, lane) {
    const target = this.model.towards(this.model.hops.msg[hop]);
    const goal = target >= 0 ? this.chart.lanes.laneOf(target) : undefined;
    if (goal !== undefined && goal !== lane) return goal > lane ? 1 : -1;
    return lane === this.chart.lanes.lanes.length - 1 ? -1 : 1;
  }

  hopShapes(hop, { x1, y1, x2, y2 }) {
    const cause = this.model.causeOf(hop);
    const shapes = [
      svg("line", { class: "reach", x1, y1, x2, y2 }),
      svg("line", { class: "shaft", x1, y1, x2, y2 }),
    ];
    if (!cause) return [...shapes, svg("polygon", { points: arrowHead(x1, y1, x2, y2) })];
    const right = x2 > x1;
    return [
      ...shapes,
      svg("path", { class: "cross", d: `M${x2 - 5.5} ${y2 - 5.5}l11 11m0 -11l-11 11` }),
      svg(
        "text",
        { class: right ? "cause start" : "cause end", x: x2 + (right ? 11 : -11), y: y2 + 5 },
        fit(words(cause), CAUSE_WIDTH, 6.4),
      ),
    ];
  }

  // The first stretch says what the message is; addresses stand where they are new, which is at the
  // sender and behind each NAT box.
  label(group, hop, first, line, labels) {
    const { x1, y1, x2, y2 } = line;
    const width = Math.min(Math.abs(x2 - x1), this.chart.laneWidth);
    const x = (x1 + x2) / 2;
    const y = (y1 + y2) / 2;
    const angle = (Math.atan((y2 - y1) / (x2 - x1 || 1)) * 180) / Math.PI;
    const put = (name, shift, text, letter) => {
      const key = `${name}${Math.round(x / 20)}`;
      if (!text || y + shift < (labels.get(key) ?? -1000) + LABEL_ROOM) return;
      labels.set(key, y + shift);
      group.append(
        svg(
          "text",
          {
            class: name,
            x,
            y: y + shift,
            transform: `rotate(${angle.toFixed(2)} ${x.toFixed(1)} ${y.toFixed(1)})`,
          },
          fit(text, width - 6, letter),
        ),
      );
    };
    if (first) put("what", -5, this.nameFor(this.model.hops.msg[hop], width - 6), WHAT_LETTER);
    put("ports", first ? 12 : -4, this.addresses(hop, first, width), 5.7);
  }

  // Which message it is and that it was sent again stands at the end: shorten the middle first.
  nameFor(message, width) {
    const title = this.model.title(message);
    if (title.length * WHAT_LETTER <= width) return title;
    const short = title
      .replace(" request ", " req ")
      .replace(" response ", " resp ")
      .replace(/ · phase \d/, "");
    if (short.length * WHAT_LETTER <= width) return short;
    return short.replace("· resent ", "↻").replace("· part ", "");
  }

  /** Both addresses where they fit; else the one that is new, which is that of the side behind a NAT. */
  addresses(hop, first, width) {
    const { model } = this;
    const { src, dst, a } = model.hops;
    if (this.chart.lanes.grouped) return first ? model.nodeName(a[hop]) : "";
    const [from, to] = [model.text(src[hop]), model.text(dst[hop])];
    if (first) {
      if ((from.length + to.length + 3) * 5.7 < width) return `${from} → ${to}`;
      return a[hop] >= 0 && model.nodes[a[hop]].role === "responder" ? `to ${to}` : `from ${from}`;
    }
    if (src[hop] !== src[hop - 1]) return `from ${from}`;
    return dst[hop] !== dst[hop - 1] ? `to ${to}` : "";
  }
}

function arrowHead(x1, y1, x2, y2) {
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  const ux = (x2 - x1) / length;
  const uy = (y2 - y1) / length;
  const point = (back, side) =>
    `${(x2 - back * ux + side * uy).toFixed(1)},${(y2 - back * uy - side * ux).toFixed(1)}`;
  return `${point(0, 0)} ${point(9, 4)} ${point(9, -4)}`;
}

/** A text cut to a width, by the usual width of a letter: measuring each label would cost frames. */
function fit(text, width, letter) {
  const most = Math.max(3, Math.floor(width / letter));
  return text.length <= most ? text : text.slice(0, most - 1) + "…";
}
