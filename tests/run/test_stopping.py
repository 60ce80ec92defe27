#!/usr/bin/python3
"""Ctrl-C leaves results marked partial and exits 130; a full disk leaves nothing that looks
complete; a bad output folder is refused before anything is simulated."""

import os
import pathlib
import resource
import signal
import subprocess
import tempfile
import time
import unittest

import lab


class Stopping(unittest.TestCase):
    def test_interrupt_leaves_a_partial_result(self):
        with tempfile.TemporaryDirectory() as folder:
            target = pathlib.Path(folder) / "run"
            # Far longer than the test: a day of a thousand tunnels.
            command = [str(lab.fast_build()), "run", str(lab.SCENARIOS / "road-warriors.yaml"),
                       "--set", "stop_time=24h", "--set", "thresholds={}", "-o", str(target)]
            process = subprocess.Popen(command, cwd=lab.ROOT, text=True, stderr=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
            time.sleep(2)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 130, err)
            result = (target / "result.json").read_text()
            self.assertIn('"partial": true', result.replace('"partial":true', '"partial": true'))

    def test_full_disk_leaves_nothing_that_looks_complete(self):
        with tempfile.TemporaryDirectory() as folder:
            target = pathlib.Path(folder) / "run"

            def small_files():
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

            done = subprocess.run(
                [str(lab.IKELAB), "run", str(lab.SCENARIOS / "handshake-lan.yaml"), "-o",
                 str(target)],
                cwd=lab.ROOT, text=True, capture_output=True, preexec_fn=small_files, timeout=300)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("try:", done.stderr)
            self.assertFalse(target.exists())
            self.assertEqual(os.listdir(folder), [])

    def test_non_empty_folder_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "mine").write_text("keep me")
            done = subprocess.run(
                [str(lab.IKELAB), "run", str(lab.SCENARIOS / "handshake-lan.yaml"), "-o", folder],
                cwd=lab.ROOT, text=True, capture_output=True, timeout=300)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("--force", done.stderr)
            self.assertEqual(os.listdir(folder), ["mine"])


if __name__ == "__main__":
    lab.main()
