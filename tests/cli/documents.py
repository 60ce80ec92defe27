#!/usr/bin/python3
"""README and docs against the tree: links lead somewhere, and what is listed twice is equal.
usage: documents.py (from the root of the source tree)"""
import pathlib
import re
import unittest

ROOT = pathlib.Path(".")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(ROOT.glob("docs/**/*.md"))]


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def first_cells(page):
    """What stands between backquotes in the table rows of a page."""
    rows = [line for line in read(page).splitlines() if line.startswith("|")]
    return set(re.findall(r"`([^`]+)`", "\n".join(rows)))


class Documents(unittest.TestCase):
    def test_links_lead_somewhere(self):
        count = 0
        for page in PAGES:
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
                if "://" not in target:
                    count += 1
                    self.assertTrue((page.parent / target).exists(), f"{page}: {target}")
        self.assertGreater(count, 10)

    def test_files_named_in_the_readme_exist(self):
        names = re.findall(r"`((?:tests|docs|deps|scenarios)/[\w./-]+)`", read("README.md"))
        self.assertGreater(len(names), 5)
        for name in names:
            self.assertTrue((ROOT / name).exists(), name)

    def test_packages_in_the_readme_are_those_of_the_list(self):
        wanted = [line.split()[0] for line in read("deps/apt.txt").splitlines()
                  if line and not line.startswith("#") and line.split()[1] in ("build", "report")]
        shown = re.search(r"^installing Debian packages: (.*)$", read("README.md"), re.M)
        self.assertEqual(shown.group(1).split(), wanted)

    def test_every_planted_defect_is_explained(self):
        planted = set(re.findall(r'X\([A-Z_]+, "([a-z-]+)"\)', read("sim/lab.h"))) - {"none"}
        self.assertGreater(len(planted), 5)
        self.assertEqual(first_cells("docs/checkers.md"), planted)

    def test_every_setting_of_swanctl_has_its_row(self):
        known = set(re.findall(r'\.key = "([\w*]+)"', read("sim/import/swanctl_words.c")))
        self.assertGreater(len(known), 80)
        self.assertEqual(first_cells("docs/import.md"), known)

    def test_every_scenario_has_its_chapter(self):
        chapters = re.findall(r"^## (.*)$", read("docs/scenarios.md"), re.M)
        self.assertEqual(sorted(chapters), sorted(p.stem for p in ROOT.glob("scenarios/*.yaml")))

    def test_every_lesson_has_its_picture(self):
        pages = sorted(set(ROOT.glob("docs/lessons/*.md")) - {ROOT / "docs/lessons/README.md"})
        self.assertGreater(len(pages), 10)
        for page in pages:
            self.assertIn(f"](../pictures/lessons/{page.stem}.png)", read(page), page)

    def test_pictures_are_small(self):
        sizes = {p: p.stat().st_size for p in ROOT.glob("docs/pictures/**/*.png")}
        self.assertEqual({p: size for p, size in sizes.items() if size > 120_000}, {})
        self.assertLess(sum(sizes.values()), 3_000_000)

    def test_decisions_are_numbered_in_a_row(self):
        numbers = [int(p.name[:4]) for p in sorted(ROOT.glob("docs/decisions/*.md"))]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def test_versions_agree(self):
        built = re.search(r"VERSION (\d+\.\d+\.\d+)", read("CMakeLists.txt").split("project(")[1])
        cited = re.search(r"^version: (.*)$", read("CITATION.cff"), re.M)
        self.assertEqual(cited.group(1), built.group(1))


if __name__ == "__main__":
    unittest.main()
