#!/usr/bin/python3
"""How simulated endpoints authenticate: every word of ike.auth with both providers, credentials
that are bad in each way, raw keys, groups that differ, look-ups that take time and their outage."""

import unittest

import lab

FILE = lab.ROOT / "tests/scenarios/edges.yaml"
WORDS = ["null", "rsa", "rsa/pss-sha512", "rsa-sha256", "ecdsa", "ecdsa-256", "ecdsa-384",
         "ecdsa-521", "ed25519", "ed448"]
SHORT = ["traffic={}", "pki.rsa_keys=1"]
LOOKUP = "nodes.gw.ike.lookup={latency: 50ms, jitter: 10ms, timeout: 1s}"
SLOW_LOOKUP = "nodes.gw.ike.lookup={latency: 50ms, timeout: 1s, on_timeout: %s}"
OUTAGE = "events=[{at: 0s, for: 200ms, nodes: gw, do: lookup_outage}]"


def simulate(*words):
    settings = [part for word in [*SHORT, *words] for part in ("--set", word)]
    with lab.Run(str(FILE), "--no-report", *settings) as run:
        return run.result


class Authentication(unittest.TestCase):
    def all_connect(self, *words):
        result = simulate(*words)
        ike = result["virtual"]["ike"]
        self.assertEqual((ike["completed"], ike["failed"], ike["pending"]), (10, 0, 0), words)
        return result

    def refused(self, count, *words):
        result = simulate(*words)
        ike = result["virtual"]["ike"]
        self.assertEqual(ike["failed_by"], {"authentication_failed": count}, words)
        self.assertEqual((ike["completed"], ike["pending"]), (10 - count, 0), words)
        return result

    def test_every_word_with_both_providers(self):
        for word in WORDS:
            with self.subTest(word=word):
                real = self.all_connect(f"ike.auth={word}")
                modelled = self.all_connect(f"ike.auth={word}", "crypto=modelled")
                self.assertEqual(real["security"]["ike"]["auth"], word)
                self.assertEqual(real["timeline_digest"], modelled["timeline_digest"])
                self.assertEqual(real["virtual"], modelled["virtual"])

    def test_null_may_be_written_with_quotes(self):
        self.assertEqual(self.all_connect('ike.auth="null"')["digest"],
                         self.all_connect("ike.auth=null")["digest"])

    def test_psk_says_nothing_of_certificates(self):
        security = self.all_connect()["security"]["ike"]
        self.assertEqual(security["auth"], "psk")
        self.assertNotIn("auth_form", security)

    def test_each_side_its_own_way(self):
        for homes, gw in (("ecdsa", "psk"), ("psk", "ed25519"), ("null", "rsa"), ("rsa", "ecdsa")):
            with self.subTest(homes=homes, gw=gw):
                result = self.all_connect(f"nodes.homes.ike.auth={homes}", f"nodes.gw.ike.auth={gw}")
                self.assertEqual(result["security"]["ike"]["auth"], f"homes {homes}, gw {gw}")

    def test_authorities_between(self):
        for count in range(4):
            for crl in ("off", "if-present", "required"):
                self.all_connect("ike.auth=ecdsa", f"pki.intermediates={count}", f"pki.crl={crl}")

    def test_bad_credentials_are_refused(self):
        for what in ("revoked", "expired", "not_yet_valid", "wrong_ca", "wrong_identity"):
            with self.subTest(what=what):
                self.refused(3, "ike.auth=ecdsa", f"pki.{what}=homes[2..4]")
                self.refused(10, "ike.auth=ed25519", f"pki.{what}=gw", "pki.intermediates=1")
        self.refused(2, "ike.auth=ecdsa", "pki.crl=required", 'pki.revoked=["homes[0]", "homes[9]"]')

    def test_nobody_looks_at_a_crl(self):
        self.all_connect("ike.auth=ecdsa", "pki.crl=off", "pki.revoked=homes[0]")

    def test_certificates_expire_during_the_run(self):
        # Home n asks at n seconds; the second in which a certificate ends is not of its life.
        result = simulate("ike.auth=ecdsa", "pki.lifetime=2s", "nodes.homes.arrivals.fixed=1/s")
        self.assertEqual(result["virtual"]["ike"]["completed"], 2)
        self.assertEqual(result["virtual"]["ike"]["failed_by"], {"authentication_failed": 8})

    def test_raw_keys(self):
        for word in ("ecdsa", "rsa", "ed448"):
            raw = self.all_connect(f"ike.auth={word}", "pki.form=raw-keys")
            self.assertEqual(raw["security"]["ike"]["auth_form"], "raw keys")
        self.refused(3, "ike.auth=ecdsa", "pki.form=raw-keys", "pki.revoked=homes[0..1]",
                     "pki.wrong_identity=homes[2]")

    def test_what_is_not_sent_is_not_known(self):
        self.refused(10, "ike.auth=ecdsa", "ike.send_cert=never")
        self.all_connect("ike.auth=ecdsa", "ike.send_cert=always")

    def test_look_ups_take_time(self):
        fast = self.all_connect("ike.auth=ecdsa")["virtual"]
        for cpu in ([], ["nodes.gw.cpu={cores: 1}"]):
            slow = self.all_connect("ike.auth=ecdsa", LOOKUP, *cpu)["virtual"]
            look_ups = slow["hosts"]["gw"]["look_ups"]
            self.assertEqual((look_ups["started"], look_ups["timed_out"]), (10, 0))
            self.assertGreaterEqual(look_ups["wait_s"]["min"], 0.04)
            self.assertLessEqual(look_ups["wait_s"]["max"], 0.0601)
            self.assertGreater(slow["ike"]["setup_time_s"]["min"],
                               fast["ike"]["setup_time_s"]["max"] + 0.04)

    def test_look_ups_at_both_ends(self):
        hosts = self.all_connect("ike.lookup={latency: 50ms}")["virtual"]["hosts"]
        self.assertEqual([hosts[h]["look_ups"]["started"] for h in ("homes", "gw")], [10, 10])

    def test_an_answer_that_comes_too_late(self):
        late = "nodes.gw.ike.lookup={latency: 50ms, timeout: 20ms, on_timeout: %s}"
        refused = self.refused(10, late % "refuse")["virtual"]["hosts"]["gw"]["look_ups"]
        self.assertEqual((refused["timed_out"], refused["refused"]), (10, 10))
        self.assertEqual(refused["wait_s"]["max"], 0.02)
        taken = self.all_connect(late % "accept")["virtual"]["hosts"]["gw"]["look_ups"]
        self.assertEqual((taken["timed_out"], taken["refused"]), (10, 0))

    def test_an_outage_hits_what_waits_and_what_comes(self):
        # Home n is looked up at 30 + 50n ms. The second outage begins when home 2 (130 ms) waits,
        # and ends when home 3 (180 ms) does.
        for events, hit in ((OUTAGE, 4),
                            ("events=[{at: 140ms, for: 50ms, nodes: gw, do: lookup_outage}]", 2)):
            refused = self.refused(hit, SLOW_LOOKUP % "refuse", events)["virtual"]
            self.assertEqual(refused["hosts"]["gw"]["look_ups"]["timed_out"], hit)
            self.all_connect(SLOW_LOOKUP % "accept", events)
        busy = ["nodes.gw.cpu={cores: 1}", "ike.auth=ecdsa", OUTAGE]
        real = simulate(SLOW_LOOKUP % "accept", *busy)
        modelled = simulate(SLOW_LOOKUP % "accept", "crypto=modelled", *busy)
        self.assertEqual(real["virtual"], modelled["virtual"])

    def test_a_crash_forgets_look_ups(self):
        for cpu in ([], ["nodes.gw.cpu={cores: 1}"]):
            virtual = simulate(SLOW_LOOKUP % "refuse", *cpu, "stop_time=60s",
                               "events=[{at: 0s, for: 1s, nodes: gw, do: lookup_outage}, "
                               "{at: 700ms, nodes: gw, do: reboot, for: 100ms}]")["virtual"]
            self.assertEqual(virtual["ike"]["completed"], 10)
            self.assertEqual(virtual["hosts"]["gw"]["look_ups"]["wait_s"]["count"], 10)


if __name__ == "__main__":
    lab.main()
