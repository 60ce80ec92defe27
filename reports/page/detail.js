// One message: how it went from node to node, its octets, its tree of fields. Pointing at octets or at
// a field shows the other; what was encrypted can be seen as it went over the wire or opened.

const DETAIL_COLOURED = 2; // levels of the tree that get a colour of their own

class DetailPanel {
  constructor(model, state, show) {
    Object.assign(this, { model, state, show, root: html("div"), drawn: "" });
    this.root.addEventListener("pointerover", (event) => this.light(event));
    this.root.addEventListener("focusin", (event) => this.light(event));
    this.root.addEventListener("click", (event) => this.light(event, true));
    this.root.addEventListener("keydown", (event) => this.walk(event));
  }

  update(state) {
    const key = `${state.m}/${state.text}`;
    if (key === this.drawn) return;
    this.drawn = key;
    const message = this.model.indexOf(state.m);
    this.root.ariaBusy = String(message >= 0);
    if (message < 0) replace(this.root, this.nothing(state.m));
    else this.open(message, key);
  }

  nothing(m) {
    const kept = this.model.messages.rows;
    return empty(
      m && this.model.owns(m)
        ? `There is no message ${m} in this run; it has ${plural(kept, "message")}.`
        : "Choose an arrow or a row, or press → to step from message to message. Its octets, fields and keys show here.",
    );
  }

  async open(message, key) {
    const { model } = this;
    let detail = null;
    let error = "";
    try {
      detail = await model.island.detail(model.messages.detail[message]);
    } catch (problem) {
      error = problem.message;
    }
    if (this.drawn !== key) return; // the reader has gone on meanwhile
    replace(
      this.root,
      this.head(message),
      this.way(message),
      detail ? this.content(message, detail) : this.without(message, error),
    );
    this.root.ariaBusy = "false";
    const first = this.root.querySelector(".tree-row");
    if (first) first.tabIndex = 0;
  }

  head(message) {
    const { model } = this;
    const { messages } = model;
    const marks = model.problems(message);
    const links = [];
    if (messages.answers[message] >= 0)
      links.push(" It answers ", this.link(messages.answers[message]), ".");
    const answer = this.answerTo(message);
    if (answer >= 0) links.push(" Its answer is ", this.link(answer), ".");
    return [
      html("h3", null, model.title(message)),
      html(
        "p",
        { class: "meta" },
        html("b", null, model.nodeName(model.fromNode(message))),
        " at ",
        html("b", null, seconds(messages.t[message])),
        `, ${messages.length[message]} octets, `,
        model.kindOf(message) === "esp" ? "SPI " : "IKE SA ",
        html("code", null, model.text(messages.sa[message]) || "–"),
        ".",
        links,
      ),
      html("p", { class: "meta" }, html("code", null, model.summary(message))),
      marks.length
        ? html(
            "ul",
            { class: "mark-list", "aria-label": "what is wrong with it" },
            marks.map((mark) => html("li", null, mark)),
          )
        : null,
    ];
  }

  link(message) {
    return messageLink(this.model, this.state, message, this.model.title(message));
  }

  answerTo(message) {
    const { messages } = this.model;
    if (messages.response[message] || this.model.kindOf(message) !== "ike") return -1;
    for (let i = message + 1; i < messages.rows && i < message + 2000; i++)
      if (messages.answers[i] === message) return i;
    return -1;
  }

  // Hop by hop: what a NAT box rewrote is seen in the addresses.
  way(message) {
    const { hops, messages } = this.model;
    const first = messages.first[message];
    const own = Array.from({ length: messages.count[message] }, (_, i) => first + i);
    const frames = own
      .flatMap((hop) => [hops.frame[hop], hops.rframe[hop]])
      .filter((frame) => frame > 0);
    const all = frames.map((frame) => `frame.number == ${frame}`).join(" || ");
    return [
      table(
        ["hop", "#sent", "took", "addresses", "frames"],
        own.map((hop) => this.hop(hop)),
      ),
      frames.length
        ? html(
            "p",
            { class: "meta after" },
            "Frames of capture.pcapng. ",
            copier(all, "copy Wireshark filter of all these frames", "copy Wireshark filter"),
          )
        : html(
            "p",
            { class: "meta after" },
            this.model.island.capture.file
              ? "Not in the capture."
              : "This run kept no capture, so there are no frame numbers.",
          ),
    ];
  }

