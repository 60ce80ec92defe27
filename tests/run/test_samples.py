#!/usr/bin/python3
"""The sample reports of a release: one zip file that opens anywhere, with an index of what is in
it."""

import html.parser
import pathlib
import subprocess
import tempfile
import unittest
import zipfile

import lab

MAKE = lab.ROOT / "examples/release/make-samples"
LESSON = lab.ROOT / "tests/scenarios/lesson.yaml"


class Links(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.targets, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.targets += [value for name, value in attributes if name in ("href", "src")]

    def handle_data(self, data):
        self.text += data


def make(*arguments):
    return subprocess.run([MAKE, *arguments], cwd=lab.ROOT, text=True, capture_output=True,
                          timeout=300)


class Samples(unittest.TestCase):
    def test_one_file_with_an_index(self):
        with tempfile.TemporaryDirectory(prefix="ikelab-test-") as place:
            plain = pathlib.Path(place) / "plain.yaml"
            text = LESSON.read_text().split("\nlesson:")[0].replace("name: lesson", "name: plain")
            plain.write_text("# No lesson, but <a run>\n" + text + "\n")
            out = pathlib.Path(place) / "samples.zip"
            done = make(lab.IKELAB, out, plain, LESSON)
            self.assertEqual(done.returncode, 0, done.stderr)
            with zipfile.ZipFile(out) as packed:
                names = packed.namelist()
                pages = {name.split("/")[1]: packed.read(name).decode() for name in names}
        self.assertEqual(set(pages), {"index.html", "lesson.html", "plain.html"})
        self.assertEqual({name.split("/")[0] for name in names}, {"ikelab-samples"})
        index = Links(pages["index.html"])
        self.assertEqual(index.targets, ["lesson.html", "plain.html"]) # lessons come first
        self.assertIn('4. A title with "quotes" & <signs>', index.text)
        self.assertIn("No lesson, but <a run>", index.text)
        for name in ("lesson.html", "plain.html"):
            self.assertIn("</html>", pages[name])

    def test_what_fails_is_said(self):
        with tempfile.TemporaryDirectory(prefix="ikelab-test-") as place:
            out = pathlib.Path(place) / "samples.zip"
            for arguments, words in (
                    ((), "usage"),
                    ((lab.IKELAB, out, "no-such.yaml"), "try:"),
                    ((lab.IKELAB, out, LESSON, LESSON), "different names")):
                done = make(*arguments)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(words, done.stderr)
            self.assertFalse(out.exists())


if __name__ == "__main__":
    lab.main()
