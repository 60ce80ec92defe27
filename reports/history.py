#!/usr/bin/python3
"""Draw the trend of benchmarks: medians with their quartiles run after run, and the steps.

usage: ikelab history show --json [GLOB] | history.py -o FILE.svg
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import charts  # noqa: E402

PANELS_MAX = 12
WIDTH, HEIGHT = 1040, 250
LABELS = 9  # commits along the axis
LOW_SPAN = 0.1  # what moves less than this share of its level shall look flat


def palette():
    """The colours of the report's style sheet, light: the picture stands alone."""
    css = (Path(__file__).resolve().parent / "report.css").read_text(encoding="utf-8")
    return dict(re.findall(r"(--[\w-]+): light-dark\((#[0-9a-f]{6}),", css))


def coloured(svg):
    colours = palette()
    return re.sub(r"var\((--[\w-]+)\)", lambda m: colours[m.group(1)], charts.recolour(svg))


def commit(run):
    return run["commit"][:9] + ("+" if run["dirty"] else "")


def title(series, mixed):
    words = [series["benchmark"]]
    if series["metric"] == "instructions":
        words.append("(instructions)")
    words.append("- " + (series["class"] or ("machine classes mixed" if mixed else "")))
    return " ".join(words)


def levels(series):
    """[(first, last, value)] of each piece, runs counted from 1."""
    steps = series["steps"]
    begins = [1] + [step["index"] + 1 for step in steps]
    ends = [begin - 1 for begin in begins[1:]] + [len(series["runs"])]
    values = ([steps[0]["before"]] if steps else []) + [step["after"] for step in steps]
    return list(zip(begins, ends, values))


def y_range(runs):
    low, high = min(r["low"] for r in runs), max(r["high"] for r in runs)
    middle, span = (low + high) / 2, max(high - low, LOW_SPAN * abs(low + high) / 2, 1e-300)
    return middle - 0.62 * span, middle + 0.72 * span  # room for what is written at the steps


def axis(runs):
    count = len(runs)
    stride = max(1, -(-count // LABELS))
    tics = ", ".join(f"'{charts.quote(commit(runs[i]))}' {i + 1}" for i in range(0, count, stride))
    return f"set xtics ({tics}) noenhanced\nset xrange [0.5:{count + 0.5}]\n"


def step_marks(series, top):
    marks = ""
    for step in series["steps"]:
        at, run = step["index"] + 0.5, series["runs"][step["index"]]
        words = f"{100 * step['change']:+.1f} % at {commit(run)}"
        if step["recent"]:
            words += ", too recent to tell"
        side = "right" if at > 0.75 * len(series["runs"]) else "left"
        marks += f"set arrow from {at}, graph 0 to {at}, graph 1 nohead lc rgb '#030303' dt (4,4)\n"
        marks += (f"set label '{charts.quote(words)}' at {at}, {top} {side} noenhanced "
                  f"offset {'-' if side == 'right' else ''}0.5,-0.8 textcolor rgb '#010101'\n")
    return marks


def panel(number, series, mixed):
    runs = series["runs"]
    low, high = y_range(runs)
    script = "unset arrow\nunset label\n" + axis(runs) + step_marks(series, high)
    script += f"set yrange [{low}:{high}]\n"
    script += f"set ylabel '{charts.quote('' if series['unit'] == '1' else series['unit'])}'\n"
    script += f"set title '{charts.quote(title(series, mixed))}' noenhanced"
    script += " textcolor rgb '#010101'\n"
    script += charts.block(f"d{number}", [(i, r["median"], r["low"], r["high"])
                                          for i, r in enumerate(runs, 1)])
    plots = [f"$d{number} using 1:3:4 with filledcurves lc rgb '{charts.SERIES[0]}' "
             "fs solid 0.18 noborder title 'quartiles'",
             f"$d{number} using 1:2 with linespoints pt 7 ps 0.4 lw 1.5 "
             f"lc rgb '{charts.SERIES[0]}' title 'median'"]
    pieces = levels(series)
    if pieces:
        rows = "\n\n".join(f"{begin - 0.5}\t{value}\n{end + 0.5}\t{value}"
                           for begin, end, value in pieces)
        script += f"$l{number} << EOD\n{rows}\nEOD\n"
        plots.append(f"$l{number} using 1:2 with lines lw 2.5 dt {charts.DASHES[1]} "
                     f"lc rgb '{charts.SERIES[1]}' title 'level'")
    return script + "plot " + ", \\\n  ".join(plots) + "\n"


def draw(data):
    drawn = data["series"][:PANELS_MAX]
    if len(drawn) < len(data["series"]):
        print(f"drawn: the first {len(drawn)} of {len(data['series'])} benchmarks; "
              "try: a GLOB that matches fewer", file=sys.stderr)
    script = charts.HEAD.format(width=WIDTH, height=HEIGHT * len(drawn), xlabel="", ylabel="",
                                key="inside bottom left horizontal")
    # In place of the margins of a page's chart: a title above each panel.
    script += f"set tmargin 2.6\nset rmargin 5\nset multiplot layout {len(drawn)},1\n"
    for number, series in enumerate(drawn):
        script += panel(number, series, data["mixed"])
    return coloured(charts.gnuplot(script + "unset multiplot\n"))


def write(path, svg):
    """Beside and renamed: a picture is whole or not there. A device or a pipe is written to."""
    if path.exists() and not path.is_file():
        path.write_text(svg, encoding="utf-8")
        return
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
    try:
        partial.write_text(svg, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FILE.svg")
    arguments = parser.parse_args()
    try:
        data = json.load(sys.stdin)
        if not data["series"]:
            raise ValueError("nothing to draw")
        write(arguments.output, draw(data))
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        print(f"history.py: error: {error}", file=sys.stderr)
        return 1
    print(arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
