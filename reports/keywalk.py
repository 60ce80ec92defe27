"""keys.jsonl as the walk SKEYSEED -> SK_* -> KEYMAT: formulas, values, and which key opens whose
messages. Both ends tell their copies; equal ones become one entry."""

import json

from run import RunError

FORMULAS = [
    {"name": "SKEYSEED", "when": "initial", "rfc": "RFC 7296 §2.14",
     "text": "SKEYSEED = prf(Ni | Nr, g^ir)"},
    {"name": "SKEYSEED", "when": "rekey", "rfc": "RFC 7296 §2.18",
     "text": "SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr)"},
    {"name": "SK_*", "when": "ike", "rfc": "RFC 7296 §2.14",
     "text": "{SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} "
             "= prf+(SKEYSEED, Ni | Nr | SPIi | SPIr)"},
    {"name": "KEYMAT", "when": "child", "rfc": "RFC 7296 §2.17",
     "text": "KEYMAT = prf+(SK_d, Ni | Nr), or with a key exchange of its own "
             "prf+(SK_d, g^ir (new) | Ni | Nr)"},
    {"name": "SKEYID", "when": "ikev1", "rfc": "RFC 2409 §5",
     "text": "SKEYID = prf(pre-shared key, Ni | Nr); with signatures prf(Ni | Nr, g^xy)"},
    {"name": "SKEYID_*", "when": "ikev1", "rfc": "RFC 2409 §5",
     "text": "SKEYID_d = prf(SKEYID, g^xy | CKY-I | CKY-R | 0), "
             "SKEYID_a = prf(SKEYID, SKEYID_d | g^xy | CKY-I | CKY-R | 1), "
             "SKEYID_e = prf(SKEYID, SKEYID_a | g^xy | CKY-I | CKY-R | 2)"},
    {"name": "encryption", "when": "ikev1", "rfc": "RFC 2409 appendix B",
     "text": "The first octets of SKEYID_e, or where it is too short of "
             "prf(SKEYID_e, 0) | prf(SKEYID_e, that) | ..."},
    {"name": "KEYMAT", "when": "quick", "rfc": "RFC 2409 §5.5",
     "text": "KEYMAT = prf(SKEYID_d, [g(qm)^xy |] protocol | SPI | Ni | Nr) and so on: by SPI, so "
             "each direction has its own"},
]
INITIAL, REKEY, IKE, CHILD, SKEYID, V1_IKE, V1_CIPHER, V1_CHILD = range(8)
V1_FORMULAS = {"SKEYID": SKEYID, "encryption": V1_CIPHER}
OPENS = {
    "SKEYSEED": "", "SK_d": "derives the keys of child SAs and of the next IKE SA",
    "SK_ei": "encryption of what the original initiator sends",
    "SK_er": "encryption of what the original responder sends",
    "SK_ai": "integrity of what the original initiator sends",
    "SK_ar": "integrity of what the original responder sends",
    "SK_pi": "AUTH payload of the initiator (RFC 7296 §2.15)",
    "SK_pr": "AUTH payload of the responder (RFC 7296 §2.15)",
    "encryption": "encryption of ESP packets with this SPI, key and salt",
    "integrity": "integrity of ESP packets with this SPI",
}
V1_OPENS = {
    "SKEYID": "HASH_I and HASH_R of phase 1", "SKEYID_d": "derives the keys of child SAs",
    "SKEYID_a": "HASH payloads of phase 2", "SKEYID_e": "derives the key of the cipher",
    "encryption": "encryption of what both ends send",
}


class Keys:
    """Read with `node`, which makes an index of a name, then completed from the SAs."""

    def __init__(self, path, node):
        self.ike, self.children = [], []
        self.ike_rows, self.child_rows = {}, {}
        self.node = node
        self.takers = {"ike": self.take_ike, "ikev1": self.take_ikev1, "child": self.take_child}
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    row = json.loads(line)
                    self.takers[row["kind"]](row)
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise RunError(f"{path}:{number}: {type(error).__name__}: {error}; "
                                   "try: run the scenario again") from error

    def take_ike(self, row):
        entry = {"spi_i": row["spi_i"], "spi_r": row["spi_r"], "t": row["t_ns"],
                 "nodes": [self.node(row["node"])], "encr": row["encr"], "integ": row["integ"],
                 "prf": row["prf"], "predecessor": -1, "differs": False,
                 "values": values(row["keys"], lambda name: INITIAL if name == "SKEYSEED" else IKE)}
        self.join(self.ike, self.ike_rows, (row["spi_i"], row["spi_r"]), entry)

    def take_ikev1(self, row):
        """One key for both directions; the cookies are the SPIs."""
        found = values(row["keys"], lambda name: V1_FORMULAS.get(name, V1_IKE), V1_OPENS)
        entry = {"spi_i": row["spi_i"], "spi_r": row["spi_r"], "t": row["t_ns"],
                 "nodes": [self.node(row["node"])], "encr": row["encr"], "integ": None,
                 "prf": row["prf"], "predecessor": -1, "differs": False, "version": 1,
                 "values": found}
        self.join(self.ike, self.ike_rows, (row["spi_i"], row["spi_r"]), entry)

    def take_child(self, row):
        entry = {"spi": row["spi"], "ike": -1, "t": row["t_ns"],
                 "nodes": [self.node(row["node"])], "source": row["source"],
                 "destination": row["destination"], "encr": row["encr"], "integ": row["integ"],
                 "esn": row["esn"], "initiator": None, "differs": False,
                 "values": values(row["keys"], lambda name: CHILD)}
        # Two SAs may choose one SPI; the other end comes under another address (NAT), so not by it.
        self.join(self.children, self.child_rows, (row["spi"], tuple(row["keys"].items())), entry)

    def join(self, entries, rows, key, entry):
        if key not in rows:
            rows[key] = len(entries)
            entries.append(entry)
            return
        first = entries[rows[key]]
        first["nodes"] += [node for node in entry["nodes"] if node not in first["nodes"]]
        if first["values"] != entry["values"]:
            first["differs"], first["others"] = True, entry["values"]

    def complete(self, predecessors, children):
        """What the keys do not tell themselves.

        predecessors: {initiator's SPI: that of the IKE SA before its rekey}
        children: {SPI: (initiator's SPI of the IKE SA, sent by the exchange's initiator or None)}
        """
        spis = {entry["spi_i"]: place for place, entry in enumerate(self.ike)}
        for entry in self.ike:
            if entry["spi_i"] in predecessors:
                entry["predecessor"] = spis.get(predecessors[entry["spi_i"]], -1)
                for value in entry["values"]:
                    if value["name"] == "SKEYSEED":
                        value["formula"] = REKEY
        for entry in self.children:
            sa, entry["initiator"] = children.get(entry["spi"], ("", None))
            entry["ike"] = spis.get(sa, -1)
            if entry["ike"] >= 0 and self.ike[entry["ike"]].get("version") == 1:
                for value in entry["values"]:
                    value["formula"] = V1_CHILD

    def place(self, place):
        """Nodes get the numbers of their lanes."""
        for entry in self.ike + self.children:
            entry["nodes"] = [int(place[node]) for node in entry["nodes"]]

    def island(self):
        return {"formulas": FORMULAS, "ike": self.ike, "children": self.children}


def values(keys, formula, opens=None):
    return [{"name": name, "hex": value, "bytes": len(bytes.fromhex(value)),
             "formula": formula(name), "opens": (opens or OPENS).get(name, "")}
            for name, value in keys.items()]
