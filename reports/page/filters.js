// Which messages are shown. Ordinary ESP packets say little and are many, so they are hidden until
// asked for: what stays of ESP is the first packets of each SA, every problem, and the first packet
// that gets through after one.

const ESP_FIRST = 2; // packets of each ESP SA that always show

const KINDS = [
  ["", "all but ordinary ESP"],
  ["all", "everything"],
  ["ike", "IKE"],
  ["esp", "ESP"],
  ["keepalive", "NAT keepalives"],
];

/** For each message 1 if it is an ordinary ESP packet. Made once for a run. */
function ordinaryEsp(model) {
  const { messages } = model;
  const ordinary = new Uint8Array(messages.rows);
  const seen = new Map();
  const hurt = new Map(); // pair of ends -> senders whose next good packet is worth a look
  for (let i = 0; i < messages.rows; i++) {
    if (model.kindOf(i) !== "esp") continue;
    const from = model.fromNode(i);
    const pair = model.pairOf(i);
    if (messages.problem[i]) {
      hurt.set(pair, new Set());
      continue;
    }
    const times = (seen.get(messages.sa[i]) || 0) + 1;
    seen.set(messages.sa[i], times);
    const healed = hurt.get(pair);
    if (healed && !healed.has(from)) healed.add(from);
    else if (times > ESP_FIRST) ordinary[i] = 1;
  }
  return ordinary;
}

/** Indexes of the messages that a state's filters let through, in order of time; and the open one. */
function choose(model, state, open) {
  const { messages } = model;
  const chosen = new Uint32Array(messages.rows);
  const node = state.node ? (model.nodeByName.get(state.node) ?? -2) : -1;
  const family = state.sa ? model.saFamily(state.sa) : null;
  const exchange = state.exchange ? model.textIndex(state.exchange) : 0;
  const sought = state.q.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (i) =>
    (state.kind ? state.kind === "all" || model.kindOf(i) === state.kind : !model.ordinary[i]) &&
    (!family || family.has(messages.sa[i])) &&
    (!exchange || messages.exchange[i] === exchange) &&
    (!state.problems || messages.problem[i]) &&
    (node === -1 || model.passes(i, node)) &&
    (!sought.length || speaks(model, i, sought));
  let length = 0;
  for (let i = 0; i < messages.rows; i++) {
    if (i === open || fits(i)) chosen[length++] = i;
  }
  return chosen.subarray(0, length);
}

function speaks(model, message, sought) {
  const text = model.searchText(message);
  return sought.every((word) => text.includes(word));
}

/** The row of filters above the chart. */
class FilterBar {
  constructor(models, state) {
    this.state = state;
    this.status = html("p", { class: "status", role: "status" });
    const set = (name) => (value) => state.set({ [name]: value });
    this.fields = {
      node: choice("node", this.names(models, "node"), state.now.node, set("node")),
      kind: choice("kind", KINDS, state.now.kind, set("kind")),
      exchange: choice(
        "exchange",
        this.names(models, "exchange"),
        state.now.exchange,
        set("exchange"),
      ),
      sa: choice("SA or SPI", this.names(models, "sa"), state.now.sa, set("sa")),
    };
    this.only = html("input", {
      type: "checkbox",
      onchange: () => state.set({ problems: this.only.checked ? "1" : "" }),
    });
    this.search = html("input", {
      type: "search",
      placeholder: "words",
      title: "words of a message: its name, payloads, nodes, addresses",
      spellcheck: "false",
      oninput: () => state.set({ q: this.search.value }),
    });
    this.clear = button("clear", "clear all filters", () => state.clearFilters(), {
      class: "small",
    });
    this.root = html(
      "div",
      { class: "filters", role: "search", "aria-label": "filters" },
      Object.values(this.fields),
      html("label", { class: "field" }, html("span", null, "find"), this.search),
      html("label", { class: "check" }, this.only, "only problems"),
      this.clear,
      this.status,
    );
  }

  names(models, what) {
    const names = new Set(models.flatMap((model) => model.filterNames(what)));
    return [["", "all"], ...[...names].map((name) => [name, name])];
  }

  update(state, views) {
    for (const [name, field] of Object.entries(this.fields)) {
      field.querySelector("select").value = state[name];
    }
    this.only.checked = state.problems === "1";
    if (this.search.value !== state.q) this.search.value = state.q;
    this.clear.hidden = FILTERS.every((name) => !state[name]);
    const shown = views.reduce((sum, view) => sum + view.shown.length, 0);
    const all = views.reduce((sum, view) => sum + view.model.messages.rows, 0);
    this.status.textContent =
      shown === all ? `${count(all)} messages` : `${count(shown)} of ${count(all)} messages`;
  }
}
