// Which SA lives when, and at which end. In a rekey the new one is up before the old one goes: two
// bars overlap, and the table says for how long.

const SA_ROW = 20;
const SA_ROWS_MAX = 48;
const SA_LETTER = 6.9; // px, the usual width of a letter of a name
const SA_LIFE = /^(half_open|ike_)/; // states of an IKE SA itself, not of a request or an address
const SA_MOVES = new Set(["moved", "peer_moved"]);

class SaPanel {
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
    if (!model.island.sas.rows) {
      replace(this.root, empty("This run has no record of SAs: no handshake began."));
      return;
    }
    const node = model.focus(state);
    const rows = model.sasOf(node);
    const range = this.range.at(state.t);
    const { sas } = model.island;
    const seen = rows.filter((i) => range.holds(sas.from[i], this.endOf(i)));
    replace(
      this.root,
      html("h3", null, "Security associations"),
      html(
        "p",
        { class: "note" },
        `Of ${model.nodeName(node)}, at both ends; children by the SPI they receive on. Blue: IKE SA (brown while half open), green: child SA, faint: already replaced, mark: its addresses moved. Another node: in the filter above.`,
      ),
      this.range.root,
      seen.length
        ? this.picture(seen.slice(0, SA_ROWS_MAX), range, state.t)
        : empty("No SA lives in this part of the run."),
      seen.length > SA_ROWS_MAX
        ? html(
            "p",
            { class: "note" },
            `${plural(seen.length - SA_ROWS_MAX, "more SA")} not drawn: choose a shorter part of the run.`,
          )
        : null,
      html("h4", null, `Alive at ${seconds(state.t)}`),
      this.alive(rows, state.t),
      this.overlaps(rows),
    );
  }

  endOf(i) {
    const { to } = this.model.island.sas;
    return to[i] < 0 ? this.model.end : to[i];
  }

  name(i) {
    const { sas } = this.model.island;
    const text = this.model.text;
    if (sas.kind[i] === 0) return "IKE " + text(sas.sa[i]).slice(0, 6) + "…";
    return text(sas.spi_in[i]) || text(sas.spi_out[i]) || "child";
  }

  picture(rows, range, now) {
    return timePlot(
      range,
      rows.length * SA_ROW + 24,
      now,
      `lives of ${plural(rows.length, "SA")}`,
      rows.map((i, row) => this.bar(i, row * SA_ROW, range)),
    );
  }

  /** When the addresses of an IKE SA changed: by MOBIKE (RFC 4555) or behind a NAT. */
  movesOf(i) {
    const { sas, states } = this.model.island;
    const moves = [];
    for (let row = sas.first[i]; row < sas.first[i] + sas.count[i]; row++) {
      const text = this.model.text(states.state[row]);
      if (SA_MOVES.has(text)) moves.push({ t: states.t[row], text: words(text) });
    }
    return moves;
  }

  moves(i, y, range) {
    return this.movesOf(i)
      .filter(({ t }) => range.holds(t, t))
      .map(({ t, text }) =>
        svg(
          "path",
          { class: "move", d: `M${range.x(t).toFixed(1)} ${y + 1}l4 ${SA_ROW / 2 - 1}h-8z` },
          svg("title", null, `${text}, ${seconds(t)}`),
        ),
      );
  }

  // A bar has the parts of the SA's life: half open, up, replaced.
  bar(i, y, range) {
    const { sas } = this.model.island;
    const parts = this.partsOf(i).filter((part) => range.holds(part.from, part.to));
    const kind = sas.kind[i] === 0 ? "bar" : "bar child";
    return [
      svg("text", { class: "start strong", x: 0, y: y + 13 }, fit(this.name(i), 78, SA_LETTER)),
      svg(
        "text",
        { class: "end", x: PLOT_LEFT - 6, y: y + 13 },
        fit(this.model.nodeName(sas.node[i]), 66, SA_LETTER),
      ),
      parts.map((part) =>
        svg(
          "rect",
          {
            class: `${kind} ${part.look}`,
            x: range.x(part.from),
            y: y + 4,
            height: SA_ROW - 8,
            rx: 2,
            width: Math.max(1.5, range.x(part.to) - range.x(part.from)),
          },
          svg(
            "title",
            null,
            `${this.name(i)} at ${this.model.nodeName(sas.node[i])}: ${part.text}, ${seconds(part.from)} to ${seconds(part.to)}`,
          ),
        ),
      ),
      this.moves(i, y, range),
    ];
  }

  partsOf(i) {
    const { sas, states } = this.model.island;
    const end = this.endOf(i);
    const parts = [{ from: sas.from[i], to: end, text: "up", look: "" }];
    for (let row = sas.first[i]; row < sas.first[i] + sas.count[i]; row++) {
      const text = this.model.text(states.state[row]);
      if (sas.kind[i] === 0 && !SA_LIFE.test(text)) continue; // it stays what it was
      const last = parts[parts.length - 1];
      const look = /half_open/.test(text)
        ? "half"
        : /rekeyed|replaced|redundant/.test(text)
          ? "over"
          : last.look === "over"
            ? "over"
            : "";
      last.to = states.t[row];
      parts.push({ from: states.t[row], to: end, text: words(text), look });
    }
    return parts.filter((part) => part.to > part.from);
  }

  alive(rows, t) {
    const { sas } = this.model.island;
    const now = rows.filter(
      (i) => sas.from[i] <= t && this.endOf(i) >= t && (sas.to[i] < 0 || sas.to[i] > t),
    );
    if (!now.length) return empty("No SA of this node is alive at this moment.");
    return table(
      ["SA", "node", "role", "state", "#alive for"],
      now.slice(0, SA_ROWS_MAX).map((i) => {
        const part = this.partsOf(i).findLast((p) => p.from <= t);
        return [
          html(
            "code",
            null,
            sas.kind[i] === 0 ? "IKE " + this.model.text(sas.sa[i]) : this.childText(i),
          ),
          this.model.nodeName(sas.node[i]),
          this.model.text(sas.role[i]),
          (part ? part.text : "") + this.lastMove(i, t),
          span(t - sas.from[i]),
        ];
      }),
    );
  }

  lastMove(i, t) {
    const move = this.movesOf(i).findLast((one) => one.t <= t);
    return move ? `, ${move.text} ${span(t - move.t)} ago` : "";
  }

  // A new SA helps from the moment it is up; until then it is only a handshake.
  upOf(i) {
    const { sas, states } = this.model.island;
    for (let row = sas.first[i]; row < sas.first[i] + sas.count[i]; row++)
      if (this.model.text(states.state[row]) !== "half_open") return states.t[row];
    return this.endOf(i);
  }

  childText(i) {
    const { sas } = this.model.island;
    const out = this.model.text(sas.spi_out[i]);
    return `child in ${this.model.text(sas.spi_in[i]) || "?"}${out ? ", out " + out : ""}`;
  }

  overlaps(rows) {
    const { sas } = this.model.island;
    const pairs = rows.filter((i) => sas.predecessor[i] >= 0);
    if (!pairs.length) return null;
    const lasting = (i) => this.endOf(sas.predecessor[i]) - this.upOf(i);
    const made = pairs.every((i) => lasting(i) >= 0);
    return [
      html("h4", null, made ? "Replaced: make before break" : "Replaced, with a break before"),
      table(
        ["new", "instead of", "node", "#from", "#both alive"],
        pairs.slice(0, SA_ROWS_MAX).map((i) => {
          const old = sas.predecessor[i];
          const both = lasting(i);
          return [
            this.name(i),
            this.name(old),
            this.model.nodeName(sas.node[i]),
            html(
              "button",
              { type: "button", class: "link", onclick: () => this.state.set({ t: sas.from[i] }) },
              seconds(sas.from[i], 4),
            ),
            both >= 0 ? span(both) : html("span", { class: "tag bad" }, `gap of ${span(-both)}`),
          ];
        }),
      ),
    ];
  }
}
