"""A finished run folder, read. Numbers keep the digits of their files: decimals, never floats."""

import csv
import json
import os
from decimal import Decimal
from pathlib import Path

SCHEMA_VERSION = 1
NEEDED = ("result.json", "histograms.json", "series.csv", "events.jsonl")


class RunError(Exception):
    """The folder cannot be reported on; the text says why and what to try."""


def write_page(target, text):
    """Beside and renamed: a page is whole or not there."""
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise RunError(f"cannot write {target}: {error.strerror}; try: free some space") from error
    return target


def load_json(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RunError(f"{path}: {error}; try: run the scenario again") from error


def load_series(path):
    """{(scope, metric): (unit, [(time, value), ...])}"""
    series = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = (row["scope"], row["metric"])
            series.setdefault(key, (row["unit"], []))[1].append(
                (float(row["time_s"]), None if row["value"] == "null" else float(row["value"])))
    return series


def load_events(path):
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise RunError(f"{path}:{number}: {error}; try: run the scenario again") from error


def find(tree, path):
    """The value at a path of `virtual`, or None."""
    for part in path.split("."):
        if isinstance(tree, list):
            tree = tree[int(part)] if part.isdigit() and int(part) < len(tree) else None
        elif isinstance(tree, dict):
            tree = tree.get(part)
        else:
            return None
    return tree


class Run:
    """What a report is made from."""

    def __init__(self, folder):
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise RunError(f"{folder} is not a folder; try: report.py runs/latest")
        missing = [name for name in NEEDED if not (self.folder / name).is_file()]
        if missing:
            raise RunError(f"{folder} is not a complete run folder: {', '.join(missing)} missing; "
                           "try: run the scenario again")
        self.result = load_json(self.folder / "result.json")
        version = self.result.get("schema_version") if isinstance(self.result, dict) else None
        if version != SCHEMA_VERSION:
            raise RunError(f"{self.folder / 'result.json'} has schema_version {version}, this "
                           f"report reads {SCHEMA_VERSION}; try: the ikelab that made the run")
        self.virtual = self.result["virtual"]
        self.histograms = load_json(self.folder / "histograms.json")["histograms"]
        self.series = load_series(self.folder / "series.csv")

    def events(self):
        return load_events(self.folder / "events.jsonl")

    def values(self, scope, metric):
        return self.series.get((scope, metric), ("", []))[1]

    def scopes(self, metric, kind):
        """[(name, values)] of one metric over all scopes of a kind, in file order."""
        prefix = kind + ":"
        return [(scope[len(prefix):], rows) for (scope, name), (_, rows) in self.series.items()
                if name == metric and scope.startswith(prefix)]

    def causes(self, prefix):
        """[(cause, values)] of the run's drop series, most frequent first."""
        found = [(name[len(prefix):], rows) for (scope, name), (_, rows) in self.series.items()
                 if scope == "run" and name.startswith(prefix)]
        return sorted(found, key=lambda item: -sum(v for _, v in item[1]))
