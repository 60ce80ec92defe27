#!/usr/bin/python3
"""reports/phases.py: which message of its exchange a message of IKEv1 is. usage: test_phases.py"""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path("reports").resolve()))
import phases  # noqa: E402

MAIN, OTHER = ("a", 0, "Main Mode"), ("b", 0, "Main Mode")


class Turns(unittest.TestCase):
    def numbers(self, *spoken):
        turns = phases.Turns()
        return [turns.number(MAIN, source, again) for source, again in spoken]

    def test_main_mode_has_six(self):
        self.assertEqual(self.numbers(*[("i", False), ("r", False)] * 3), [1, 2, 3, 4, 5, 6])

    def test_what_is_sent_again_keeps_its_number(self):
        self.assertEqual(self.numbers(("i", False), ("i", True), ("r", False), ("i", False),
                                      ("r", True), ("i", True), ("r", False)),
                         [1, 1, 2, 3, 2, 3, 4])

    def test_the_same_end_twice_is_the_same_message(self):
        self.assertEqual(self.numbers(("i", False), ("i", False), ("r", False)), [1, 1, 2])

    def test_exchanges_are_counted_apart(self):
        turns = phases.Turns()
        got = [turns.number(exchange, source, False)
               for exchange, source in ((MAIN, "i"), (OTHER, "i"), (MAIN, "r"), (OTHER, "r"))]
        self.assertEqual(got, [1, 1, 2, 2])

    def test_the_last_message_waits_for_nothing(self):
        for exchange, last in (("Main Mode", 6), ("Aggressive Mode", 3), ("Quick Mode", 3),
                               ("Informational", 1)):
            self.assertFalse(phases.waits(exchange, last), exchange)
        for number in (1, 3, 5):
            self.assertTrue(phases.waits("Main Mode", number))
        self.assertFalse(phases.waits("Main Mode", 2))  # the responder only answers
        self.assertTrue(phases.waits("Quick Mode", 1))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
