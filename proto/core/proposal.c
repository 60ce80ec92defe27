/*
 * strongSwan's proposal notation, "aes256gcm16-prfsha256-x25519", read into struct
 * proposal_config (config.h). Which combinations are sound: RFC 7296 §3.3.2, §3.3.3; RFC 5282 §8.
 * Not here: classic proposals that name a whole preset ("default"), RSA or DH by bit length.
 */
#include "proto/core/config.h"

#include <string.h>

/* "aes256-sha256" has one keyword per hyphen; the list of one type keeps the order of preference.
 */
#define ADD(list, count, record) add((const void **)(list), &(count), (const void *)(record))

static enum err add(const void **list, uint8_t *count, const void *record)
{
    for (uint8_t i = 0; i < *count; i++)
        if (list[i] == record)
            return ERR_SYNTAX; /* named twice: a slip of the pen, not a preference */
    if (*count == TRANSFORMS_MAX)
        return ERR_SYNTAX;
    list[(*count)++] = record;
    return OK;
}

static bool word_is(struct bytes word, const char *text)
{
    return bytes_equal(word, bytes_text(text));
}

/*
 * ENCR_NULL must not protect an IKE SA (RFC 7296 §5), nor a cipher whose IV is a sequence number: a
 * message has none that never repeats (RFC 8750 §7).
 */
static enum err add_encr(struct proposal_config *p, const struct encr_suite *encr, bool ike)
{
    if (p->encr_count && p->encr[0]->aead != encr->aead)
        return ERR_SYNTAX; /* AEAD and others go into separate proposals: RFC 5282 §8 */
    if (ike && (encr->implicit_iv || (!encr->aead && encr->key_len == 0)))
        return ERR_SYNTAX;
    return ADD(p->encr, p->encr_count, encr);
}

static enum err add_esn(struct proposal_config *p, bool esn, bool ike)
{
    bool *field = esn ? &p->esn : &p->no_esn;

    if (ike || *field)
        return ERR_SYNTAX;
    *field = true;
    return OK;
}

static enum err add_word(struct proposal_config *p, struct bytes word, bool ike)
{
    const char *name = (const char *)word.data;
    const struct encr_suite *encr = encr_suite_named(name, word.len);
    const struct integ_suite *integ = integ_suite_named(name, word.len);
    const struct prf_suite *prf = prf_suite_named(name, word.len);
    const struct ke_suite *ke = ke_suite_named(name, word.len);

    if (encr)
        return add_encr(p, encr, ike);
    if (integ)
        return ADD(p->integ, p->integ_count, integ);
    if (prf)
        return ike ? ADD(p->prf, p->prf_count, prf) : ERR_SYNTAX;
    if (ke)
        return ADD(p->ke, p->ke_count, ke);
    if (word_is(word, "esn"))
        return add_esn(p, true, ike);
    if (word_is(word, "noesn"))
        return add_esn(p, false, ike);
    return ERR_UNSUPPORTED;
}

/* strongSwan: a proposal without a prf takes the one of each integrity algorithm. */
static enum err default_prf(struct proposal_config *p)
{
    char name[16] = "prf";

    for (uint8_t i = 0; i < p->integ_count; i++) {
        size_t len = strlen(p->integ[i]->name);
        const struct prf_suite *prf;
        enum err e;

        if (len > sizeof name - 4)
            return ERR_SYNTAX;
        memcpy(name + 3, p->integ[i]->name, len);
        prf = prf_suite_named(name, len + 3);
        if (!prf)
            return ERR_SYNTAX;
        e = ADD(p->prf, p->prf_count, prf);
        if (e)
            return e;
    }
    return OK;
}

/* What a proposal must and must not hold: RFC 7296 §3.3.3; AEAD: RFC 5282 §8, RFC 4106 §8.3. */
static enum err check(struct proposal_config *p, bool ike)
{
    if (!p->encr_count)
        return ERR_SYNTAX;
    if (p->encr[0]->aead != (p->integ_count == 0))
        return ERR_SYNTAX;
    if (!ike) {
        p->no_esn |= !p->esn; /* strongSwan's default: no extended sequence numbers */
        return OK;
    }
    if (!p->ke_count)
        return ERR_SYNTAX;
    if (!p->prf_count && default_prf(p))
        return ERR_SYNTAX;
    return p->prf_count ? OK : ERR_SYNTAX;
}

enum err proposal_parse(struct bytes text, bool ike, struct proposal_config *out, struct bytes *bad)
{
    struct proposal_config p = {0};
    struct bytes rest = text;
    enum err e;

    while (rest.len) {
        const uint8_t *hyphen = memchr(rest.data, '-', rest.len);
        struct bytes word = {rest.data, hyphen ? (size_t)(hyphen - rest.data) : rest.len};

        *bad = word;
        if (!word.len)
            return ERR_SYNTAX;
        e = add_word(&p, word, ike);
        if (e)
            return e;
        rest.data += word.len;
        rest.len -= word.len;
        if (!hyphen)
            break;
        rest.data++;
        rest.len--;
        if (!rest.len)
            return ERR_SYNTAX; /* a hyphen at the end */
    }
    *bad = text;
    e = check(&p, ike);
    if (!e)
        *out = p;
    return e;
}

uint32_t proposal_key_bytes(const struct proposal_config *p)
{
    uint32_t encr = 0, integ = 0;

    for (uint8_t i = 0; i < p->encr_count; i++) {
        uint32_t len = (uint32_t)p->encr[i]->key_len + p->encr[i]->salt_len;

        encr = len > encr ? len : encr;
    }
    for (uint8_t i = 0; i < p->integ_count; i++)
        integ = p->integ[i]->key_len > integ ? p->integ[i]->key_len : integ;
    return encr + integ;
}
