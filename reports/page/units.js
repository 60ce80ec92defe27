// Times and sizes as a reader wants them. Times are nanoseconds since the start of the run.

const ROUND_STEPS = [1, 2, 5];

/** A time with as many digits as its moment needs: 20.029 s, 0.016057 s. */
function seconds(ns, digits = 6) {
  return (ns / 1e9).toFixed(digits) + " s";
}

/** A span of time in the unit that suits: 18 ns, 1.25 ms, 70 s, 2 h 5 min. */
function span(ns) {
  const size = Math.abs(ns);
  if (size < 1e3) return `${ns} ns`;
  if (size < 1e6) return `${digits(ns / 1e3)} µs`;
  if (size < 1e9) return `${digits(ns / 1e6)} ms`;
  if (size < 120e9) return `${digits(ns / 1e9)} s`;
  if (size < 7200e9) return inTwo(ns / 1e9, 60, "min", "s");
  return inTwo(ns / 60e9, 60, "h", "min");
}

// Rounded first: 59.8 s of a minute are no 60 s but the next minute.
function inTwo(value, of, large, small) {
  const whole = Math.round(value);
  return `${Math.floor(whole / of)} ${large} ${whole % of} ${small}`;
}

function digits(value) {
  const text = value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** Thousands apart by thin spaces. */
function count(number) {
  return String(number).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

/** "1 message", "2 messages". */
function plural(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

/** A round step of at least `least`: 1, 2 or 5 times a power of ten. */
function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  return (ROUND_STEPS.find((step) => step * power >= least) || 10) * power;
}

/** The first index of a sorted array whose value is not below `value`. */
function lowerBound(sorted, value, length = sorted.length) {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Underscores are how the program writes its words, not how people read them. */
function words(text) {
  return String(text).replaceAll("_", " ");
}
