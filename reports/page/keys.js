// The walk from the Diffie-Hellman secret to the keys of packets: SKEYSEED, SK_*, KEYMAT, each with
// its formula and the values of this run.

const KEYS_LISTED = 60;

class KeysPanel {
  constructor(model, state) {
    Object.assign(this, { model, state, root: html("div"), chosen: -1 });
  }

  update(state) {
    const { keys } = this.model.island;
    if (!keys || !keys.ike || !keys.ike.length) {
      replace(this.root, empty(this.why()));
      return;
    }
    const open = this.model.indexOf(state.m);
    const ike = this.ikeOf(open, state.t);
    replace(
      this.root,
      html("h3", null, "Keys"),
      html(
        "p",
        { class: "note" },
        "Keys of a simulation, made of test credentials. Marked: what opens the chosen message.",
      ),
      this.pick(ike),
      this.walk(ike, open),
    );
  }

  why() {
    if (this.model.run.crypto === "modelled")
      return "Modelled crypto derives no keys: messages have their true sizes, and that is all.";
    const notes = (this.model.island.capture && this.model.island.capture.notes) || [];
    return (
      notes.find((note) => /key/i.test(note)) ||
      "This run left no keys: they are kept for SAs that were captured."
    );
  }

  // Of the open message, else what the reader chose, else the newest at the slider's moment.
  ikeOf(open, t) {
    const { keys } = this.model.island;
    if (open >= 0 && this.model.messages.key[open] >= 0) {
      const index = this.model.messages.key[open];
      if (this.model.kindOf(open) !== "esp") return index;
      return keys.children[index] ? keys.children[index].ike : 0;
    }
    if (this.chosen >= 0) return this.chosen;
    return Math.max(
      0,
      keys.ike.findLastIndex((ike) => ike.t <= t),
    );
  }

  pick(ike) {
    const { keys } = this.model.island;
    if (keys.ike.length < 2) return null;
    const options = keys.ike
      .slice(0, KEYS_LISTED)
      .map((entry, i) => [
        String(i),
        `${entry.spi_i} (${entry.nodes.map((node) => this.model.nodeName(node)).join(", ")})`,
      ]);
    if (ike >= KEYS_LISTED) options.push([String(ike), keys.ike[ike].spi_i]);
    return choice("IKE SA", options, String(ike), (value) => {
      this.chosen = Number(value);
      this.state.set({ m: "" });
      this.update(this.state.now);
    });
  }

  walk(index, open) {
    const { keys } = this.model.island;
    const ike = keys.ike[index];
    if (!ike) return empty("The keys of this IKE SA were not recorded.");
    const children = keys.children.filter((child) => child.ike === index);
    return [
      html(
        "p",
        { class: "meta" },
        `${ike.encr}${ike.integ ? ", " + ike.integ : ""}, ${ike.prf}; SPIs `,
        html("code", null, `${ike.spi_i}, ${ike.spi_r}`),
        `; from ${seconds(ike.t)}`,
        ike.predecessor >= 0
          ? [", rekeyed from ", html("code", null, keys.ike[ike.predecessor].spi_i)]
          : null,
        ".",
      ),
      ike.differs ? html("p", { class: "tag bad" }, "The two ends derived different keys.") : null,
      this.steps(
        ike.values,
        open >= 0 && this.model.kindOf(open) === "ike" && this.model.messages.key[open] === index
          ? keyNames(this.model, open)
          : [],
      ),
      children.length ? html("h4", null, "Keys of its child SAs") : null,
      children.slice(0, KEYS_LISTED).map((child) => this.child(child, open)),
    ];
  }

  // Values that one formula gives stand together under it.
  steps(values, used) {
    const { formulas } = this.model.island.keys;
    const groups = [];
    for (const value of values) {
      const last = groups[groups.length - 1];
      if (last && last.formula === value.formula) last.values.push(value);
      else groups.push({ formula: value.formula, values: [value] });
    }
    return groups.map((group) => this.step(formulas[group.formula], group.values, used));
  }

  step(formula, values, used) {
    return html(
      "div",
      { class: "derivation" },
      formula
        ? html(
            "p",
            { class: "formula" },
            `${formula.text} `,
            html("span", { class: "tag" }, formula.rfc),
          )
        : null,
      html(
        "dl",
        null,
        values.map((value) => [
          html("dt", null, html("b", null, value.name), ` ${value.bytes}`),
          html(
            "dd",
            {
              class: used.includes(value.name) ? "octets used" : "octets",
              title: value.opens || null,
            },
            value.hex,
            value.opens ? html("span", { class: "gone" }, ` ${value.opens}`) : null,
          ),
        ]),
      ),
    );
  }

  child(child, open) {
    const { keys } = this.model.island;
    const own =
      open >= 0 &&
      this.model.kindOf(open) === "esp" &&
      keys.children[this.model.messages.key[open]] === child;
    return [
      html(
        "p",
        { class: "meta", style: "margin:12px 0 0" },
        html("code", null, child.spi),
        ` ${child.source} → ${child.destination}, `,
        `${child.encr}${child.integ ? ", " + child.integ : ""}${child.esn ? ", ESN" : ""}, from ${seconds(child.t)}`,
        child.initiator === null
          ? ""
          : child.initiator
            ? "; packets of the initiator"
            : "; packets of the responder",
      ),
      child.differs
        ? html("p", { class: "tag bad" }, "The two ends derived different keys.")
        : null,
      this.steps(child.values, own ? ["encryption", "integrity"] : []),
    ];
  }
}
