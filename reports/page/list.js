// The messages as a table. Only rows in view are in the page; a row is as tall as any other, so the
// place of each is known without it.

const LIST_ROW = 28; // px
const LIST_MORE = 6; // rows above and below the view
const LIST_COLUMNS = ["time", "from", "to", "exchange", "message", "marks"];

class List {
  constructor(model, state, name) {
    Object.assign(this, { model, state });
    this.body = html("div", { class: "rows", role: "rowgroup" });
    this.space = html("div", { class: "list-space", role: "presentation" }, this.body);
    this.grid = html(
      "div",
      { class: "list-grid", role: "table", "aria-label": `messages${name ? " of " + name : ""}` },
      html(
        "div",
        { class: "list-row head", role: "row" },
        LIST_COLUMNS.map((column, i) =>
          html("span", { role: "columnheader", class: i ? null : "num" }, column),
        ),
      ),
      this.space,
    );
    this.scroller = html(
      "div",
      { class: "list-scroll", tabindex: 0, role: "region", "aria-label": "list of messages" },
      this.grid,
    );
    this.root = html("div", { class: "list-live" }, this.scroller);
    this.scroller.addEventListener("scroll", () => this.schedule(), { passive: true });
    this.body.addEventListener("click", (event) => this.click(event));
    new ResizeObserver(() => this.draw()).observe(this.scroller);
  }

  show(shown) {
    this.shown = shown;
    this.starts = Float64Array.from(shown, (message) => this.model.messages.t[message]);
    this.space.style.height = `${shown.length * LIST_ROW}px`;
    this.grid.setAttribute("aria-rowcount", shown.length + 1);
    this.draw();
  }

  schedule() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frame = 0;
    if (!this.shown || !this.scroller.clientHeight) return;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / LIST_ROW) - LIST_MORE);
    const last = Math.min(
      this.shown.length,
      first + Math.ceil(this.scroller.clientHeight / LIST_ROW) + 2 * LIST_MORE,
    );
    const rows = [];
    for (let i = first; i < last; i++) rows.push(this.row(i));
    this.body.style.transform = `translateY(${first * LIST_ROW}px)`;
    replace(this.body, rows);
  }

  row(i) {
    const { model, state } = this;
    const message = this.shown[i];
    const { messages } = model;
    const open = state.now.m === model.mark + message;
    const to = model.lastNode(message);
    const cell = (text, name) => html("span", { role: "cell", class: name, title: text }, text);
    return html(
      "div",
      {
        role: "row",
        "aria-rowindex": i + 2,
        "data-message": message,
        class:
          `list-row ${model.kindOf(message)}${messages.problem[message] ? " problem" : ""}${open ? " open" : ""}` +
          `${messages.t[message] > state.now.t && state.now.t > 0 ? " later" : ""}`,
      },
      cell(seconds(messages.t[message]), "num"),
      cell(model.nodeName(model.fromNode(message))),
      cell(model.nodeName(to)),
      cell(model.exchangeText(message)),
      html(
        "span",
        { role: "cell" },
        html("button", { type: "button", class: "link", tabindex: -1 }, model.summary(message)),
      ),
      cell(model.problems(message).join(", "), "marks"),
    );
  }

  reveal(t) {
    const i = lowerBound(this.starts, t);
    const top = i * LIST_ROW;
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop + LIST_ROW || top > scrollTop + clientHeight - 3 * LIST_ROW) {
      this.scroller.scrollTop = Math.max(0, top - clientHeight / 3);
    }
  }

  click(event) {
    const row = event.target.closest("[data-message]");
    if (!row) return;
    const message = Number(row.dataset.message);
    this.state.set({
      m: this.model.mark + message,
      tab: "message",
      t: this.model.messages.t[message],
    });
  }
}
