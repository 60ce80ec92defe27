#!/usr/bin/python3
"""Two runs side by side on one offline page: the page of reports/page/ on both their islands, and
what the machine took for them, which `ikelab report` hands over as JSON on standard input (as it
does to compare.py; "comparison" null: it cannot be compared).

usage: pair.py RUNDIR_A RUNDIR_B FILE.html [--ikelab PROGRAM]       (- is standard output)
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import jinja2  # noqa: E402
from markupsafe import Markup  # noqa: E402

import compare  # noqa: E402
import dissected  # noqa: E402
import island  # noqa: E402
from report import HERE, hash_of, metric, page_part, threshold_value, verdict  # noqa: E402
from run import Run, RunError, find  # noqa: E402

# What a reader looks at first, as far as either run has it.
NUMBERS = ("ike.started", "ike.completed", "ike.failed", "ike.setup_time_s.p50",
           "ike.setup_time_s.p99", "ike.retransmissions", "ike.rekeys_ike", "ike.rekeys_child",
           "ike.dpd_failures", "ike.peer_moves", "esp.sent_packets", "esp.delivered_ratio",
           "esp.throughput_bps", "net.dropped.loss", "net.dropped.nat_no_mapping",
           "net.dropped.nat_filtered")


def numbers(runs):
    """[(path, [text of A, of B], do they differ)]"""
    return [(path, [metric(run, path) for run in runs],
             find(runs[0].virtual, path) != find(runs[1].virtual, path))
            for path in NUMBERS if any(find(run.virtual, path) is not None for run in runs)]


def thresholds(runs):
    """[(metric and expectation, [row of A or None, of B or None])], those of A first."""
    rows = {}
    for place, run in enumerate(runs):
        for row in run.result["thresholds"]:
            rows.setdefault((row["metric"], row["expect"]), [None, None])[place] = row
    return list(rows.items())


def render(folders, measured, ikelab):
    runs = [Run(folder) for folder in folders]
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE), autoescape=True,
                                     undefined=jinja2.StrictUndefined, trim_blocks=True,
                                     lstrip_blocks=True)
    script = page_part("js")
    return environment.get_template("pair.html.j2").render(
        runs=[{"letter": letter, "folder": folder, "r": run.result,
               "verdict": verdict(run.result)} for letter, folder, run in zip("AB", folders, runs)],
        machine=compare.compared_rows(measured) if measured["comparison"] else [],
        machine_value=compare.value, numbers=numbers(runs), thresholds=thresholds(runs), threshold_value=threshold_value,
        islands=[Markup(island.make(run, ikelab)) for run in runs],
        style=Markup((HERE / "report.css").read_text(encoding="utf-8")),
        app_style=page_part("css"), app_script=script, app_hash=hash_of(script))


def main(arguments):
    ikelab = island.take_option(arguments, "--ikelab")
    if len(arguments) != 3 or arguments[0] in ("-h", "--help"):
        helped = bool(arguments) and arguments[0] in ("-h", "--help")
        print(__doc__.strip(), file=sys.stdout if helped else sys.stderr)
        return 0 if helped else 2
    try:
        page = render(arguments[:2], json.load(sys.stdin), dissected.find_ikelab(ikelab))
        if arguments[2] == "-":
            sys.stdout.write(page)
        else:
            compare.write(Path(arguments[2]), page)
    except (RunError, OSError) as error:
        print(f"pair.py: error: {error}", file=sys.stderr)
        return 1
    except (KeyError, TypeError, ValueError, AttributeError, jinja2.UndefinedError) as error:
        print(f"pair.py: error: {arguments[0]} or {arguments[1]} is not laid out as schema version "
              f"1 says ({type(error).__name__}: {error}); try: run the scenario again",
              file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
