#include "proto/esp/esp.h"

#include "base/assert.h"
#include "proto/esp/path.h"
#include "proto/esp/transport.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

enum {
    NEXT_IPV4 = 4,
    NEXT_IPV6 = 41,
    NEXT_DUMMY = 59,
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    TUNNEL_HOP_LIMIT = 64,
    PAD_MAX = 255,
    PAD_ALIGN = 4, /* RFC 4303 §2.4 */
    ECN_MASK = 3,
    IV_STREAM = 1,   /* the user's stream itself serves IKE */
    ESP_BATCH = 32,  /* packets that are with the cipher at a time */
    CHAIN_STEPS = 2, /* of their look-ups, that they take together */
};

static const char *const drop_names[ESP_CAUSE_COUNT] = {
#define X(symbol, name) [ESP_CAUSE_##symbol] = name,
    ESP_CAUSE_LIST(X)
#undef X
};

static const enum err drop_errors[ESP_CAUSE_COUNT] = {
    [ESP_CAUSE_NO_SA] = ERR_NO_SA,
    [ESP_CAUSE_REPLAY] = ERR_REPLAY,
    [ESP_CAUSE_ICV] = ERR_ICV,
    [ESP_CAUSE_PADDING] = ERR_PADDING,
    [ESP_CAUSE_NEXT_HEADER] = ERR_NEXT_HEADER,
    [ESP_CAUSE_DUMMY] = ERR_NEXT_HEADER,
    [ESP_CAUSE_SELECTOR] = ERR_TS,
    [ESP_CAUSE_ECN] = ERR_SYNTAX,
    [ESP_CAUSE_MALFORMED] = ERR_SYNTAX,
    [ESP_CAUSE_SEQ_EXHAUSTED] = ERR_SEQ_WRAPPED,
    [ESP_CAUSE_LIFETIME] = ERR_LIFETIME,
    [ESP_CAUSE_NO_POLICY] = ERR_NO_POLICY,
    [ESP_CAUSE_NO_OUTBOUND] = ERR_NO_SA,
    [ESP_CAUSE_SPACE] = ERR_SPACE,
    [ESP_CAUSE_CRYPTO] = ERR_CRYPTO,
};

/* RFC 4303 §2.4: 1, 2, 3, ... */
#define PAD8(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
#define PAD64(n)                                                                                   \
    PAD8(n), PAD8(n + 8), PAD8(n + 16), PAD8(n + 24), PAD8(n + 32), PAD8(n + 40), PAD8(n + 48),    \
        PAD8(n + 56)
static const uint8_t padding[PAD_MAX + 1] = {PAD64(1),  PAD64(65), PAD64(129), PAD8(193), PAD8(201),
                                             PAD8(209), PAD8(217), PAD8(225),  PAD8(233), PAD8(241),
                                             249,       250,       251,        252,       253,
                                             254,       255,       0};

const char *esp_cause_name(enum esp_cause d)
{
    return d < ESP_CAUSE_COUNT ? drop_names[d] : "none";
}

enum err esp_init(struct esp *esp, struct crypto *crypto, const struct sad_limits *limits,
                  uint32_t policies, uint32_t per_side)
{
    enum err e;

    *esp = (struct esp){.crypto = crypto};
    e = sad_init(&esp->sad, limits);
    if (e != OK)
        return e;
    e = spd_init(&esp->spd, policies, per_side);
    if (e != OK)
        sad_reset(&esp->sad);
    return e;
}

void esp_reset(struct esp *esp)
{
    sad_reset(&esp->sad);
    spd_reset(&esp->spd);
}

static uint64_t in_use(const struct pool *p)
{
    return (uint64_t)p->taken * p->slot_size;
}

uint64_t esp_memory(const struct esp *esp)
{
    const struct sad *sad = &esp->sad;

    return (uint64_t)sad->taken * sad->slot_size + in_use(&sad->kinds) + in_use(&sad->traffic) +
           in_use(&sad->asides) + in_use(&esp->spd.policies) + in_use(&esp->spd.cells);
}

static struct seal_key key_of(const struct esp_kind *kind, const uint8_t *encr)
{
    return (struct seal_key){
        .encr = kind->encr,
        .integ = kind->integ,
        .encr_key = encr,
        .integ_key = kind->integ ? encr + kind->encr->key_len + kind->encr->salt_len : NULL,
    };
}

static const void *expanded_of(struct esp *esp, const struct esp_sa *sa, enum sad_direction d,
                               const struct seal_key *key)
{
    return expanded_take(&esp->sad.expanded, esp->crypto, key, sad_key_owner(sa, d));
}

/* One packet on its way: SPI and sequence number at `start`, then IV, text, ICV. */
struct frame {
    struct seal_key key;
    const void *expanded; /* of `key`, or NULL */
    uint8_t *start;
    uint8_t *text;
    size_t text_len;
    uint64_t seq;
    size_t inner_len;  /* sealing: of the packet without padding */
    uint8_t extra[12]; /* what the cipher gets and is not on the wire in this form: SPI, and the
                          whole sequence number (ESN, implicit IV) */
};

