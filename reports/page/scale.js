// From simulated time to a height in the chart, and back. Two ways: `true`, where every second is as
// tall as any other, and `gaps`, where what happens has room to be read and long waits are short.

// Browsers stop laying out elements somewhat above 33 million pixels.
const HEIGHT_MAX = 30e6;
const START_STEP = 30; //   px before a message begins: room for its label
const POINT_STEP = 11; //   px before a hop begins or ends
const PER_MS = 1.25; //     px for each millisecond that passes
const STEP_MAX = 46;
const BREAK_NS = 100e6; //  waits above are drawn as a break, with their length
const BREAK_STEP = 58;
const TRUE_SCREENS = 6; //  heights of the window for a whole run in true scale

/** Every second as tall as any other. */
function trueScale(end, zoom, screen) {
  const height = Math.min(Math.max(screen * TRUE_SCREENS * zoom, 100), HEIGHT_MAX);
  const perNs = height / Math.max(end, 1);
  return { height, y: (t) => t * perNs, t: (y) => y / perNs, breaksWithin: () => [] };
}

/**
 * Room by what happens. `times` are sorted moments, `starts` says at which of them a message begins.
 * Heights between two moments are in proportion to time, so arrows still lean.
 */
function gapScale(times, starts, end, zoom) {
  const moments = new Float64Array(times.length + 2);
  const heights = new Float64Array(times.length + 2);
  let length = 1;
  for (let i = 0; i < times.length; i++) {
    const gap = times[i] - moments[length - 1];
    if (gap <= 0) continue;
    moments[length] = times[i];
    heights[length] = heights[length - 1] + stepFor(gap, starts[i]) * zoom;
    length++;
  }
  if (end > moments[length - 1]) {
    moments[length] = end;
    heights[length] = heights[length - 1] + stepFor(end - moments[length - 1], 0) * zoom;
    length++;
  }
  const squeeze = Math.min(1, HEIGHT_MAX / Math.max(heights[length - 1], 1));
  if (squeeze < 1) for (let i = 0; i < length; i++) heights[i] *= squeeze;
  return new GapScale(moments, heights, length);
}

function stepFor(gap, start) {
  if (gap > BREAK_NS) return BREAK_STEP;
  return Math.max(start ? START_STEP : 0, Math.min(STEP_MAX, POINT_STEP + (PER_MS * gap) / 1e6));
}

class GapScale {
  constructor(moments, heights, length) {
    Object.assign(this, { moments, heights, length, height: heights[length - 1] });
  }

  y(t) {
    return between(this.moments, this.heights, this.length, t);
  }

  t(y) {
    return between(this.heights, this.moments, this.length, y);
  }

  /** Waits that begin between two moments and are drawn short: [{from, to}], ns. */
  breaksWithin(from, to) {
    const found = [];
    let i = Math.max(1, lowerBound(this.moments, from, this.length));
    for (; i < this.length && this.moments[i - 1] <= to; i++) {
      if (this.moments[i] - this.moments[i - 1] > BREAK_NS) {
        found.push({ from: this.moments[i - 1], to: this.moments[i] });
      }
    }
    return found;
  }
}

function between(xs, ys, length, x) {
  const i = Math.min(Math.max(lowerBound(xs, x, length), 1), length - 1);
  const width = xs[i] - xs[i - 1];
  if (!(width > 0)) return ys[i] || 0;
  const share = Math.min(Math.max((x - xs[i - 1]) / width, 0), 1);
  return ys[i - 1] + share * (ys[i] - ys[i - 1]);
}
