// The sequence chart: a lane for each node, time running down, an arrow for each hop from the moment
// it was sent to the moment it arrived. Only what is in view is drawn: the page scrolls over an empty
// space as tall as the run, and the picture stays in front of it.

const CHART_GUTTER = 92; //     px for the times on the left
const CHART_MARGIN = 44;
const HEAD_HEIGHT = 58; // px, of the names above the lanes
const LANE_MIN = 132;
const CHART_TOP = 22; //        px above the first moment
const CHART_BOTTOM = 60;
const EVENT_LETTER = 6.5; // px, the usual width of a letter of what happens at a node
const GAPS_ZOOM_MOST = 8; // with waits shortened; more only makes arrows steep
const SHEET_WIDTH = 740;
const SHEET_HEIGHT = 940; // px of chart on a printed page
const SHEETS_MAX = 12;
const POINTS_EXACT = 60000; // hops up to which each end of each hop gets room of its own

class Chart {
  constructor(model, state, name) {
    Object.assign(this, { model, state, name, arrows: new Arrows(this, model) });
    this.head = svg("svg", { class: "lane-heads", "aria-hidden": "true" });
    this.picture = svg("svg", { class: "sequence-live", role: "img" });
    this.space = html("div", { class: "chart-space" }, this.head, this.picture);
    this.scroller = html(
      "div",
      {
        class: "chart-scroll",
        tabindex: 0,
        role: "region",
        "aria-label": `sequence chart${name ? " of " + name : ""}; J and K go from message to message`,
      },
      this.space,
    );
    this.root = html("div", { class: "chart-live" }, this.scroller);
    this.scroller.addEventListener("scroll", () => this.schedule(), { passive: true });
    this.picture.addEventListener("click", (event) => this.click(event));
    this.picture.addEventListener("dblclick", (event) => this.setTime(event));
    this.picture.addEventListener("pointerover", (event) => this.tell(event));
    this.scroller.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    new ResizeObserver(() => {
      this.layout();
      this.draw();
    }).observe(this.scroller);
    this.drag();
  }

  /** Called with the chosen messages whenever they, the scale or the zoom have changed. */
  show(shown) {
    this.shown = shown;
    this.lanes = lanesOf(this.model, shown);
    this.starts = Float64Array.from(shown, (message) => this.model.messages.t[message]);
    this.longest = 0;
    for (const message of shown) {
      this.longest = Math.max(
        this.longest,
        this.model.endOf(message) - this.model.messages.t[message],
      );
    }
    this.sas = new Set(Array.from(shown, (message) => this.model.messages.sa[message]));
    this.events = this.model.events.filter((event) => this.concerns(event));
    this.eventTimes = Float64Array.from(this.events, (event) => event.t);
    this.points = null;
    this.layout();
  }

  // What the scenario did concerns everybody; of a group in one lane, only what went wrong shows.
  concerns(event) {
    if (event.node < 0) return true;
    if (this.lanes.laneOf(event.node) === undefined) return false;
    return (
      (event.sa === undefined || this.sas.has(event.sa)) && (!this.lanes.grouped || event.problem)
    );
  }

  layout(given = this.scroller.clientWidth) {
    if (!this.shown || !given) return;
    const anchor = this.scale ? this.scale.t(this.scroller.scrollTop + 60 - CHART_TOP) : null;
    this.screen = this.scroller.clientHeight - HEAD_HEIGHT;
    const { scale, zoom } = this.state.now;
    if (scale === "true") {
      this.scale = trueScale(this.model.end, zoom, this.screen);
    } else {
      this.points = this.points || this.makePoints();
      this.scale = gapScale(this.points.times, this.points.starts, this.model.end, zoom);
    }
    const lanes = Math.max(this.lanes.lanes.length, 1);
    const room = given - CHART_GUTTER - 2 * CHART_MARGIN;
    this.laneWidth = Math.max(LANE_MIN, room / lanes);
    this.width = Math.max(
      given,
      CHART_GUTTER + 2 * CHART_MARGIN + this.laneWidth * lanes,
    );
    this.space.style.height = `${HEAD_HEIGHT + CHART_TOP + this.scale.height + CHART_BOTTOM}px`;
    this.space.style.width = `${this.width}px`;
    this.drawHead();
    if (anchor !== null) this.scroller.scrollTop = this.scale.y(anchor) + CHART_TOP - 60;
  }

