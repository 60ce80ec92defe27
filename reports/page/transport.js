// The slider of simulated time, the buttons that step and play, and the strip above them that shows
// where in the run something happens.

const SLIDER_PARTS = 10000; //  positions of the slider
const STRIP_COLUMNS = 240; //   bars of the strip
const PACES = [
  ["0.5", "slow"],
  ["1", "normal"],
  ["3", "fast"],
  ["10", "very fast"],
  ["real", "real time"],
];
const FLAG_WIDTH = 150; //   px
const FLAG_LEAST = 40; //    px; less is not worth a text
const FLAGS_WIDTH = 600; //  px of all, before they have been laid out
const FLAGS_DRAWN = 40;
const FLAGS_NAMED = 6; //     of what the scenario did; more would cover each other
const PX_PER_S = 70; //     normal pace, along the chart: shortened waits pass quickly
const STEP_PAUSE = 1200; // ms between steps where the reader wants no motion

class Transport {
  /** `chart()` is the chart whose scale sets the pace; `views` have the shown messages. */
  constructor(state, views, end) {
    Object.assign(this, { state, views, end, pace: "1", playing: 0 });
    this.slider = html("input", {
      type: "range",
      min: 0,
      max: SLIDER_PARTS,
      step: 1,
      "aria-label": "simulated time",
      oninput: () => this.goTo((Number(this.slider.value) / SLIDER_PARTS) * this.end),
    });
    this.clock = html("output", { class: "clock", "aria-live": "off" });
    this.playButton = button("▶", "play (space)", () => this.toggle(), { class: "play" });
    this.strip = svg("svg", {
      class: "strip",
      viewBox: `0 0 ${STRIP_COLUMNS} 30`,
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    });
    this.flags = html("div", { class: "flags", "aria-hidden": "true" });
    this.root = html(
      "div",
      { class: "transport", role: "group", "aria-label": "simulated time" },
      html(
        "div",
        { class: "buttons" },
        button("|◂", "to the start (Home)", () => this.goTo(0)),
        button("◂◂", "event before (Shift + left)", () => this.stepEvent(-1)),
        button("◂", "message before (left)", () => this.stepMessage(-1)),
        this.playButton,
        button("▸", "next message (right)", () => this.stepMessage(1)),
        button("▸▸", "next event (Shift + right)", () => this.stepEvent(1)),
        choice("pace", PACES, this.pace, (pace) => {
          this.pace = pace;
        }),
      ),
      html("div", { class: "track" }, this.flags, this.strip, this.slider),
      this.clock,
    );
  }

  goTo(t) {
    this.state.set({ t: Math.round(Math.min(Math.max(t, 0), this.end)) });
  }

  /** The next shown message of any run opens, and time goes to its sending. */
  stepMessage(way) {
    const { t, m } = this.state.now;
    let best = null;
    for (const { model, shown, chart } of this.views) {
      if (!shown.length) continue;
      const open = m && model.owns(m) ? shown.indexOf(model.indexOf(m)) : -1;
      let i;
      if (open >= 0 && model.messages.t[shown[open]] === t) i = open + way;
      else i = way > 0 ? lowerBound(chart.starts, t) : lowerBound(chart.starts, t) - 1;
      // In the other run of two, a message at this very moment has been seen already.
      if (open < 0 && way > 0 && m && chart.starts[i] === t && this.views.length > 1) i++;
      if (i < 0 || i >= shown.length) continue;
      const at = model.messages.t[shown[i]];
      if (!best || (at - best.at) * way < 0) best = { at, m: model.mark + shown[i] };
    }
    if (best) this.state.set({ t: best.at, m: best.m });
    return best !== null;
  }

  /** To the next thing that is no packet: a state, a timer, a NAT mapping, a loss. */
  stepEvent(way) {
    const { t } = this.state.now;
    let best = null;
    for (const { model } of this.views) {
      const i = way > 0 ? lowerBound(model.moments, t + 1) : lowerBound(model.moments, t) - 1;
      const at = model.moments[i];
      if (at !== undefined && (best === null || (at - best) * way < 0)) best = at;
    }
    if (best !== null) this.goTo(best);
  }

