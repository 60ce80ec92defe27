"""Certificates for these tests: made anew by openssl for every run, deleted with its folder."""
import os

import lab

KINDS = {"rsa": ["-newkey", "rsa:2048"],
         "ecdsa": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
         "ed25519": ["-newkey", "ed25519"]}
EXTENSIONS = """subjectAltName = DNS:{id}
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
"""


def make(folder, kind):
    """ca.crt and for each side SIDE.crt and SIDE.key, all of one kind of key; their folder."""
    folder = os.path.join(folder, kind)
    os.makedirs(folder)
    key = [*KINDS[kind], "-nodes"]
    at = lambda name: os.path.join(folder, name)
    lab.sh("openssl", "req", "-x509", *key, "-keyout", at("ca.key"), "-out", at("ca.crt"),
           "-days", "2", "-subj", f"/O=Ikelab tests/CN={kind} CA",
           "-addext", "basicConstraints=critical,CA:true",
           "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    for side, name in (("ours", lab.OUR_ID), ("peer", lab.PEER_ID)):
        with open(at("ext"), "w", encoding="ascii") as f:
            f.write(EXTENSIONS.format(id=name))
        lab.sh("openssl", "req", *key, "-keyout", at(side + ".key"), "-out", at("csr"),
               "-subj", f"/O=Ikelab tests/CN={name}")
        lab.sh("openssl", "x509", "-req", "-in", at("csr"), "-CA", at("ca.crt"), "-CAkey",
               at("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", at("ext"),
               "-out", at(side + ".crt"))
    return folder