/*
 * RFC 4303 §2.2.1: with ESN the MAC also covers the high half, behind the text; an AEAD has
 * SPI | high | low as its associated data (RFC 4106 §5).
 */
static struct seal_op op_of(struct frame *f, bool esn)
{
    struct seal_op op = {
        .key = &f->key,
        .expanded = f->expanded,
        .aad = bytes_of(f->start, ESP_HEADER_LEN),
        .iv = f->start + ESP_HEADER_LEN,
        .text = f->text,
        .text_len = f->text_len,
        .icv = f->text + f->text_len,
    };

    if (unlikely(f->key.encr->implicit_iv)) { /* RFC 8750 §4: the number is all of the IV */
        store_be64(f->extra + 4, f->seq);
        op.iv = f->extra + 4;
    }
    if (!esn)
        return op;
    memcpy(f->extra, f->start, 4);
    store_be64(f->extra + 4, f->seq);
    if (f->key.encr->aead)
        op.aad = bytes_of(f->extra, 12);
    else
        op.tail = bytes_of(f->extra + 4, 4);
    return op;
}

/* Sealing: the part of the packet that is protected, and what it is. */
struct inner {
    uint8_t *text;
    size_t len;
    uint8_t next_header;
};

/* One whole IP packet, its length field telling the truth. */
static bool whole_packet(const struct buf *packet)
{
    const uint8_t *p = packet->data;

    if (packet->len < IPV4_HEADER)
        return false;
    if (p[0] >> 4 == 4)
        return load_be16(p + 2) == packet->len;
    return p[0] >> 4 == 6 && (size_t)load_be16(p + 4) + IPV6_HEADER == packet->len;
}

/* RFC 4301 §5.1.2.1, §5.1.2.2; RFC 6040 §4.1 normal mode: the mark is copied as it is. */
static void outer_fill(const struct sad *sad, const struct esp_sa *sa, const uint8_t *p,
                       struct esp_outer *out)
{
    bool v4 = p[0] >> 4 == 4;

    sad_ends(sad, sa, &out->local, &out->remote);
    out->udp_encapsulated = sa->udp_encapsulated;
    out->tos = v4 ? p[1] : (uint8_t)(load_be16(p) >> 4);
    out->df = v4 ? (p[6] & 0x40) != 0 : true;
    out->hop_limit = TUNNEL_HOP_LIMIT;
    if (sa->transport)
        out->hop_limit = v4 ? p[8] : p[7];
}

static enum esp_cause inner_find(const struct esp_sa *sa, const struct buf *packet,
                                 struct inner *inner)
{
    size_t header;

    if (unlikely(!whole_packet(packet)))
        return ESP_CAUSE_MALFORMED;
    if (!sa->transport) {
        *inner = (struct inner){packet->data, packet->len,
                                packet->data[0] >> 4 == 4 ? NEXT_IPV4 : NEXT_IPV6};
        return ESP_CAUSE_NONE;
    }
    if (transport_split(packet->data, &header, &inner->next_header) != OK)
        return ESP_CAUSE_MALFORMED;
    inner->text = packet->data + header;
    inner->len = packet->len - header;
    return ESP_CAUSE_NONE;
}

/* RFC 4303 §2.2.1, §3.3.3: none is used twice. */
static uint64_t last_sequence(const struct esp_sa *sa)
{
    return sa->esn ? UINT64_MAX : UINT32_MAX;
}

void esp_skip(struct esp *esp, struct esp_sa *sa, uint64_t packets)
{
    struct esp_traffic *t = sad_traffic_take(&esp->sad, sa);
    uint64_t left = last_sequence(sa) - t->seq_out;

    t->seq_out += packets < left ? packets : left;
}

static enum esp_cause outbound_limits(const struct esp_kind *kind, const struct esp_traffic *t,
                                      struct esp_sa *sa, size_t len)
{
    bool wrapped = t->seq_out >= last_sequence(sa);

    /* bytes_out never passes hard_bytes, so the difference does not wrap. */
    if (likely(!wrapped && t->seq_out < kind->limits.hard_packets &&
               len <= kind->limits.hard_bytes - t->bytes_out))
        return ESP_CAUSE_NONE;
    sa->soft_due = true;
    sa->hard_over = true;
    return wrapped ? ESP_CAUSE_SEQ_EXHAUSTED : ESP_CAUSE_LIFETIME;
}

/*
 * The IV. AEAD and counter mode: the sequence number, which is never used twice under one key (RFC
 * 4106 §3.1, RFC 3686 §2.1). CBC: a draw that no observer can foretell (RFC 3602 §2.1).
 * An implicit one is not written (RFC 8750 §4).
 */
static void iv_write(struct esp_user user, const struct esp_sa *sa, const struct frame *f)
{
    uint8_t *iv = f->start + ESP_HEADER_LEN;
    uint64_t seq = f->seq;
    struct rng r;

    if (likely(f->key.encr->iv_len == 8)) {
        store_be64(iv, seq);
        return;
    }
    if (f->key.encr->iv_len == 0)
        return;
    r = rng_fork(user.iv, IV_STREAM);
    r = rng_fork(&r, (uint64_t)sa->spi_in << 32 | sa->spi_out);
    r.counter = seq * 2;
    store_be64(iv, rng_u64(&r));
    store_be64(iv + 8, rng_u64(&r));
}

