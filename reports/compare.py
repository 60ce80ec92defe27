#!/usr/bin/python3
"""Draw what `ikelab report` hands over as JSON on standard input: a comparison of two measurements,
or the rows of one. One page, offline, no script, no request.

usage: compare.py FILE.html       (- is standard output)
"""

import json
import os
import sys
from decimal import Decimal
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent))

import jinja2  # noqa: E402
from markupsafe import Markup  # noqa: E402

import forest  # noqa: E402
from report import grouped, human  # noqa: E402

HERE = Path(__file__).resolve().parent
DRAWN_MAX = 120
SCALED = {"ns": ("s", Decimal("1e-9")), "us": ("s", Decimal("1e-6")), "ms": ("s", Decimal("1e-3")),
          "s": ("s", Decimal(1)), "bit/s": ("bit/s", Decimal(1)), "B": ("B", Decimal(1)),
          "Mbit/s": ("bit/s", Decimal(10**6)), "Gbit/s": ("bit/s", Decimal(10**9)),
          "1/s": ("1/s", Decimal(1))}
WORST_FIRST = ("slower", "cannot tell", "faster", "no change")


def exact(row, field, words):
    """A number as the page shows it; the one of the file rides along."""
    if row.get(field) is None:
        return "–"
    return Markup('<data data-field="{}" value="{!r}" title="{!r}">{}</data>').format(
        field, row[field], row[field], words)


def value(row, field):
    if row.get(field) is None:
        return "–"
    unit, factor = SCALED.get(row["unit"], (None, Decimal(1)))
    number = Decimal(repr(row[field])) * factor
    return exact(row, field, human(number, unit) if unit else f"{number:.4g} {row['unit']}")


def ratio(row, field):
    return exact(row, field, forest.tenths(forest.percent(row.get(field) or 1)))


def plain(row, field):
    number = row.get(field)
    if number is None:
        return "–"
    return exact(row, field, grouped(number, 0) if number >= 100 else f"{number:.2g}")


def share(row):
    return exact(row, "ratio", f"{100 * (row.get('ratio') or 0):.1f} %")


def costs(entry, beside, middle=None):
    """Samples as cost, 1.0 at `middle`: more is worse in either direction of the unit. A sample of
    zero or less has no place among ratios; the verdict says that it is there."""
    values = [s for s in entry["samples"] if s > 0]
    if beside:
        values = [s / b for s, b in zip(entry["samples"], entry["bound_samples"]) if s > 0 < b]
    if entry["better"] == "higher":
        values = [1 / v for v in values]
    middle = middle or (median(values) if values else 1)
    return [v / middle for v in values], middle


def row_of(entry, before=None, judged=None):
    """All that is drawn of one benchmark."""
    row = {key: entry.get(key) for key in ("name", "unit", "better", "ratio", "bound")}
    beside = bool(judged and judged["beside_bound"])
    middle = None
    if before:
        row["base_costs"], middle = costs(before, beside)
        row["base_ratio"] = before.get("ratio")
    row["costs"], _ = costs(entry, beside, middle)
    row.update(now_samples=entry["samples"], new_median=entry["median"], count=entry["instructions"],
               smallest=min(entry["samples"]), largest=max(entry["samples"]))
    row.update(judged or {})
    return row


def compared_rows(page):
    before = {entry["name"]: entry for entry in page["base"]["benchmarks"]}
    after = {entry["name"]: entry for entry in page["now"]["benchmarks"]}
    rows = [row_of(after[j["name"]], before[j["name"]], j) for j in page["comparison"]["rows"]]
    return sorted(rows, key=lambda r: (WORST_FIRST.index(r["verdict"]), -abs((r["change"] or 1) - 1)))


def verdict(comparison):
    """The badge: what is worst decides."""
    rows = comparison["rows"]
    count = {v: sum(r["verdict"] == v for r in rows) for v in WORST_FIRST}
    if comparison["virtual"] == "differs":
        return "fail", "RESULTS DIFFER"
    if count["slower"]:
        return "fail", f"{count['slower']} OF {len(rows)} SLOWER"
    more = sum(r["instructions_verdict"] == "slower" for r in rows)
    if more:
        return "fail", f"{more} OF {len(rows)} WITH MORE INSTRUCTIONS"
    if count["cannot tell"]:
        return "partial", f"CANNOT TELL {count['cannot tell']} OF {len(rows)}"
    if count["faster"]:
        return "pass", f"{count['faster']} OF {len(rows)} FASTER"
    return "pass", "NO CHANGE"