  // Moments that need room: where messages begin, and for runs of a size that people read, where
  // their hops begin and end.
  makePoints() {
    const { messages, hops } = this.model;
    const times = [...this.starts, ...this.eventTimes];
    const begins = new Set(times);
    let total = 0;
    for (const message of this.shown) total += messages.count[message];
    for (const message of total <= POINTS_EXACT ? this.shown : []) {
      for (
        let hop = messages.first[message];
        hop < messages.first[message] + messages.count[message];
        hop++
      ) {
        times.push(hops.t[hop], Math.max(hops.r[hop], hops.t[hop]));
      }
    }
    const sorted = Float64Array.from(times).sort();
    return { times: sorted, starts: Uint8Array.from(sorted, (t) => (begins.has(t) ? 1 : 0)) };
  }

  x(lane) {
    return CHART_GUTTER + CHART_MARGIN + this.laneWidth * (lane + 0.5);
  }

  schedule() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  drawHead() {
    this.head.setAttribute("width", this.width);
    replace(
      this.head,
      this.lanes.lanes.map((lane, i) => {
        const x = this.x(i);
        const half = Math.min(this.laneWidth / 2 - 8, 76);
        return svg(
          "g",
          { class: lane.nat ? "nat" : null },
          svg("rect", { x: x - half, y: 8, width: 2 * half, height: 42, rx: 8 }),
          svg("text", { class: "name", x, y: 27 }, fit(lane.name, half * 2 - 10, 7.6)),
          svg("text", { class: "role", x, y: 42 }, lane.nat ? "NAT box" : lane.role),
        );
      }),
    );
  }

  draw() {
    this.frame = 0;
    if (!this.scale || !this.scroller.clientHeight) return;
    const top = this.scroller.scrollTop;
    this.paint(this.picture, top - CHART_TOP, this.screen);
  }

  /** Draw a stretch of the chart, `offset` px below the start of the run, into an SVG. */
  paint(picture, offset, height) {
    this.offset = offset;
    const from = this.scale.t(offset - 30);
    const to = this.scale.t(offset + height + 30);
    picture.setAttribute("width", this.width);
    picture.setAttribute("height", height);
    const inView = this.inView(from, to);
    picture.setAttribute(
      "aria-label",
      `${plural(inView.length, "message")} in view, from ` +
        `${seconds(from)} to ${seconds(to)}; the list view has them as a table`,
    );
    replace(
      picture,
      this.lifelines(height),
      this.axis(from, to, inView),
      this.waits(from, to),
      this.happenings(from, to),
      this.arrows.draw(inView, height),
      this.veil(height),
      this.openAgain(inView),
      this.nowLine(),
    );
  }

  /** The chart of the shown messages on sheets of paper: [SVG of lane heads, SVG of arrows, …]. */
  sheets() {
    if (!this.shown.length) return [];
    if (!this.scale) this.layout(SHEET_WIDTH); // beside the list it has never been laid out
    const sheets = [];
    const height = Math.min(
      this.scale.height + CHART_TOP + CHART_BOTTOM,
      SHEETS_MAX * SHEET_HEIGHT,
    );
    for (let top = 0; top < height; top += SHEET_HEIGHT) {
      const picture = svg("svg", {
        class: "sequence-live",
        viewBox: `0 0 ${this.width} ${SHEET_HEIGHT}`,
      });
      this.paint(picture, top - CHART_TOP, SHEET_HEIGHT);
      const head = this.head.cloneNode(true);
      head.setAttribute("viewBox", `0 0 ${this.width} ${HEAD_HEIGHT}`);
      sheets.push(head, picture);
    }
    if (height < this.scale.height)
      sheets.push(html("p", { class: "note" }, "The chart goes on: filter it to print less."));
    this.schedule();
    return sheets;
  }

  /** Shown messages of which some part lies between two moments. */
  inView(from, to) {
    const found = [];
    for (
      let i = lowerBound(this.starts, from - this.longest);
      i < this.shown.length && this.starts[i] <= to;
      i++
    ) {
      if (this.model.endOf(this.shown[i]) >= from) found.push(this.shown[i]);
    }
    return found;
  }

