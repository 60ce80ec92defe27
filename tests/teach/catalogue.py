"""The teaching catalogue: scenarios/teach, and docs/lessons/README.md, which is made of it."""

import pathlib
import sys

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "run"))
import lab  # noqa: E402

FOLDER = lab.SCENARIOS / "teach"
PAGES = lab.ROOT / "docs/lessons"
INDEX = "README.md"
FIXED = "-fixed"

SITUATIONS = {*range(1, 16), *range(17, 26), 27, *range(42, 45)}

HEAD = """# Lessons

Made by `tests/teach/test_catalogue.py --update` from the files in `scenarios/teach`; do not edit.

What goes wrong with IKE and ESP, as users see it, and beside each the way out. Every situation is at least two
scenarios: the wrong configuration, whose thresholds assert the failure, and its `-fixed` sibling, whose thresholds assert that it
works. Both exit 0; `ctest -L scenarios` runs all of them, and tries that neither passes the other's thresholds. Run one
with `build/release/ikelab run scenarios/teach/NAME.yaml`, list them with `ikelab list scenarios/teach`; three questions to predict before you look are
in each file and in its report.
"""


def scenarios():
    """File stem -> what the file says, in the order of situations; the wrong one first."""
    found = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
             for path in sorted(FOLDER.glob("*.yaml"))}
    return dict(sorted(found.items(), key=lambda item: (
        item[1].get("lesson", {}).get("situation", 0), FIXED in item[0], item[0])))


def pages():
    return {path.stem for path in PAGES.glob("*.md") if path.name != INDEX}


def thresholds(scenario):
    return "; ".join(f"`{metric}` {', '.join(f'`{c}`' for c in comparisons)}"
                     for metric, comparisons in scenario.get("thresholds", {}).items())


def index(files, with_pages):
    lines = [HEAD, "| situation | scenario | asserted outcome | thresholds |", "|---|---|---|---|"]
    for stem, scenario in files.items():
        lesson = scenario["lesson"]
        page = next((p for p in sorted(with_pages)
                     if p in files and files[p]["lesson"]["situation"] == lesson["situation"]), None)
        number = f"[{lesson['situation']}]({page}.md)" if page else lesson["situation"]
        lines.append(f"| {number} | [{stem}](../../scenarios/teach/{stem}.yaml) | "
                     f"{lesson['shows']} | {thresholds(scenario)} |")
    return "\n".join(lines) + "\n"