/* RFC 4303 §2.4: padding to the cipher's block and to 4 bytes. @return text length */
static size_t trailer_write(const struct esp_kind *kind, const struct inner *inner)
{
    size_t block = esp_block(kind);
    size_t pad = (0 - (inner->len + ESP_TRAILER_LEN)) & (block - 1);
    uint8_t *at = inner->text + inner->len;

    if (likely(block == PAD_ALIGN))
        memcpy(at, padding, PAD_ALIGN); /* the rest is overwritten: a copy of fixed length */
    else
        memcpy(at, padding, pad);
    at[pad] = (uint8_t)pad;
    at[pad + 1] = inner->next_header;
    return inner->len + pad + ESP_TRAILER_LEN;
}

static enum err refuse_out(struct esp *esp, enum esp_cause cause)
{
    esp->dropped[cause]++;
    return drop_errors[cause];
}

static void count_out(struct esp *esp, struct esp_sa *sa, struct esp_traffic *t, size_t len)
{
    const struct esp_limits *limits = &sad_kind(&esp->sad, sa)->limits;

    if (unlikely(t->seq_out >= limits->soft_packets || t->bytes_out >= limits->soft_bytes))
        sa->soft_due = true;
    esp->sealed++;
    esp->sealed_bytes += len;
}

/* What goes into a packet besides the inner one. */
struct extra {
    size_t to;  /* tunnel mode: pad to this length */
    bool dummy; /* nothing is inside */
};

static void outer_plain(const struct sad *sad, const struct esp_sa *sa, struct esp_outer *out)
{
    *out = (struct esp_outer){.local = sad_local(sad, sa),
                              .remote = sad_remote(sad, sa),
                              .hop_limit = TUNNEL_HOP_LIMIT,
                              .udp_encapsulated = sa->udp_encapsulated};
}

/* All but the cipher: on success it is the turn of `f`. */
static enum err seal_begin(struct esp *esp, struct esp_user user, struct esp_sa *sa,
                           const struct buf *packet, struct extra extra, struct frame *f,
                           struct esp_outer *out)
{
    struct inner inner = {packet->data, packet->len, NEXT_DUMMY};
    const struct esp_kind *kind;
    struct esp_traffic *traffic;
    size_t len = packet->len, room = len;
    enum esp_cause cause = ESP_CAUSE_NONE;

    if (!sa->installed)
        return ERR_STATE;
    kind = sad_kind(&esp->sad, sa);
    traffic = sad_traffic_take(&esp->sad, sa);
    if (likely(!extra.dummy))
        cause = inner_find(sa, packet, &inner);
    if (likely(cause == ESP_CAUSE_NONE))
        cause = outbound_limits(kind, traffic, sa, len);
    if (unlikely(extra.to > len && !sa->transport))
        room = extra.to;
    if (likely(cause == ESP_CAUSE_NONE) && unlikely(packet->cap < room + ESP_TAILROOM))
        cause = ESP_CAUSE_SPACE;
    if (unlikely(cause != ESP_CAUSE_NONE))
        return refuse_out(esp, cause);
    if (likely(!extra.dummy))
        outer_fill(&esp->sad, sa, packet->data, out);
    else
        outer_plain(&esp->sad, sa, out);
    if (unlikely(room > len)) {
        memset(inner.text + len, 0, room - len);
        inner.len = room;
    }
    f->key = key_of(kind, sad_encr_key(&esp->sad, sa, SAD_OUT));
    f->expanded = expanded_of(esp, sa, SAD_OUT, &f->key);
    f->text = inner.text;
    f->start = inner.text - kind->encr->iv_len - ESP_HEADER_LEN;
    f->seq = ++traffic->seq_out; /* used up, whatever comes after: no IV twice */
    traffic->bytes_out += len;   /* at once: the next of a batch is measured against it */
    f->text_len = trailer_write(kind, &inner);
    f->inner_len = len;
    /* One 8-byte store: two would stall the load that the cipher makes of them. */
    store_be64(f->start, (uint64_t)sa->spi_out << 32 | (uint32_t)f->seq);
    iv_write(user, sa, f);
    return OK;
}

/* What the cipher made of `f`. */
static enum err seal_end(struct esp *esp, struct esp_sa *sa, const struct frame *f, enum err e,
                         struct buf *packet)
{
    if (unlikely(e != OK)) {
        memset(packet->data, 0, packet->len);
        sad_traffic_take(&esp->sad, sa)->bytes_out -= f->inner_len;
        return refuse_out(esp, ESP_CAUSE_CRYPTO);
    }
    packet->cap -= (size_t)(f->start - packet->data);
    packet->data = f->start;
    packet->len = (size_t)(f->text + f->text_len + seal_icv_len(&f->key) - f->start);
    count_out(esp, sa, sad_traffic_take(&esp->sad, sa), f->inner_len);
    return OK;
}

static enum err seal(struct esp *esp, struct esp_user user, struct esp_sa *sa, struct buf *packet,
                     struct extra extra, struct esp_outer *out)
{
    struct seal_op op;
    struct frame f;
    enum err e;

