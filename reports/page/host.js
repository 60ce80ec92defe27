// How busy a gateway is: processor, datagrams that wait, handshakes half open, over simulated time.

const HOST_HEIGHT = 96;
const QUEUE_POINTS = 4000; // drawn of the fine record; more lie on top of each other

class HostPanel {
  constructor(model, state) {
    Object.assign(this, { model, state });
    this.range = new TimeRange(model, () => this.draw(state.now));
    this.root = html("div");
  }

  update(state) {
    this.draw(state);
  }

  draw(state) {
    const hosts = this.model.island.hosts || [];
    if (!hosts.length) {
      replace(
        this.root,
        empty(
          "No host of this run has a processor model: give the gateway `cpu:` in the scenario to see its load.",
        ),
      );
      return;
    }
    const range = this.range.at(state.t);
    replace(
      this.root,
      html("h3", null, "Gateway"),
      html(
        "p",
        { class: "note" },
        "The time that cryptography would take is charged to modelled cores; what does not fit waits in the queue.",
      ),
      this.range.root,
      hosts.slice(0, 6).map((host) => this.host(host, range, state.t)),
    );
  }

  host(host, range, now) {
    const percent =
      host.cpu_busy_ratio &&
      host.cpu_busy_ratio.map((value) => (value === null ? null : 100 * value));
    return [
      html(
        "h4",
        null,
        host.cores
          ? `${host.name}, ${plural(host.cores, "core")}`
          : `${host.name}: no limit of its processor is modelled`,
      ),
      html("p", { class: "meta" }, this.values(host, now)),
      this.curve("cores busy, %", host.t, [percent], range, now, 100),
      this.curve("datagrams waiting", host.t, [host.backlog], range, now, 1),
      this.curve("half-open handshakes", host.t, [host.half_open], range, now, 1),
      this.queue(host, range, now),
    ];
  }

  // The values of the interval that holds the slider.
  values(host, now) {
    const i = Math.min(lowerBound(host.t, now), host.t.length - 1);
    const value = (list, unit) =>
      list && list[i] !== null && list[i] !== undefined
        ? `${unit === "%" ? Math.round(1000 * list[i]) / 10 : count(list[i])}${unit}`
        : "–";
    return [
      "In this interval: busy ",
      html("b", null, value(host.cpu_busy_ratio, "%")),
      ", waiting ",
      html("b", null, value(host.backlog, "")),
      ", half open ",
      html("b", null, value(host.half_open, "")),
      ", IKE SAs ",
      html("b", null, value(host.ike_sas, "")),
    ];
  }

  curve(name, times, lists, range, now, least) {
    const known = lists.filter((list) => list && list.some((value) => value !== null));
    if (!known.length) return null;
    const top = Math.max(
      least,
      ...known.flatMap((list) => [list.reduce((most, value) => Math.max(most, value ?? 0), 0)]),
    );
    const y = (value) => HOST_HEIGHT - 22 - (value / top) * (HOST_HEIGHT - 32);
    return timePlot(
      range,
      HOST_HEIGHT,
      now,
      `${name}, up to ${count(Math.round(top))}`,
      svg("text", { class: "start strong", x: 0, y: 18 }, name),
      svg("text", { class: "start", x: 0, y: 33 }, `0 to ${top < 10 ? digits(top) : count(Math.round(top))}`),
      known.map((list, i) =>
        svg("path", { class: `line${i + 1}`, d: stepPath(times, list, range, y) }),
      ),
    );
  }

  /**
   * What waited at each record of the run, and dashed the most between two of them: a peak may be
   * over before the next record is written.
   */
  queue(host, range, now) {
    const { queues } = this.model.island;
    const times = [];
    const waiting = [];
    const peaks = [];
    let told = false;
    let here = 0;
    const point = (t, most) => {
      times.push(t);
      waiting.push(here);
      peaks.push(most);
    };
    for (let i = 0; i < queues.rows && times.length < QUEUE_POINTS; i++) {
      if (queues.node[i] !== host.node) continue;
      told = true;
      if (queues.t[i] >= range.from) {
        const most = Math.max(here, queues.peak[i], queues.backlog[i]); // of the time since the last
        if (times.length) peaks[times.length - 1] = most;
        else point(range.from, most);
        if (queues.t[i] > range.to) break;
      }
      here = queues.backlog[i];
      if (queues.t[i] >= range.from) point(queues.t[i], here);
    }
    if (!told) return null;
    if (!times.length) point(range.from, here);
    point(range.to, here);
    return this.curve("waiting, and peaks", times, [waiting, peaks], range, now, 1);
  }
}
