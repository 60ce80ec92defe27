#include "proto/wire/sa.h"

#include "base/assert.h"

enum {
    LAST = 0,
    SUBSTRUCTURE_HEADER_LEN = 4,
    TRANSFORM_LEN = 8, /* attributes not counted */
    KEY_LENGTH_LEN = 4,
    ATTRIBUTE_TV = 0x8000, /* AF bit: the value stands in place of a length */
};

void sa_open(struct sa_walk *walk, struct bytes body)
{
    *walk = (struct sa_walk){0};
    reader_init(&walk->r, body);
    if (body.len == 0)
        reader_fail(&walk->r, ERR_SYNTAX); /* RFC 7296 §3.3: one or more proposals */
}

/* RFC 7296 §3.3.1, §2.6, §1.3: IKE has 8 bytes in a rekey and none at first; AH and ESP have 4. */
static bool spi_size_allowed(uint8_t protocol, size_t size)
{
    switch (protocol) {
    case SA_PROTOCOL_IKE:
        return size == 0 || size == 8;
    case SA_PROTOCOL_AH:
    case SA_PROTOCOL_ESP:
        return size == 4;
    default:
        return true;
    }
}

struct reader sa_substructure(struct reader *r, enum sa_substructure more, bool *last)
{
    const uint8_t *header = reader_take(r, SUBSTRUCTURE_HEADER_LEN);
    uint16_t len = header ? load_be16(header + 2) : 0;

    *last = !header || header[0] == LAST;
    if (header && !*last && header[0] != (uint8_t)more)
        reader_fail(r, ERR_SYNTAX);
    else if (header && (len < SUBSTRUCTURE_HEADER_LEN ||
                        (size_t)len - SUBSTRUCTURE_HEADER_LEN > reader_left(r)))
        reader_fail(r, ERR_LENGTH);
    return reader_sub(r, r->error == OK ? len - (size_t)SUBSTRUCTURE_HEADER_LEN : 0);
}

/* RFC 7296 §3.3.1: ... | Proposal Num (8) | Protocol ID (8) | SPI Size (8) | Num Transforms (8) |
 * SPI | transforms */
bool sa_next(struct sa_walk *walk, struct sa_proposal *p)
{
    struct reader *r = &walk->r;
    struct reader sub;
    size_t spi_size;

    *p = (struct sa_proposal){0};
    if (walk->last || r->error != OK)
        return false;
    sub = sa_substructure(r, SA_MORE_PROPOSALS, &walk->last);
    p->number = reader_u8(&sub);
    p->protocol = reader_u8(&sub);
    spi_size = reader_u8(&sub);
    p->transform_count = reader_u8(&sub);
    p->spi = reader_bytes(&sub, spi_size);
    p->transforms = reader_rest(&sub);
    if (sub.error != OK)
        reader_fail(r, sub.error == ERR_TRUNCATED ? ERR_LENGTH : sub.error);
    else if (!spi_size_allowed(p->protocol, spi_size))
        reader_fail(r, ERR_SYNTAX);
    return r->error == OK;
}

enum err sa_close(const struct sa_walk *walk)
{
    if (reader_end(&walk->r) == OK && !walk->last)
        return ERR_TRUNCATED; /* "more proposals", and none follows */
    return reader_end(&walk->r);
}

void sa_transform_open(struct sa_transform_walk *walk, const struct sa_proposal *p)
{
    *walk = (struct sa_transform_walk){.left = p->transform_count, .last = p->transform_count == 0};
    reader_init(&walk->r, p->transforms);
}

/* RFC 7296 §3.3.5: AF (1) Attribute Type (15) | Length or Value (16) | Value */
static void read_attributes(struct reader *r, struct sa_transform *t)
{
    const uint8_t *start = r->at;
    size_t len = reader_left(r);
    bool plain = true;

    if (r->error != OK || len == 0) /* as in most */
        return;
    while (r->error == OK && reader_left(r) > 0) {
        uint16_t type = reader_u16(r);
        uint16_t value = reader_u16(r);

        if (type == (ATTRIBUTE_TV | ATTRIBUTE_KEY_LENGTH) && t->key_bits == 0 && value != 0) {
            t->key_bits = value;
            continue;
        }
        plain = false;
        if (!(type & ATTRIBUTE_TV))
            reader_skip(r, value);
    }
    if (r->error == OK && !plain)
        t->attributes = bytes_of(start, len);
}

/* RFC 7296 §3.3.2: ... | Transform Type (8) | RESERVED (8) | Transform ID (16) | attributes */
bool sa_transform_next(struct sa_transform_walk *walk, struct sa_transform *t)
{
    struct reader *r = &walk->r;
    struct reader sub;
    const uint8_t *fixed;

    *t = (struct sa_transform){0};
    if (walk->last || r->error != OK)
        return false;
    if (reader_left(r) == 0) {
        reader_fail(r, ERR_SYNTAX); /* Num Transforms lies */
        return false;
    }
    sub = sa_substructure(r, SA_MORE_TRANSFORMS, &walk->last);
    fixed = reader_take(&sub, TRANSFORM_LEN - SUBSTRUCTURE_HEADER_LEN);
    if (fixed) {
        t->type = fixed[0];
        t->id = load_be16(fixed + 2);
    }
    read_attributes(&sub, t);
    if (sub.error != OK)
        reader_fail(r, sub.error == ERR_TRUNCATED ? ERR_LENGTH : sub.error);
    else if (walk->left-- == 0 || (walk->last && walk->left != 0))
        reader_fail(r, ERR_SYNTAX); /* so it does here */
    return r->error == OK;
}