    expanded_turn(&esp->sad.expanded);
    e = seal_begin(esp, user, sa, packet, extra, &f, out);
    if (unlikely(e != OK))
        return e;
    meter_tick(esp->crypto->meter, METER_ESP_OUT, f.inner_len);
    op = op_of(&f, sa->esn);
    return seal_end(esp, sa, &f, esp->crypto->class->seal(esp->crypto, &op), packet);
}

/*
 * What the packets of a batch touch is asked for before it is looked at, from all of them at once:
 * buffers, then headers and SAs, then what the SAs have carried. One wait is for many packets then.
 */
static void seal_expect(const struct esp *esp, const struct esp_sealing *packets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        __builtin_prefetch(packets[i].packet);
        sad_sa_expect(packets[i].sa);
    }
    for (size_t i = 0; i < count; i++) {
        __builtin_prefetch(packets[i].packet->data, 1);
        sad_traffic_expect(&esp->sad, packets[i].sa, SAD_OUT);
    }
}

/* @param packets  those without an SA have a result and keep it */
static void seal_some(struct esp *esp, struct esp_user user, struct esp_sealing *packets,
                      size_t count)
{
    struct frame frames[ESP_BATCH];
    struct seal_op ops[ESP_BATCH];
    enum err results[ESP_BATCH];
    size_t begun = 0;
    uint64_t bytes = 0;

    expanded_turn(&esp->sad.expanded);
    for (size_t i = 0; i < count; i++) {
        struct esp_sealing *p = &packets[i];

        if (unlikely(!p->sa))
            continue;
        p->result = seal_begin(esp, user, p->sa, p->packet, (struct extra){.to = p->to}, &frames[i],
                               &p->outer);
        if (unlikely(p->result != OK))
            continue;
        bytes += frames[i].inner_len;
        ops[begun++] = op_of(&frames[i], p->sa->esn);
    }
    meter_add(esp->crypto->meter, METER_ESP_OUT, begun, bytes);
    crypto_seal_batch(esp->crypto, ops, begun, results);
    for (size_t i = 0, next = 0; i < count; i++) {
        struct esp_sealing *p = &packets[i];

        if (likely(p->result == OK))
            p->result = seal_end(esp, p->sa, &frames[i], results[next++], p->packet);
    }
}

void esp_seal_batch(struct esp *esp, struct esp_user user, struct esp_sealing *packets,
                    size_t count)
{
    for (size_t some; count > 0; packets += some, count -= some) {
        some = count < ESP_BATCH ? count : ESP_BATCH;
        seal_expect(esp, packets, some);
        seal_some(esp, user, packets, some);
    }
}

enum err esp_seal(struct esp *esp, struct esp_user user, struct esp_sa *sa, struct buf *packet,
                  struct esp_outer *out)
{
    return seal(esp, user, sa, packet, (struct extra){0}, out);
}

enum err esp_seal_padded(struct esp *esp, struct esp_user user, struct esp_sa *sa,
                         struct buf *packet, size_t to, struct esp_outer *out)
{
    return seal(esp, user, sa, packet, (struct extra){.to = to}, out);
}

enum err esp_dummy(struct esp *esp, struct esp_user user, struct esp_sa *sa, struct buf *packet,
                   struct esp_outer *out)
{
    memset(packet->data, 0, packet->len);
    return seal(esp, user, sa, packet, (struct extra){.dummy = true}, out);
}

static enum err flow_find(struct esp *esp, const struct buf *packet, struct flow *flow)
{
    size_t total;

    return flow_read(buf_bytes(packet), flow, &total) == OK ? OK
                                                            : refuse_out(esp, ESP_CAUSE_MALFORMED);
}

/* @param[out] used  SAD_NONE: of a policy without an SA */
static enum err number_find(struct esp *esp, struct esp_user user, const struct flow *flow,
                            uint32_t *used)
{
    if (spd_lookup(&esp->spd, user.scope, flow, NULL, used) == ERR_NO_POLICY)
        return refuse_out(esp, ESP_CAUSE_NO_POLICY);
    return OK;
}

static enum err outbound_find(struct esp *esp, uint32_t number, struct esp_sa **sa)
{
    *sa = sad_at(&esp->sad, number);
    if (likely(*sa && (*sa)->installed))
        return OK;
    *sa = NULL;
    return refuse_out(esp, ESP_CAUSE_NO_OUTBOUND);
}

enum err esp_choose(struct esp *esp, struct esp_user user, const struct buf *packet, uint32_t *used)
{
    struct flow flow;
    struct esp_sa *sa;
    enum err e;

    *used = SAD_NONE;
    e = flow_find(esp, packet, &flow);
    if (e == OK)
        e = number_find(esp, user, &flow, used);
    if (e == OK)
        e = outbound_find(esp, *used, &sa);
    if (e != OK)
        *used = SAD_NONE;
    return e;
}

enum err esp_protect(struct esp *esp, struct esp_user user, struct buf *packet,
                     struct esp_outer *out, uint32_t *used)
{
    enum err e = esp_choose(esp, user, packet, used);

