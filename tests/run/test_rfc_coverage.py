#!/usr/bin/python3
"""Citations, reasons and docs/rfc-coverage.md agree. After a change of any:

    python3 tests/run/test_rfc_coverage.py --update
"""

import pathlib
import shutil
import sys
import tempfile
import unittest

import lab
import rfc_coverage


def stale(root):
    return (root / rfc_coverage.PAGE).read_text() != rfc_coverage.page(root)


def update():
    for problem in rfc_coverage.problems(lab.ROOT):
        print(problem)
    (lab.ROOT / rfc_coverage.PAGE).write_text(rfc_coverage.page(lab.ROOT))


class Coverage(unittest.TestCase):
    maxDiff = None

    def test_every_must_is_cited_or_has_a_reason(self):
        self.assertEqual(rfc_coverage.problems(lab.ROOT), [])

    def test_the_page_is_what_they_say(self):
        self.assertFalse(stale(lab.ROOT), "renew it with --update")


class Faults(unittest.TestCase):
    """The checker on a copy of the tree, with one thing changed."""

    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory(prefix="ikelab-test-")
        cls.root = pathlib.Path(cls.place.name)
        for folder in [*rfc_coverage.EVERYWHERE, "docs"]:
            shutil.copytree(lab.ROOT / folder, cls.root / folder,
                            ignore=shutil.ignore_patterns("__pycache__", "corpus", "*.png"))

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()

    def found(self, name, change):
        """Problems with the text of one file changed."""
        path = self.root / name
        text = path.read_text()
        path.write_text(change(text))
        self.assertNotEqual(path.read_text(), text, "nothing was changed")
        try:
            return rfc_coverage.problems(self.root)
        finally:
            path.write_text(text)

    def assert_found(self, name, change, said):
        problems = self.found(name, change)
        self.assertTrue(any(said in problem for problem in problems), problems)

    def assert_written(self, name, text, said):
        self.assert_found(name, lambda old: old + text, said)

    def assert_replaced(self, name, old, new, said):
        self.assertIn(old, (self.root / name).read_text())
        self.assert_found(name, lambda text: text.replace(old, new, 1), said)

    def test_the_copy_is_good(self):
        self.assertEqual(rfc_coverage.problems(self.root), [])
        self.assertFalse(stale(self.root))

    def test_a_must_that_nobody_cites(self):
        self.assert_replaced(rfc_coverage.MUSTS, "2.9.1 selectors against one's own policy\n",
                             "2.9.1 selectors against one's own policy\n+ something asked for\n",
                             "RFC 7296 §2.9.1: neither a citation nor a reason")

    def test_a_citation_that_went(self):
        self.assert_found("crypto/keymat.h", lambda text: text.replace(" §7.1", ""),
                          "RFC 5282 §7.1: neither a citation nor a reason")

    def test_a_section_that_does_not_exist(self):
        for name, text in (("proto/core/child.c", "/* RFC 7296 §2.26 */"),
                           ("proto/core/child.c", "/* RFC 7296 §2.8, §2.26 */"),
                           ("proto/core/child.c", "/* §2.26 */"),
                           ("proto/esp/esp.c", "/* RFC\n * 4303 §9.9 */"),
                           ("proto/ike/rows.c", "static const char *s = \"RFC 7296 §2.26\";"),
                           ("proto/ip/udp.c", "/* RFC 791 §3.9 */"),
                           ("tests/unit/test_ip.c", "/* RFC 7296 §2.26 */"),
                           ("tests/run/test_house.py", "# RFC 7296 §2.26")):
            self.assert_written(name, text, "there is no such section")

    def test_an_rfc_that_is_in_no_list(self):
        self.assert_written("proto/core/child.c", "/* RFC 7926 says so */", "RFC 7926 is in no list")

    def test_a_reason_for_what_is_cited(self):
        for text in ("/* RFC 7296 §2.16 */", "/* §2.16 */", "/* RFC 4303 §A3.1: */"):
            self.assert_written("proto/core/child.c", text, "left out with a reason, but cited")
        self.assert_written("proto/core/child.c", "/* RFC 5685 §3 */", "said to be left out")

    def test_a_reason_for_what_the_code_has(self):
        for word in ("reauth_lifetime_create", "NOTIFY_IPCOMP_SUPPORTED",
                      "NOTIFY_NON_FIRST_FRAGMENTS_ALSO"):
            self.assert_written("proto/core/child.c", f"int x = {word};",
                                f"left out with a reason, but proto/core/child.c has {word}")

    def test_words_that_are_no_code(self):
        for name, text in (("proto/core/child.c", "/* NOTIFY_INVALID_SPI */"),
                           ("proto/core/child.c", "/* Not here: EAP (§2.16), and so on. */"),
                           ("proto/wire/notify.c", "int x = NOTIFY_INVALID_SPI;"),
                           ("proto/core/child.c", "/* design.md §77 */")):
            self.assertEqual(self.found(name, lambda old, text=text: old + text), [], text)

    def test_something_left_out_without_a_reason(self):
        for end in ("", " |", " | because"):
            self.assert_written(rfc_coverage.MUSTS, f"\nRFC 1 x\n1 y\n- z{end}\n",
                                "left out without a reason")

    def test_lines_that_cannot_be_read(self):
        for text in ("\nsomething\n", "\nRFC 1 x\n+ y\n", "\n! RFC 1 x\n"):
            self.assert_written(rfc_coverage.MUSTS, text, "cannot be read")
        self.assert_written(rfc_coverage.MUSTS, "\nRFC 1 x\n1 y\n1 z\n", "twice")

    def test_cited_elsewhere_but_not_there(self):
        self.assert_replaced(rfc_coverage.MUSTS, "= RFC 6040 §4.2", "= RFC 6040 §4.3",
                             "said to be RFC 6040 §4.3, not cited")

    def test_a_page_of_yesterday(self):
        for name, text in ((rfc_coverage.MUSTS, "\nRFC 9999 x\n1 y\n"),
                           ("tests/unit/test_ip.c", "/* RFC 4303 §2.2 */"),
                           ("proto/ip/udp.c", "/* RFC 4303 §2.2 */"),
                           (rfc_coverage.PAGE, "more")):
            old = (self.root / name).read_text()
            (self.root / name).write_text(old + text)
            self.assertTrue(stale(self.root), name)
            (self.root / name).write_text(old)


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    else:
        lab.main()
