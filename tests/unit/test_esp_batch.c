/*
 * Batches of ESP packets do what the same packets do one by one: every suite, good packets and
 * every kind of bad one, drawn into batches of all sizes.
 */
#include "esp_pair.h"

enum { MOST = 70, ROUNDS = 20, WINDOW = 64, INNER_MAX = 300, KEY_ROOM = 64 };

/* What is done to a packet on its way. */
enum spoilt { GOOD, ICV, COPY, OLD, SHORT, SPI, PADDING, DUMMY, SPOILT_COUNT };

static const enum esp_cause cause_of[SPOILT_COUNT] = {
    [GOOD] = ESP_CAUSE_NONE,       [ICV] = ESP_CAUSE_ICV,         [COPY] = ESP_CAUSE_REPLAY,
    [OLD] = ESP_CAUSE_REPLAY,      [SHORT] = ESP_CAUSE_MALFORMED, [SPI] = ESP_CAUSE_NO_SA,
    [PADDING] = ESP_CAUSE_PADDING, [DUMMY] = ESP_CAUSE_DUMMY,
};

/* Two pairs with the same keys: one takes packets singly, the other in batches. */
struct worlds {
    struct pair_options options;
    struct esp_pair *single, *batch;
    struct store sent[MOST], old; /* as they left a */
    struct store one[MOST], many[MOST], before[MOST];
    enum spoilt how[MOST];
};

static void store_copy(struct store *to, const struct store *from)
{
    *to = *from;
    to->packet.data = to->bytes + (from->packet.data - from->bytes);
}

static struct worlds *worlds_make(const struct pair_options *o)
{
    struct worlds *w = calloc(1, sizeof *w);

    ck_assert_ptr_nonnull(w);
    w->options = *o;
    w->single = pair_make(o);
    w->batch = pair_make(o);
    return w;
}

static void worlds_free(struct worlds *w)
{
    pair_free(w->single);
    pair_free(w->batch);
    free(w);
}

/* Everything that results tell. */
static void must_count_the_same(const struct esp *x, const struct esp *y)
{
    for (int cause = 0; cause < ESP_CAUSE_COUNT; cause++)
        ck_assert_msg(x->dropped[cause] == y->dropped[cause], "%s", esp_cause_name(cause));
    ck_assert_uint_eq(x->sealed, y->sealed);
    ck_assert_uint_eq(x->sealed_bytes, y->sealed_bytes);
    ck_assert_uint_eq(x->opened, y->opened);
    ck_assert_uint_eq(x->opened_bytes, y->opened_bytes);
}

/* Seal `count` packets both ways; they must be the same, and so must the refusals. Odd batches are
 * looked up as well. */
static size_t seal_both(struct worlds *w, struct rng *r, size_t count)
{
    struct esp_pair *x = w->single, *y = w->batch;
    struct esp_sealing sealing[MOST] = {0};
    size_t sealed = 0;

    for (size_t i = 0; i < count; i++) {
        store_fill(&w->one[i], x->inner_a, x->inner_b, 28 + rng_u32(r) % INNER_MAX);
        if (rng_u32(r) % 16 == 0)
            w->one[i].packet.cap = w->one[i].packet.len; /* no room */
        if (rng_u32(r) % 16 == 0)
            w->one[i].packet.data[0] = 0x75; /* no IP packet */
        store_copy(&w->many[i], &w->one[i]);
        sealing[i] = (struct esp_sealing){.sa = pair_a(y), .packet = &w->many[i].packet};
        if (rng_u32(r) % 4 == 0) /* some are longer than that already */
            sealing[i].to = rng_u32(r) % (28 + INNER_MAX);
    }
    if (count % 2)
        esp_protect_batch(&y->a, y->user_a, sealing, count);
    else
        esp_seal_batch(&y->a, y->user_a, sealing, count);
    for (size_t i = 0; i < count; i++) {
        struct esp_outer outer;
        uint32_t used;
        enum err e = count % 2 ? esp_choose(&x->a, x->user_a, &w->one[i].packet, &used) : OK;

        if (e == OK)
            e = esp_seal_padded(&x->a, x->user_a, pair_a(x), &w->one[i].packet, sealing[i].to,
                                &outer);

        ck_assert_int_eq(sealing[i].result, e);
        ck_assert_uint_eq(w->one[i].packet.len, w->many[i].packet.len);
        ck_assert_uint_eq(w->one[i].packet.cap, w->many[i].packet.cap);
        ck_assert_mem_eq(w->one[i].bytes, w->many[i].bytes, sizeof w->one[i].bytes);
        if (e != OK)
            continue;
        ck_assert_uint_eq(sealing[i].outer.tos, outer.tos);
        ck_assert_uint_eq(sealing[i].outer.remote.port, outer.remote.port);
        store_copy(&w->sent[sealed++], &w->one[i]);
    }
    must_count_the_same(&x->a, &y->a);
    return sealed;
}

