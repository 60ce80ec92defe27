#!/usr/bin/python3
"""`start: established`: tunnels that took no handshake are as good as those that did. Every checker
watches; captures are read from outside; NATs, outages, restarts and moves meet them."""

import collections
import json
import shutil
import subprocess
import tempfile
import unittest

import yaml

import lab

TSHARK = shutil.which("tshark")
# None of these asks of the first handshake: what they show is what comes behind it.
SAME = ["gateway-restart", "nat-rebind", "nat-keepalive", "teach/crash-detection",
        "teach/crash-detection-fixed", "teach/crash-detection-spi-fixed", "teach/break-before-make",
        "teach/break-before-make-fixed", "teach/double-nat-fixed", "teach/hairpin-fixed",
        "teach/esn-subspace", "teach/hard-expiry-bytes", "teach/nat-binding-timeout-fixed",
        "teach/initial-contact", "teach/two-behind-one-nat-fixed"]
# Counts of the first handshake, and what only it sends.
FIRST = {"ike.started", "ike.completed", "ike.setup_time_s", "nat.expired", "net.sent_bytes",
         "ike.keepalives"}

LITTLE = """
ikelab: 1
stop_time: 40s
ike: {nat_keepalive: 3s, dpd_delay: 8s, rekey_time: 17s, over_time: 5s, rand_time: 1s}
child: {rekey_time: 13s, life_time: 20s, rand_time: 1s}
nodes:
  homes: {role: initiator, count: 3, connect: gw, start: established}
  boxes: {role: nat, one_per: {homes: 1}}
  offices: {role: initiator, count: 2, connect: gw, start: established}
  isp: {role: router}
  gw: {role: responder, protects: [10.0.0.0/16], cpu: {cores: 1}}
links:
  lan: {sides: [homes, boxes], delay: 1ms}
  access: {sides: [boxes, isp], delay: 10ms}
  lines: {sides: [offices, isp], delay: 5ms}
  core: {sides: [isp, gw], delay: 2ms}
traffic:
  early: {from: homes, to: gw, start: up, for: 5s, packet_rate: 4/s, size: 200B, direction: both}
  work: {from: offices, to: gw, start: up, packet_rate: 1/s, size: 300B, direction: both}
"""


def settings(words):
    return [part for word in words for part in ("--set", word)]


class Written:
    """A scenario of a test's own, in a file while it is needed."""

    def __init__(self, text):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="ikelab-test-")
        self.file.write(text)
        self.file.flush()

    def __enter__(self):
        return self.file.name

    def __exit__(self, *_):
        self.file.close()


def run_little(*words, text=LITTLE, **options):
    with Written(text) as path:
        return lab.Run(path, "--no-report", *settings(words), **options)


def initiators(path):
    groups = yaml.safe_load(path.read_text())["nodes"]
    return {name: group.get("count", 1) for name, group in groups.items()
            if group["role"] == "initiator"}


