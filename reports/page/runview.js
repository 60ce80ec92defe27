// One run on the page: its chart or list, and its panels behind tabs.

const TABS = [
  ["message", "Message"],
  ["nat", "NAT"],
  ["sas", "SAs"],
  ["ladder", "Retransmissions"],
  ["window", "Window"],
  ["host", "Gateway"],
  ["keys", "Keys"],
];
const ZOOM_STEP = 1.4;
let runViews = 0;

class RunView {
  /** `name` distinguishes two runs and is empty for one. */
  constructor(model, state, name) {
    Object.assign(this, { model, state, name, id: `run${runViews++}` });
    this.chart = new Chart(model, state, name);
    this.list = new List(model, state, name);
    const show = (tab) => state.set({ tab });
    this.panels = {
      message: new DetailPanel(model, state, show),
      nat: new NatPanel(model, state),
      sas: new SaPanel(model, state),
      ladder: new LadderPanel(model, state),
      window: new WindowPanel(model, state),
      host: new HostPanel(model, state),
      keys: new KeysPanel(model, state),
    };
    this.nothing = empty(
      "No message passes the filters. ",
      html("button", { type: "button", onclick: () => state.clearFilters() }, "clear all filters"),
    );
    this.pages = html("div", { class: "print-pages", "aria-hidden": "true" });
    this.picture = html(
      "div",
      { class: "picture" },
      this.bar(),
      this.chart.root,
      this.list.root,
      this.nothing,
      legend(),
      this.pages,
    );
    this.side = html("div", { class: "side" }, this.tabList(), this.panel());
  }

  bar() {
    const press = (name, value, text, label) =>
      html(
        "button",
        {
          type: "button",
          title: label,
          "data-press": `${name}=${value}`,
          onclick: () => this.state.set({ [name]: value }),
        },
        text,
      );
    return html(
      "div",
      { class: "picture-bar" },
      this.name ? html("h3", null, this.name) : null,
      html(
        "div",
        { class: "segments", role: "group", "aria-label": "view (V)" },
        press("view", "chart", "sequence", "sequence chart"),
        press("view", "list", "list", "messages as a list"),
      ),
      html(
        "div",
        { class: "segments chart-only", role: "group", "aria-label": "scale of time (S)" },
        press("scale", "gaps", "waits shortened", "long waits are drawn short"),
        press("scale", "true", "true to time", "every second as tall as any other"),
      ),
      html("span", { class: "spacer" }),
      html(
        "div",
        { class: "segments chart-only", role: "group", "aria-label": "zoom" },
        button("−", "smaller (-)", () => this.chart.zoom(1 / ZOOM_STEP)),
        button("1:1", "1:1, usual size (0)", () => this.chart.zoom(1 / this.state.now.zoom)),
        button("+", "larger (+)", () => this.chart.zoom(ZOOM_STEP)),
      ),
    );
  }

  tabList() {
    this.tabs = TABS.map(([key, text]) =>
      html(
        "button",
        {
          type: "button",
          role: "tab",
          id: `${this.id}-tab-${key}`,
          "data-tab": key,
          "aria-controls": `${this.id}-panel`,
          onclick: () => this.state.set({ tab: key }),
        },
        text,
      ),
    );
    return html(
      "div",
      {
        class: "tabs",
        role: "tablist",
        "aria-label": `what to see beside the chart${this.name ? " of " + this.name : ""}`,
        onkeydown: (event) => this.arrows(event),
      },
      this.tabs,
    );
  }

  arrows(event) {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    const at = TABS.findIndex(([key]) => key === this.state.now.tab);
    const next = (at + way + TABS.length) % TABS.length;
    this.state.set({ tab: TABS[next][0] });
    this.tabs[next].focus();
  }

  panel() {
    this.panelRoot = html("div", {
      class: "panel",
      id: `${this.id}-panel`,
      role: "tabpanel",
      tabindex: 0,
    });
    return this.panelRoot;
  }

  update(state, changed) {
    this.filter(state, changed);
    for (const node of this.picture.querySelectorAll("[data-press]")) {
      const [name, value] = node.dataset.press.split("=");
      node.setAttribute("aria-pressed", String(state[name] === value));
    }
    this.show(state);
    const scaled = ["scale", "zoom"].some((name) => changed.has(name));
    if (scaled) this.chart.layout();
    if (changed.has("t") || changed.has("view")) this.reveal(state);
    if (state.view === "list") this.list.draw();
    else this.chart.draw();
    this.drawPanel(state);
  }

  filter(state, changed) {
    const open = this.model.indexOf(state.m);
    const hidden = open >= 0 && this.shown && !this.shown.includes(open);
    if (this.shown && !hidden && !FILTERS.some((name) => changed.has(name))) return;
    this.shown = choose(this.model, state, open);
    this.fresh = true;
  }

  show(state) {
    const none = this.shown.length === 0;
    const list = state.view === "list";
    this.nothing.hidden = !none;
    this.chart.root.hidden = none || list;
    this.list.root.hidden = none || !list;
    for (const node of this.picture.querySelectorAll(".chart-only")) node.hidden = list;
    if (!this.fresh) return;
    this.fresh = false;
    this.chart.show(this.shown);
    this.list.show(this.shown);
  }

  reveal(state) {
    if (state.view === "list") this.list.reveal(state.t);
    else this.chart.reveal(state.t);
  }

  drawPanel(state) {
    const key = this.panels[state.tab] ? state.tab : "message";
    for (const tab of this.tabs) {
      const chosen = tab.dataset.tab === key;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
    }
    const panel = this.panels[key];
    this.panelRoot.setAttribute("aria-labelledby", `${this.id}-tab-${key}`);
    panel.update(state);
    if (this.panelRoot.firstChild !== panel.root) this.panelRoot.replaceChildren(panel.root);
  }

  /** Everything the filters let through, on paper. */
  print() {
    replace(this.pages, this.chart.sheets());
  }
}

function legend() {
  const line = (name, text, lost) =>
    html(
      "span",
      null,
      svg(
        "svg",
        { viewBox: "0 0 30 12", "aria-hidden": "true" },
        svg(
          "g",
          { class: `message ${name}` },
          svg("line", { class: "shaft", x1: 0, x2: lost ? 18 : 22, y1: 6, y2: 6 }),
          lost
            ? svg("path", { class: "cross", d: "M14 2l8 8m0 -8l-8 8" })
            : svg("polygon", { points: "30,6 21,2 21,10" }),
        ),
      ),
      text,
    );
  return html(
    "p",
    { class: "legend live" },
    line("request", "request"),
    line("response", "response"),
    line("request again", "sent again"),
    line("esp", "ESP"),
    line("keepalive", "NAT keepalive"),
    line("request", "lost or dropped", true),
  );
}
