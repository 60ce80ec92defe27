"""Made-up bench.json files and ways to look into a history, for the tests of it."""

import json
import random
import sqlite3


def bench(run, *, level=100.0, noise=0.01, benchmarks=2, samples=5, cpu="Test CPU", seed=0,
          instructions=None, machine=1.0):
    """The run-th of a series that begins in 2026; its commit is its number. `machine`: how much
    slower than usual everything was, bounds too."""
    rng = random.Random(f"{run}/{seed}")
    day, hour = divmod(run, 24)
    rows = []
    for number in range(benchmarks):
        values = [machine * level * rng.gauss(1, noise) for _ in range(samples)]
        bounds = [machine * 90 * rng.gauss(1, noise) for _ in range(samples)]
        rows.append({"name": f"esp/row-{number}", "unit": "ns", "better": "lower",
                     "median": sorted(values)[samples // 2], "samples": values,
                     "bound": 90, "bound_name": "bare cipher", "bound_samples": bounds,
                     "ratio": 0.9, "instructions": instructions})
    return {"schema_version": 1, "benchmarks": rows, "context": {
        "started": f"2026-{1 + day // 28:02}-{1 + day % 28:02}T{hour:02}:00:00Z",
        "version": "0.1.0", "commit": f"{run:07x}" + "0" * 33, "dirty": False,
        "command": "ikelab bench esp", "compiler": "gcc 12", "flags": "-O2", "cpu": cpu,
        "cores": 4, "kernel": "Linux", "governor": "performance", "load": 0.1,
        "libraries": {"libcrypto": "3.0"}, "seed": 1, "partial": False, "warnings": []}}


def write(path, content):
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def query(path, sql):
    connection = sqlite3.connect(path, timeout=20)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def complaints(path):
    """What SQLite finds wrong with the file."""
    found = [row[0] for row in query(path, "PRAGMA integrity_check") if row[0] != "ok"]
    return found + query(path, "PRAGMA foreign_key_check")
