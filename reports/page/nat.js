// The NAT boxes' tables at the slider's moment: who is mapped to what, and how long that lasts if
// nothing more comes. Below, the life of each mapping with what refreshed it.

const NAT_ROW = 20;
const NAT_ROWS_MAX = 40;
const KEEPALIVES_MAX = 300; // dots on a bar
const NAT_LOW = 0.25; // of its lifetime left: the meter turns red
const WAYS = ["made it", "from inside", "from outside"]; // of a packet that refreshes

class NatPanel {
  constructor(model, state) {
    Object.assign(this, { model, state });
    this.range = new TimeRange(model, () => this.draw(state.now));
    this.root = html("div");
  }

  update(state) {
    this.draw(state);
  }

  draw(state) {
    const { model } = this;
    if (!model.island.nat.rows) {
      replace(this.root, empty("No NAT box made a mapping in this run."));
      return;
    }
    const rows = this.rows(state);
    replace(
      this.root,
      html("h3", null, `NAT table at ${seconds(state.t)}`),
      html(
        "p",
        { class: "note" },
        "A mapping lives as long as packets refresh it. When it expires, what comes from outside is dropped, and the next packet from inside gets another port.",
      ),
      this.now(rows, state.t),
      this.history(rows, state),
    );
  }

  // With a node chosen, its own boxes; with few mappings, all.
  rows(state) {
    const { nat } = this.model.island;
    const all = Array.from({ length: nat.rows }, (_, i) => i);
    if (nat.rows <= NAT_ROWS_MAX && !state.node) return all;
    const chosen = this.model.nodeByName.get(state.node);
    const boxes =
      chosen !== undefined && this.model.nodes[chosen].role === "nat"
        ? new Set([chosen])
        : this.boxes(this.model.focus(state));
    return all.filter((i) => boxes.has(nat.node[i]));
  }

  boxes(node) {
    this.known = this.known || new Map();
    if (!this.known.has(node)) this.known.set(node, this.model.boxesOf(node));
    return this.known.get(node);
  }

  now(rows, t) {
    const { nat } = this.model.island;
    const alive = rows.filter((i) => nat.from[i] <= t && (nat.to[i] < 0 || nat.to[i] > t));
    const gone = rows.filter((i) => nat.to[i] >= 0 && nat.to[i] <= t);
    if (!alive.length && !gone.length)
      return empty("No mapping yet at this moment: no packet has come from inside.");
    const shown = [
      ...alive.map((i) => this.aliveRow(i, t)),
      ...gone.slice(-6).map((i) => this.goneRow(i, t)),
    ];
    return table(
      ["box", "inside", "outside", "last packet", "expires in"],
      shown.slice(0, NAT_ROWS_MAX),
    );
  }

  /** The last refresh at or before a moment, or -1. */
  refreshBefore(i, t) {
    const { nat, refreshes } = this.model.island;
    let row = nat.first[i] + nat.count[i] - 1;
    while (row >= nat.first[i] && refreshes.t[row] > t) row--;
    return row >= nat.first[i] ? row : -1;
  }

  aliveRow(i, t) {
    const { nat, refreshes } = this.model.island;
    const text = this.model.text;
    const cells = [
      this.model.nodeName(nat.node[i]),
      html("code", null, text(nat.inside[i])),
      html("code", null, text(nat.outside[i])),
    ];
    const row = this.refreshBefore(i, t);
    if (row < 0 || !nat.exact[i])
      return [...cells, html("span", { class: "gone" }, "not recorded for this box"), "–"];
    const way = WAYS[refreshes.direction[row]] || "";
    return [
      ...cells,
      `${span(t - refreshes.t[row])} ago, ${way}`,
      this.countdown(refreshes.expires[row], refreshes.t[row], t),
    ];
  }

  countdown(expires, refreshed, t) {
    if (!(expires > 0)) return "–";
    const left = Math.max(0, expires - t);
    const share = Math.max(0, Math.min(1, left / Math.max(expires - refreshed, 1)));
    const bar = html("i");
    bar.style.width = `${100 * share}%`;
    return html(
      "span",
      { class: "countdown" },
      html("span", { class: share < NAT_LOW ? "meter low" : "meter" }, bar),
      " ",
      span(left),
    );
  }

