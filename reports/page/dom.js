// Making elements. Everything that comes out of a run (names, addresses, causes, lesson texts) gets
// into the page through here, as text nodes and attributes; nothing is ever parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

/** An HTML element; attributes named on… are listeners, children are nodes or texts. */
function html(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element, likewise. */
function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Put children in place of what a node holds. */
function replace(node, ...children) {
  node.replaceChildren();
  return fill(node, null, children);
}

/** A button whose text may be a sign: `label` is what a screen reader says and a hover shows. */
function button(text, label, onclick, attributes) {
  return html(
    "button",
    { type: "button", "aria-label": label, title: label, onclick, ...attributes },
    text,
  );
}

/** A sentence in place of what is not there. */
function empty(...words) {
  return html("p", { class: "empty" }, ...words);
}

/** A table of texts or nodes; `columns` are names, those that begin with # are numbers. */
function table(columns, rows, attributes) {
  const number = (i) => (columns[i].startsWith("#") ? "num" : null);
  const name = (text) => (text.startsWith("#") ? text.slice(1) : text);
  return html(
    "table",
    attributes,
    html(
      "thead",
      null,
      html(
        "tr",
        null,
        columns.map((text, i) => html("th", { scope: "col", class: number(i) }, name(text))),
      ),
    ),
    html(
      "tbody",
      null,
      rows.map((row) =>
        html(
          "tr",
          row.attributes,
          (row.cells || row).map((cell, i) => html("td", { class: number(i) }, cell)),
        ),
      ),
    ),
  );
}

/** A choice among words: [[value, text], …]. */
function choice(label, options, value, onchange) {
  const select = html(
    "select",
    { onchange: () => onchange(select.value) },
    options.map(([key, text]) => html("option", { value: key, selected: key === value }, text)),
  );
  return html("label", { class: "field" }, html("span", null, label), select);
}

/** Copies a text and says so in the button for a moment. */
function copier(text, label, name = "copy") {
  const node = button(
    name,
    label,
    async () => {
      const done = await copy(text);
      node.textContent = done ? "copied" : "select and copy by hand";
      setTimeout(() => {
        node.textContent = name;
      }, 1500);
    },
    { class: "small copy" },
  );
  return node;
}

// A page opened from disk may have no clipboard; the old command works there.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = html("textarea", { class: "away", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