class Established(unittest.TestCase):
    def everything_arrives(self, virtual, count):
        self.assertEqual(virtual["ike"]["installed"], count)
        self.assertEqual(virtual["ike"]["started"], 0)
        self.assertEqual(virtual["ike"]["setup_time_s"]["count"], 0)
        self.assertEqual(virtual["ike"]["time_to_first_packet_s"]["count"], 0)
        self.assertEqual(virtual["tunnels"]["up"], count)
        self.assertEqual(virtual["esp"]["delivered_packets"] + virtual["esp"]["in_flight_packets"],
                         virtual["esp"]["sent_packets"])
        self.assertGreater(virtual["esp"]["sent_packets"], 0)

    def test_tunnels_are_up_at_once_and_live_on(self):
        for crypto in ("real", "modelled"):
            with run_little(f"crypto={crypto}") as run:
                virtual = run.result["virtual"]
            self.everything_arrives(virtual, 5)
            self.assertGreaterEqual(virtual["ike"]["rekeys_child"], 2 * 5 * 2)
            self.assertGreaterEqual(virtual["ike"]["rekeys_ike"], 2 * 5)
            self.assertGreater(virtual["ike"]["keepalives"], 3)
            self.assertEqual(virtual["ike"]["dpd_failures"], 0)

    def test_it_repeats_and_modelled_crypto_has_its_timeline(self):
        seen = []
        for crypto in ("real", "real", "modelled"):
            with run_little(f"crypto={crypto}") as run:
                seen.append(run.result)
        self.assertEqual(seen[0]["digest"], seen[1]["digest"])
        self.assertEqual(seen[0]["timeline_digest"], seen[2]["timeline_digest"])
        self.assertEqual(seen[0]["virtual"], seen[2]["virtual"])

    def test_who_is_not_recorded_does_the_same(self):
        """Members of a group that nobody records share what they can."""
        seen = []
        for capture in ("{of: [homes, boxes, offices, gw]}", "none"):
            with run_little(f"capture={capture}", "events=[{at: 9s, nodes: gw, do: reboot}]",
                            "stop_time=60s") as run:
                seen.append(run.result["virtual"])
        self.assertEqual(seen[0]["ike"]["installed"], 5)
        self.assertGreater(seen[0]["ike"]["completed"], 0)
        self.assertEqual(seen[0], seen[1])

    def test_another_seed_has_other_keys(self):
        keys = []
        for seed in (1, 2):
            with run_little(f"seed={seed}") as run:
                first = (run.folder / "keys.jsonl").read_text().splitlines()[0]
                keys.append(json.loads(first)["keys"])
        for name in ("SKEYSEED", "SK_d", "SK_ei"):
            self.assertNotEqual(keys[0][name], keys[1][name])

    def test_events_say_that_there_was_no_handshake(self):
        with run_little() as run:
            states = [e for e in run.events() if e["name"] == "sa.state"]
        at_start = [e for e in states if e["t_ns"] == 0]
        self.assertEqual(len(at_start), 2 * 2 * 5)
        self.assertTrue(all(e["data"]["installed"] for e in at_start))
        later = collections.Counter(e["data"]["state"] for e in states if e["t_ns"] > 0)
        self.assertGreater(later["child_up"], 0)
        self.assertFalse(any("installed" in e["data"] for e in states if e["t_ns"] > 0))
        self.assertFalse(later["half_open"])

    def test_captures_can_be_read(self):
        with run_little() as run:
            done = subprocess.run([str(lab.IKELAB), "dissect", "--json", str(run.folder)],
                                  capture_output=True, text=True, timeout=600)
            self.assertEqual(done.returncode, 0, done.stderr)
            frames = json.loads(done.stdout)["frames"]
            told = run_tshark(run.folder) if TSHARK else None
        kinds = collections.Counter()
        for frame in frames:
            text = json.dumps(frame["tree"])
            kinds["keepalives"] += frame["bytes"] == "ff"
            kinds["closed"] += frame["bytes"] != "ff" and not frame["texts"]
            kinds["IKE"] += "Exchange Type" in text
            kinds["first"] += "IKE_SA_INIT" in text or "IKE_AUTH" in text
            kinds["ESP"] += "Sequence Number" in text
        self.assertEqual(kinds["first"], 0)
        self.assertGreater(kinds["ESP"], 100)
        self.assertGreater(kinds["IKE"], 50)
        self.assertGreater(kinds["keepalives"], 10)
        self.assertEqual(kinds["closed"], 0)
        if told:
            self.assertEqual(told["encrypted"], 0)
            self.assertGreater(told["udp"], 100)

    def test_what_follows_is_what_follows_a_handshake(self):
        """The thresholds of scenarios that are about something else hold as they stand."""
        for name in SAME:
            path = lab.SCENARIOS / f"{name}.yaml"
            groups = initiators(path)
            thresholds = yaml.safe_load(path.read_text()).get("thresholds", {})
            kept = {metric: limits for metric, limits in thresholds.items()
                    if metric.split("@")[0] not in FIRST}
            words = [f"nodes.{group}.start=established" for group in groups]
            words.append("thresholds=" + json.dumps(kept))
            with self.subTest(scenario=name), \
                 lab.Run(path, "--no-report", *settings(words), binary=lab.fast_build()) as run:
                ike = run.result["virtual"]["ike"]
                self.assertEqual(ike["installed"], sum(groups.values()))
                self.assertEqual(ike["started"], ike["completed"])

    def test_every_kind_of_nat_lets_them_through(self):
        for preset in ("rfc4787-2007", "linux-6.1", "full-cone", "symmetric", "cgn-rfc6888"):
            with self.subTest(preset=preset), \
                 run_little(f"nodes.boxes.preset={preset}") as run:
                self.everything_arrives(run.result["virtual"], 5)

    def test_mappings_end_without_keepalives(self):
        """The timer of the box runs from the start, as one that has seen an answer."""
        words = ("ike={rekey_time: 0s, nat_keepalive: 0s}", "child={rekey_time: 0s}",
                 "nodes.boxes.udp_timeout=20s", "nodes.boxes.udp_timeout_unreplied=5s",
                 "traffic={early: {from: gw, to: homes, start: 10s, for: 5s, packet_rate: 1/s}}")
        with run_little(*words, "nodes.boxes.refresh=outbound") as run:
            events = [e for e in run.events() if e["name"].startswith("nat.")]
            virtual = run.result["virtual"]
        mapped = [e for e in events if e["name"] == "nat.mapped"]
        expired = [e for e in events if e["name"] == "nat.expired"]
        self.assertEqual([e["t_ns"] for e in mapped], [0] * 3)
        self.assertEqual({e["data"]["inside"].split(":")[1] for e in mapped}, {"4500"})
        # Answered, but what came in does not restart this box's timer.
        self.assertEqual([e["t_ns"] for e in expired], [5 * 10**9] * 3)
        self.assertEqual(virtual["esp"]["delivered_packets"], 0)
        with run_little(*words) as run:
            virtual = run.result["virtual"]
        self.assertEqual(virtual["esp"]["delivered_packets"], virtual["esp"]["sent_packets"])

    def test_arrivals_spread_them(self):
        with run_little("nodes.homes.arrivals={fixed: 1/s, at: 2s}") as run:
            up = {e["node"]: e["t_ns"] for e in run.events()
                  if e["name"] == "sa.state" and e["data"].get("installed")}
            self.everything_arrives(run.result["virtual"], 5)
        self.assertEqual([up[f"homes[{i}]"] for i in range(3)], [2 * 10**9, 3 * 10**9, 4 * 10**9])
        self.assertEqual(up["offices[0]"], 0)

    def test_who_arrives_while_the_gateway_is_away_calls(self):
        with run_little("nodes.homes.arrivals={fixed: 1/s, at: 2s}",
                        "events=[{at: 2500ms, nodes: gw, do: reboot, for: 1s}]") as run:
            virtual = run.result["virtual"]
        homes = virtual["groups"]["homes"]["ike"]
        self.assertEqual((homes["installed"], homes["completed"]), (2, 2))
        self.assertEqual(virtual["tunnels"]["up"], 5)

    def test_who_was_away_before_arriving_calls(self):
        with run_little("nodes.homes.arrivals={fixed: 1/s, at: 5s}",
                        "events=[{at: 1s, nodes: \"homes[1]\", do: reboot, for: 1s}]") as run:
            homes = run.result["virtual"]["groups"]["homes"]["ike"]
        self.assertEqual((homes["installed"], homes["started"], homes["completed"]), (2, 1, 1))

    def test_what_has_no_room_fails(self):
        with run_little("nodes.gw.limits={ike_sas: 4}") as run:
            ike = run.result["virtual"]["ike"]
        self.assertEqual(ike["installed"], 4)
        self.assertEqual((ike["started"], ike["failed"], ike["failed_by"]), (1, 1, {"limit": 1}))

    def test_what_has_no_selectors_in_common_fails(self):
        with run_little("nodes.offices.child={remote_ts: [192.0.2.0/24]}", "traffic={}") as run:
            virtual = run.result["virtual"]
        self.assertEqual(virtual["groups"]["offices"]["ike"]["failed_by"], {"ts_unacceptable": 2})
        self.assertEqual(virtual["tunnels"]["up"], 3)
        self.assertEqual(virtual["hosts"]["gw"]["ike_sas"], 3)

    def test_certificates_are_taken_for_granted_until_they_are_asked_for(self):
        words = ("nodes.offices.ike={auth: ecdsa, reauth_time: 20s, over_time: 5s, rekey_time: 0s}",
                 "pki={revoked: [\"offices[0]\"]}", "stop_time=60s")
        with run_little(*words) as run:
            virtual = run.result["virtual"]
        offices = virtual["groups"]["offices"]["ike"]
        self.assertEqual(offices["installed"], 2)
        self.assertEqual(offices["failed_by"], {"authentication_failed": 1})
        self.assertGreater(offices["reauthentications"], 0)


