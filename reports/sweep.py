#!/usr/bin/python3
"""Make SWEEPDIR/sweep.html from its sweep.json: one file, offline, no script, no request.

usage: sweep.py SWEEPDIR
"""

import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import jinja2  # noqa: E402
from markupsafe import Markup  # noqa: E402

import charts  # noqa: E402
from report import human, unit_of  # noqa: E402
from run import RunError, load_json, write_page  # noqa: E402

HERE = Path(__file__).resolve().parent
SCHEMA_VERSION = 1
PANELS_MAX = 24  # of one metric
TICS_MAX = 9
LOG_FROM = 30    # largest over smallest value of an axis


def load(folder):
    path = Path(folder) / "sweep.json"
    if not path.is_file():
        raise RunError(f"{folder} has no sweep.json; try: the folder of `ikelab sweep`")
    sweep = load_json(path)
    version = sweep.get("schema_version") if isinstance(sweep, dict) else None
    if version != SCHEMA_VERSION:
        raise RunError(f"{path} has schema_version {version}, this report reads {SCHEMA_VERSION}; "
                       "try: the ikelab that made the sweep")
    return sweep


def shown(value, path):
    """As on the page of a run; the interval of a mean may reach below zero."""
    if value is None:
        return "–"
    words = human(abs(value), unit_of(path.split("@")[0]))
    return ("−" if value < 0 else "") + words


def number(cell, path, field):
    """A number as the page shows it; the exact one of sweep.json rides along."""
    value = cell["metrics"][path][field]
    exact = "null" if value is None else str(value)
    return Markup('<data data-cell="{}" data-metric="{}" data-field="{}" value="{}" title="{}">{}'
                  '</data>').format(cell["cell"], path, field, exact, exact, shown(value, path))


class Axes:
    """Which axis goes where: x is the first of numbers, lines the next one, panels all others."""

    def __init__(self, axes):
        of_numbers = [a for a in axes if a["numbers"]]
        self.x = (of_numbers or axes or [None])[0]
        rest = [a for a in axes if a is not self.x]
        self.lines = rest[0] if rest else None
        self.panels = rest[1:]

    def x_of(self, cell):
        if self.x is None:
            return 0.0
        index = self.x["values"].index(cell["set"][self.x["key"]])
        return float(self.x["numbers"][index]) if self.x["numbers"] else float(index)

    def panel_values(self):
        """[{key: value}] of every panel."""
        keys = [axis["key"] for axis in self.panels]
        return [dict(zip(keys, values))
                for values in itertools.product(*(axis["values"] for axis in self.panels))]

    def line_groups(self):
        """The values of the lines, as many at a time as can be told apart."""
        values = self.lines["values"] if self.lines else [None]
        size = len(charts.SERIES)
        return [values[i:i + size] for i in range(0, len(values), size)]


def is_logarithmic(axis):
    numbers = [float(n) for n in axis["numbers"] or []]
    return len(numbers) > 2 and min(numbers) > 0 and max(numbers) / min(numbers) >= LOG_FROM


