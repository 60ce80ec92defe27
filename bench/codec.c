/*
 * codec: reading and writing whole messages (bench/codec_messages.h) with the readers and writers
 * that an endpoint uses, from the first byte of the header to the last payload; of SK everything
 * but the cipher. The bound is copying as many bytes.
 *
 *   codec/read/MESSAGE    header, chain of payloads, every body taken apart and checked
 *   codec/write/MESSAGE   the same from what was read, byte for byte
 *
 * MESSAGE: ike_sa_init, ike_sa_init_response, ike_auth, ike_auth_cert (requests but for one).
 */
#include "bench/codec_messages.h"
#include "bench/ends.h"
#include "bench/row.h"
#include "proto/wire/any.h"

#include <stdio.h>
#include <stdlib.h>

enum { BODIES_MAX = 16 };

/* row.number */
enum { DIRECTION, MESSAGE };
enum direction { READ, WRITE };

static const struct {
    const char *name;
    bool quick;
} messages[CODEC_MESSAGES] = {
    [CODEC_SA_INIT_REQUEST] = {"ike_sa_init", true},
    [CODEC_SA_INIT_RESPONSE] = {"ike_sa_init_response", false},
    [CODEC_AUTH_REQUEST] = {"ike_auth", true},
    [CODEC_AUTH_REQUEST_CERTIFICATE] = {"ike_auth_cert", true},
};

struct bench {
    enum direction direction;
    uint64_t operations;
    enum err error;
    size_t len;
    uint64_t seen; /* by readers, so that nothing they do is for nothing */
    bool sealed;
    struct message_view outer, inner;
    const struct message_view *view;      /* of the payloads: one of the two */
    union any_payload bodies[BODIES_MAX]; /* of these payloads */
    uint8_t message[ENDS_DATAGRAM_MAX], out[ENDS_DATAGRAM_MAX];
};

/* As proto/core/select.c goes through an offer: without keeping it. */
static enum err sa_look(struct bytes body, uint64_t *seen)
{
    struct sa_walk walk;
    struct sa_proposal proposal;
    struct sa_transform transform;

    sa_open(&walk, body);
    while (sa_next(&walk, &proposal)) {
        struct sa_transform_walk inside;
        enum err e;

        sa_transform_open(&inside, &proposal);
        while (sa_transform_next(&inside, &transform))
            *seen += transform.id;
        e = sa_transform_close(&inside);
        if (e != OK)
            return e;
    }
    return sa_close(&walk);
}

static enum err bodies_read(struct bench *b)
{
    union any_payload body;
    enum err e = OK;

    for (unsigned i = 0; i < b->view->count && e == OK; i++) {
        const struct payload_view *p = &b->view->payloads[i];

        if (p->type == PAYLOAD_SA)
            e = sa_look(p->body, &b->seen);
        else
            e = any_read(p->type, p->body, &body);
    }
    return e;
}

static enum err read_once(struct bench *b)
{
    enum err e = message_read(bytes_of(b->message, b->len), &b->outer);

    if (e == OK && b->sealed) {
        struct sk_area area;
        struct bytes chain;

        e = sk_read(&b->outer, &codec_sk_sizes, &area);
        if (e == OK)
            e = sk_strip(&area, &chain);
        if (e == OK)
            e = payload_chain_read(chain, b->outer.inner_type, &b->inner);
    }
    return e == OK ? bodies_read(b) : e;
}

static enum err write_once(struct bench *b, struct bytes *message)
{
    struct message_writer w;
    struct sk_area area;

    message_begin(&w, (struct buf){.data = b->out, .cap = sizeof b->out}, &b->outer.header);
    if (b->sealed)
        sk_begin(&w, &codec_sk_sizes);
    for (unsigned i = 0; i < b->view->count; i++) {
        uint8_t type = b->view->payloads[i].type;

        any_write(type, payload_begin(&w, type), &b->bodies[i]);
        payload_end(&w);
    }
    return b->sealed ? sk_end(&w, &area, message) : message_end(&w, message);
}

/* IV and ICV are the cipher's: taken over, they leave what the codec has to do. */
static bool same_again(struct bench *b)
{
    struct bytes again;
    struct sk_area area;

    if (write_once(b, &again) != OK || again.len != b->len)
        return false;
    if (b->sealed && sk_read(&b->outer, &codec_sk_sizes, &area) == OK) {
        memcpy(b->out + (area.iv - b->message), area.iv, codec_sk_sizes.iv_len);
        memcpy(b->out + (area.icv - b->message), area.icv, codec_sk_sizes.icv_len);
    }
    return memcmp(b->out, b->message, b->len) == 0;
}

static enum err prepare(struct bench *b, enum codec_message message)
{
    enum err e = codec_message_make(message, b->message, &b->len);

    b->sealed = message == CODEC_AUTH_REQUEST || message == CODEC_AUTH_REQUEST_CERTIFICATE;
    b->view = b->sealed ? &b->inner : &b->outer;
    if (e == OK)
        e = read_once(b);
    if (e == OK && b->view->count > BODIES_MAX)
        e = ERR_FULL;
    for (unsigned i = 0; e == OK && i < b->view->count; i++)
        e = any_read(b->view->payloads[i].type, b->view->payloads[i].body, &b->bodies[i]);
    if (e == OK && !same_again(b))
        e = ERR_SYNTAX;
    return e;
}

static void *open_bench(struct row *row, const char **why)
{
    struct bench *b = calloc(1, sizeof *b);
    enum err e = b ? prepare(b, (enum codec_message)row->number[MESSAGE]) : ERR_MEMORY;

    if (e == OK) {
        b->direction = (enum direction)row->number[DIRECTION];
        snprintf(row->bound_row, sizeof row->bound_row, "%zu", b->len);
        return b;
    }
    *why = e == ERR_SYNTAX ? "what was read is not written again as it was" : err_text(e);
    free(b);
    return NULL;
}

static void repeat(void *state)
{
    struct bench *b = state;
    struct bytes message;

    for (uint64_t i = 0; i < b->operations && b->error == OK; i++)
        b->error = b->direction == READ ? read_once(b) : write_once(b, &message);
}

static enum err run_bench(void *state, uint64_t operations, double *value)
{
    struct bench *b = state;
    uint64_t ns = 0;

    b->operations = operations;
    measured(repeat, b, &ns);
    *value = (double)ns;
    return b->error;
}

static const struct family codec_family = {
    .name = "codec",
    .help = "reading and writing whole messages, without the cipher: read/MESSAGE write/MESSAGE",
    .open = open_bench,
    .run = run_bench,
    .close = free,
};

void codec_rows(struct rows *rows)
{
    static const char *const directions[] = {[READ] = "read", [WRITE] = "write"};

    for (uint32_t m = 0; m < CODEC_MESSAGES; m++)
        for (uint32_t d = READ; d <= WRITE; d++) {
            struct row *row =
                rows_add(rows, &codec_family, "codec/%s/%s", directions[d], messages[m].name);

            row->unit = "ns";
            row->bound_program = "ikelab-bound-copy";
            row->bound_name = "memcpy of as many bytes";
            row->quick = messages[m].quick;
            row->counted = true;
            row->number[DIRECTION] = d;
            row->number[MESSAGE] = m;
        }
}
