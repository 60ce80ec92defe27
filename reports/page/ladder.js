// Requests that had to be sent again: each sending with the wait before it, so that the growing waits
// (RFC 7296 §2.1) are seen, and how it ended. And the timers that run at the slider's moment.

const LADDERS_LISTED = 30;
const TIMERS_LISTED = 24;

class LadderPanel {
  constructor(model, state) {
    Object.assign(this, { model, state, root: html("div") });
  }

  update(state) {
    const { ladders } = this.model.island;
    const chosen = this.choose(state);
    replace(
      this.root,
      html("h3", null, "Retransmissions"),
      html(
        "p",
        { class: "note" },
        "A request is sent again until its response comes, each time after a longer wait (RFC 7296 §2.1).",
      ),
      ladders.rows
        ? [chosen >= 0 ? this.ladder(chosen, state.t) : null, this.list(chosen, state)]
        : empty("Every request of this run was answered at its first sending."),
      this.timers(state),
    );
  }

  // The ladder of the open message, else the one that goes on at the slider's moment, else the first.
  choose(state) {
    const { ladders, sends } = this.model.island;
    const open = this.model.indexOf(state.m);
    for (let i = 0; open >= 0 && i < ladders.rows; i++) {
      for (let row = ladders.first[i]; row < ladders.first[i] + ladders.count[i]; row++) {
        if (
          sends.msg[row] === open ||
          (this.model.messages.answers[open] >= 0 &&
            sends.msg[row] === this.model.messages.answers[open])
        )
          return i;
      }
    }
    const node = this.model.nodeByName.get(state.node);
    let best = -1;
    for (let i = 0; i < ladders.rows; i++) {
      if (node !== undefined && ladders.node[i] !== node) continue;
      if (best < 0 || this.start(i) <= state.t) best = i;
    }
    return best;
  }

  start(i) {
    const { ladders, sends } = this.model.island;
    return ladders.count[i] ? sends.t[ladders.first[i]] : 0;
  }

  title(i) {
    const { ladders } = this.model.island;
    return `${this.model.text(ladders.exchange[i])} ${this.model.ladderTurn(i)} of ${this.model.nodeName(ladders.node[i])}`;
  }

  ladder(i, now) {
    const { ladders, sends } = this.model.island;
    const rows = Array.from({ length: ladders.count[i] }, (_, k) => ladders.first[i] + k);
    const end = ladders.answered[i] >= 0 ? ladders.answered[i] : ladders.given_up[i];
    const last = rows.length ? sends.t[rows[rows.length - 1]] : 0;
    const longest = Math.max(
      1,
      ...rows.map((row, k) => (k ? sends.t[row] - sends.t[row - 1] : 0)),
      end >= 0 ? end - last : 0,
    );
    const line = (t, wait, what, fate) => ({
      attributes: { class: t > now ? "gone" : null },
      cells: [seconds(t), this.bar(wait, longest), wait ? span(wait) : "–", what, fate],
    });
    const sendings = rows.map((row, k) =>
      line(
        sends.t[row],
        k ? sends.t[row] - sends.t[row - 1] : 0,
        this.opener(sends.msg[row], k ? `sent again (${k})` : "sent"),
        this.fate(sends.msg[row]),
      ),
    );
    if (ladders.answered[i] >= 0)
      sendings.push(line(end, end - last, "answered", html("span", { class: "tag good" }, "done")));
    if (ladders.given_up[i] >= 0)
      sendings.push(
        line(
          ladders.given_up[i],
          ladders.given_up[i] - last,
          "gives up",
          html("span", { class: "tag bad" }, "failed"),
        ),
      );
    return [
      html("h4", null, this.title(i)),
      table(["#at", "", "#after", "what", "fate"], sendings),
    ];
  }

  bar(wait, longest) {
    const bar = html("i");
    bar.style.width = `${(100 * wait) / longest}%`;
    return html("span", { class: "meter" }, bar);
  }

  opener(message, text) {
    return message < 0 ? text : messageLink(this.model, this.state, message, text);
  }

  fate(message) {
    if (message < 0) return "";
    const loss = this.model.lossOf(message);
    return loss
      ? html("span", { class: "tag bad" }, words(loss))
      : html("span", { class: "tag" }, "arrived");
  }

  list(chosen, state) {
    const { ladders } = this.model.island;
    if (ladders.rows < 2) return null;
    const rows = Array.from({ length: ladders.rows }, (_, i) => i).filter((i) => i !== chosen);
    const near = rows
      .sort((a, b) => Math.abs(this.start(a) - state.t) - Math.abs(this.start(b) - state.t))
      .slice(0, LADDERS_LISTED);
    return [
      html("h4", null, `Others, nearest first (${count(ladders.rows - 1)})`),
      table(
        ["#from", "request", "#sendings", "end"],
        near.map((i) => [
          seconds(this.start(i), 3),
          this.opener(this.model.island.sends.msg[ladders.first[i]], this.title(i)),
          ladders.count[i],
          ladders.answered[i] >= 0
            ? "answered"
            : ladders.given_up[i] >= 0
              ? "given up"
              : "open at the end",
        ]),
      ),
    ];
  }

  /** Timers armed and not fired at the slider's moment, of the tunnel in focus. */
  timers(state) {
    const { timers } = this.model.island;
    if (!timers.rows) return null;
    const node = this.model.nodeByName.get(state.node) ?? this.model.focus(state);
    const armed = new Map();
    for (let i = 0; i < timers.rows && timers.t[i] <= state.t; i++) {
      if (timers.node[i] !== node) continue;
      // Requests under way side by side have a timer each.
      const key = `${timers.sa[i]}/${timers.timer[i]}/${timers.mid ? timers.mid[i] : -1}`;
      if (timers.fired[i]) armed.delete(key);
      else armed.set(key, i);
    }
    const rows = [...armed.values()]
      .filter((i) => timers.deadline[i] > state.t)
      .sort((a, b) => timers.deadline[a] - timers.deadline[b]);
    return [
      html("h4", null, `Timers of ${this.model.nodeName(node)} at ${seconds(state.t)}`),
      rows.length
        ? table(
            ["timer", "SA", "#fires at", "#in"],
            rows
              .slice(0, TIMERS_LISTED)
              .map((i) => [
                this.timerName(i),
                html("code", null, this.model.text(timers.sa[i])),
                seconds(timers.deadline[i], 3),
                span(timers.deadline[i] - state.t),
              ]),
          )
        : empty("No timer is armed at this moment."),
    ];
  }

  timerName(i) {
    const { timers } = this.model.island;
    const name = words(this.model.text(timers.timer[i]));
    const request = timers.request ? this.model.text(timers.request[i]) : "";
    const what = request.startsWith("ike_") ? request.toUpperCase() : words(request);
    return request ? `${name} of ${what} ${timers.mid[i]}` : name;
  }
}