def x_script(axis):
    """Tics stand at the values that were run, in the words of the scenario."""
    if axis is None:
        return "set xtics ('all' 0)\nset xrange [-1:1]\n"
    places = [float(n) for n in axis["numbers"]] if axis["numbers"] else range(len(axis["values"]))
    marks = sorted(zip(places, axis["values"]))
    stride = max(1, -(-len(marks) // TICS_MAX))
    # A tic's text is a format: its own percent signs are doubled.
    tics = ", ".join("'" + charts.quote(words).replace("%", "%%") + f"' {at}"
                     for at, words in marks[::stride])
    low, high = marks[0][0], marks[-1][0]
    script = f"set xtics ({tics}) noenhanced\n"
    if is_logarithmic(axis):
        return script + f"set logscale x\nset xrange [{low / 1.15}:{high * 1.15}]\n"
    margin = (high - low) * 0.04 or 1
    return script + f"set xrange [{low - margin}:{high + margin}]\n"


def y_range(cells, path):
    """One range for all panels of a metric, from zero unless that would flatten it."""
    values = [float(cell["metrics"][path][field]) for cell in cells
              for field in ("mean", "low", "high") if cell["metrics"][path][field] is not None]
    low, high = min(values), max(values)
    if 0 <= low < 0.6 * high or low == high >= 0:
        low = 0
    margin = (high - low) * 0.06 or 0.5
    return f"set yrange [{low - margin if low else 0}:{high + margin}]\n"


def rows_of(cells, axes, path, fixed):
    """(x, mean, low, high) of the cells with these values, from left to right."""
    rows = []
    for cell in cells:
        numbers = cell["metrics"][path]
        if numbers["mean"] is not None and all(cell["set"][k] == v for k, v in fixed.items()):
            rows.append((axes.x_of(cell), numbers["mean"], numbers["low"], numbers["high"]))
    rows.sort(key=lambda row: row[0])
    return widened(rows[0], axes.x) if len(rows) == 1 else rows


def widened(row, axis):
    """A line of one point would not be seen."""
    at = row[0]
    if axis and is_logarithmic(axis):
        return [(at / 1.05, *row[1:]), (at * 1.05, *row[1:])]
    numbers = [float(n) for n in axis["numbers"]] if axis and axis["numbers"] else [0.0]
    half = 0.02 * (max(numbers) - min(numbers)) or 0.1
    return [(at - half, *row[1:]), (at + half, *row[1:])]


def draw_panel(cells, axes, path, fixed, values, y_words):
    script = charts.HEAD.format(
        width=500 if axes.panels or len(axes.line_groups()) > 1 else 1040, height=300,
        key="off" if values == [None] else "outside top center horizontal noenhanced",
        xlabel=charts.quote(axes.x["key"] if axes.x else ""), ylabel=charts.quote(y_words))
    script += "set xlabel noenhanced\nset ylabel noenhanced\nset lmargin 11\n"
    script += x_script(axes.x) + y_range(cells, path)
    bands, lines = [], []
    for index, value in enumerate(values):
        where = dict(fixed) if value is None else {**fixed, axes.lines["key"]: value}
        rows = rows_of(cells, axes, path, where)
        if not rows:
            continue
        sure = [row for row in rows if row[2] is not None]
        colour = f"lc rgb '{charts.SERIES[index]}'"
        script += charts.block(f"d{index}", rows)
        if len(sure) > 1:
            script += charts.block(f"b{index}", sure)
            bands.append(f"$b{index} using 1:3:4 with filledcurves {colour} fs solid 0.16 "
                         "noborder notitle")
        title = f"title '{charts.quote(value)}'" if value is not None else "notitle"
        lines.append(f"$d{index} using 1:2 with lines {colour} lw 2 dt {charts.DASHES[index]} "
                     f"{title}")
    if not lines:
        return None
    plots = ", \\\n  ".join(bands + lines)
    label = f"{path} over {axes.x['key'] if axes.x else 'all runs'}"
    return Markup(charts.inline(charts.gnuplot(f"{script}plot {plots}\n"), label))


def draw_metric(sweep, axes, metric):
    """{panels: [(title, svg)], ...} of one metric; panels that there is no room for are counted."""
    path, panels = metric["metric"], []
    unit = unit_of(path.split("@")[0])
    words = {"s": "seconds", "ratio": "share", "1": "count"}.get(unit, unit)
    measured = [c for c in sweep["cells"] if c["metrics"][path]["mean"] is not None]
    wanted = list(itertools.product(axes.panel_values(), axes.line_groups())) if measured else []
    for fixed, values in wanted[:PANELS_MAX]:
        title = ", ".join(f"{key} = {value}" for key, value in fixed.items())
        svg = draw_panel(measured, axes, path, fixed, values, words)
        if svg:
            panels.append((title, svg))
    return {"path": path, "panels": panels, "cut": max(0, len(wanted) - PANELS_MAX)}


def verdict(sweep):
    runs = sweep["runs"]
    if runs["failed"]:
        return "fail", f"{runs['failed']} OF {runs['all']} RUNS FAILED"
    if sweep["partial"]:
        return "partial", "PARTIAL"
    if runs["threshold_failed"] and sweep.get("thresholds") != "ignore":
        return "fail", f"THRESHOLDS FAILED IN {runs['threshold_failed']} OF {runs['all']} RUNS"
    return "pass", f"{runs['all']} RUNS"


def render(sweep):
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE), autoescape=True,
                                     undefined=jinja2.StrictUndefined, trim_blocks=True,
                                     lstrip_blocks=True)
    axes = Axes(sweep["axes"])
    kind, words = verdict(sweep)
    lost = [(cell, run) for cell in sweep["cells"] for run in cell["runs"]
            if run["state"] == "failed"]
    return environment.get_template("sweep.html.j2").render(
        s=sweep, badge=kind, words=words, axes=axes, number=number, lost=lost,
        metrics=[draw_metric(sweep, axes, metric) for metric in sweep["metrics"]],
        style=Markup((HERE / "report.css").read_text(encoding="utf-8")))


def main(arguments):
    if len(arguments) != 1 or arguments[0] in ("-h", "--help"):
        print(__doc__.strip(), file=sys.stdout if "--help" in arguments else sys.stderr)
        return 0 if "--help" in arguments or "-h" in arguments else 2
    try:
        print(write_page(Path(arguments[0]) / "sweep.html", render(load(arguments[0]))))
    except (RunError, RuntimeError, FileNotFoundError) as error:
        print(f"sweep.py: error: {error}", file=sys.stderr)
        return 1
    except (KeyError, TypeError, ValueError, AttributeError, jinja2.UndefinedError) as error:
        print(f"sweep.py: error: {arguments[0]}/sweep.json is damaged "
              f"({type(error).__name__}: {error}); try: ikelab sweep again", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
