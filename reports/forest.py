"""Charts with one line a benchmark, as SVG coloured by the page's style sheet: change with its
interval, samples side by side, share of the bound, and what the machine itself did."""

import math
from html import escape

WIDTH, RIGHT, TOP, BOTTOM = 1040, 150, 4, 44
ROW, CHARACTER = 30, 6.9
NAME_MAX = 46
MARKS = {"slower": "M-5 -5.5 L6.5 0 L-5 5.5 Z", "faster": "M5 -5.5 L-6.5 0 L5 5.5 Z",
         "no change": "M-4.5 0 a4.5 4.5 0 1 0 9 0 a4.5 4.5 0 1 0 -9 0 Z",
         "cannot tell": "M0 -6 L6 0 L0 6 L-6 0 Z"}


def slug(verdict):
    return verdict.replace(" ", "-")


def short(name):
    """The ends of a long name: the family and what it varies."""
    if len(name) <= NAME_MAX:
        return name
    keep = (NAME_MAX - 1) // 2
    return name[:keep] + "…" + name[-keep:]


def ticks(low, high, about=7):
    """Round numbers between low and high."""
    step = 10 ** math.floor(math.log10((high - low) / about))
    step = next((step * n for n in (1, 2, 5, 10) if (high - low) / (step * n) <= about), step * 10)
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 10) for n in range(first, math.floor(high / step + 1e-9) + 1)]


def signed(value):
    text = f"{value:+.6g}".rstrip("0").rstrip(".") if "." in f"{value:+.6g}" else f"{value:+.6g}"
    return "0" if value == 0 else text.replace("-", "−")


def tenths(value):
    """Percent as it is read: sign, one digit, a true minus."""
    return f"{value:+.1f} %".replace("-", "−")