  hop(hop) {
    const { model } = this;
    const { hops } = model;
    const cause = model.causeOf(hop);
    const took = hops.r[hop] < 0 ? "on its way" : "+" + span(hops.r[hop] - hops.t[hop]);
    const frame = (number) =>
      copier(
        `frame.number == ${number}`,
        `copy the Wireshark filter frame.number == ${number}`,
        String(number),
      );
    return [
      `${model.nodeName(hops.a[hop])} → ${hops.b[hop] >= 0 ? model.nodeName(hops.b[hop]) : "…"}`,
      seconds(hops.t[hop]),
      cause ? html("span", { class: "tag bad" }, cause === "loss" ? "lost" : words(cause)) : took,
      [
        html("code", null, model.text(hops.src[hop])),
        " → ",
        html("code", null, model.text(hops.dst[hop])),
      ],
      html(
        "span",
        { class: "frames" },
        hops.frame[hop] > 0 ? frame(hops.frame[hop]) : null,
        hops.rframe[hop] > 0 ? frame(hops.rframe[hop]) : null,
      ),
    ];
  }

  without(message, error) {
    if (error) return empty(`The octets cannot be shown: ${error}`);
    if (!this.model.island.capture.file)
      return empty(
        "No octets: this run kept no capture. Run it with --set capture.max_size=64MiB to have them.",
      );
    return empty(
      "No octets of this message: the page has them for the first 5\u202f000 messages and for every problem that was captured. " +
        "ikelab dissect RUNDIR shows the others by their frame.",
    );
  }

  content(message, detail) {
    const opened = detail.texts.length > 0;
    const showOpen = opened && this.state.now.text === "open";
    const colours = colourTree(detail.tree);
    return [
      html("h4", null, "Octets"),
      opened ? this.toggle() : this.locked(detail),
      hexPane(hexOfBytes(detail.bytes), partsIn(detail.tree, 0, colours), "octets on the wire"),
      showOpen
        ? detail.texts.map((text, i) => [
            html(
              "p",
              { class: "meta", style: "margin-top:8px" },
              "Decrypted from ",
              text.from.map(
                (from, k) =>
                  `${k ? ", " : ""}octets ${from.offset} to ${from.offset + from.length - 1} of frame ${from.frame}`,
              ),
            ),
            hexPane(
              hexOfBytes(text.bytes),
              partsIn(detail.tree, i + 1, colours),
              "decrypted octets",
            ),
          ])
        : null,
      this.keyUsed(message, opened),
      html("h4", null, "Fields"),
      html(
        "ul",
        { class: "tree", role: "tree", "aria-label": "fields of the message" },
        detail.tree.children.map((node) => this.branch(node, colours, showOpen)),
      ),
    ];
  }

  toggle() {
    const { text } = this.state.now;
    const one = (value, words_) =>
      html(
        "button",
        {
          type: "button",
          "aria-pressed": text === value ? "true" : "false",
          onclick: () => this.state.set({ text: value }),
        },
        words_,
      );
    return html(
      "div",
      {
        class: "segments",
        role: "group",
        "aria-label": "octets shown (D)",
        style: "margin-bottom:8px",
      },
      one("open", "decrypted"),
      one("wire", "as on the wire"),
    );
  }

  locked(detail) {
    if (!detail.locked) return null;
    const why =
      this.model.run.crypto === "modelled"
        ? "Not decrypted: modelled crypto has true sizes, but what it sends is no real ciphertext."
        : this.model.island.keys
          ? "Not decrypted: none of the keys of this run opens it."
          : "Not decrypted: this run left no keys.";
    return html("p", { class: "meta" }, why);
  }

  keyUsed(message, opened) {
    const { keys } = this.model.island;
    const index = this.model.messages.key[message];
    if (!opened || !keys || index < 0) return null;
    const values =
      this.model.kindOf(message) === "esp" ? keys.children[index]?.values : keys.ike[index]?.values;
    const names = keyNames(this.model, message);
    const used = (values || []).filter((value) => names.includes(value.name));
    if (!used.length) return null;
    return html(
      "p",
      { class: "meta", style: "margin-top:10px" },
      "Opened with ",
      used.map((value, i) => [
        i ? ", " : "",
        html("b", null, value.name),
        " ",
        html("span", { class: "octets" }, shorten(value.hex, 24)),
      ]),
      ". ",
      html(
        "button",
        { type: "button", class: "link", onclick: () => this.show("keys") },
        "How it was derived",
      ),
    );
  }