def doubts(sets):
    """[(set, [text, ...])] of what makes the numbers doubtful."""
    out = []
    for name, content in sets:
        context = content["context"]
        said = context["warnings"] + (["it ended early"] if context["partial"] else [])
        out += [(name, said)] if said else []
    return out


def columns(rows):
    """Which of the columns that not every measurement has are worth their place."""
    return {key for key in ("ratio", "bound", "machine", "instructions_change",
                            "instructions_own_change", "count")
            if any(row.get(key) is not None for row in rows)}


def machines_differ(base, now):
    keys = ("cpu", "cores")
    return any(base["context"][key] != now["context"][key] for key in keys)


def draw(rows, effect):
    drawn = rows[:DRAWN_MAX]
    bounded = [(r["name"], r.get("base_ratio"), r["ratio"]) for r in drawn
               if r["ratio"] and (effect is None or r.get("base_ratio"))]
    moved = [(r["name"], r["machine"]) for r in drawn if r.get("machine") is not None]
    charts = {"samples": forest.samples([(r["name"], r.get("base_costs"), r["costs"])
                                         for r in drawn]),
              "bounds": forest.bounds(bounded) if bounded else None,
              "drift": forest.drift(moved) if moved else None}
    if effect is not None:
        charts["change"] = forest.change([r for r in drawn if r["change"] is not None], effect)
    return {name: Markup(svg) if svg else None for name, svg in charts.items()}


def words_of_one(page):
    rows = [row_of(entry) for entry in page["now"]["benchmarks"]]
    return {"rows": rows, "charts": draw(rows, None), "compared": False, "badge": "none",
            "words": f"{len(rows)} BENCHMARKS", "title": Path(page["now"]["source"]).name,
            "lead": f"commit {page['now']['context']['commit']} on {page['now']['context']['cpu']}",
            "doubts": doubts([("measured", page["now"])]), "bad": [], "only_base": [],
            "only_new": [], "cut": max(0, len(rows) - DRAWN_MAX)}


def words_of_two(page):
    base, now, comparison = page["base"], page["now"], page["comparison"]
    rows = compared_rows(page)
    badge, words = verdict(comparison)
    bad = []
    if comparison["virtual"] == "differs":
        bad.append("The same scenario, seed and version gave other results: "
                   + comparison["virtual_where"])
    warned = doubts([("base", base), ("now", now)])
    if machines_differ(base, now):
        warned.append(("base and now", ["different machines: what changed may be the machine"]))
    return {"rows": rows, "charts": draw(rows, comparison["effect"]), "compared": True,
            "badge": badge, "words": words, "bad": bad, "doubts": warned,
            "title": f"{Path(base['source']).name} → {Path(now['source']).name}",
            "lead": f"{len(rows)} benchmarks, commit {base['context']['commit']} against "
                    f"{now['context']['commit']} on {now['context']['cpu']}",
            "effect": f"{100 * comparison['effect']:g}", "cut": max(0, len(rows) - DRAWN_MAX),
            "beside": any(r["beside_bound"] for r in rows),
            "only_base": comparison["only_base"], "only_new": comparison["only_new"]}


def render(page):
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE), autoescape=True,
                                     undefined=jinja2.StrictUndefined, trim_blocks=True,
                                     lstrip_blocks=True)
    style = "".join((HERE / name).read_text(encoding="utf-8")
                    for name in ("report.css", "compare.css"))
    words = words_of_two(page) if page["comparison"] else words_of_one(page)
    return environment.get_template("compare.html.j2").render(
        base=page["base"], now=page["now"], style=Markup(style), value=value, ratio=ratio,
        plain=plain, share=share, has=columns(words["rows"]), **words)


def write(target, text):
    """Beside and renamed: a page is whole or not there. A device or a pipe is written to."""
    if target.exists() and not target.is_file():
        target.write_text(text, encoding="utf-8")
        return
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    print(target)


def main(arguments):
    if len(arguments) != 1 or arguments[0] in ("-h", "--help"):
        print(__doc__.strip(), file=sys.stdout if "-h" in "".join(arguments) else sys.stderr)
        return 0 if "-h" in "".join(arguments) else 2
    try:
        text = render(json.load(sys.stdin))
        if arguments[0] == "-":
            sys.stdout.write(text)
        else:
            write(Path(arguments[0]), text)
    except OSError as error:
        print(f"compare.py: error: cannot write {arguments[0]}: {error.strerror}", file=sys.stderr)
        return 1
    except (KeyError, TypeError, ValueError, AttributeError, jinja2.UndefinedError) as error:
        print(f"compare.py: error: that is not what `ikelab report` hands over "
              f"({type(error).__name__}: {error})", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
