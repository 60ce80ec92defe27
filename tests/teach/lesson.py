#!/usr/bin/python3
"""One scenario of the teaching catalogue: it asserts an outcome, that outcome comes, and it is told
from that of its sibling. usage: lesson.py NAME"""

import json
import sys
import unittest

import catalogue
from catalogue import lab

NAME = sys.argv.pop(1) if len(sys.argv) > 1 else ""
LOOKS = {"chart", "nat", "sa", "retransmissions", "window", "host", "message"}


def run(*arguments, expect=0):
    return lab.Run(catalogue.FOLDER / f"{NAME}.yaml", "--no-report", *arguments,
                   binary=lab.fast_build(), expect=expect)


class Lesson(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = catalogue.scenarios()
        cls.scenario = cls.files[NAME]
        cls.lesson = cls.scenario["lesson"]

    def test_the_outcome_is_the_asserted_one(self):
        self.assertTrue(self.scenario.get("thresholds"))
        with run() as done:
            self.assertTrue((done.folder / "capture.pcapng").stat().st_size > 0)
            self.assertEqual(done.result["lesson"]["situation"], self.lesson["situation"])

    def test_it_does_not_pass_for_its_sibling(self):
        """Wrong and fixed differ in configuration; so must what they assert. An asserted
        outcome that the other configuration has as well asserts nothing."""
        other = self.files[self.lesson["sibling"]]["thresholds"]
        with run("--set", f"thresholds={json.dumps(other)}", expect=3):
            pass

    def test_the_lesson_is_complete(self):
        self.assertEqual(self.scenario["name"], NAME)
        self.assertIn(self.lesson["situation"], catalogue.SITUATIONS)
        for key in ("title", "shows"):
            self.assertTrue(self.lesson[key].strip(), key)
        self.assertTrue(self.lesson["sections"])
        for section in self.lesson["sections"]:
            self.assertRegex(section, r"^RFC \d+ §\d+(\.\d+)*$")

    def test_three_questions_have_answers(self):
        questions = self.lesson["questions"]
        self.assertEqual(len(questions), 3)
        self.assertEqual(len({q["ask"] for q in questions}), 3)
        for question in questions:
            self.assertTrue(question["ask"].strip().endswith("?"), question)
            self.assertTrue(question["answer"].strip())
            self.assertIn("at", question)
            self.assertIn(question["look"], LOOKS)

    def test_the_sibling_is_of_the_same_situation(self):
        sibling = self.files[self.lesson["sibling"]]["lesson"]
        self.assertNotEqual(self.lesson["sibling"], NAME)
        self.assertEqual(sibling["situation"], self.lesson["situation"])
        # One of the two is the way out.
        self.assertEqual([catalogue.FIXED in n for n in (NAME, self.lesson["sibling"])].count(True),
                         1)

    def test_it_says_at_its_top_what_to_look_at(self):
        head = (catalogue.FOLDER / f"{NAME}.yaml").read_text().partition("\nikelab:")[0]
        self.assertTrue(all(line.startswith("#") for line in head.splitlines()))
        self.assertIn("Look at", head)


if __name__ == "__main__":
    lab.main()
