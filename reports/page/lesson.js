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

const MOMENT_NS = 500e3; // the times of questions are in whole milliseconds

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

  /** What arrives at a moment, is lost or is sent then: the one that tells most; -1 if nothing does. */
  happensAt(t) {
    const { messages } = this.model;
    let best = -1;
    let most = 0;
    for (let i = 0; i < messages.rows && messages.t[i] <= t + MOMENT_NS; i++) {
      const weight = this.weightAt(i, t);
      if (!weight || weight < most) continue;
      most = weight;
      best = i;
    }
    return best;
  }

  // One whose beginning is not on record says little; a problem more than what went well, what arrives
  // more than what leaves.
  weightAt(message, t) {
    const { messages, hops } = this.model;
    const near = (moment) => Math.abs(moment - t) <= MOMENT_NS;
    const arrives = near(this.model.endOf(message));
    if (!arrives && !near(messages.t[message])) return 0;
    const whole = hops.a[messages.first[message]] >= 0;
    return 1 + (whole ? 4 : 0) + (messages.problem[message] ? 2 : 0) + (arrives ? 1 : 0);
  }

  /** Else the one that was sent last. */
  messageAt(t) {
    const { messages } = this.model;
    const now = this.happensAt(t);
    return now >= 0 ? now : Math.max(0, lowerBound(messages.t, t + 1) - 1);
  }

  /** Where "show me" goes: the moment, the panel, and the message that answers. */
  placeOf(question) {
    const at = momentOf(question);
    const tab = LESSON_LOOKS[question.look];
    const place = {};
    if (at !== null) place.t = Math.min(at, this.model.end);
    if (tab) place.tab = tab;
    if (tab === "message") place.m = this.model.mark + this.messageAt(at ?? 0);
    else if (question.look === "chart" && at !== null) {
      const message = this.happensAt(at);
      place.m = message >= 0 ? this.model.mark + message : "";
      place.tab = "message";
    }
    return place;
  }

  showMe(question) {
    const place = this.placeOf(question);
    if (!Object.keys(place).length) return null;
    return html(
      "button",
      {
        type: "button",
        onclick: () => {
          this.state.set(place);
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
