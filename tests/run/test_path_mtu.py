#!/usr/bin/python3
"""A link in the middle that takes 1300 bytes: packets that may not be cut find out and get smaller,
those that may are cut before or after ESP; who wants a child SA for each pair of addresses gets it.
"""

import unittest

import lab

FILE = lab.ROOT / "tests/scenarios/narrow-path.yaml"
SENT = 4 * 2 * 100


def simulate(*words):
    settings = [part for word in words for part in ("--set", word)]
    with lab.Run(str(FILE), "--no-report", *settings) as run:
        return run.result["virtual"]


class PathMtu(unittest.TestCase):
    def sent(self, virtual):
        self.assertEqual(virtual["ike"]["completed"], 4)
        self.assertEqual(virtual["esp"]["sent_packets"], SENT)
        return virtual["esp"]

    def learnt(self, *words):
        """Of each direction one packet is lost in the middle, one refused at the tunnel."""
        virtual = simulate(*words)
        esp = self.sent(virtual)
        self.assertEqual(virtual["net"]["dropped"]["mtu"], 8)
        self.assertEqual(esp["path_mtu"]["lowered"], 8)
        self.assertEqual(esp["path_mtu"]["too_big_packets"], 8)
        self.assertEqual(esp["dropped"]["unsent"], 8)
        self.assertEqual(esp["delivered_packets"], SENT - 16)
        self.assertEqual(virtual["net"]["fragments_made"], 0)
        return esp

    def test_packets_with_df_get_smaller(self):
        esp = self.learnt()
        # 1300 less IP, SPI, sequence number, IV and ICV is 1248: 1246 bytes and the trailer.
        self.assertEqual(esp["delivered_bytes"], (SENT - 16) * 1246)
        self.assertEqual(sum(v for k, v in esp["path_mtu"].items()), 16)

    def test_ignored_it_is_a_black_hole(self):
        virtual = simulate("child.path_mtu_discovery=false")
        esp = self.sent(virtual)
        self.assertEqual(esp["delivered_packets"], 0)
        self.assertEqual(virtual["net"]["dropped"]["mtu"], SENT)
        self.assertEqual(esp["path_mtu"]["ignored"], SENT)
        self.assertEqual(esp["path_mtu"]["lowered"], 0)

    def test_routers_that_say_nothing_are_a_black_hole(self):
        virtual = simulate("nodes.near.icmp_errors=false", "nodes.far.icmp_errors=false")
        esp = self.sent(virtual)
        self.assertEqual(esp["delivered_packets"], 0)
        self.assertEqual(virtual["net"]["dropped"]["mtu"], SENT)
        self.assertNotIn("path_mtu", esp)

    def test_the_own_link_says_nothing_and_is_known(self):
        """All links but the middle one are narrow: nobody else could tell, and no packet dies."""
        for words in ((), ("child.path_mtu_discovery=false",)):
            virtual = simulate(*(f"links.{link}.mtu={mtu}" for link, mtu in (
                ("access", "1300B"), ("middle", "1500B"), ("core", "1300B"))), *words)
            esp = self.sent(virtual)
            self.assertEqual(virtual["net"]["dropped"]["mtu"], 0)
            self.assertEqual(esp["path_mtu"]["lowered"], 0)
            self.assertEqual(esp["path_mtu"]["too_big_packets"], 8) # one of each direction
            self.assertEqual(esp["delivered_bytes"], (SENT - 8) * 1246)

    def test_behind_nat(self):
        words = ("nodes.box={role: nat, one_per: {homes: 2}}", "links.access={sides: [homes, box]}",
                 "links.street={sides: [box, near], delay: 5ms}")
        esp = self.learnt(*words)
        self.assertEqual(esp["delivered_bytes"], (SENT - 16) * 1238)  # and a UDP header

    def test_with_processors(self):
        self.learnt("nodes.gw.cpu={cores: 2}")

    def test_ipv6_outside(self):
        self.learnt("nodes.gw.address=2001:db8::1", "nodes.homes.addresses=2001:db8:1::/64",
                    "nodes.near.address=2001:db8:2::1", "nodes.far.address=2001:db8:2::2")

    def test_it_is_tried_again_after_ten_minutes(self):
        esp = self.sent(simulate("stop_time=20min", "traffic.talk.for=1000s",
                                 "traffic.talk.packet_rate=0.1/s"))
        self.assertEqual(esp["path_mtu"]["lowered"], 16)

    def test_cut_before_esp(self):
        virtual = simulate("child.fragment_before=true", "traffic.talk.df=false")
        esp = self.sent(virtual)
        self.assertEqual(esp["path_mtu"]["cut_packets"], SENT - 8)
        self.assertEqual(esp["delivered_packets"], SENT - 8)
        self.assertEqual(esp["delivered_bytes"], (SENT - 8) * 1400)
        self.assertEqual(virtual["net"]["fragments_made"], 0)

    def test_cut_after_esp(self):
        virtual = simulate("traffic.talk.df=false")
        esp = self.sent(virtual)
        self.assertNotIn("path_mtu", esp)
        self.assertEqual(esp["delivered_packets"], SENT)
        self.assertEqual(virtual["net"]["fragments_made"], SENT)

    def test_pieces_that_are_lost_lose_the_packet(self):
        virtual = simulate("child.fragment_before=true", "traffic.talk.df=false",
                           "links.core={sides: [far, gw], delay: 5ms, loss: {random: 5%}}")
        esp = self.sent(virtual)
        lost = SENT - esp["delivered_packets"]
        self.assertGreater(lost, SENT * 0.05)
        self.assertLess(lost, SENT * 0.17)

    def test_padding(self):
        small = ("traffic.talk.df=false", "traffic.talk.size=100B")
        plain, padded, to_mtu = (
            simulate(*small, *words)
            for words in ((), ("child.tfc_padding=1200B",),
                          ("child.tfc_padding=mtu", "links.middle.mtu=1500B")))
        for virtual in (plain, padded, to_mtu):
            self.assertEqual(self.sent(virtual)["delivered_bytes"], SENT * 100)
            self.assertEqual(virtual["net"]["fragments_made"], 0)
        ike = plain["net"]["sent_bytes"] - SENT * 156
        self.assertEqual(padded["net"]["sent_bytes"], ike + SENT * 1256)
        self.assertEqual(to_mtu["net"]["sent_bytes"], ike + SENT * 1500)

    def test_a_pair_of_addresses(self):
        """SINGLE_PAIR_REQUIRED, a child for the first pair, and then one that a packet asks for."""
        virtual = simulate("traffic.talk.df=false", "nodes.gw.protects=[10.1.0.0/24]",
                           "nodes.homes.child={remote_ts: [10.1.0.0/28]}",
                           "nodes.gw.child={single_pair: true}")
        esp = self.sent(virtual)
        self.assertGreater(esp["dropped"]["unsent"], 0)
        self.assertLessEqual(esp["dropped"]["unsent"], 16)
        self.assertEqual(esp["delivered_packets"], SENT - esp["dropped"]["unsent"])
        self.assertEqual(virtual["hosts"]["gw"]["child_sas"], 2 * 4)


if __name__ == "__main__":
    lab.main()