  lifelines(height) {
    return this.lanes.lanes.map((lane, i) =>
      svg("line", {
        class: lane.nat ? "life nat" : "life",
        x1: this.x(i),
        x2: this.x(i),
        y1: 0,
        y2: height,
      }),
    );
  }

  y(t) {
    return this.scale.y(t) - this.offset;
  }

  // In true scale round times, with shortened waits the moments themselves.
  axis(from, to, inView) {
    const times =
      this.state.now.scale === "true"
        ? this.roundTimes(from, to)
        : [
            ...inView.map((message) => this.model.messages.t[message]),
            ...this.eventsIn(from, to).map((event) => event.t),
          ].sort((a, b) => a - b);
    const out = [];
    let last = -100;
    for (const t of times) {
      const y = this.y(t);
      if (y < last + 15) continue;
      last = y;
      out.push(
        svg(
          "text",
          { class: "time", x: CHART_GUTTER - 10, y: y + 4 },
          seconds(t, this.digits(from, to)),
        ),
      );
      if (this.state.now.scale === "true") {
        out.push(
          svg("line", { class: "tick", x1: CHART_GUTTER - 4, x2: this.width, y1: y, y2: y }),
        );
      }
    }
    return out;
  }

  digits(from, to) {
    return this.state.now.scale !== "true"
      ? 4
      : Math.min(9, Math.max(0, Math.ceil(-Math.log10((to - from) / 8e9))));
  }

  roundTimes(from, to) {
    const step = roundStep((to - from) / 8);
    const times = [];
    for (let t = Math.max(0, Math.ceil(from / step) * step); t <= to; t += step) times.push(t);
    return times;
  }

  waits(from, to) {
    return this.scale.breaksWithin(from, to).map((wait) => {
      const y = (this.y(wait.from) + this.y(wait.to)) / 2;
      return svg(
        "g",
        { class: "wait" },
        svg("line", { x1: CHART_GUTTER, x2: this.width, y1: y, y2: y }),
        svg("text", { x: CHART_GUTTER - 10, y: y + 4 }, "⋮ " + span(wait.to - wait.from)),
      );
    });
  }

  /** State changes and what the scenario did, as dots and words at their lifeline. */
  happenings(from, to) {
    const used = new Map();
    return this.eventsIn(from, to).map((event) => {
      const lane = event.node >= 0 ? this.lanes.laneOf(event.node) : -1;
      const y = this.y(event.t);
      if (lane < 0) return this.intervention(event, y);
      const taken = used.get(lane) ?? -100;
      const at = Math.max(y + 14, taken + 13);
      used.set(lane, at);
      const right = lane === this.lanes.lanes.length - 1;
      const x = this.x(lane) + (right ? 9 : -9);
      return svg(
        "g",
        { class: "happening " + event.kind },
        svg("circle", { cx: this.x(lane), cy: y, r: 4 }),
        svg(
          "text",
          { class: right ? "start" : "end", x, y: at },
          fit(event.text, right ? this.width - x - 4 : this.roomBefore(lane), EVENT_LETTER),
        ),
        svg("title", null, `${event.text}, ${seconds(event.t)}`),
      );
    });
  }

  // Texts to the left of a lifeline end at the one before it, or at the times.
  roomBefore(lane) {
    return lane === 0 ? this.x(0) - CHART_GUTTER - 13 : this.laneWidth - 10;
  }

  eventsIn(from, to) {
    return this.events.slice(
      lowerBound(this.eventTimes, from),
      lowerBound(this.eventTimes, to + 1),
    );
  }

  intervention(event, y) {
    return svg(
      "g",
      { class: "intervention" },
      svg("line", { x1: CHART_GUTTER, x2: this.width, y1: y, y2: y }),
      svg(
        "text",
        { x: CHART_GUTTER + 6, y: y - 5 },
        fit(event.text, this.width - CHART_GUTTER, 6.6),
      ),
    );
  }

  isOpen(message) {
    return this.state.now.m === this.model.mark + message;
  }

