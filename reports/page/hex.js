// Octets with coloured fields. The colour of an octet is that of the part of the tree it belongs to;
// pointing at either shows the other.

const HEX_COLOURS = 8;
const HEX_PER_LINE = 16;

/** hexText: a string of hex digits; parts: [{from, to, key, label, colour}], innermost last. */
function hexPane(hexText, parts, name) {
  const octets = hexText.match(/../g) || [];
  const owner = new Array(octets.length).fill(null);
  for (const part of parts)
    for (let i = part.from; i < part.to && i < octets.length; i++) owner[i] = part;
  const lines = [];
  for (let at = 0; at < octets.length; at += HEX_PER_LINE) lines.push(line(octets, owner, at));
  return html("div", { class: "hex", role: "group", tabindex: 0, "aria-label": name }, lines);
}

// Octets of one field that stand side by side are one element: fewer, and they light up together.
function line(octets, owner, at) {
  const end = Math.min(at + HEX_PER_LINE, octets.length);
  const runs = [];
  for (let i = at; i < end; i++) {
    const last = runs[runs.length - 1];
    if (last && last.part === owner[i]) last.octets.push(octets[i]);
    else runs.push({ part: owner[i], octets: [octets[i]] });
  }
  return html(
    "div",
    { class: "hex-line" },
    html("span", { class: "hex-at" }, at.toString(16).padStart(4, "0")),
    html("span", { class: "hex-octets" }, runs.map(run)),
    html(
      "span",
      { class: "hex-text", "aria-hidden": "true" },
      runs.map((r) => run({ ...r, text: true })),
    ),
  );
}

function run({ part, octets, text }) {
  const words = text ? octets.map(printable).join("") : octets.join(" ");
  if (!part) return html("span", null, words);
  return html(
    "span",
    { class: `f${part.colour % HEX_COLOURS}`, "data-part": part.key, title: part.label },
    words,
  );
}

function printable(octet) {
  const code = parseInt(octet, 16);
  return code >= 32 && code < 127 ? String.fromCharCode(code) : "·";
}
