#!/usr/bin/python3
"""docs/behaviours.md names tests by file and function: each must be there and be run, and each
behaviour must have one, or a reason why it has none."""

import re
import unittest

import lab

TABLE = lab.ROOT / "docs/behaviours.md"
TESTS = lab.ROOT / "tests"
NUMBERS = [*range(1, 12), *range(15, 18), 22, *range(25, 30), *range(30, 52), *range(53, 57), 58, 59]
FILE = re.compile(r"`([\w/]+\.(?:c|py))`:((?:\s*`\w+`\*?,?)+)")
REASON = re.compile(r"not implemented: (?:\S+ ){3,}")


def rows(text):
    """number, behaviour, section, tests, what is not there - of each row of the table"""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and cells[0].isdigit():
            yield cells


def named(cell):
    """(file, function) of each test that a cell names"""
    return [(file, function) for file, list in FILE.findall(cell)
            for function in re.findall(r"`(\w+)`", list)]


def runs(file, function):
    """Whether the file has the test and runs it."""
    path = TESTS / file
    if not path.is_file():
        return False
    code = path.read_text()
    if path.suffix == ".py":
        return re.search(rf"^    def {function}\(self", code, re.M) is not None
    suite = re.search(r"^SUITE\((.*?)\)$", code, re.M | re.S)
    return f"START_TEST({function})" in code and suite is not None and \
        function in re.findall(r"\w+", suite.group(1))


def problems(text):
    """What is wrong with a table, in words."""
    table = list(rows(text))
    found = [f"{n}: {found} rows" for n in NUMBERS
             for found in [sum(row[0] == str(n) for row in table)] if found != 1]
    for row in table:
        if len(row) != 5:
            found.append(f"{row[0]}: {len(row)} cells")
            continue
        number, words, section, tests, missing = row
        if int(number) not in NUMBERS:
            found.append(f"{number}: not in the list")
        if not words or not re.search(r"RFC \d+ §", section):
            found.append(f"{number}: no words or no section")
        if re.sub(r"[\s;]", "", FILE.sub("", tests)):
            found.append(f"{number}: cannot read {tests}")
        if not named(tests) and not REASON.match(missing):
            found.append(f"{number}: neither a test nor a reason")
    found += [f"{file}: {function} is not there" for file, function in named(text)
              if not runs(file, function)]
    return found


class Behaviours(unittest.TestCase):
    def test_every_behaviour_has_its_tests_or_a_reason(self):
        self.assertEqual(problems(TABLE.read_text()), [])

    def test_a_broken_table_is_found(self):
        text = TABLE.read_text()
        row = next(line for line in text.splitlines() if line.startswith("| 30 |"))
        for old, new, said in (
                ("`retransmission_ladder`", "`no_such_ladder`", "no_such_ladder is not there"),
                ("`exchange/test_storm.c`", "`exchange/test_calm.c`", "is not there"),
                ("| 7 | ", "| 207 | ", "7: 0 rows"),
                ("| 40 | ", "| 39 | ", "39: 2 rows"),
                (row, "| 30 | fragments | RFC 7383 §2.6 | | none: endpoints neither |", "nor a reason"),
                ("; `unit/test_retransmit.c`: `ladder", "; see there; `unit/test_retransmit.c`: `ladder",
                 "cannot read")):
            self.assertIn(old, text)
            self.assertTrue(any(said in p for p in problems(text.replace(old, new, 1))), said)


if __name__ == "__main__":
    lab.main()
