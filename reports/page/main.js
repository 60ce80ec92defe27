// Puts the page together: reads the islands, makes the views, and lets them follow the state.

class App {
  constructor(models) {
    this.models = models;
    this.state = new State();
    const two = models.length > 1;
    this.views = models.map(
      (model, i) =>
        new RunView(
          model,
          this.state,
          two ? `${"AB"[i]}: ${model.run.name}, seed ${model.run.seed}` : "",
        ),
    );
    this.end = Math.max(...models.map((model) => model.end));
    this.transport = new Transport(this.state, this.views, this.end);
    this.filters = new FilterBar(models, this.state);
    this.theme = new Theme();
    this.keyboard = new Keyboard(this);
    this.said = html("p", { class: "away", role: "status" });
    this.beginSmall();
    this.state.listen((state, changed) => this.update(state, changed));
  }

  // Of a run with many nodes the page shows the first tunnel at first, not all of them at once.
  beginSmall() {
    const model = this.models[0];
    if (location.hash.length > 1 || model.nodes.length <= LANES_MAX) return;
    const first = model.focus(this.state.now);
    if (first >= 0) this.state.now.node = model.nodes[first].name;
  }

  put(place) {
    const two = this.views.length > 1;
    const deck = html("div", { class: "deck" }, this.transport.root, this.filters.root);
    const stage = two
      ? html(
          "div",
          { class: "pair" },
          this.views.map((view) => html("div", null, view.picture, view.side)),
        )
      : html("div", { class: "stage" }, this.views[0].picture, this.views[0].side);
    replace(
      place,
      html(
        "section",
        { class: "explorer", "aria-labelledby": "explorer-title" },
        html(
          "div",
          { class: "explorer-card" },
          html(
            "div",
            { class: "explorer-title" },
            html(
              "h2",
              { id: "explorer-title" },
              two ? "Message by message, side by side" : "Message by message",
            ),
            html("p", null, this.introduction()),
          ),
          two ? numbersOfTwo(this.models) : null,
          deck,
          stage,
        ),
        this.said,
      ),
    );
    const tools = html(
      "div",
      { class: "top-tools" },
      button("? keys", "keys of this page (?)", () => this.keyboard.help()),
      this.theme.button,
    );
    document.querySelector("header.top .row")?.append(tools);
    this.state.schedule();
  }

  introduction() {
    const notes = this.models.flatMap(
      (model) => (model.island.capture && model.island.capture.notes) || [],
    );
    return [
      "Step with the arrow keys, or play. Arrows lean by the time a packet was on its way. ",
      [...new Set(notes)].join(" "),
    ];
  }

  update(state, changed) {
    if (changed.has("m")) this.followLink(state, changed);
    for (const view of this.views) view.update(state, changed);
    this.transport.update(state);
    if (FILTERS.some((name) => changed.has(name))) {
      this.transport.drawStrip();
      this.filters.update(state, this.views);
    }
    if (changed.has("m")) this.say(state);
  }

  // A link may name a message and no time: then the slider goes where the message is.
  followLink(state, changed) {
    const model = this.models.find((one) => one.indexOf(state.m) >= 0);
    if (!model || (state.t > 0 && changed.size < 8)) return;
    if (state.t === 0) state.t = model.messages.t[model.indexOf(state.m)];
    changed.add("t");
  }

  say(state) {
    const model = this.models.find((one) => one.indexOf(state.m) >= 0);
    if (!model) return;
    const message = model.indexOf(state.m);
    this.said.textContent = [
      model.title(message),
      `from ${model.nodeName(model.fromNode(message))}`,
      seconds(model.messages.t[message]),
      ...model.problems(message),
    ].join(", ");
  }

  print() {
    for (const view of this.views) view.print();
  }
}

async function startPage() {
  const place = document.getElementById("explorer");
  if (!place) return;
  try {
    const islands = ["island", "island-b"].map((id) => document.getElementById(id)).filter(Boolean);
    const models = await Promise.all(
      islands.map(
        async (island, i) => new Model(await Island.open(island.textContent), i ? "b" : ""),
      ),
    );
    if (models.some((model) => model.messages.rows === 0)) {
      replace(
        place,
        html(
          "section",
          { class: "explorer" },
          empty("No packet was sent in this run, so there is nothing to step through."),
        ),
      );
      return;
    }
    const app = new App(models);
    app.put(place);
    const lesson = new Lesson(models[0], app.state, () => place.scrollIntoView({ block: "start" }));
    if (lesson.root) document.getElementById("lesson")?.append(lesson.root);
    window.addEventListener("beforeprint", () => app.print());
  } catch (error) {
    replace(
      place,
      html(
        "section",
        { class: "explorer" },
        html("p", { class: "banner bad", role: "alert" }, error.message),
      ),
    );
    throw error;
  }
}

// Other files of the page come after this one in its script: wait until all of it has been read.
document.addEventListener("DOMContentLoaded", startPage);
