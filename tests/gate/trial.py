#!/usr/bin/python3
"""How far can the gate be trusted on this machine? By hand, not a part of ./check: it takes as long
as 2 x PAIRS benchmarks, and its outcome depends on who else uses the machine.

usage: trial.py PAIRS BASE_IKELAB NEW_IKELAB [--against] [-- WORDS OF ikelab bench...]

Measures BASE and NEW one after the other, PAIRS times (with --against in turns, as `ikelab bench
--against` does), and prints what `ikelab compare` says. With one program twice every "slower" or
"faster" is a false alarm; with build/release/ikelab-extra as NEW every "slower" is right.
"""

import collections
import json
import pathlib
import subprocess
import sys
import tempfile


def run(*words):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3, 4):
        sys.exit(f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stderr}")
    return done


def measure(base, new, against, words, folder):
    files = folder / "base.json", folder / "new.json"
    if against:
        run(new, "bench", *words, "--against", base, "--base-output", files[0], "-o", files[1])
    else:
        run(base, "bench", *words, "-o", files[0])
        run(new, "bench", *words, "-o", files[1])
    return files


def main():
    words = sys.argv[1:]
    rest = words[words.index("--") + 1:] if "--" in words else ["--quick"]
    words = words[:words.index("--")] if "--" in words else words
    against = "--against" in words
    words = [w for w in words if w != "--against"]
    if len(words) != 3:
        sys.exit(__doc__)
    pairs, base, new = int(words[0]), *words[1:]
    codes, verdicts, changed = (collections.Counter() for _ in range(3))
    with tempfile.TemporaryDirectory() as name:
        for pair in range(pairs):
            files = measure(base, new, against, rest, pathlib.Path(name))
            done = run(base, "compare", "--json", *files)
            rows = json.loads(done.stdout)["rows"]
            codes[done.returncode] += 1
            verdicts.update(r["verdict"] for r in rows)
            found = [r for r in rows if r["verdict"] in ("slower", "faster")]
            changed.update(f"{r['verdict']} {r['name']}" for r in found)
            print(f"pair {pair + 1} of {pairs}: exit {done.returncode}",
                  *(f"\n  {r['verdict']} {r['name']} {100 * (r['change'] - 1):+.1f} % "
                    f"[{100 * (r['low'] - 1):+.1f}, {100 * (r['high'] - 1):+.1f}] "
                    f"p {r['p_holm']:.2g}" for r in found), flush=True)
    print("exit codes:", dict(codes), "\nverdicts of rows:", dict(verdicts))
    for what, count in sorted(changed.items()):
        print(f"  {what}: {count} of {pairs}")


if __name__ == "__main__":
    main()
