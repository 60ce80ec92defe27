// Predict, then reveal: the questions of a lesson. A guess is written first and stays beside the
// answer; "show me" takes the slider to the moment and opens what to look at.

const LESSON_LOOKS = {
  chart: null,
  message: "message",
  nat: "nat",
  sa: "sas",
  retransmissions: "ladder",
  window: "window",
  host: "host",
};

class Lesson {
  constructor(model, state, show) {
    Object.assign(this, { model, state, show });
    const { lesson } = model.island;
    this.root = lesson
      ? html("section", { class: "lesson", "aria-labelledby": "lesson-title" }, this.card(lesson))
      : null;
  }

  card(lesson) {
    return html(
      "div",
      { class: "lesson-card" },
      html("h2", { id: "lesson-title" }, lesson.title || "Lesson"),
      html("p", { class: "shows" }, lesson.shows),
      html(
        "p",
        { class: "note" },
        (lesson.sections || []).map((section) => [html("span", { class: "tag" }, section), " "]),
        lesson.sibling ? ["Its other half: ", html("code", null, `${lesson.sibling}.yaml`)] : null,
      ),
      html(
        "ol",
        { class: "questions" },
        (lesson.questions || []).map((question, i) => this.question(question, i)),
      ),
    );
  }

  question(question, number) {
    const guess = html("textarea", {
      rows: 2,
      "aria-label": `your answer to question ${number + 1}`,
      placeholder: "What do you expect?",
    });
    const answer = html("p", { class: "answer", hidden: true });
    const reveal = html(
      "button",
      {
        type: "button",
        "aria-expanded": "false",
        onclick: () => {
          const hidden = !answer.hidden;
          answer.hidden = hidden;
          answer.textContent = hidden ? "" : question.answer;
          reveal.textContent = hidden ? "reveal the answer" : "hide the answer";
          reveal.setAttribute("aria-expanded", String(!hidden));
        },
      },
      "reveal the answer",
    );
    return html(
      "li",
      null,
      html("p", { class: "ask" }, question.ask),
      guess,
      answer,
      html("div", { class: "acts" }, reveal, this.showMe(question)),
    );
  }

  // The message that was sent last at a moment.
  messageAt(t) {
    const { messages } = this.model;
    const next = lowerBound(messages.t, t + 1);
    return messages.rows ? this.model.mark + Math.max(0, next - 1) : "";
  }

  showMe(question) {
    const at = momentOf(question);
    const tab = LESSON_LOOKS[question.look];
    if (at === null && !tab) return null;
    return html(
      "button",
      {
        type: "button",
        onclick: () => {
          const patch = {};
          if (at !== null) patch.t = Math.min(at, this.model.end);
          if (tab) patch.tab = tab;
          if (tab === "message") patch.m = this.messageAt(at ?? 0);
          this.state.set(patch);
          this.show();
        },
      },
      "show me",
    );
  }
}

/** When to look, in ns: the loader writes at_ns or at_s beside or in place of the scenario's text. */
function momentOf(question) {
  if (typeof question.at_ns === "number") return question.at_ns;
  if (typeof question.at_s === "number") return question.at_s * 1e9;
  if (typeof question.at === "number") return question.at;
  const match = /^([\d.]+)\s*(ns|us|ms|s|min|h)?$/.exec(question.at || "");
  const units = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, min: 60e9, h: 3600e9 };
  return match ? Number(match[1]) * (units[match[2]] || 1e9) : null;
}