    return e ? e : esp_seal(esp, user, sad_at(&esp->sad, *used), packet, out);
}

/* As in seal_expect: each look-up of all packets before the next one. */
static void choose_some(struct esp *esp, struct esp_user user, struct esp_sealing *packets,
                        size_t count)
{
    struct flow flows[ESP_BATCH];
    uint32_t used[ESP_BATCH];

    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(packets[i].packet);
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(packets[i].packet->data, 1);
    for (size_t i = 0; i < count; i++) {
        packets[i].sa = NULL;
        packets[i].result = flow_find(esp, packets[i].packet, &flows[i]);
        if (likely(packets[i].result == OK))
            spd_lookup_expect(&esp->spd, user.scope, &flows[i]);
    }
    for (size_t i = 0; i < count; i++)
        if (likely(packets[i].result == OK)) {
            packets[i].result = number_find(esp, user, &flows[i], &used[i]);
            sad_number_expect(&esp->sad, used[i]);
        }
    for (size_t i = 0; i < count; i++)
        if (likely(packets[i].result == OK)) {
            packets[i].result = outbound_find(esp, used[i], &packets[i].sa);
            if (likely(packets[i].sa != NULL))
                sad_traffic_expect(&esp->sad, packets[i].sa, SAD_OUT);
        }
}

void esp_protect_batch(struct esp *esp, struct esp_user user, struct esp_sealing *packets,
                       size_t count)
{
    for (size_t some; count > 0; packets += some, count -= some) {
        some = count < ESP_BATCH ? count : ESP_BATCH;
        choose_some(esp, user, packets, some);
        seal_some(esp, user, packets, some);
    }
}

enum err esp_may_send(struct esp *esp, const struct esp_sa *sa, const struct buf *packet)
{
    struct flow flow;
    size_t total;

    if (flow_read(buf_bytes(packet), &flow, &total) != OK)
        return refuse_out(esp, ESP_CAUSE_MALFORMED);
    flow = flow_reverse(&flow); /* spd_allows looks at what arrives */
    if (!spd_allows(&esp->spd, sa->policy, &flow))
        return refuse_out(esp, ESP_CAUSE_NO_POLICY);
    return OK;
}

bool esp_takes_pieces(const struct esp *esp, const struct esp_sa *sa, struct bytes packet)
{
    struct flow flow;
    size_t total;

    if (flow_read(packet, &flow, &total) != OK)
        return false;
    flow.ports_known = false;
    flow.fragment = true;
    flow = flow_reverse(&flow);
    return spd_allows(&esp->spd, sa->policy, &flow);
}

/* The SA that an arriving packet names. */
struct named {
    struct esp_sa *sa;
    const struct esp_kind *kind;
    struct esp_traffic *traffic; /* made for any packet: what is refused is counted there, too */
};

/* The look-up of an SA. */
struct search {
    uint32_t scope, spi, far;
};

/* The SPI of a packet; 0, which is nobody's, where it is too short for one. */
static uint32_t spi_of(const struct buf *packet)
{
    return likely(packet->len >= ESP_HEADER_LEN) ? load_be32(packet->data) : 0;
}

static struct search search_begin(const struct esp *esp, uint32_t scope, uint32_t spi)
{
    return (struct search){scope, spi, sad_find_begin(&esp->sad, scope, spi)};
}

static void search_further(const struct esp *esp, struct search *s)
{
    s->far = sad_find_further(&esp->sad, s->scope, s->spi, s->far);
}

/* Opening: RFC 4303 §3.4.2. */
static enum esp_cause name(const struct esp *esp, const struct search *s, const struct buf *packet,
                           struct esp_opened *out, struct named *by)
{
    *by = (struct named){0};
    *out = (struct esp_opened){.sa = SAD_NONE, .drop = ESP_CAUSE_NONE};
    if (unlikely(packet->len < ESP_HEADER_LEN))
        return ESP_CAUSE_MALFORMED;
    by->sa = sad_find_end(&esp->sad, s->scope, s->spi, s->far, &out->sa);
    return likely(by->sa != NULL) ? ESP_CAUSE_NONE : ESP_CAUSE_NO_SA;
}

/* What all packets of an SA have alike; its expanded key is for those that are admitted. */
static void key_find(struct esp *esp, struct named *by, struct frame *f)
{
    by->kind = sad_kind(&esp->sad, by->sa);
    by->traffic = sad_traffic_take(&esp->sad, by->sa);
    f->key = key_of(by->kind, sad_encr_key(&esp->sad, by->sa, SAD_IN));
    f->expanded = NULL;
}

