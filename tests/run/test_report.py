#!/usr/bin/python3
"""The report of a real run shows the numbers of its result.json, and asks the network for
nothing."""

import html.parser
import json
import unittest

import lab


class Page(html.parser.HTMLParser):
    """Texts of elements that name a metric; addresses that the page would fetch."""

    def __init__(self):
        super().__init__()
        self.metrics, self.fetched, self.open = {}, [], None

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if "data-metric" in attrs and "value" in attrs:
            self.metrics[attrs["data-metric"]] = attrs["value"]
        for name in ("src", "href", "data", "action"):
            value = attrs.get(name) or ""
            if value and not value.startswith(("#", "data:")):
                self.fetched.append((tag, value))


def leaf(result, path):
    value = result
    for word in path.split("."):
        value = value[int(word)] if isinstance(value, list) else value[word]
    return value


class Report(unittest.TestCase):
    def test_numbers_of_a_real_run(self):
        with lab.Run("nat-rebind", binary=lab.fast_build()) as run:
            page = Page()
            page.feed((run.folder / "report.html").read_text())
            result = run.result
        self.assertGreater(len(page.metrics), 20)
        for path, shown in page.metrics.items():
            with self.subTest(metric=path):
                value = leaf(result["virtual"], path)
                self.assertEqual(json.loads(shown), value)
        self.assertEqual([f for f in page.fetched if "://" in f[1]], [])


if __name__ == "__main__":
    lab.main()
