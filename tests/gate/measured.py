"""Made-up bench files: what `ikelab bench` would have measured, repeatable and with every kind of
unit, so that tests know the numbers they look for."""

import copy
import json
import random
from statistics import median

CONTEXT = {
    "started": "2026-08-01T10:00:00Z", "version": "0.1.0", "commit": "abc1234", "dirty": False,
    "command": "ikelab bench --quick", "compiler": "gcc 12.2.0", "flags": "-O2 -g",
    "cpu": "Sample CPU @ 2.60GHz", "cores": 2, "kernel": "6.1.0 #1 SMP", "governor": "performance",
    "load": 0.1, "libraries": {"OpenSSL": "3.0.22"}, "seed": 1, "scenario_sha256": "",
    "partial": False, "warnings": [],
}


def row(name, unit, better, centre, spread, bound=None, count=10, seed=1, **more):
    """Samples about `centre`; with a bound, both move with the machine."""
    chance = random.Random(f"{name} {seed}")
    machine = [1 + chance.gauss(0, spread) for _ in range(count)]
    samples = [float(f"{centre * m * (1 + chance.gauss(0, spread / 8)):.9g}") for m in machine]
    out = {"name": name, "unit": unit, "better": better, "median": median(samples),
           "samples": samples, "bound": None, "ratio": None, "instructions": None, **more}
    if bound:
        bounds = [float(f"{bound * m:.9g}") for m in machine]
        out.update(bound_samples=bounds, bound=median(bounds), bound_name="OpenSSL, contexts kept",
                   ratio=median(bounds) / median(samples) if better == "lower"
                   else median(samples) / median(bounds))
    return out


def bench(slower=1.0, seed=1, count=10):
    """A file with all kinds of rows; the first is `slower` times what it was."""
    rows = [
        row("esp/aes256gcm16/encrypt/1400/sas-1", "ns", "lower", 512.0 * slower, 0.01, 430.0,
            count, seed, instructions=2210.0 * slower),
        row("esp/aes256gcm16/decrypt/64/sas-1000", "ns", "lower", 318.4, 0.012, 240.0, count,
            seed, instructions=1404.0),
        row("handshake/psk/x25519", "us", "lower", 398.2, 0.02, 205.0, count, seed),
        row("wall/run_s", "s", "lower", 0.8412, 0.02, None, count, seed),
        row("wall/events_per_s", "1/s", "higher", 1.31e6, 0.015, None, count, seed),
        row("live/esp_throughput", "bit/s", "higher", 2.4e9, 0.02, None, count, seed),
        row("pipe/throughput", "Gbit/s", "higher", 9.31, 0.02, 12.5, count, seed),
        row("wall/peak_rss", "B", "lower", 38_400_000.0, 0.004, None, count, seed),
        row("table/lookup", "cycles", "lower", 41.5, 0.01, None, count, seed),
    ]
    return {"schema_version": 1, "context": copy.deepcopy(CONTEXT), "benchmarks": rows}


ODD_NAMES = ["odd/pipe|and`tick`", 'odd/"quoted" <b>&amp;', "odd/ünï→code/日本", "odd/back\\slash|*x*_y_",
             "odd/white space", "odd/comma,semi;#hash", "9starts/with-digit", "odd/=1+1"]


def odd():
    """Names that no bench makes, but that a file may have."""
    out = bench()
    out["benchmarks"] = [row(name, "ns", "lower", 100.0 + i, 0.01)
                         for i, name in enumerate(ODD_NAMES)]
    return out


def write(path, content):
    path.write_text(json.dumps(content))
    return path