/* RFC 4303 §3.4.3 up to the replay check. */
static enum esp_cause admit(struct esp *esp, const struct buf *packet, struct esp_opened *out,
                            const struct named *by, struct frame *f)
{
    struct replay replay;
    size_t overhead;

    f->start = packet->data;
    overhead = ESP_HEADER_LEN + by->kind->encr->iv_len + seal_icv_len(&f->key);
    if (unlikely(packet->len < overhead + 4))
        return ESP_CAUSE_MALFORMED;
    f->text = f->start + ESP_HEADER_LEN + by->kind->encr->iv_len;
    f->text_len = packet->len - overhead;
    if (unlikely((f->text_len & (esp_block(by->kind) - 1)) != 0))
        return ESP_CAUSE_MALFORMED;
    replay = sad_replay(by->kind, by->traffic);
    f->seq = replay_guess(&replay, load_be32(f->start + 4), by->sa->esn);
    out->seq = f->seq;
    if (unlikely(replay_check(&replay, by->traffic->bitmap, f->seq) != OK))
        return ESP_CAUSE_REPLAY;
    if (!f->expanded)
        f->expanded = expanded_of(esp, by->sa, SAD_IN, &f->key);
    return ESP_CAUSE_NONE;
}

/* The ICV, whose verdict is `e`, and only then the window (RFC 4303 §3.4.3). */
static enum esp_cause authenticated(const struct named *by, const struct frame *f, enum err e,
                                    struct esp_opened *out)
{
    struct replay replay = sad_replay(by->kind, by->traffic);

    if (unlikely(e != OK))
        return e == ERR_ICV ? ESP_CAUSE_ICV : ESP_CAUSE_CRYPTO;
    out->authentic = true;
    out->newest = f->seq > replay.top;
    replay_update(&replay, by->traffic->bitmap, f->seq);
    by->traffic->top = replay.top;
    return ESP_CAUSE_NONE;
}

static enum esp_cause inbound_limits(const struct named *by, size_t len)
{
    const struct esp_limits *limits = &by->kind->limits;

    if (likely(by->traffic->packets_in < limits->hard_packets &&
               len <= limits->hard_bytes - by->traffic->bytes_in))
        return ESP_CAUSE_NONE;
    by->sa->soft_due = true;
    by->sa->hard_over = true;
    return ESP_CAUSE_LIFETIME;
}

/* There are at least two bytes of trailer and eight of ICV behind it. */
static bool padding_good(const uint8_t *at, size_t pad)
{
    if (likely(pad < PAD_ALIGN))
        return (uint64_t)(load_be32(at) ^ load_be32(padding)) >> (32 - 8 * pad) == 0;
    return memcmp(at, padding, pad) == 0;
}

/* RFC 4303 §2.4: the padding is checked; §2.6: next header 59 is a dummy packet. */
static enum esp_cause unpad(const struct frame *f, struct inner *inner)
{
    const uint8_t *end = f->text + f->text_len;
    size_t pad = end[-2];

    if (unlikely(pad + ESP_TRAILER_LEN > f->text_len))
        return ESP_CAUSE_PADDING;
    if (unlikely(!padding_good(end - ESP_TRAILER_LEN - pad, pad)))
        return ESP_CAUSE_PADDING;
    inner->text = f->text;
    inner->len = f->text_len - pad - ESP_TRAILER_LEN;
    inner->next_header = end[-1];
    return inner->next_header == NEXT_DUMMY ? ESP_CAUSE_DUMMY : ESP_CAUSE_NONE;
}

/*
 * RFC 6040 §4.2, figure 4.
 * @return the new traffic class of the inner packet, or -1: drop
 */
static int ecn_carry_in(uint8_t inner, uint8_t outer)
{
    enum { NOT_ECT, ECT_1, ECT_0, CE };
    uint8_t mark = outer & ECN_MASK;

    switch (inner & ECN_MASK) {
    case NOT_ECT:
        return mark == CE ? -1 : inner;
    case ECT_0:
        return mark == CE || mark == ECT_1 ? (inner & ~ECN_MASK) | mark : inner;
    case ECT_1:
        return mark == CE ? inner | CE : inner;
    default:
        return inner;
    }
}

static enum esp_cause ecn_apply(uint8_t *p, uint8_t outer)
{
    bool v4 = p[0] >> 4 == 4;
    uint8_t old = v4 ? p[1] : (uint8_t)(load_be16(p) >> 4);
    int new = ecn_carry_in(old, outer);

    if (unlikely(new < 0))
        return ESP_CAUSE_ECN;
    if (likely(new == old))
        return ESP_CAUSE_NONE;
    if (v4) {
        /* RFC 1624 §3: HC' = ~(~HC + ~m + m'), and only the low byte of one word changes. */
        uint32_t s = (uint16_t)~load_be16(p + 10) + (uint32_t)(uint16_t)~load_be16(p);

        p[1] = (uint8_t) new;
        s += load_be16(p);
        s = (s & 0xffff) + (s >> 16);
        s = (s & 0xffff) + (s >> 16);
        store_be16(p + 10, (uint16_t)~s);
        return ESP_CAUSE_NONE;
    }
    store_be16(p, (uint16_t)((load_be16(p) & 0xf00f) | new << 4));
    return ESP_CAUSE_NONE;
}

/* Tunnel mode: the payload is an IP packet; what lies behind it is TFC padding (§2.7). */
static enum esp_cause tunnel_take(const struct inner *inner, struct buf *packet, struct flow *flow)
{
    size_t total;
    uint8_t version = inner->len > 0 ? inner->text[0] >> 4 : 0;

