// What the pictures along simulated time share: an axis, the slider's line, and a choice of how much
// of the run is seen.

const PLOT_WIDTH = 640;
const PLOT_LEFT = 150; // px for the names of rows
const PLOT_RIGHT = 12;
const RANGES = [
  ["0", "whole run"],
  ["60e9", "1 min"],
  ["5e9", "5 s"],
  ["500e6", "0.5 s"],
  ["50e6", "50 ms"],
];

/** How much of the run a picture shows: everything, or a span around the slider. */
class TimeRange {
  constructor(model, onchange) {
    Object.assign(this, { model, width: 0 });
    this.root = choice("shown", RANGES, "0", (value) => {
      this.width = Number(value);
      onchange();
    });
  }

  /** {from, to, x(t)} for the slider at `t`. */
  at(t) {
    const whole = !this.width || this.width >= this.model.end;
    const from = whole ? 0 : Math.max(0, Math.min(t - this.width / 2, this.model.end - this.width));
    const to = whole ? this.model.end : from + this.width;
    const room = PLOT_WIDTH - PLOT_LEFT - PLOT_RIGHT;
    const x = (time) =>
      PLOT_LEFT + ((Math.min(Math.max(time, from), to) - from) / (to - from)) * room;
    return { from, to, x, holds: (start, end) => end >= from && start <= to };
  }
}

/** An SVG of rows with an axis below; `label` tells what it shows. */
function timePlot(range, height, now, label, ...shapes) {
  const bottom = height - 20;
  const step = roundStep((range.to - range.from) / 5);
  const ticks = [];
  for (let t = Math.ceil(range.from / step) * step; t <= range.to; t += step) {
    ticks.push(
      svg("line", { class: "grid", x1: range.x(t), x2: range.x(t), y1: 0, y2: bottom }),
      svg("text", { x: Math.min(range.x(t), PLOT_WIDTH - 24), y: height - 5 }, tickText(t, step)),
    );
  }
  const inside = now >= range.from && now <= range.to;
  return svg(
    "svg",
    { class: "plot", viewBox: `0 0 ${PLOT_WIDTH} ${height}`, role: "img", "aria-label": label },
    ticks,
    svg("line", {
      class: "axis",
      x1: PLOT_LEFT,
      x2: PLOT_WIDTH - PLOT_RIGHT,
      y1: bottom,
      y2: bottom,
    }),
    shapes,
    inside
      ? svg("line", { class: "now", x1: range.x(now), x2: range.x(now), y1: 0, y2: bottom })
      : null,
  );
}

function tickText(t, step) {
  const digits = Math.max(0, Math.ceil(-Math.log10(step / 1e9)));
  return (t / 1e9).toFixed(Math.min(digits, 6)) + " s";
}

/** A step line of values over time, scaled to `top`. Nulls break it. */
function stepPath(times, values, range, y) {
  let path = "";
  let pen = false;
  for (let i = 0; i < times.length; i++) {
    if (values[i] === null || values[i] === undefined) {
      pen = false;
      continue;
    }
    if (times[i] < range.from || times[i] > range.to) continue;
    path += pen
      ? `H${range.x(times[i]).toFixed(1)}V${y(values[i]).toFixed(1)}`
      : `M${range.x(times[i]).toFixed(1)} ${y(values[i]).toFixed(1)}`;
    pen = true;
  }
  return path;
}