  branch(node, colours, showOpen) {
    if (node.text > 0 && !showOpen) return null;
    const key = keyOfNode(node);
    const colour = colours.get(node);
    const children = node.children
      .map((child) => this.branch(child, colours, showOpen))
      .filter(Boolean);
    return html(
      "li",
      { role: "none" },
      html(
        "div",
        {
          class: `tree-row kind-${node.kind}`,
          role: "treeitem",
          tabindex: -1,
          "data-part": key,
          "aria-selected": "false",
        },
        colour === undefined
          ? null
          : html("span", { class: `swatch f${colour % HEX_COLOURS}`, "aria-hidden": "true" }),
        html("span", { class: "label" }, node.name),
        this.value(node),
        node.rfc ? html("span", { class: "rfc" }, node.rfc) : null,
      ),
      children.length ? html("ul", { role: "group" }, children) : null,
    );
  }

  value(node) {
    const meaning = node.meaning ? html("b", null, node.meaning) : null;
    const text = node.children.length && /^[0-9a-f]{40,}$/.test(node.value) ? "" : node.value;
    return html(
      "span",
      { class: "value" },
      meaning,
      meaning && text ? " " : null,
      text ? (meaning ? `(${text})` : text) : null,
    );
  }

  // One row of the tree takes part in tabbing; up and down go on from there.
  walk(event) {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = event.target.closest(".tree-row");
    if (!way || !row) return;
    event.preventDefault();
    const rows = [...this.root.querySelectorAll(".tree-row")];
    const next = rows[rows.indexOf(row) + way];
    if (!next) return;
    row.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  /** Light up everything that shows the part under the pointer or with the focus. */
  light(event, scroll) {
    const part = event.target.closest && event.target.closest("[data-part]");
    if (!part) return;
    const key = part.dataset.part;
    for (const lit of this.root.querySelectorAll(".lit")) lit.classList.remove("lit");
    const found = this.root.querySelectorAll(`[data-part="${CSS.escape(key)}"]`);
    found.forEach((node) => node.classList.add("lit"));
    if (!scroll) return;
    const other = [...found].find((node) => node.closest(".tree") !== part.closest(".tree"));
    if (other) other.scrollIntoView({ block: "nearest" });
  }
}

/** A button that opens a message and takes the slider to it. */
function messageLink(model, state, message, text) {
  return html(
    "button",
    {
      type: "button",
      class: "link",
      onclick: () => state.set({ m: model.mark + message, t: model.messages.t[message] }),
    },
    text,
  );
}

function keyNames(model, message) {
  if (model.kindOf(message) === "esp") return ["encryption", "integrity"];
  if (model.messages.number && model.messages.number[message]) return ["encryption"]; // IKEv1
  return model.messages.from_initiator[message] ? ["SK_ei", "SK_ai"] : ["SK_er", "SK_ar"];
}

function keyOfNode(node) {
  return `${node.text}-${node.offset}-${node.length}-${node.name}`;
}

// Each payload has a colour, and so has each field right in it: neighbours differ.
function colourTree(tree) {
  const colours = new Map();
  let next = 0;
  const paint = (node, depth) => {
    if (node.length && (depth <= DETAIL_COLOURED || node.kind === "payload"))
      colours.set(node, next++);
    for (const child of node.children) paint(child, depth + 1);
  };
  for (const child of tree.children) paint(child, 1);
  return colours;
}

/** The stretches of one text in the order of the tree, so that inner ones come last and win. */
function partsIn(tree, text, colours) {
  const parts = [];
  const walk = (node, colour) => {
    const own = colours.get(node) ?? colour;
    if (node.text === text && node.length && node !== tree) {
      parts.push({
        from: node.offset,
        to: node.offset + node.length,
        key: keyOfNode(node),
        colour: own ?? 7,
        label: labelOf(node),
      });
    }
    for (const child of node.children) walk(child, own);
  };
  walk(tree, undefined);
  return parts;
}

function labelOf(node) {
  return `${node.name}${node.meaning ? ": " + node.meaning : ""}${node.rfc ? ", " + node.rfc : ""}`;
}

function hexOfBytes(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function shorten(text, most) {
  return text.length <= most ? text : text.slice(0, most - 1) + "…";
}
