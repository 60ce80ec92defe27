#include "crypto/asn1_text.h"

#include "crypto/x509_cert.h"

#include <openssl/x509.h>

static bool print_name(X509_NAME *name, char *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int len = -1;

    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ) >= 0)
        len = BIO_read(bio, out, ASN1_TEXT_MAX - 1);
    BIO_free(bio);
    out[len > 0 ? len : 0] = 0;
    return len > 0;
}

bool asn1_name_text(struct bytes der, char *out)
{
    const unsigned char *at = der.data;
    X509_NAME *name = NULL;
    bool done = false;

    out[0] = 0;
    if (der.len > 0 && der.len <= CERT_DER_MAX)
        name = d2i_X509_NAME(NULL, &at, (long)der.len);
    if (name && at == der.data + der.len)
        done = print_name(name, out);
    X509_NAME_free(name);
    ERR_clear_error();
    return done;
}

bool asn1_algorithm_text(struct bytes der, char *out)
{
    const unsigned char *at = der.data;
    const ASN1_OBJECT *oid = NULL;
    X509_ALGOR *algorithm = NULL;
    bool done = false;

    out[0] = 0;
    if (der.len > 0 && der.len <= UINT8_MAX)
        algorithm = d2i_X509_ALGOR(NULL, &at, (long)der.len);
    if (algorithm && at == der.data + der.len) {
        X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
        done = OBJ_obj2txt(out, ASN1_TEXT_MAX, oid, 0) > 0;
    }
    X509_ALGOR_free(algorithm);
    ERR_clear_error();
    return done;
}
