#!/usr/bin/python3
"""Corners of scenarios: what works must work end to end, what does not must be refused."""

import subprocess
import unittest

import lab

FILE = lab.ROOT / "tests/scenarios/edges.yaml"


def settings(words):
    return [part for word in words for part in ("--set", word)]


def simulate(*words, expect=0):
    with lab.Run(str(FILE), "--no-report", *settings(words), expect=expect) as run:
        return run.result["virtual"]


def refusal(*words):
    done = subprocess.run([str(lab.IKELAB), "lint", str(FILE), *settings(words)], cwd=lab.ROOT,
                          text=True, capture_output=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


class Edges(unittest.TestCase):
    def all_connect_and_talk(self, *words):
        virtual = simulate(*words)
        self.assertEqual(virtual["ike"]["completed"], 10)
        self.assertEqual(virtual["ike"]["failed"], 0)
        self.assertEqual(virtual["esp"]["sent_packets"], 2000)
        self.assertEqual(virtual["esp"]["delivered_packets"], 2000)
        return virtual

    def refused(self, text, *words):
        status, said = refusal(*words)
        self.assertEqual(status, 2, said)
        self.assertIn(text, said)

    def test_gateway_that_protects_nothing_but_itself(self):
        self.all_connect_and_talk()

    def test_gateway_that_protects_networks(self):
        self.all_connect_and_talk("nodes.gw.protects=[10.0.0.0/16, 10.9.0.0/16]")

    def test_ipv6_outside(self):
        self.all_connect_and_talk("nodes.gw.address=2001:db8::1",
                                  "nodes.homes.addresses=2001:db8:1::/64")

    def test_families_do_not_mix(self):
        self.refused("of one family", "nodes.gw.address=2001:db8::1")

    def test_inside_is_ipv4(self):
        self.refused("IPv4", "nodes.gw.protects=[2001:db8:5::/48]")

    def test_transport_mode(self):
        self.all_connect_and_talk("child.mode=transport")

    def test_transport_mode_through_a_nat_is_refused(self):
        self.refused("2.23.1", "child.mode=transport", "nodes.box={role: nat, one_per: {homes: 1}}",
                     "links.access={sides: [homes, box]}", "links.outside={sides: [box, net]}")

    def test_no_encryption_is_no_leak(self):
        self.all_connect_and_talk("child.esp_proposals=[null-sha256]")

    def test_clients_behind_one_nat_behind_another(self):
        self.all_connect_and_talk("nodes.box={role: nat, one_per: {homes: 2}}",
                                  "nodes.cgn={role: nat, preset: cgn-rfc6888}",
                                  "links.access={sides: [homes, box]}",
                                  "links.street={sides: [box, cgn]}",
                                  "links.outside={sides: [cgn, net]}")

    def test_gateway_that_crashes_under_its_last_word(self):
        """A client whose IKE_AUTH response is on the way comes up, with traffic for both ends."""
        for ms in range(30, 50):
            virtual = simulate("nodes.homes.count=1", "nodes.homes.arrivals={at: 10ms}",
                               f"events=[{{at: {ms}ms, nodes: gw, do: crash, for: 1s}}]")
            self.assertLessEqual(virtual["ike"]["failed"], 1)

    def test_several_gateways(self):
        self.all_connect_and_talk("nodes.gw={role: responder, count: 3}")

    def test_child_that_is_refused_is_a_failed_handshake(self):
        for words, reason in (
                (["nodes.gw.child={esp_proposals: [aes128gcm16]}"], "no_proposal_chosen"),
                (["nodes.gw.child={local_ts: [10.5.0.0/16]}", "child={remote_ts: [10.6.0.0/16]}"],
                 "ts_unacceptable"),
                (["nodes.gw.ike={psk: other}"], "authentication_failed")):
            ike = simulate(*words)["ike"]
            self.assertEqual(ike["failed_by"], {reason: 10})
            self.assertEqual((ike["started"], ike["failed"], ike["pending"]), (10, 10, 0))

    def test_half_open_limit_lets_few_in_at_a_time(self):
        virtual = simulate("nodes.gw.limits={half_open: 2}", "nodes.homes.arrivals=all_at_once")
        self.assertEqual(virtual["ike"]["completed"], 10)
        self.assertEqual(virtual["hosts"]["gw"]["half_open_peak"], 2)
        self.assertGreater(virtual["ike"]["retransmissions"], 0)

    def test_limits_are_a_gateways(self):
        self.refused("limits", "nodes.homes.limits={ike_sas: 1}")

    def test_smallest_backlog_does_not_stop_the_clock(self):
        virtual = simulate("nodes.gw.cpu={cores: 1, backlog: 1}", "ike.dpd_delay=1s",
                           "nodes.homes.arrivals=all_at_once")
        self.assertEqual(virtual["duration_s"], 20)
        self.assertEqual(virtual["ike"]["completed"], 10)
        self.assertGreater(virtual["net"]["dropped"]["backlog"], 0)

    def test_fragments_that_never_meet_are_given_up(self):
        net = simulate("links.access.mtu=600B", "links.access.loss={random: 5%}",
                       "traffic.talk.size=1400B", "stop_time=50s")["net"]
        self.assertGreater(net["dropped"]["reassembly"], 0)
        self.assertEqual(net["in_flight_packets"], 0)

    def test_jumbo_packets(self):
        virtual = self.all_connect_and_talk("traffic.talk.size=9000B")
        self.assertGreaterEqual(virtual["net"]["fragments_made"], 6 * 2000)

    def test_too_small_packets_are_refused(self):
        self.refused("between 64B", "traffic.talk.size=28B")

    def test_limits_in_volume_rekey_under_load(self):
        """320 rekeys by packets or bytes while 8,000 packets a second pass: only links lose any."""
        for limit in (["child.rekey_packets=100", "child.life_packets=4000"],
                      ["child.rekey_bytes=40kB", "child.life_bytes=4MB"]):
            for loss in "0%", "5%":
                with self.subTest(limit=limit, loss=loss):
                    virtual = simulate(*limit, "traffic.talk.packet_rate=400/s",
                                       f"links.access.loss={{random: {loss}}}")
                    esp, lost = virtual["esp"], virtual["net"]["dropped"]["loss"]
                    self.assertEqual(esp["sent_packets"], 40000)
                    self.assertEqual(set(esp["dropped"].values()), {0})
                    self.assertLessEqual(esp["sent_packets"] - esp["delivered_packets"], lost)
                    self.assertGreaterEqual(virtual["ike"]["rekeys_child"], 300)

    def test_events_at_zero_come_before_the_first_packet(self):
        virtual = simulate("events=[{at: 0s, nodes: homes, do: crash, for: 2s}]")
        self.assertEqual((virtual["ike"]["started"], virtual["ike"]["failed"]), (10, 0))

    def test_what_comes_out_at_another_peer_is_not_delivered(self):
        """Two clients with one inner network: the gateway sends every answer to the later of them."""
        virtual = simulate("nodes.homes.count=1", "nodes.homes.protects=[192.168.1.0/24]",
                           "nodes.twin={role: initiator, connect: gw, protects: [192.168.1.0/24]}",
                           "links.other={sides: [twin, net], delay: 5ms}")
        esp = virtual["esp"]
        self.assertEqual(virtual["tunnels"]["up"], 2)
        self.assertGreater(esp["dropped"]["other"], 90)
        self.assertEqual(esp["delivered_packets"] + esp["dropped"]["other"], esp["sent_packets"])

    def test_a_responder_behind_a_nat_is_called_by_its_outside(self):
        """Through the port forwarding, from the world and from the same inside."""
        words = ["nodes.net={role: nat, address: 203.0.113.5, forward: gw, hairpin: true}",
                 "nodes.isp={role: router}", "nodes.gw={role: responder}",
                 "links.core={sides: [gw, net], delay: 5ms}",
                 "links.world={sides: [net, isp], delay: 5ms}"]
        for side, mapped in ("net", 22), ("isp", 2):
            with self.subTest(side=side):
                virtual = self.all_connect_and_talk(
                    *words, f"links.access={{sides: [homes, {side}], delay: 5ms}}")
                self.assertEqual(virtual["groups"]["net"]["nat"]["mapped"], mapped)

    def test_a_lifetime_that_ends_at_both_under_a_rekey_leaves_a_tunnel(self):
        """The rekey comes through after the Delete of what it rekeys: a new child SA is made."""
        words = settings(("nodes.gw.child.life_time=310s", "nodes.gw.child.rekey_time=0s",
                          "thresholds={}"))
        with lab.Run(str(lab.SCENARIOS / "teach/hard-expiry.yaml"), "--no-report", *words) as run:
            virtual = run.result["virtual"]
        self.assertEqual(virtual["tunnels"]["child_sas_min"], 1)
        self.assertGreater(virtual["esp"]["delivered_packets"], 700)

    def test_sequence_numbers_that_end_end_the_child_sa(self):
        skip = "events=[{at: 2s, nodes: homes, do: skip_sequence, packets: 4294967295}]"
        virtual = simulate(skip)
        self.assertGreater(virtual["esp"]["dropped"]["unsent"], 0)
        virtual = simulate(skip, "child.esn=true", "child.rekey_packets=1000000",
                           "child.life_packets=5000000000")
        self.assertEqual(virtual["esp"]["dropped"]["unsent"], 0)
        self.assertEqual(virtual["ike"]["rekeys_child"], 20)

    def test_shortest_run(self):
        virtual = simulate("stop_time=1ns")
        self.assertEqual((virtual["ike"]["started"], virtual["ike"]["pending"]), (1, 1))

    def test_measuring_later(self):
        virtual = simulate("measure.from=10s")
        self.assertEqual(virtual["ike"]["completed"], 10)
        self.assertEqual(virtual["ike"]["setup_time_s"]["count"], 0)
        self.assertIsNone(virtual["ike"]["setup_time_s"]["p50"])
        self.assertEqual(virtual["esp"]["throughput_bps"], 0)

    def test_flow_with_a_start_of_its_own(self):
        virtual = simulate("traffic.talk.start=7s", "stop_time=7s")
        self.assertEqual(virtual["esp"]["sent_packets"], 20)


if __name__ == "__main__":
    lab.main()
