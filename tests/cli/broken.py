#!/usr/bin/python3
"""Each broken scenario: exit 2, the error at the place and with the words its first line expects.

usage: broken.py IKELAB FOLDER
"""
import pathlib
import re
import subprocess
import sys


def check(program, path):
    """None, or what is wrong with the answer to one broken file."""
    first, rest = path.read_text(encoding="utf-8").split("\n", 1)
    expected = re.fullmatch(r"# expect: (\d+):(\d+): (.+)", first)
    if not expected:
        return "its first line says nothing to expect"
    line, column, words = expected.groups()
    run = subprocess.run([program, "lint", path], capture_output=True, text=True, timeout=60)
    if run.returncode != 2:
        return f"exit {run.returncode}\n{run.stderr}"
    if run.stdout:
        return f"says something on stdout: {run.stdout}"
    answer = run.stderr.splitlines()
    start = f"{path}:{line}:{column}: error: "
    for number, text in enumerate(answer):
        if text.startswith(start) and words in text:
            break
    else:
        return f"expected {start}... {words}\n{run.stderr}"
    shown = (first + "\n" + rest).split("\n")[int(line) - 1]
    if len(shown) < 160 and answer[number + 1] != shown:
        return f"does not show the line: {answer[number + 1]}"
    if len(shown) < 160 and not re.fullmatch(" {%d}\\^~*" % (int(column) - 1), answer[number + 2]):
        return f"the caret is elsewhere:\n{answer[number + 1]}\n{answer[number + 2]}"
    if not answer[-1].startswith("try: "):
        return "does not end with what to try"
    return None


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    files = sorted(folder.glob("*.yaml"))
    failed = 0
    for path in files:
        wrong = check(program, path)
        if wrong:
            failed += 1
            print(f"{path}: {wrong}")
    print(f"{len(files) - failed} of {len(files)} broken scenarios are refused as they should be")
    sys.exit(1 if failed or len(files) < 30 else 0)


main()