  goneRow(i, t) {
    const { nat, refreshes } = this.model.island;
    const text = this.model.text;
    const last = nat.exact[i] ? this.refreshBefore(i, nat.to[i]) : -1;
    return {
      attributes: { class: "gone" },
      cells: [
        this.model.nodeName(nat.node[i]),
        html("code", null, text(nat.inside[i])),
        html("code", null, text(nat.outside[i])),
        last < 0 ? "–" : `at ${seconds(refreshes.t[last])}, ${WAYS[refreshes.direction[last]] || ""}`,
        [
          html("span", { class: "tag bad" }, words(text(nat.end[i]) || "ended")),
          ` ${span(t - nat.to[i])} ago`,
        ],
      ],
    };
  }

  history(rows, state) {
    const { nat } = this.model.island;
    const range = this.range.at(state.t);
    const seen = rows.filter((i) => range.holds(nat.from[i], this.endOf(i))).slice(0, NAT_ROWS_MAX);
    return [
      html("h4", null, "Life of the mappings"),
      this.range.root,
      seen.length
        ? timePlot(
            range,
            seen.length * NAT_ROW + 24,
            state.t,
            `lives of ${plural(seen.length, "mapping")}`,
            seen.map((i, row) => this.bar(i, row * NAT_ROW, range)),
          )
        : empty("No mapping in this part of the run."),
      html(
        "p",
        { class: "note" },
        "Bar: alive. Ticks: packets that refreshed it; dots: NAT keepalives. Pale end: nothing came any more.",
      ),
    ];
  }

  endOf(i) {
    const { to } = this.model.island.nat;
    return to[i] < 0 ? this.model.end : to[i];
  }

  bar(i, y, range) {
    const { nat, refreshes } = this.model.island;
    const text = this.model.text;
    const end = this.endOf(i);
    const last = nat.exact[i] ? this.refreshBefore(i, end) : -1;
    const quiet = last >= 0 ? Math.max(refreshes.t[last], range.from) : end;
    const rect = (from, to, name) =>
      svg(
        "rect",
        {
          class: name,
          x: range.x(from),
          y: y + 6,
          height: NAT_ROW - 12,
          rx: 2,
          width: Math.max(1, range.x(to) - range.x(from)),
        },
        svg(
          "title",
          null,
          `${text(nat.inside[i])} → ${text(nat.outside[i])}, ${seconds(nat.from[i])} to ${seconds(end)}`,
        ),
      );
    return [
      svg(
        "text",
        { class: "start", x: 0, y: y + 13 },
        fit(
          `${this.model.nodeName(nat.node[i])} ${portOf(text(nat.inside[i]))} → ${portOf(text(nat.outside[i]))}`,
          PLOT_LEFT - 6,
          5.6,
        ),
      ),
      rect(nat.from[i], quiet, "bar child"),
      quiet < end ? rect(quiet, end, "bar child over") : null,
      this.ticks(i, y, range),
      this.keepalives(i, end, y, range),
    ];
  }

  keepalives(i, end, y, range) {
    const { nat } = this.model.island;
    return this.model
      .keepalivesAt(nat.node[i], nat.inside[i])
      .filter((t) => t >= nat.from[i] && t <= end && range.holds(t, t))
      .slice(0, KEEPALIVES_MAX)
      .map((t) =>
        svg(
          "circle",
          { class: "dot", cx: range.x(t), cy: y + NAT_ROW / 2, r: 3.5 },
          svg("title", null, `NAT keepalive, ${seconds(t)}`),
        ),
      );
  }

  // At most one tick for a pixel: a busy mapping is a solid row of them all the same.
  ticks(i, y, range) {
    const { nat, refreshes } = this.model.island;
    let path = "";
    let last = -10;
    for (let row = nat.first[i]; row < nat.first[i] + nat.count[i]; row++) {
      if (refreshes.t[row] < range.from || refreshes.t[row] > range.to) continue;
      const x = range.x(refreshes.t[row]);
      if (x < last + 2) continue;
      last = x;
      path += `M${x.toFixed(1)} ${y + 3}v${NAT_ROW - 6}`;
    }
    return path
      ? svg("path", { class: "axis", d: path, stroke: "currentColor", fill: "none" })
      : null;
  }
}
