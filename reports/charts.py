"""Charts over simulated time, drawn by gnuplot as SVG and coloured by the page's style sheet."""

import re
import subprocess

# gnuplot draws in stand-in colours; each becomes a CSS variable, so that one picture serves light,
# dark and print. Series are told apart by dash and width too.
STAND_INS = {"#010101": "var(--ink-2)", "#020202": "var(--grid)", "#030303": "var(--axis)"}
SERIES = ["#0a0001", "#0a0002", "#0a0003", "#0a0004", "#0a0005", "#0a0006"]
for number, colour in enumerate(SERIES, 1):
    STAND_INS[colour] = f"var(--s{number})"
DASHES = ["solid", "(14,5)", "(4,4)", "(14,5,3,5)", "(22,6)", "(3,6)"]

HEAD = """
set terminal svg size {width},{height} dynamic font 'system-ui,sans-serif,13' background rgb 'white' linewidth 1
set encoding utf8
set datafile separator '\\t'
set border 3 lc rgb '#030303' lw 1
set tics nomirror out scale 0.6 textcolor rgb '#010101'
set grid xtics ytics lc rgb '#020202' lw 1 dt solid
set key {key} textcolor rgb '#010101' samplen 3 spacing 1.1 height 0.2
set lmargin 9
set rmargin 2.5
set tmargin 1.6
set bmargin 3.2
set xlabel '{xlabel}' textcolor rgb '#010101' offset 0,0.3
set ylabel '{ylabel}' textcolor rgb '#010101' offset 0.6,0
"""


def quote(text):
    """Text inside a gnuplot single-quoted string, without enhanced markup."""
    return str(text).replace("'", "''").replace("\n", " ")


def recolour(svg):
    def swap(match):
        red, green, blue = (int(part) for part in match.groups())
        return STAND_INS.get(f"#{red:02x}{green:02x}{blue:02x}", match.group(0))

    svg = re.sub(r"rgb\(\s*(\d+),\s*(\d+),\s*(\d+)\)", swap, svg)
    return re.sub(r"#[0-9a-fA-F]{6}\b", lambda m: STAND_INS.get(m.group(0).lower(), m.group(0)), svg)


def inline(svg, label):
    """The <svg> element alone: no prolog, no ids (several charts share a page), no background."""
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<(title|desc)>.*?</\1>", "", svg, flags=re.S)
    svg = re.sub(r"<defs>.*?</defs>", "", svg, flags=re.S)
    svg = re.sub(r'\s(?:id|xmlns:xlink)="[^"]*"', "", svg)
    svg = re.sub(r'<rect[^>]*fill="?#?(?:ffffff|white)"?[^>]*/>', "", svg, count=1)
    svg = recolour(svg)
    safe = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return svg.replace("<svg", f'<svg class="chart" role="img" aria-label="{safe}"', 1).strip()


def gnuplot(script):
    done = subprocess.run(["gnuplot"], input=script, capture_output=True, text=True, check=False)
    if done.returncode != 0 or "<svg" not in done.stdout:
        raise RuntimeError("gnuplot failed: " + done.stderr.strip()[-500:])
    return done.stdout


def block(name, rows):
    lines = "\n".join("\t".join(str(part) for part in row) for row in rows)
    return f"${name} << EOD\n{lines}\nEOD\n"


def plot(lines, label, ylabel, xlabel="simulated time (s)", style="lines", extra="", wide=False,
         end=None):
    """lines: [(name, [(x, y), ...])]; time runs to `end`. None when there is nothing to draw."""
    lines = [(name, [(x, y) for x, y in rows if y is not None]) for name, rows in lines]
    lines = [(name, rows) for name, rows in lines if rows][:len(SERIES)]
    if not lines:
        return None
    script = HEAD.format(width=1040 if wide else 500, height=290 if wide else 260,
                         key="off" if len(lines) == 1 else "outside top center horizontal",
                         xlabel=quote(xlabel), ylabel=quote(ylabel))
    if style != "cdf":
        end = end or max(rows[-1][0] for _, rows in lines)
        top = max(y for _, rows in lines for _, y in rows)
        script += f"set xrange [0:{end if end > 0 else 1}]\n"
        script += f"set yrange [0:{top * 1.08 if top > 0 else 1}]\n"
    script += extra + "\n"
    plots = []
    for index, (name, rows) in enumerate(lines):
        script += block(f"d{index}", rows)
        using = {"steps": "fillsteps fs solid 0.22 noborder", "cdf": "steps"}.get(style, "lines")
        colour = f"lc rgb '{SERIES[index]}'"
        title = f"title '{quote(name)}' noenhanced"
        if style == "steps":
            plots.append(f"$d{index} using 1:2 with {using} {colour} notitle")
            plots.append(f"$d{index} using 1:2 with steps {colour} lw 1.8 {title}")
        else:
            plots.append(f"$d{index} using 1:2 with {using} {colour} lw 2 dt {DASHES[index]} {title}")
    return inline(gnuplot(script + "plot " + ", \\\n  ".join(plots) + "\n"), label)


def intervals(rows):
    """Rows stamped with the end of their interval, moved to its start, for step drawing."""
    if not rows:
        return rows
    starts = [0.0] + [x for x, _ in rows[:-1]]
    moved = [(start, y) for start, (_, y) in zip(starts, rows)]
    return moved + [(rows[-1][0], rows[-1][1])]


def rates(rows, factor=1.0):
    """Growth per interval as a rate per second."""
    out, last = [], 0.0
    for x, y in rows:
        span = x - last
        out.append((x, None if y is None or span <= 0 else y * factor / span))
        last = x
    return out


def cdf(histogram):
    """(seconds, share) from mergeable buckets of nanoseconds."""
    total, seen, rows = histogram["count"], 0, []
    for low, high, count in histogram["buckets"]:
        seen += count
        rows.append((min(high, histogram["max"]) / 1e9, seen / total))
    return [(histogram["min"] / 1e9, 0.0)] + rows if rows else []