    if (unlikely(inner->next_header != NEXT_IPV4 && inner->next_header != NEXT_IPV6))
        return ESP_CAUSE_NEXT_HEADER;
    if (unlikely(version != (inner->next_header == NEXT_IPV4 ? 4 : 6)))
        return ESP_CAUSE_MALFORMED;
    if (unlikely(flow_read(bytes_of(inner->text, inner->len), flow, &total) != OK))
        return ESP_CAUSE_MALFORMED;
    packet->cap -= (size_t)(inner->text - packet->data);
    packet->data = inner->text;
    packet->len = total;
    return ESP_CAUSE_NONE;
}

/* Transport mode: an IP header goes in front of the payload, which moves if there is no room. */
static enum esp_cause transport_make(const struct esp_sa *sa, const struct esp_arrival *in,
                                     struct inner *inner, struct buf *packet, struct flow *flow)
{
    size_t header_len = transport_header_len(&in->local.addr);
    struct transport_header header = {
        .src = &in->remote.addr,
        .dst = &in->local.addr,
        .protocol = inner->next_header,
        .tos = in->tos,
        .hop_limit = in->hop_limit,
    };
    uint8_t *at = inner->text - header_len;
    size_t total = header_len + inner->len;

    if (unlikely(total > UINT16_MAX || in->local.addr.family != in->remote.addr.family))
        return ESP_CAUSE_MALFORMED;
    if ((size_t)(inner->text - packet->data) < header_len) {
        if (unlikely(total > packet->cap))
            return ESP_CAUSE_SPACE;
        at = packet->data;
        memmove(at + header_len, inner->text, inner->len);
    }
    transport_header_write(at, &header, inner->len);
    if (sa->udp_encapsulated)
        transport_checksum_renew(at, total);
    packet->cap -= (size_t)(at - packet->data);
    packet->data = at;
    packet->len = total;
    return flow_read(buf_bytes(packet), flow, &total) == OK ? ESP_CAUSE_NONE : ESP_CAUSE_MALFORMED;
}

/* What the authenticated text is, and whether this SA may carry it (RFC 4301 §5.2 step 4). */
static enum esp_cause deliver(struct esp *esp, const struct named *by, const struct esp_arrival *in,
                              const struct frame *f, struct buf *packet)
{
    const struct esp_sa *sa = by->sa;
    struct buf result = *packet;
    struct inner inner;
    struct flow flow;
    enum esp_cause cause = unpad(f, &inner);

    if (unlikely(cause != ESP_CAUSE_NONE))
        return cause;
    cause = sa->transport ? transport_make(sa, in, &inner, &result, &flow)
                          : tunnel_take(&inner, &result, &flow);
    if (likely(cause == ESP_CAUSE_NONE))
        cause = inbound_limits(by, result.len);
    if (unlikely(cause != ESP_CAUSE_NONE))
        return cause;
    if (unlikely(sa->policy != POOL_NONE && !spd_allows(&esp->spd, sa->policy, &flow)))
        return ESP_CAUSE_SELECTOR;
    if (!sa->transport)
        cause = ecn_apply(result.data, in->tos);
    if (likely(cause == ESP_CAUSE_NONE))
        *packet = result;
    return cause;
}

static void count_in(struct esp *esp, const struct named *by, size_t len)
{
    const struct esp_limits *limits = &by->kind->limits;
    struct esp_traffic *traffic = by->traffic;

    traffic->packets_in++;
    traffic->bytes_in += len;
    if (unlikely(traffic->packets_in >= limits->soft_packets ||
                 traffic->bytes_in >= limits->soft_bytes))
        by->sa->soft_due = true;
    esp->opened++;
    esp->opened_bytes += len;
}

/* After the cipher, or without it for whatever is refused before. */
static inline enum err open_end(struct esp *esp, const struct named *by,
                                const struct esp_arrival *in, const struct frame *f,
                                enum esp_cause cause, struct buf *packet, struct esp_opened *out)
{
    if (likely(cause == ESP_CAUSE_NONE))
        cause = deliver(esp, by, in, f, packet);
    if (likely(cause == ESP_CAUSE_NONE)) {
        count_in(esp, by, packet->len);
        return OK;
    }
    out->drop = cause;
    esp->dropped[cause]++;
    if (by->traffic)
        by->traffic->dropped++;
    return drop_errors[cause];
}

enum err esp_open(struct esp *esp, struct esp_user user, const struct esp_arrival *in,
                  struct buf *packet, struct esp_opened *out)
{
    struct search search = search_begin(esp, user.scope, spi_of(packet));
    struct named by;
    struct seal_op op;
    struct frame f;
    enum esp_cause cause;

    expanded_turn(&esp->sad.expanded);
    meter_tick(esp->crypto->meter, METER_ESP_IN, packet->len);
    cause = name(esp, &search, packet, out, &by);
    if (likely(cause == ESP_CAUSE_NONE)) {
        key_find(esp, &by, &f);
        cause = admit(esp, packet, out, &by, &f);
    }
    if (likely(cause == ESP_CAUSE_NONE)) {
        op = op_of(&f, by.sa->esn);
        cause = authenticated(&by, &f, esp->crypto->class->open(esp->crypto, &op), out);
    }
    return open_end(esp, &by, in, &f, cause, packet, out);
}

