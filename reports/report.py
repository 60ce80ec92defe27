#!/usr/bin/python3
"""Make RUNDIR/report.html from a finished run folder: one file, offline, no request. The planner's
view is drawn here; the interactive one is reports/page/ on the data of reports/island.py.

usage: report.py RUNDIR [--ikelab PROGRAM]
"""

import base64
import hashlib
import sys
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import jinja2  # noqa: E402
from markupsafe import Markup  # noqa: E402

import charts  # noqa: E402
import dissected  # noqa: E402
import island  # noqa: E402
import sequence  # noqa: E402
from run import Run, RunError, find, write_page  # noqa: E402

HERE = Path(__file__).resolve().parent
PERCENTILES = (("p50", "median"), ("p90", "90 %"), ("p99", "99 %"), ("p999", "99.9 %"),
               ("max", "largest"))
SCALES = {
    "s": ((Decimal(1), "s"), (Decimal("0.001"), "ms"), (Decimal("0.000001"), "µs"),
          (Decimal("0.000000001"), "ns")),
    "bit/s": ((Decimal(10**9), "Gbit/s"), (Decimal(10**6), "Mbit/s"), (Decimal(1000), "kbit/s"),
              (Decimal(1), "bit/s")),
    "B": ((Decimal(2**30), "GiB"), (Decimal(2**20), "MiB"), (Decimal(2**10), "KiB"),
          (Decimal(1), "B")),
}


def unit_of(path):
    """The unit of a path of `virtual`, by the suffix conventions of docs/metrics.md."""
    leaf = path.split(".")
    if any(part.endswith("_s") and not part.endswith("per_s") for part in leaf) and \
            leaf[-1] != "count":
        return "s"
    if leaf[-1].endswith("_bps"):
        return "bit/s"
    if leaf[-1].endswith("_bytes"):
        return "B"
    if leaf[-1].endswith("_ratio"):
        return "ratio"
    if "rate_per_s" in leaf:
        return "1/s"
    return "1"


def grouped(number, digits):
    """Thousands apart by thin spaces; `digits` behind the point at most."""
    text = f"{number:,.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(",", "\u202f")


def human(value, unit):
    """Three or four significant digits with the unit that suits."""
    if value is None:
        return "–"
    value = Decimal(value)
    if unit == "ratio":
        return grouped(value * 100, 2) + " %"
    if unit == "1/s":
        return grouped(value, 1) + " /s"
    if unit not in SCALES:
        return grouped(value, 3)
    if value == 0:
        return "0 " + SCALES[unit][-1 if unit != "s" else 0][1]
    factor, name = next((s for s in SCALES[unit] if value >= s[0]), SCALES[unit][-1])
    scaled = value / factor
    return grouped(scaled, 0 if scaled >= 1000 else 1 if scaled >= 100 else 2) + " " + name


def metric(run, path, unit=None):
    """A number of `virtual` as the page shows it; the exact value rides along."""
    value = find(run.virtual, path)
    exact = "null" if value is None else str(value)
    return Markup('<data data-metric="{}" value="{}" title="{} = {}">{}</data>').format(
        path, exact, path, exact, human(value, unit or unit_of(path)))


def threshold_value(row):
    unit = {"1": "1", "packets": "1"}.get(row["unit"], row["unit"])
    if row["metric"].split("@")[0].endswith("_ratio"):
        unit = "ratio"
    return human(row["value"], unit)


def leaves(tree, prefix, skip=("dropped", "failed_by", "net", "ike", "esp", "nat")):
    return [(key, f"{prefix}.{key}") for key, value in tree.items()
            if key not in skip and not isinstance(value, (dict, list, str))]


def draw_charts(run):
    """[(id, title, note, svg or None)] in reading order."""
    v = charts
    end = float(run.virtual["duration_s"])
    flows = [(name, v.rates(rows, 8e-6)) for name, rows in run.scopes("esp_delivered_bytes", "flow")]
    cpus = [(name, [(x, None if y is None else 100 * y) for x, y in rows])
            for name, rows in run.scopes("cpu_busy_ratio", "host")]
    queues = [(f"{name} {words}", rows) for words, key in (("backlog", "backlog"),
                                                           ("half open", "half_open"))
              for name, rows in run.scopes(key, "host")]
    setup = run.histograms.get("ike.setup_time_s", {"buckets": [], "count": 0})

    def over_time(title, note, lines, ylabel, **options):
        slug = title.lower().replace(" ", "-").replace(",", "")
        return slug, title, note, v.plot(lines, title, ylabel, end=end, **options)

    return [
        over_time("Handshakes per second", "completed per second of simulated time",
                  [("completed", v.intervals(v.rates(run.values("run", "handshakes_completed")))),
                   ("failed",
                    drop_zero(v.intervals(v.rates(run.values("run", "handshakes_failed")))))],
                  "handshakes / s", style="steps", wide=True),
        ("set-up-time", "Set-up time", "share of handshakes that were up within this time",
         v.plot([("share", v.cdf(setup))] if setup["count"] else [], "Distribution of set-up time",
                "share of handshakes", "set-up time (s)", "cdf",
                "set yrange [0:1.02]\nset xrange [0:*]\n")),
        over_time("Set-up time over the run", "of the handshakes completed in each interval",
                  [("median", run.values("run", "setup_time_p50")),
                   ("99 %", run.values("run", "setup_time_p99"))], "seconds"),
        over_time("ESP throughput", "inner bytes delivered, by flow", flows, "Mbit/s", wide=True),
        over_time("Tunnels up", "IKE SAs with a child, at the end of each interval",
                  [("up", run.values("run", "tunnels_up"))], "tunnels"),
        over_time("Drops by cause", "packets per second, at all links, NAT boxes and hosts",
                  [(name.replace("_", " "), v.rates(fill(rows, run)))
                   for name, rows in run.causes("dropped.")], "packets / s", wide=True),
        over_time("NAT table size", "mappings alive, all boxes of a group",
                  run.scopes("nat_mappings", "group"), "mappings", wide=True),
        over_time("Gateway CPU", "modelled cores busy", cpus, "busy (%)"),
        over_time("Gateway queue", "datagrams waiting, and handshakes half open", queues, "count"),
        over_time("Retransmissions", "IKE requests sent again, per second",
                  [("again", v.intervals(v.rates(run.values("run", "retransmissions"))))],
                  "retransmissions / s", style="steps"),
    ]