/* Opened with the SA's own keys, its last bytes changed, sealed again: a faulty peer's packet. */
static void another_trailer(const struct worlds *w, struct store *s, uint8_t pad_len,
                            uint8_t next_header)
{
    const struct pair_options *o = &w->options;
    struct rng r = rng_stream(7, o->encr->iana, RNG_TEST);
    uint8_t keys[4][KEY_ROOM], high[8] = {0}, aad[12];
    struct seal_key key = {o->encr, o->integ, keys[2], o->integ ? keys[3] : NULL};
    struct seal_op op = {.key = &key};
    struct crypto *c = w->single->crypto;
    size_t head = (size_t)ESP_HEADER_LEN + o->encr->iv_len;

    rng_fill(&r, keys, sizeof keys);
    memcpy(aad, s->packet.data, 4);
    memset(aad + 4, 0, 4);
    memcpy(aad + 8, s->packet.data + 4, 4);
    op.aad = o->esn && o->encr->aead ? bytes_of(aad, 12) : bytes_of(s->packet.data, 8);
    op.tail = o->esn && o->integ ? bytes_of(high, 4) : BYTES_NONE;
    op.iv = o->encr->implicit_iv ? aad + 4 : s->packet.data + ESP_HEADER_LEN;
    op.text = s->packet.data + head;
    op.text_len = s->packet.len - head - seal_icv_len(&key);
    op.icv = op.text + op.text_len;
    ck_assert_ok(c->class->open(c, &op));
    op.text[op.text_len - 2] = pad_len;
    op.text[op.text_len - 1] = next_header;
    ck_assert_ok(c->class->seal(c, &op));
}

static void spoil(struct worlds *w, struct rng *r, size_t i, size_t sealed)
{
    struct store *s = &w->one[i];

    store_copy(s, &w->sent[i]);
    w->how[i] = rng_u32(r) % 2 ? GOOD : (enum spoilt)(rng_u32(r) % SPOILT_COUNT);
    switch (w->how[i]) {
    case ICV:
        s->packet.data[s->packet.len - 1 - rng_u32(r) % (s->packet.len - 8)] ^= 0x10;
        break;
    case COPY:
        store_copy(s, &w->sent[rng_u32(r) % sealed]);
        break;
    case OLD:
        store_copy(s, &w->old);
        break;
    case SHORT:
        s->packet.len = rng_u32(r) % 12;
        break;
    case SPI:
        s->packet.data[3] ^= 1;
        break;
    case PADDING:
        another_trailer(w, s, 255, 4);
        break;
    case DUMMY:
        another_trailer(w, s, 0, 59);
        break;
    default:
        break;
    }
}

/* Nothing of a refused packet's text may be seen that did not come with it. */
static void unchanged_or_zeroed(const struct worlds *w, size_t i, const struct esp_opened *out)
{
    const struct store *s = &w->many[i], *before = &w->before[i];
    size_t from = (size_t)ESP_HEADER_LEN + w->options.encr->iv_len;

    if (out->authentic || s->packet.len < from) /* then the text is what the peer sent */
        return;
    ck_assert_ptr_eq(s->packet.data, s->bytes + (before->packet.data - before->bytes));
    for (size_t at = from; at < s->packet.len; at++)
        if (s->packet.data[at] != 0 && s->packet.data[at] != before->packet.data[at])
            ck_abort_msg("%s: text of a packet that was refused", w->options.encr->name);
}

