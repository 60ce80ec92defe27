#!/usr/bin/python3
"""The catalogue is whole: each situation has its scenarios, its page and its row. After a change:

    python3 tests/teach/test_catalogue.py --update
"""

import re
import sys
import unittest

import catalogue
from catalogue import lab


def made():
    return catalogue.index(catalogue.scenarios(), catalogue.pages())


class Catalogue(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.files = catalogue.scenarios()
        cls.by_situation = {}
        for stem, scenario in cls.files.items():
            cls.by_situation.setdefault(scenario["lesson"]["situation"], []).append(stem)

    def test_no_situation_is_missing(self):
        self.assertEqual(set(self.by_situation), catalogue.SITUATIONS)

    def test_each_situation_is_shown_wrong_and_fixed(self):
        for situation, stems in self.by_situation.items():
            fixed = [stem for stem in stems if catalogue.FIXED in stem]
            self.assertTrue(fixed and len(fixed) < len(stems), f"{situation}: {stems}")

    def test_each_situation_has_one_page_that_names_its_files(self):
        pages = catalogue.pages()
        self.assertEqual(pages - set(self.files), set(), "pages without a scenario")
        for situation, stems in self.by_situation.items():
            own = [stem for stem in stems if stem in pages]
            self.assertEqual(len(own), 1, f"{situation}: {own}")
            text = (catalogue.PAGES / f"{own[0]}.md").read_text(encoding="utf-8")
            for stem in stems:
                self.assertIn(f"{stem}.yaml", text, own[0])
            for part in ("## What to see", "## The fix", "## In the field"):
                self.assertIn(part, text, own[0])

    def test_commands_of_the_pages_name_files_that_exist(self):
        for page in catalogue.pages():
            text = (catalogue.PAGES / f"{page}.md").read_text(encoding="utf-8")
            named = re.findall(r"scenarios/teach/[\w.-]+\.yaml", text)
            self.assertTrue(named, page)
            for name in named:
                self.assertTrue((lab.ROOT / name).exists(), f"{page}: {name}")

    def test_the_index_is_what_the_files_say(self):
        stored = (catalogue.PAGES / catalogue.INDEX).read_text(encoding="utf-8")
        self.assertEqual(stored, made(), "python3 tests/teach/test_catalogue.py --update")


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        (catalogue.PAGES / catalogue.INDEX).write_text(made(), encoding="utf-8")
    else:
        lab.main()