def drop_zero(rows):
    return rows if any(y for _, y in rows) else []


def fill(rows, run):
    """A drop series has no row where nothing was dropped: put the zeros back."""
    known = dict(rows)
    return [(x, known.get(x, 0.0)) for x, _ in run.values("run", "retransmissions")] or rows


def roles(run):
    return {name: group.get("role", "") for name, group in run.virtual["groups"].items()}


def first_handshake(run):
    shake = sequence.collect(run.events())
    if shake is None:
        return None
    return {"svg": Markup(sequence.chart(shake, roles(run))), "sa": shake.sa, "cut": shake.cut,
            "hops": len(shake.hops), "rewrites": sequence.rewrites(shake),
            "lost": sum(1 for hop in shake.hops if hop.cause)}


def drop_rows(run):
    """[(path, name)] of every cause, network first, the frequent ones on top."""
    rows = [(f"net.dropped.{name}", f"{name.replace('_', ' ')}", "network", count)
            for name, count in run.virtual["net"]["dropped"].items()]
    rows += [(f"esp.dropped.{name}", f"{name.replace('_', ' ')}", "ESP receiver", count)
             for name, count in run.virtual["esp"]["dropped"].items()]
    return sorted(rows, key=lambda row: (-row[3], row[0]))


def verdict(result):
    failed = [row for row in result["thresholds"] if not row["pass"]]
    if result.get("violation"):
        return "violated", "INVARIANT VIOLATED"
    if result["partial"]:
        return "partial", "PARTIAL"
    if not result["thresholds"]:
        return "none", "NO THRESHOLDS"
    return ("fail", f"{len(failed)} OF {len(result['thresholds'])} FAILED") if failed else \
        ("pass", "PASS")


def page_part(kind):
    """The page's own code, joined in the order of names (docs/report-data.md)."""
    parts = [path.read_text(encoding="utf-8") for path in sorted((HERE / "page").glob(f"*.{kind}"))]
    return Markup("".join(parts))


def hash_of(script):
    """The script as the page's security policy names it, so that no other one may run."""
    digest = hashlib.sha256(script.encode()).digest()
    return Markup(f"'sha256-{base64.b64encode(digest).decode()}'")


def render(run, ikelab):
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE), autoescape=True,
                                     undefined=jinja2.StrictUndefined, trim_blocks=True,
                                     lstrip_blocks=True)
    kind, words = verdict(run.result)
    script = page_part("js")
    return environment.get_template("report.html.j2").render(
        r=run.result, v=run.virtual, verdict=kind, verdict_words=words, run=run,
        style=Markup((HERE / "report.css").read_text(encoding="utf-8")),
        m=lambda path, unit=None: metric(run, path, unit), human=human,
        threshold_value=threshold_value, percentiles=PERCENTILES, drops=drop_rows(run),
        charts=[(i, t, n, Markup(svg) if svg else None) for i, t, n, svg in draw_charts(run)],
        handshake=first_handshake(run), leaves=leaves,
        has_capture=(run.folder / "capture.pcapng").is_file(),
        island=Markup(island.make(run, ikelab)), app_style=page_part("css"),
        app_script=script, app_hash=hash_of(script))


def main(arguments):
    ikelab = island.take_option(arguments, "--ikelab")
    if len(arguments) != 1 or arguments[0] in ("-h", "--help"):
        print(__doc__.strip(), file=sys.stdout if "--help" in arguments else sys.stderr)
        return 0 if "--help" in arguments or "-h" in arguments else 2
    try:
        run = Run(arguments[0])
        print(write_page(run.folder / "report.html",
                         render(run, dissected.find_ikelab(ikelab))))
    except (RunError, RuntimeError, FileNotFoundError) as error:
        print(f"report.py: error: {error}", file=sys.stderr)
        return 1
    except (KeyError, TypeError, ValueError, AttributeError, jinja2.UndefinedError) as error:
        print(f"report.py: error: {arguments[0]} is not laid out as schema version 1 says "
              f"({type(error).__name__}: {error}); try: run the scenario again", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