  toggle() {
    if (this.playing) return this.stop();
    if (this.state.now.t >= this.end) this.goTo(0);
    this.playing = 1;
    this.playButton.textContent = "❚❚";
    this.last = performance.now();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.timer = setInterval(() => this.stepMessage(1) || this.stop(), STEP_PAUSE);
    } else {
      requestAnimationFrame((now) => this.advance(now));
    }
    return undefined;
  }

  stop() {
    this.playing = 0;
    clearInterval(this.timer);
    this.playButton.textContent = "▶";
  }

  // Frames are as far apart as they are; a page that was in the background goes on, it does not leap.
  advance(now) {
    if (!this.playing) return;
    const passed = Math.min(now - this.last, 200) / 1000;
    this.last = now;
    this.goTo(this.ahead(this.state.now.t, passed));
    if (this.state.now.t >= this.end) return this.stop();
    requestAnimationFrame((next) => this.advance(next));
    return undefined;
  }

  ahead(t, passed) {
    if (this.pace === "real") return t + passed * 1e9;
    const { scale } = this.views[0].chart;
    const next = scale.t(scale.y(t) + passed * PX_PER_S * Number(this.pace));
    return Math.max(next, t + 1);
  }

  drawStrip() {
    const columns = this.views.map(({ model, shown }) => bars(model, shown, this.end));
    const tallest = Math.max(1, ...columns.flatMap((bar) => bar.map((column) => column.all)));
    const height = 28 / columns.length;
    replace(
      this.strip,
      columns.map((bar, row) =>
        bar.map((column, x) => {
          if (!column.all) return null;
          const h = Math.max(2, Math.sqrt(column.all / tallest) * (height - 2));
          const y = (row + 1) * height;
          const bad = column.bad && Math.max(2, h * Math.max(0.3, column.bad / column.all));
          return [
            svg("rect", { class: "all", x, y: y - h, width: 0.86, height: h }),
            bad ? svg("rect", { class: "bad", x, y: y - bad, width: 0.86, height: bad }) : null,
          ];
        }),
      ),
    );
    this.drawFlags();
  }

  // Each flag has its name, as far as there is room before the next one.
  drawFlags() {
    const flags = this.views
      .flatMap(({ model }) => model.interventions)
      .sort((a, b) => a.t - b.t)
      .slice(0, FLAGS_DRAWN);
    const width = this.flags.clientWidth || FLAGS_WIDTH;
    const room = (i) => (((flags[i + 1]?.t ?? Infinity) - flags[i].t) / this.end) * width - 10;
    const name = (event, i) => {
      const most = Math.min(room(i), FLAG_WIDTH);
      return flags.length <= FLAGS_NAMED && most >= FLAG_LEAST ? fit(event.text, most, 6) : "";
    };
    replace(
      this.flags,
      flags.map((event, i) =>
        html("span", {
          style: `left:${(100 * event.t) / this.end}%`,
          "data-text": name(event, i),
          title: `${event.text} at ${span(event.t)}`,
        }),
      ),
    );
  }

  update(state) {
    this.slider.value = Math.round((state.t / this.end) * SLIDER_PARTS);
    this.slider.setAttribute("aria-valuetext", seconds(state.t));
    this.clock.textContent = seconds(state.t);
  }
}

/** How many messages, and how many with a problem, begin in each column of the strip. */
function bars(model, shown, end) {
  const columns = Array.from({ length: STRIP_COLUMNS }, () => ({ all: 0, bad: 0 }));
  for (const message of shown) {
    const x = Math.min(
      STRIP_COLUMNS - 1,
      Math.floor((model.messages.t[message] / end) * STRIP_COLUMNS),
    );
    columns[x].all++;
    if (model.messages.problem[message]) columns[x].bad++;
  }
  return columns;
}
