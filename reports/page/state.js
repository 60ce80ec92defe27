// Where the reader is: one small record, kept in the address behind the # so that every position can
// be linked, and told to whoever draws. Values are texts or numbers; a default is not written.

const STATE_DEFAULTS = {
  t: 0, //           simulated time of the slider, ns
  m: "", //          the open message: a number, of the second run with b in front
  tab: "message", // the panel beside the chart
  view: "chart", //  chart or list
  scale: "gaps", //  gaps (long waits shortened) or true
  zoom: 1,
  node: "",
  sa: "",
  exchange: "",
  kind: "",
  problems: "",
  q: "", // filters
  text: "open", //   bytes shown: open (decrypted) or wire
};
const ZOOM_LEAST = 0.1;
const ZOOM_MOST = 1e6;
const STATE_NUMBERS = new Set(["t", "zoom"]);
// The slider moves on its own while it plays: such steps replace the entry of the history.
const STATE_QUIET = new Set(["t", "zoom", "q"]);
const RAPID_MS = 120;
const FILTERS = ["node", "sa", "exchange", "kind", "problems", "q"];

/** The record in an address; what it does not say is as at the start. */
function readHash(hash) {
  const state = { ...STATE_DEFAULTS };
  for (const [name, value] of new URLSearchParams(hash.replace(/^#/, ""))) {
    if (!(name in STATE_DEFAULTS)) continue;
    const number = Number(value);
    if (!STATE_NUMBERS.has(name)) state[name] = value;
    else if (name === "t" && number >= 0 && number < 1e9) state.t = Math.round(number * 1e9);
    else if (name === "zoom" && number >= ZOOM_LEAST && number <= ZOOM_MOST) state.zoom = number;
  }
  return state;
}

function writeHash(state) {
  const parts = [];
  for (const [name, value] of Object.entries(state)) {
    if (value === STATE_DEFAULTS[name]) continue;
    const text = name === "t" ? (value / 1e9).toFixed(9).replace(/\.?0+$/, "") : String(value);
    parts.push(`${name}=${encodeURIComponent(text)}`);
  }
  return "#" + parts.join("&");
}

class State {
  constructor() {
    this.now = readHash(location.hash);
    this.listeners = [];
    this.frame = 0;
    this.written = -RAPID_MS;
    this.changed = new Set(Object.keys(STATE_DEFAULTS));
    window.addEventListener("hashchange", () => this.fromAddress());
    window.addEventListener("popstate", () => this.fromAddress());
  }

  /** `listener(state, changed)` is called once before each frame in which something changed. */
  listen(listener) {
    this.listeners.push(listener);
  }

  set(patch) {
    const names = Object.keys(patch).filter((name) => this.now[name] !== patch[name]);
    if (!names.length) return;
    for (const name of names) {
      this.now[name] = patch[name];
      this.changed.add(name);
    }
    this.schedule();
    this.write(names.every((name) => STATE_QUIET.has(name)));
  }

  clearFilters() {
    this.set(Object.fromEntries(FILTERS.map((name) => [name, ""])));
  }

  schedule() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.tell());
  }

  tell() {
    this.frame = 0;
    const changed = this.changed;
    this.changed = new Set();
    for (const listener of this.listeners) listener(this.now, changed);
  }

  // Browsers refuse hundreds of address changes in a row, so quiet ones wait for a pause, and so does
  // what follows another change at once: a key that is held down is one step of the history.
  write(quiet) {
    clearTimeout(this.timer);
    const now = performance.now();
    const rapid = now - this.written < RAPID_MS;
    if (!quiet) this.written = now;
    if (!quiet && !rapid) return history.pushState(null, "", writeHash(this.now));
    this.timer = setTimeout(() => history.replaceState(null, "", writeHash(this.now)), 250);
    return undefined;
  }

  fromAddress() {
    const next = readHash(location.hash);
    for (const name of Object.keys(next)) {
      if (next[name] === this.now[name]) continue;
      this.now[name] = next[name];
      this.changed.add(name);
    }
    if (this.changed.size) this.schedule();
  }
}