  // A veil over what is still to come; the open message stays clear of it.
  veil(height) {
    if (this.state.now.t <= 0) return null;
    const y = Math.max(this.y(this.state.now.t), 0);
    return svg("rect", {
      class: "veil",
      x: CHART_GUTTER,
      y,
      width: this.width,
      height: Math.max(0, height - y),
    });
  }

  openAgain(inView) {
    const open = this.state.now.t > 0 && inView.find((message) => this.isOpen(message));
    return open === undefined || open === false ? null : this.arrows.message(open, new Map());
  }

  // The slider's moment: a line, and each packet that is on its way.
  nowLine() {
    const { t } = this.state.now;
    if (t <= 0) return null;
    const y = this.y(t);
    return svg(
      "g",
      { class: "now" },
      svg("line", { x1: CHART_GUTTER, x2: this.width, y1: y, y2: y }),
      this.flying(t).map((x) => svg("circle", { cx: x, cy: y, r: 4.5 })),
    );
  }

  flying(t) {
    const { hops, messages } = this.model;
    const places = [];
    for (const message of this.inView(t, t).slice(0, 200)) {
      for (
        let hop = messages.first[message];
        hop < messages.first[message] + messages.count[message];
        hop++
      ) {
        if (hops.t[hop] > t || hops.r[hop] < t || hops.b[hop] < 0) continue;
        const line = this.arrows.hopLine(hop);
        const share = (t - hops.t[hop]) / Math.max(hops.r[hop] - hops.t[hop], 1);
        if (line) places.push(line.x1 + share * (line.x2 - line.x1));
      }
    }
    return places;
  }

  /** Bring a moment into view, if it is not. */
  reveal(t, calm) {
    if (!this.scale) return;
    const y = this.scale.y(t) + CHART_TOP;
    const { scrollTop } = this.scroller;
    if (y > scrollTop + 50 && y < scrollTop + this.screen * 0.8) return;
    const top = Math.max(0, y - this.screen * (calm ? 0.75 : 0.35));
    this.scroller.scrollTop = top;
  }

  click(event) {
    const group = event.target.closest("[data-message]");
    if (!group) return;
    const message = Number(group.dataset.message);
    this.state.set({
      m: this.model.mark + message,
      tab: "message",
      t: this.model.messages.t[message],
    });
  }

  // What a message is shows at the pointer; hundreds of such texts at each drawing would cost frames.
  tell(event) {
    const group = event.target.closest("[data-message]");
    if (!group || group.querySelector("title")) return;
    group.prepend(svg("title", null, this.model.tooltip(Number(group.dataset.message))));
  }

  setTime(event) {
    const box = this.picture.getBoundingClientRect();
    this.state.set({
      t: Math.round(Math.max(0, this.scale.t(event.clientY - box.top + this.offset))),
    });
  }

  // The plain wheel scrolls; with Ctrl (what a pinch sends too) it zooms around the pointer.
  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = this.scroller.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY / 240), event.clientY - box.top - HEAD_HEIGHT);
  }

  /** Zoom by a factor; the moment at `at` px below the top of the view stays where it is. */
  zoom(factor, at = this.screen / 3) {
    const t = this.scale.t(this.scroller.scrollTop + at - CHART_TOP);
    const most = this.state.now.scale === "true" ? ZOOM_MOST : GAPS_ZOOM_MOST;
    const zoom = Math.min(most, Math.max(ZOOM_LEAST, this.state.now.zoom * factor));
    this.state.set({ zoom: Math.round(zoom * 1000) / 1000 });
    this.layout();
    this.scroller.scrollTop = this.scale.y(t) + CHART_TOP - at;
    this.draw();
  }

  /** Drag the empty picture to pan it. */
  drag() {
    let start = null;
    this.picture.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.target.closest("[data-message]")) return;
      start = {
        x: event.clientX,
        y: event.clientY,
        left: this.scroller.scrollLeft,
        top: this.scroller.scrollTop,
      };
      this.picture.setPointerCapture(event.pointerId);
    });
    this.picture.addEventListener("pointermove", (event) => {
      if (!start) return;
      this.scroller.scrollTop = start.top - (event.clientY - start.y);
      this.scroller.scrollLeft = start.left - (event.clientX - start.x);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.picture.addEventListener(end, () => {
        start = null;
      });
    }
  }
}