def run_tshark(folder):
    done = subprocess.run(["sh", str(folder / "open.sh"), "-T", "fields", "-e", "esp.sequence",
                           "-e", "isakmp.enc.decrypted", "-e", "isakmp.exchangetype", "-e",
                           "udp.length"],
                          text=True, capture_output=True, timeout=300, env={"WIRESHARK": "tshark",
                                                                            "PATH": "/usr/bin:/bin",
                                                                            "HOME": "/tmp"})
    told = collections.Counter()
    for line in done.stdout.splitlines():
        sequence, opened, exchange, lengths = (line.split("\t") + [""] * 4)[:4]
        told["encrypted"] += bool(exchange) and not opened
        told["udp"] += bool(sequence) and "," in lengths
    return told


class EstablishedV1(unittest.TestCase):
    """IKEv1: the two have had the handshake, and nothing of it was in the network."""
    WORDS = ("ike.version=1", "ike.proposals=[aes256-sha256-modp2048]")

    def little(self, *words, **options):
        return run_little(*self.WORDS, *words, **options)

    def test_tunnels_are_up_at_once_and_live_on(self):
        for mode in ("main", "aggressive"):
            seen = []
            for crypto in ("real", "real", "modelled"):
                with self.little(f"ike.mode={mode}", f"crypto={crypto}") as run:
                    seen.append(run.result)
            self.assertEqual(seen[0]["digest"], seen[1]["digest"])
            self.assertEqual(seen[0]["timeline_digest"], seen[2]["timeline_digest"])
            self.assertEqual(seen[0]["virtual"], seen[2]["virtual"])
            Established.everything_arrives(self, seen[0]["virtual"], 5)
            ike = seen[0]["virtual"]["ike"]
            self.assertGreaterEqual(ike["rekeys_child"], 2 * 5 * 2)
            self.assertGreaterEqual(ike["reauthentications"], 5)
            self.assertEqual(ike["dpd_failures"], 0)
            self.assertEqual((ike["v1"]["started"], ike["v1"]["round_trips"]), (0, 0))

    def test_no_message_of_the_handshake_was_sent(self):
        with self.little("stop_time=7s", "ike.dpd_delay=0s") as run:
            sent = {e["data"].get("exchange") for e in run.events() if e["name"] == "packet.sent"
                    and e["data"]["kind"] == "ike"}
            up = [e for e in run.events() if e["name"] == "sa.state"
                  and e["data"]["state"] in ("ike_up", "child_up")]
        self.assertEqual(sent, set())
        self.assertEqual(len(up), 4 * 5)
        self.assertTrue(all(e["data"]["installed"] and e["t_ns"] == 0 for e in up))

    def test_who_is_not_recorded_does_the_same(self):
        seen = []
        for capture in ("{of: [homes, boxes, offices, gw]}", "none"):
            with self.little(f"capture={capture}", "events=[{at: 9s, nodes: homes, do: reboot}]") as run:
                seen.append(run.result["virtual"])
        self.assertEqual(seen[0]["ike"]["installed"], 5)
        self.assertGreater(seen[0]["ike"]["completed"], 0)
        self.assertEqual(seen[0], seen[1])

    def test_every_kind_of_nat_lets_them_through(self):
        for preset in ("linux-6.1", "symmetric", "cgn-rfc6888"):
            with self.subTest(preset=preset), self.little(f"nodes.boxes.preset={preset}") as run:
                Established.everything_arrives(self, run.result["virtual"], 5)

    def test_a_dead_peer_is_found(self):
        with self.little("ike={rekey_time: 0s, dpd_delay: 8s, retransmit_timeout: 1s, "
                         "retransmit_tries: 2, nat_keepalive: 3s}", "child.rekey_time=0s",
                         *self.WORDS, "events=[{at: 9s, nodes: offices, do: crash}]") as run:
            self.assertEqual(run.result["virtual"]["ike"]["dpd_failures"], 2)

    def test_users_and_addresses_are_there_too(self):
        with self.little("ike.xauth=true", "nodes.homes.ike.ask_address=true",
                         "nodes.offices.ike.ask_address=true", "ike.address_only=true",
                         "nodes.gw.ike.address_pool=10.99.0.0/24", "stop_time=10s") as run:
            virtual = run.result["virtual"]
        Established.everything_arrives(self, virtual, 5)
        self.assertEqual((virtual["ike"]["users_known"], virtual["ike"]["addresses_given"]), (5, 5))

    def test_what_the_two_do_not_agree_on_fails_as_a_handshake(self):
        for words, reason in (
                (["nodes.homes.child.esp_proposals=[aes192-sha384]"], "no_proposal_chosen"),
                (["ike.xauth=true", "nodes.homes.ike.xauth_password=guess"], "user_refused"),
                (["nodes.homes.ike.psk=another", "ike.retransmit_tries=2"], "timeout")):
            with self.subTest(reason=reason), \
                 self.little(*words, "thresholds={}") as run:
                ike = run.result["virtual"]["ike"]
                self.assertEqual(ike["installed"], 2)
                self.assertGreaterEqual(ike["failed_by"].get(reason, 0), 3, ike["failed_by"])
                self.assertEqual(ike["completed"], 0)


if __name__ == "__main__":
    lab.main()