class Lines:
    """The frame: a name at the left of every line, an axis below, room for words at the right."""

    def __init__(self, names, low, high, words, label, tick=signed, row=ROW):
        self.names, self.low, self.high, self.row = names, low, high, row
        self.left = 24 + CHARACTER * max((len(short(n)) for n in names), default=10)
        self.bottom = TOP + row * len(names)
        self.out = [f'<svg class="lines" viewBox="0 0 {WIDTH} {self.bottom + BOTTOM}" role="img" '
                    f'style="min-width:720px" aria-label="{escape(words)}">']
        for index, name in enumerate(names):
            if index % 2 == 0:
                self.rect("stripe", 0, TOP + row * index, WIDTH, row)
            self.text("name", 10, self.y(index) + 4, short(name), title=name)
        self.axis(label, tick)

    def x(self, value):
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.left + share * (WIDTH - RIGHT - self.left)

    def y(self, index, lane=0.5):
        return TOP + self.row * (index + lane)

    def axis(self, label, tick):
        for value in ticks(self.low, self.high):
            x = self.x(value)
            self.line("zero" if value == 0 else "grid", x, TOP, x, self.bottom)
            self.text("tick", x, self.bottom + 17, tick(value))
        self.text("label", (self.left + WIDTH - RIGHT) / 2, self.bottom + 36, label)

    def rect(self, kind, x, y, width, height):
        self.out.append(f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
                        f'height="{height:.1f}"/>')

    def line(self, kind, x1, y1, x2, y2):
        self.out.append(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" '
                        f'y2="{y2:.1f}"/>')

    def text(self, kind, x, y, words, title=""):
        inner = f"<title>{escape(title)}</title>" if title else ""
        self.out.append(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{inner}{escape(words)}</text>')

    def dot(self, kind, value, y, title, size=4.2):
        self.out.append(f'<circle class="{kind}" cx="{self.x(value):.1f}" cy="{y:.1f}" r="{size}">'
                        f"<title>{escape(title)}</title></circle>")

    def mark(self, verdict, value, index, title):
        self.out.append(f'<path class="mark {slug(verdict)}" d="{MARKS[verdict]}" transform="'
                        f'translate({self.x(value):.1f} {self.y(index):.1f})">'
                        f"<title>{escape(title)}</title></path>")

    def svg(self):
        return "".join(self.out) + "</svg>"


def percent(ratio):
    return 100 * (ratio - 1)


def reach(values, least):
    """How far an axis about zero must go. A lone giant is cut off rather than flatten the rest."""
    sizes = sorted(abs(v) for v in values)
    if not sizes:
        return least
    usual = sizes[int(0.75 * (len(sizes) - 1))]
    return max(least, min(sizes[-1] * 1.12, 4 * max(usual, least)))


def change(rows, effect):
    """Change of the cost with its interval; the band is what does not count."""
    values = [percent(row[key]) for row in rows for key in ("low", "change", "high")
              if row[key] is not None]
    far = reach(values, 250 * effect)
    lines = Lines([row["name"] for row in rows], -far, far, "Change of each benchmark",
                  "← better\u2003change of the cost, %\u2003worse →")
    band = 100 * effect
    lines.rect("band", lines.x(-band), TOP, lines.x(band) - lines.x(-band), lines.bottom - TOP)
    for index, row in enumerate(rows):
        y, words = lines.y(index), tenths(percent(row["change"]))
        if row["low"] is not None:
            ends = [lines.x(percent(row[key])) for key in ("low", "high")]
            lines.line(f"interval {slug(row['verdict'])}", ends[0], y, ends[1], y)
            for end in ends:
                lines.line(f"interval {slug(row['verdict'])}", end, y - 5, end, y + 5)
        lines.mark(row["verdict"], percent(row["change"]), index,
                   f"{row['name']}: {words}, {row['verdict']}")
        lines.text(f"said {slug(row['verdict'])}", WIDTH - RIGHT + 12, y + 4,
                   f"{words}  {row['verdict']}")
    return lines.svg()


def swarm(values, width, least):
    """Offsets that keep equal values from hiding each other."""
    placed, offsets = [], {}
    for index in sorted(range(len(values)), key=lambda i: values[i]):
        near = [o for v, o in placed if abs(v - values[index]) < least]
        step = next((s for n in range(9) for s in (n, -n) if s not in near), 0)
        placed.append((values[index], step))
        offsets[index] = max(-1, min(1, step / 3)) * width
    return [offsets[i] for i in range(len(values))]


def samples(rows):
    """rows: [(name, base costs or None, costs)], each 1.0 at the median that it is measured by."""
    values = [percent(v) for _, base, now in rows for v in (base or []) + now]
    far = reach(values, 2.0)
    low = max(-far, min(values, default=0) * 1.1 - 0.5)
    high = min(far, max(values, default=0) * 1.1 + 0.5)
    middle = "base" if any(base for _, base, _ in rows) else "row"
    lines = Lines([name for name, _, _ in rows], min(low, -0.5), max(high, 0.5),
                  "Samples of each benchmark",
                  f"← better\u2003sample, % from the median of the {middle}\u2003worse →", row=40)
    least = (lines.high - lines.low) / 160
    for index, (name, base, now) in enumerate(rows):
        for kind, lane, costs in (("base", 0.3, base), ("now", 0.7 if base else 0.5, now)):
            costs = [percent(v) for v in costs or []]
            for value, offset in zip(costs, swarm(costs, 5.5, least)):
                lines.dot(f"sample {kind}", value, lines.y(index, lane) + offset,
                          f"{name}, {kind}: {value:+.2f} %", 2.9)
    return lines.svg()


def bounds(rows):
    """rows: [(name, base share or None, share)] of the bound that is reached; 1 is the bound."""
    most = max([1.0] + [v for _, a, b in rows for v in (a, b) if v])
    lines = Lines([name for name, _, _ in rows], 0, 100 * most * 1.02, "Share of the bound reached",
                  "% of what the hardware allows\u2003better →", tick=lambda v: f"{v:g}")
    lines.line("bound", lines.x(100), TOP, lines.x(100), lines.bottom)
    for index, (name, base, now) in enumerate(rows):
        y = lines.y(index)
        if base is None:
            lines.rect("bar", lines.x(0), y - 6, lines.x(100 * now) - lines.x(0), 12)
        else:
            lines.line("move", lines.x(100 * base), y, lines.x(100 * now), y)
            lines.dot("base", 100 * base, y, f"{name}, base: {100 * base:.1f} %")
        lines.dot("now", 100 * now, y, f"{name}: {100 * now:.1f} %")
        words = f"{100 * now:.1f} %" if base is None else f"{100 * base:.1f} → {100 * now:.1f} %"
        lines.text("said", WIDTH - RIGHT + 12, y + 4, words)
    return lines.svg()


def drift(rows):
    """rows: [(name, ratio)]: the bound itself, now over base, as cost."""
    far = reach([percent(v) for _, v in rows], 2.0)
    lines = Lines([name for name, _ in rows], -far, far, "Change of the machine",
                  "← faster machine\u2003change of the bound, %\u2003slower machine →")
    for index, (name, ratio) in enumerate(rows):
        y, value = lines.y(index), percent(ratio)
        lines.line("move", lines.x(0), y, lines.x(value), y)
        lines.dot("machine", value, y, f"{name}: {value:+.2f} %")
        lines.text("said", WIDTH - RIGHT + 12, y + 4, tenths(value))
    return lines.svg()
