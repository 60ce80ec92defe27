#!/usr/bin/python3
"""`lesson:` reaches result.json as it was written, and changes nothing of what runs."""

import json
import pathlib
import tempfile
import unittest

import jsonschema
import yaml

import lab

FILE = lab.ROOT / "tests/scenarios/lesson.yaml"
NANOSECONDS = {"70s": 70 * 10**9}


class Lesson(unittest.TestCase):
    def test_it_is_passed_on_and_no_digest_moves(self):
        written = yaml.safe_load(FILE.read_text())
        with tempfile.TemporaryDirectory(prefix="ikelab-test-") as folder:
            plain = pathlib.Path(folder) / "plain.yaml"
            plain.write_text(json.dumps({k: v for k, v in written.items() if k != "lesson"}))
            with lab.Run(str(FILE), "--no-report") as a, lab.Run(str(plain), "--no-report") as b:
                with_it, without, texts = a.result, b.result, [
                    (run.folder / "events.jsonl").read_bytes() for run in (a, b)]
        schema = json.loads((lab.ROOT / "docs/schema/result.schema.json").read_text())
        for result in with_it, without:
            jsonschema.Draft7Validator(schema).validate(result)
        self.assertNotIn("lesson", without)
        self.assertEqual(with_it["scenario"]["effective"]["lesson"], written["lesson"])
        for question in written["lesson"]["questions"]:
            if "at" in question:
                question["at_ns"] = NANOSECONDS[question["at"]]
        self.assertEqual(with_it["lesson"], written["lesson"])
        self.assertEqual(with_it["digest"], without["digest"])
        self.assertEqual(with_it["timeline_digest"], without["timeline_digest"])
        self.assertEqual(with_it["virtual"], without["virtual"])
        self.assertEqual(*texts)


if __name__ == "__main__":
    lab.main()
