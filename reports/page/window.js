// The replay window of an ESP SA (RFC 4303 §3.4.3): which sequence numbers the receiver has seen. Left
// of it everything is too old; a number seen before is a replay.

const WINDOW_BITS_MAX = 256; // drawn; larger windows show their newest part
const WINDOW_PACKETS = 14;

class WindowPanel {
  constructor(model, state) {
    Object.assign(this, { model, state, root: html("div") });
  }

  update(state) {
    const { windows } = this.model.island;
    if (!windows.rows) {
      replace(this.root, empty("This run did not record replay windows."));
      return;
    }
    const row = this.choose(state);
    if (row < 0) {
      replace(
        this.root,
        html("h3", null, "Replay window"),
        empty("No ESP packet was checked before this moment. Move the slider on."),
      );
      return;
    }
    replace(
      this.root,
      html("h3", null, "Replay window"),
      this.note(row),
      this.picture(row),
      this.packets(row, state.t),
    );
  }

  // Of the open ESP packet's SPI, else of the filter's, else of whichever moved last.
  choose(state) {
    const { windows } = this.model.island;
    const open = this.model.indexOf(state.m);
    const wanted =
      open >= 0 && this.model.kindOf(open) === "esp"
        ? this.model.messages.sa[open]
        : this.model.textIndex(state.sa || " ");
    let any = -1;
    let own = -1;
    for (let i = 0; i < windows.rows && windows.t[i] <= state.t; i++) {
      any = i;
      if (windows.spi[i] === wanted) own = i;
    }
    return own >= 0 ? own : any;
  }

  note(row) {
    const { windows } = this.model.island;
    return html(
      "p",
      { class: "note" },
      "SPI ",
      html("code", null, this.model.text(windows.spi[row])),
      ` at ${this.model.nodeName(windows.node[row])}, as it was at ${seconds(windows.t[row])}. Highest number accepted: `,
      html("b", null, count(windows.highest[row])),
      `, window of ${windows.window[row]}.`,
    );
  }

  picture(row) {
    const { windows } = this.model.island;
    const size = windows.window[row];
    const seen = windowBits(this.model.text(windows.bitmap[row]), size);
    const shown = Math.min(size, WINDOW_BITS_MAX, windows.highest[row]);
    const first = windows.highest[row] - shown + 1;
    const bits = Array.from({ length: shown }, (_, i) => {
      const number = first + i;
      const has = seen[windows.highest[row] - number];
      return html("i", {
        class: number === windows.highest[row] ? "top" : has ? "seen" : null,
        title: `${number}: ${has ? "seen" : "not seen"}`,
      });
    });
    const missing = bits.filter((bit) => !bit.className).length;
    return [
      html(
        "div",
        {
          class: "bits",
          role: "img",
          "aria-label": `${shown} numbers up to ${windows.highest[row]}, ${missing} of them not seen`,
        },
        bits,
      ),
      html(
        "p",
        { class: "note" },
        `From ${count(Math.max(first, 1))} on the left to ${count(windows.highest[row])}. Filled: seen; empty: not (yet) seen, ${count(missing)} in all; the last one is the highest.`,
      ),
    ];
  }

  packets(row, t) {
    const { windows } = this.model.island;
    const rows = [];
    for (let i = row; i >= 0 && rows.length < WINDOW_PACKETS; i--) {
      if (
        windows.spi[i] === windows.spi[row] &&
        windows.node[i] === windows.node[row] &&
        windows.t[i] <= t
      )
        rows.push(i);
    }
    return [
      html("h4", null, "Last packets that were checked"),
      table(
        ["#at", "#number", "verdict"],
        rows.map((i) => {
          const verdict = this.model.text(windows.verdict[i]);
          const good = /accept|ok|new|fresh/.test(verdict);
          return [
            seconds(windows.t[i]),
            count(windows.sequence[i]),
            html("span", { class: good ? "tag good" : "tag bad" }, words(verdict)),
          ];
        }),
      ),
    ];
  }
}

/** Whether each number was seen: [0] is the highest, [1] the one below it. The last hex digit holds the highest. */
function windowBits(hex, size) {
  const seen = [];
  for (let i = hex.length - 1; i >= 0 && seen.length < size; i--) {
    const digit = parseInt(hex[i], 16);
    for (let bit = 0; bit < 4; bit++) seen.push((digit >> bit) & 1);
  }
  return seen.slice(0, size);
}
