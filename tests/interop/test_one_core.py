"""bench/peers/one_core.py, which compares what handshakes cost one core: it finds what it should, says
why where it cannot run, and leaves nothing behind. How fast anybody is, is no matter here.
"""
import contextlib
import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
from unittest import mock

import lab
from lab import require, wait_until
from strongswan import Strongswan

SCRIPT = lab.ROOT / "bench/peers/one_core.py"
SUBJECTS = {"strongSwan", "strongSwan, user", "ikelab live", "handshake/x25519/psk"}
LANES = "handshake/x25519-ifma/psk"  # where the processor has it
COUNT, RUNS = 100, 2


def one_core():
    spec = importlib.util.spec_from_file_location("one_core", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def command(*args):
    return [sys.executable, str(SCRIPT), *args]


def namespaces(pid):
    """Those that a process made."""
    names = [line.split()[0] for line in lab.sh("ip", "netns", "list").stdout.splitlines()]
    return [name for name in names if name.startswith(f"ikelab-{pid}-")]


def run(*args):
    """(exit code, standard output, errors)"""
    with subprocess.Popen(command(*args), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        out, err = process.communicate(timeout=300)
    require(not namespaces(process.pid), f"it left {namespaces(process.pid)}")
    return process.returncode, out, err


def measured():
    code, out, err = run("--count", str(COUNT), "--runs", str(RUNS), "--json", "--goal", "0.0001")
    require(code == 0, f"exit {code}: {err}")
    said = json.loads(out)
    require(SUBJECTS <= set(said["seconds"]) <= SUBJECTS | {LANES}, str(said))
    for name, costs in said["seconds"].items():
        require(len(costs) == RUNS and all(1e-6 < c < 1 for c in costs), f"{name}: {costs}")
    whole, user = (said["seconds"][name] for name in ("strongSwan", "strongSwan, user"))
    require(all(a >= b for a, b in zip(whole, user, strict=True)), f"{whole} {user}")
    require(said["ratios"].keys() == said["seconds"].keys() - {"strongSwan", "strongSwan, user"}, str(said))
    for name, ratios in said["ratios"].items():
        require(0.1 < ratios["user"] <= ratios["all"] < 1000, f"{name}: {ratios}")
    require(said["context"]["count"] == COUNT and said["context"]["strongswan"] == Strongswan.version(),
            str(said["context"]))


def below_goal():
    code, out, err = run("--count", "50", "--runs", "1", "--goal", "1e9")
    require(code == 3 and "below the goal" in err, f"exit {code}: {err}")
    require(all(name in out for name in SUBJECTS), out)


def ended_early():
    """SIGTERM in the middle: the daemons and the namespaces go."""
    with subprocess.Popen(command("--count", "10000", "--runs", "100"), stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        inside = lambda: [int(pid) for name in namespaces(process.pid)
                          for pid in lab.sh("ip", "netns", "pids", name, check=False).stdout.split()]
        wait_until(lambda: len(inside()) >= 2, "two daemons", 60)
        daemons = inside()
        process.send_signal(signal.SIGTERM)
        require(process.wait(60) == 128 + signal.SIGTERM, f"exit {process.returncode}")
    require(not namespaces(process.pid), f"it left {namespaces(process.pid)}")
    alive = [pid for pid in daemons if os.path.exists(f"/proc/{pid}/exe")]
    require(not alive, str(alive))


def reason(words, **patches):
    """What it says where something is not there; exit 77."""
    module, said = one_core(), io.StringIO()
    with contextlib.ExitStack() as stack:
        for target, value in patches.items():
            stack.enter_context(mock.patch(target.replace("__", "."), value))
        stack.enter_context(mock.patch.object(sys, "argv", [str(SCRIPT)]))
        stack.enter_context(contextlib.redirect_stdout(said))
        try:
            code = module.main()
        except SystemExit as ended:
            code = ended.code
    require(code == 77 and said.getvalue().startswith("skipped: ") and words in said.getvalue(),
            f"exit {code}: {said.getvalue()}")


def reasons():
    reason("needs root", os__geteuid=lambda: 1000)
    reason("strongSwan is not installed", strongswan__CHARON="/nonexistent/charon")
    reason("/nonexistent/ikelab is not built", lab__IKELAB="/nonexistent/ikelab")


def wrong_words():
    for words in (["--count", "0"], ["--runs", "many"], ["--core", "4095"]):
        code, _, err = run(*words)
        require(code == 2 and "; try: " in err, f"{words}: exit {code}: {err}")


def main():
    lab.end_on_sigterm()
    try:
        one_core().need()
    except lab.Skip as why:
        lab.skip(why)
    for check in (wrong_words, reasons, measured, below_goal, ended_early):
        check()
        print(f"{check.__name__}: ok", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