/*
 * In a batch, another packet may have come before this one since it was admitted: a copy of it, or
 * one that moved the window past it, so that with ESN it stands for another number by now (and the
 * ICV is not that number's).
 */
static inline enum esp_cause overtaken(const struct named *by, const struct frame *f,
                                       struct esp_opened *out)
{
    struct replay replay = sad_replay(by->kind, by->traffic);

    out->seq = replay_guess(&replay, (uint32_t)f->seq, by->sa->esn);
    if (unlikely(replay_check(&replay, by->traffic->bitmap, out->seq) != OK))
        return ESP_CAUSE_REPLAY;
    return likely(out->seq == f->seq) ? ESP_CAUSE_NONE : ESP_CAUSE_ICV;
}

static inline enum esp_cause authenticated_in_turn(const struct named *by, const struct frame *f,
                                                   enum err e, struct esp_opened *out)
{
    enum esp_cause cause = overtaken(by, f, out);

    if (likely(cause == ESP_CAUSE_NONE))
        return authenticated(by, f, e, out);
    memset(f->text, 0, f->text_len);
    return cause;
}

/*
 * As seal_expect; which SAs they are is found out on the way. Packets of one SA mostly come in
 * runs, and it is looked for once.
 */
static void name_all(const struct esp *esp, struct esp_user user, struct esp_opening *packets,
                     size_t count, struct named *by, enum esp_cause *causes)
{
    struct search searches[ESP_BATCH];
    uint8_t search_of[ESP_BATCH];
    size_t runs = 0;

    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(packets[i].packet);
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(packets[i].packet->data, 1);
    for (size_t i = 0; i < count; i++) {
        uint32_t spi = spi_of(packets[i].packet);

        if (runs == 0 || spi != searches[runs - 1].spi)
            searches[runs++] = search_begin(esp, user.scope, spi);
        search_of[i] = (uint8_t)(runs - 1);
    }
    for (unsigned round = 0; round < CHAIN_STEPS; round++)
        for (size_t i = 0; i < runs; i++)
            search_further(esp, &searches[i]);
    for (size_t i = 0; i < count; i++) {
        struct esp_opening *p = &packets[i];

        if (i > 0 && search_of[i] == search_of[i - 1] && causes[i - 1] == ESP_CAUSE_NONE) {
            by[i] = (struct named){.sa = by[i - 1].sa};
            p->opened = (struct esp_opened){.sa = p[-1].opened.sa, .drop = ESP_CAUSE_NONE};
            causes[i] = ESP_CAUSE_NONE;
            continue;
        }
        causes[i] = name(esp, &searches[search_of[i]], p->packet, &p->opened, &by[i]);
        if (likely(causes[i] == ESP_CAUSE_NONE)) {
            sad_traffic_expect(&esp->sad, by[i].sa, SAD_IN);
            spd_allows_expect(&esp->spd, by[i].sa->policy);
        }
    }
}

static void open_some(struct esp *esp, struct esp_user user, struct esp_opening *packets,
                      size_t count)
{
    struct frame frames[ESP_BATCH];
    struct named by[ESP_BATCH];
    enum esp_cause causes[ESP_BATCH];
    struct seal_op ops[ESP_BATCH];
    enum err results[ESP_BATCH];
    size_t begun = 0;
    uint64_t bytes = 0;

    expanded_turn(&esp->sad.expanded);
    name_all(esp, user, packets, count, by, causes);
    for (size_t i = 0; i < count; i++) {
        struct esp_opening *p = &packets[i];

        bytes += p->packet->len;
        if (likely(causes[i] == ESP_CAUSE_NONE)) {
            if (i > 0 && by[i].sa == by[i - 1].sa) {
                by[i] = by[i - 1];
                frames[i].key = frames[i - 1].key;
                frames[i].expanded = frames[i - 1].expanded;
            } else {
                key_find(esp, &by[i], &frames[i]);
            }
            causes[i] = admit(esp, p->packet, &p->opened, &by[i], &frames[i]);
        }
        if (likely(causes[i] == ESP_CAUSE_NONE))
            ops[begun++] = op_of(&frames[i], by[i].sa->esn);
    }
    meter_add(esp->crypto->meter, METER_ESP_IN, count, bytes);
    crypto_open_batch(esp->crypto, ops, begun, results);
    for (size_t i = 0, next = 0; i < count; i++) {
        struct esp_opening *p = &packets[i];

        if (likely(causes[i] == ESP_CAUSE_NONE))
            causes[i] = authenticated_in_turn(&by[i], &frames[i], results[next++], &p->opened);
        else if (causes[i] == ESP_CAUSE_REPLAY)
            causes[i] = overtaken(&by[i], &frames[i], &p->opened);
        p->result = open_end(esp, &by[i], &p->in, &frames[i], causes[i], p->packet, &p->opened);
    }
}

void esp_open_batch(struct esp *esp, struct esp_user user, struct esp_opening *packets,
                    size_t count)
{
    for (; count > ESP_BATCH; packets += ESP_BATCH, count -= ESP_BATCH)
        open_some(esp, user, packets, ESP_BATCH);
    open_some(esp, user, packets, count);
}