enum err sa_transform_close(const struct sa_transform_walk *walk)
{
    if (reader_end(&walk->r) == OK && !walk->last)
        return ERR_SYNTAX;
    return reader_end(&walk->r);
}

static enum err read_transforms(struct sa_payload *sa, const struct sa_proposal *p)
{
    struct sa_transform_walk walk;
    struct sa_transform t;

    sa_transform_open(&walk, p);
    while (sa_transform_next(&walk, &t)) {
        if (sa->transform_total == SA_TRANSFORMS_MAX)
            return ERR_FULL;
        sa->transforms[sa->transform_total++] = t;
    }
    return sa_transform_close(&walk);
}

enum err sa_read(struct bytes body, struct sa_payload *sa)
{
    struct sa_walk walk;
    struct sa_proposal p;

    sa_init(sa);
    sa_open(&walk, body);
    while (sa_next(&walk, &p)) {
        enum err e;

        if (sa->count == SA_PROPOSALS_MAX)
            return ERR_FULL;
        sa->first[sa->count] = (uint16_t)sa->transform_total;
        sa->proposals[sa->count++] = p;
        e = read_transforms(sa, &p);
        if (e != OK)
            return e;
    }
    return sa_close(&walk);
}

enum err sa_check_offer(const struct sa_payload *sa)
{
    for (unsigned i = 0; i < sa->count; i++)
        if (sa->proposals[i].number != i + 1)
            return ERR_SYNTAX;
    return sa->count ? OK : ERR_SYNTAX;
}

enum err sa_check_answer(const struct sa_payload *sa)
{
    if (sa->count != 1 || sa->proposals[0].transform_count == 0)
        return ERR_SYNTAX;
    for (unsigned i = 0; i < sa->transform_total; i++)
        for (unsigned j = 0; j < i; j++)
            if (sa->transforms[i].type == sa->transforms[j].type)
                return ERR_SYNTAX;
    return OK;
}

void sa_init(struct sa_payload *sa)
{
    sa->count = sa->transform_total = 0;
}

enum err sa_add_proposal(struct sa_payload *sa, uint8_t number, uint8_t protocol, struct bytes spi)
{
    ASSERT(spi.len <= UINT8_MAX);
    if (sa->count == SA_PROPOSALS_MAX)
        return ERR_FULL;
    sa->first[sa->count] = (uint16_t)sa->transform_total;
    sa->proposals[sa->count++] =
        (struct sa_proposal){.number = number, .protocol = protocol, .spi = spi};
    return OK;
}

enum err sa_add_transform(struct sa_payload *sa, uint8_t type, uint16_t id, uint16_t key_bits)
{
    ASSERT(sa->count > 0);
    if (sa->transform_total == SA_TRANSFORMS_MAX ||
        sa->proposals[sa->count - 1].transform_count == UINT8_MAX)
        return ERR_FULL;
    sa->transforms[sa->transform_total++] =
        (struct sa_transform){.type = type, .id = id, .key_bits = key_bits};
    sa->proposals[sa->count - 1].transform_count++;
    return OK;
}

static void write_transform(struct writer *w, const struct sa_transform *t, bool last)
{
    bool key_length = t->attributes.len == 0 && t->key_bits != 0;
    size_t len = TRANSFORM_LEN + (key_length ? KEY_LENGTH_LEN : t->attributes.len);
    uint8_t *at = writer_reserve(w, len);

    if (!at)
        return;
    at[0] = last ? LAST : SA_MORE_TRANSFORMS;
    at[1] = 0;
    store_be16(at + 2, (uint16_t)len);
    at[4] = t->type;
    at[5] = 0;
    store_be16(at + 6, t->id);
    if (key_length) {
        store_be16(at + 8, ATTRIBUTE_TV | ATTRIBUTE_KEY_LENGTH);
        store_be16(at + 10, t->key_bits);
    } else if (t->attributes.len > 0) {
        memcpy(at + TRANSFORM_LEN, t->attributes.data, t->attributes.len);
    }
}

static void write_proposal(struct writer *w, const struct sa_payload *sa, unsigned i)
{
    const struct sa_proposal *p = &sa->proposals[i];
    uint8_t *mark;

    writer_u8(w, i + 1 == sa->count ? LAST : SA_MORE_PROPOSALS);
    writer_u8(w, 0);
    mark = writer_mark_u16(w);
    writer_u8(w, p->number);
    writer_u8(w, p->protocol);
    writer_u8(w, (uint8_t)p->spi.len);
    writer_u8(w, p->transform_count);
    writer_bytes(w, p->spi);
    for (unsigned t = 0; t < p->transform_count; t++)
        write_transform(w, &sa->transforms[sa->first[i] + t], t + 1 == p->transform_count);
    writer_close_u16(w, mark, 4);
}

void sa_write(struct writer *w, const struct sa_payload *sa)
{
    for (unsigned i = 0; i < sa->count; i++)
        write_proposal(w, sa, i);
}