static void open_both(struct worlds *w, size_t count, uint64_t seen[SPOILT_COUNT])
{
    struct esp_pair *x = w->single, *y = w->batch;
    struct esp_opening opening[MOST];

    for (size_t i = 0; i < count; i++) {
        store_copy(&w->many[i], &w->one[i]);
        store_copy(&w->before[i], &w->one[i]);
        opening[i] = (struct esp_opening){.in = pair_arrival(y, 0), .packet = &w->many[i].packet};
    }
    esp_open_batch(&y->b, y->user_b, opening, count);
    for (size_t i = 0; i < count; i++) {
        struct esp_arrival in = pair_arrival(x, 0);
        struct esp_opened out;
        enum err e = esp_open(&x->b, x->user_b, &in, &w->one[i].packet, &out);

        ck_assert_msg(out.drop == opening[i].opened.drop, "%s: %s instead of %s",
                      w->options.encr->name, esp_cause_name(opening[i].opened.drop),
                      esp_cause_name(out.drop));
        ck_assert_int_eq(opening[i].result, e);
        ck_assert_uint_eq(opening[i].opened.seq, out.seq);
        ck_assert_int_eq(opening[i].opened.authentic, out.authentic);
        ck_assert_int_eq(opening[i].opened.newest, out.newest);
        ck_assert_mem_eq(&opening[i].opened.sa, &out.sa, sizeof out.sa);
        /* With ESN one that is left of the window stands for a number that is yet to come. */
        seen[w->how[i]] += out.drop == cause_of[w->how[i]] ||
                           (w->how[i] == OLD && w->options.esn && out.drop == ESP_CAUSE_ICV);
        if (e != OK) {
            unchanged_or_zeroed(w, i, &opening[i].opened);
            continue;
        }
        ck_assert_uint_eq(w->one[i].packet.len, w->many[i].packet.len);
        ck_assert_mem_eq(w->one[i].packet.data, w->many[i].packet.data, w->one[i].packet.len);
    }
    must_count_the_same(&x->b, &y->b);
}

static void drawn_batches(const struct pair_options *o)
{
    static const size_t counts[] = {1, 2, 7, 31, 32, 33, MOST};
    struct worlds *w = worlds_make(o);
    struct rng r = rng_stream(11, o->encr->iana * 4U + o->real * 2U + o->esn, RNG_TEST);
    uint64_t seen[SPOILT_COUNT] = {0};

    for (int round = 0; round < ROUNDS; round++) {
        size_t count = counts[rng_u32(&r) % 7], sealed = seal_both(w, &r, count);

        if (sealed == 0)
            continue;
        if (w->old.packet.len == 0)
            store_copy(&w->old, &w->sent[0]);
        for (size_t i = 0; i < sealed; i++)
            spoil(w, &r, i, sealed);
        open_both(w, sealed, seen);
    }
    for (int how = 0; how < SPOILT_COUNT; how++)
        ck_assert_msg(seen[how] > 0, "%s: none was refused as %s", o->encr->name,
                      esp_cause_name(cause_of[how]));
    worlds_free(w);
}

START_TEST(batches_do_what_single_packets_do)
{
    static const char *const names[][2] = {
        {"aes128gcm16", NULL},   {"aes256gcm16", NULL},    {"aes256", "sha256"},
        {"aes128", "sha1"},      {"aes256ccm16", NULL},    {"chacha20poly1305", NULL},
        {"aes128ccm8iiv", NULL}, {"aes256gcm16iiv", NULL}, {"chacha20poly1305iiv", NULL}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int real = 0; real < 2; real++)
            for (int esn = 0; esn < 2; esn++) {
                const char *encr = names[i][0], *integ = names[i][1];
                struct pair_options o = {.real = real, .esn = esn, .window = WINDOW};

                o.encr = encr_suite_named(encr, strlen(encr));
                o.integ = integ ? integ_suite_named(integ, strlen(integ)) : NULL;
                drawn_batches(&o);
            }
}
END_TEST

/* A copy in the same batch was admitted before the first one moved the window. */
START_TEST(a_copy_in_the_same_batch_is_refused)
{
    struct pair_options o = {.real = true, .encr = encr_suite(20, 256), .window = WINDOW};
    struct worlds *w = worlds_make(&o);
    struct esp_opening opening[2];
    struct esp_pair *p = w->batch;
    struct esp_outer outer;

    store_fill(&w->one[0], p->inner_a, p->inner_b, 100);
    ck_assert_ok(esp_seal(&p->a, p->user_a, pair_a(p), &w->one[0].packet, &outer));
    store_copy(&w->one[1], &w->one[0]);
    for (int i = 0; i < 2; i++)
        opening[i] = (struct esp_opening){.in = pair_arrival(p, 0), .packet = &w->one[i].packet};
    esp_open_batch(&p->b, p->user_b, opening, 2);
    ck_assert_ok(opening[0].result);
    ck_assert_int_eq(opening[1].result, ERR_REPLAY);
    ck_assert(!opening[1].opened.authentic);
    ck_assert_uint_eq(p->b.dropped[ESP_CAUSE_REPLAY], 1);
    ck_assert_uint_eq(p->b.opened, 1);
    for (size_t at = 16; at < w->one[1].packet.len - 16; at++)
        ck_assert_uint_eq(w->one[1].packet.data[at], 0);
    worlds_free(w);
}
END_TEST

