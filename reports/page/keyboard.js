// Every function by keyboard; ? shows the keys.

const KEYS = [
  ["→ or J", "next message"],
  ["← or K", "message before"],
  ["Shift + → or ←", "next or last event: a state, a mapping, a loss"],
  ["Space", "play, pause"],
  ["Home, End", "start and end of the run"],
  ["+ − 0", "zoom in, out, usual size"],
  ["S", "waits shortened, or true to time"],
  ["V", "sequence chart or list"],
  ["D", "decrypted, or as on the wire"],
  ["1 to 7", "the panels, from Message to Keys"],
  ["P", "only problems"],
  ["/", "find words"],
  ["C", "clear all filters"],
  ["Esc", "close the message"],
  ["L", "light or dark"],
  ["?", "these keys"],
];

class Keyboard {
  constructor(app) {
    this.app = app;
    this.sheet = html(
      "dialog",
      { class: "sheet", "aria-labelledby": "keys-title" },
      html("h2", { id: "keys-title" }, "Keys"),
      html(
        "table",
        null,
        html(
          "tbody",
          null,
          KEYS.map(([key, text]) =>
            html(
              "tr",
              null,
              html("th", { scope: "row" }, html("kbd", null, key)),
              html("td", null, text),
            ),
          ),
        ),
      ),
      html(
        "p",
        { class: "note" },
        "With the mouse: Ctrl and wheel zoom, dragging the chart pans, a double click sets the time. The address of the page holds the position: copy it to link to it.",
      ),
      html("button", { type: "button", onclick: () => this.sheet.close() }, "close"),
    );
    document.body.append(this.sheet);
    document.addEventListener("keydown", (event) => this.press(event));
  }

  help() {
    if (!this.sheet.open) this.sheet.showModal();
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.sheet.open) return;
    if (this.isTyping(event)) return;
    const action =
      this.actions()[(event.shiftKey && event.key.startsWith("Arrow") ? "Shift+" : "") + event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  // Fields, the slider and buttons keep the keys that are theirs.
  isTyping(event) {
    const { target, key } = event;
    if (target.matches("textarea, select, input:not([type=range]):not([type=checkbox])")) {
      if (key === "Escape") target.blur();
      return true;
    }
    if (target.matches("input[type=range]")) return /^(Arrow|Home|End|Page)/.test(key);
    if (target.matches("button, input, summary, a") && (key === " " || key === "Enter"))
      return true;
    return false;
  }

  actions() {
    const { state, transport, views } = this.app;
    const flip = (name, one, other) => () =>
      state.set({ [name]: state.now[name] === one ? other : one });
    const zoom = (factor) => () => views[0].chart.zoom(factor);
    const actions = {
      ArrowRight: () => transport.stepMessage(1),
      ArrowLeft: () => transport.stepMessage(-1),
      j: () => transport.stepMessage(1),
      k: () => transport.stepMessage(-1),
      "Shift+ArrowRight": () => transport.stepEvent(1),
      "Shift+ArrowLeft": () => transport.stepEvent(-1),
      " ": () => transport.toggle(),
      Home: () => transport.goTo(0),
      End: () => transport.goTo(transport.end),
      "+": zoom(ZOOM_STEP),
      "=": zoom(ZOOM_STEP),
      "-": zoom(1 / ZOOM_STEP),
      0: () => views[0].chart.zoom(1 / state.now.zoom),
      s: flip("scale", "gaps", "true"),
      v: flip("view", "chart", "list"),
      d: flip("text", "open", "wire"),
      p: flip("problems", "1", ""),
      c: () => state.clearFilters(),
      l: () => this.app.theme.toggle(),
      "/": () => this.app.filters.search.focus(),
      "?": () => this.help(),
      Escape: () => state.set({ m: "" }),
    };
    TABS.forEach(([key], i) => {
      actions[i + 1] = () => state.set({ tab: key });
    });
    return actions;
  }
}
