/* Names in DER as text, for people: nothing is decided by them. */
#ifndef CRYPTO_ASN1_TEXT_H
#define CRYPTO_ASN1_TEXT_H

#include "base/bytes.h"
#include "crypto/x509.h"

enum { ASN1_TEXT_MAX = 512 /* with the final NUL; what is longer is cut */ };

/**
 * A Name of X.509 (RFC 5280) in the order of the certificate: "C=CH, O=Example, CN=gw". Control
 * characters and bytes above ASCII are escaped.
 * @param[out] out  ASN1_TEXT_MAX bytes
 * @return false if it is none, or bytes follow it; out is empty
 */
bool asn1_name_text(struct bytes der, char *out) MUST_USE;

/** The algorithm of an AlgorithmIdentifier, as AUTH has it: a name, or a dotted OID. */
bool asn1_algorithm_text(struct bytes der, char *out) MUST_USE;

#endif