/* What finds no SA has its cause and stays as it is; the others of its batch go their way. */
START_TEST(some_of_a_batch_find_no_sa)
{
    static const enum err with_sa[] = {OK, ERR_NO_POLICY, ERR_SYNTAX, OK};
    static const enum err without[] = {ERR_NO_SA, ERR_NO_POLICY, ERR_SYNTAX, ERR_NO_SA};
    struct pair_options o = {.real = true, .encr = encr_suite(20, 256), .window = WINDOW};
    struct worlds *w = worlds_make(&o);
    struct esp_pair *p = w->batch;

    for (int round = 0; round < 2; round++) {
        struct esp_sealing sealing[4];

        for (int i = 0; i < 4; i++) {
            store_fill(&w->many[i], i == 1 ? p->inner_b : p->inner_a,
                       i == 1 ? p->inner_a : p->inner_b, 100);
            if (i == 2)
                w->many[i].packet.data[0] = 0x75;
            store_copy(&w->before[i], &w->many[i]);
            sealing[i] = (struct esp_sealing){.packet = &w->many[i].packet};
        }
        if (round == 1)
            spd_point(&p->a.spd, p->policy_a, POOL_NONE);
        esp_protect_batch(&p->a, p->user_a, sealing, 4);
        for (int i = 0; i < 4; i++) {
            ck_assert_int_eq(sealing[i].result, round ? without[i] : with_sa[i]);
            if (sealing[i].result == OK)
                continue;
            ck_assert_ptr_null(sealing[i].sa);
            ck_assert_mem_eq(w->many[i].bytes, w->before[i].bytes, sizeof w->many[i].bytes);
        }
    }
    ck_assert_uint_eq(p->a.sealed, 2);
    ck_assert_uint_eq(p->a.dropped[ESP_CAUSE_NO_POLICY], 2);
    ck_assert_uint_eq(p->a.dropped[ESP_CAUSE_MALFORMED], 2);
    ck_assert_uint_eq(p->a.dropped[ESP_CAUSE_NO_OUTBOUND], 2);
    worlds_free(w);
}
END_TEST

/* The last sequence number falls into the middle of a batch, and the hard limit likewise. */
START_TEST(the_end_of_an_sa_inside_a_batch)
{
    enum { BY_SEQUENCE, BY_PACKETS, BY_BYTES, LIMITS, LEN = 100 };

    for (int limit = 0; limit < LIMITS; limit++) {
        struct pair_options o = {.real = true, .encr = encr_suite(20, 256), .window = WINDOW};
        struct esp_sealing sealing[10];
        struct worlds *w;
        struct esp_pair *p;

        if (limit == BY_PACKETS)
            o.limits.hard_packets = 3;
        if (limit == BY_BYTES)
            o.limits.hard_bytes = 4 * LEN - 1;
        w = worlds_make(&o);
        p = w->batch;
        if (limit == BY_SEQUENCE)
            esp_skip(&p->a, pair_a(p), UINT32_MAX - 3);
        for (int i = 0; i < 10; i++) {
            store_fill(&w->many[i], p->inner_a, p->inner_b, LEN);
            store_copy(&w->before[i], &w->many[i]);
            sealing[i] = (struct esp_sealing){.sa = pair_a(p), .packet = &w->many[i].packet};
        }
        esp_seal_batch(&p->a, p->user_a, sealing, 10);
        for (int i = 0; i < 10; i++) {
            if (i < 3) {
                ck_assert_ok(sealing[i].result);
                continue;
            }
            ck_assert_int_eq(sealing[i].result, limit ? ERR_LIFETIME : ERR_SEQ_WRAPPED);
            ck_assert_mem_eq(w->many[i].bytes, w->before[i].bytes, sizeof w->many[i].bytes);
        }
        ck_assert_uint_eq(p->a.dropped[limit ? ESP_CAUSE_LIFETIME : ESP_CAUSE_SEQ_EXHAUSTED], 7);
        ck_assert_uint_eq(p->a.sealed, 3);
        worlds_free(w);
    }
}
END_TEST

SUITE("esp_batch", batches_do_what_single_packets_do, a_copy_in_the_same_batch_is_refused,
      some_of_a_batch_find_no_sa, the_end_of_an_sa_inside_a_batch)
