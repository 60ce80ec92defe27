/* The tree of an ESP packet (RFC 4303 §2), opened where a key fits. */
#include "dissect/internal.h"

#include "proto/esp/esp.h"
#include "proto/ip/packet.h"

struct esp_text {
    struct bytes text;
    uint64_t seq;
    const struct esp_open_key *key; /* the one that fits, or the last one tried */
};

/* RFC 4303 §2.2.1: with ESN the high half is authenticated without being sent. */
static enum err open_with(struct making *m, struct esp_open_key *k, struct bytes packet,
                          uint8_t *work, struct esp_text *out)
{
    struct seal_key key = {k->encr, k->integ, k->encr_key, k->integ_key};
    size_t overhead = ESP_HEADER_LEN + (size_t)k->encr->iv_len + seal_icv_len(&key);
    uint8_t extra[12];
    struct seal_op op = {.key = &key, .aad = bytes_of(work, ESP_HEADER_LEN)};
    enum err e;

    out->key = k;
    if (packet.len < overhead + ESP_TRAILER_LEN)
        return ERR_TRUNCATED;
    op.iv = work + ESP_HEADER_LEN;
    op.text = op.iv + k->encr->iv_len;
    op.text_len = packet.len - overhead;
    op.icv = op.text + op.text_len;
    if (op.text_len % k->encr->block_len != 0)
        return ERR_LENGTH;
    memcpy(work, packet.data, packet.len);
    out->seq = replay_guess(&k->window, load_be32(packet.data + 4), k->esn);
    memcpy(extra, packet.data, 4);
    store_be64(extra + 4, out->seq);
    if (k->encr->implicit_iv) /* RFC 8750 §4 */
        op.iv = extra + 4;
    if (k->esn && k->encr->aead)
        op.aad = bytes_of(extra, 12);
    else if (k->esn)
        op.tail = bytes_of(extra + 4, 4);
    e = m->d->crypto->class->open(m->d->crypto, &op);
    if (e == OK && out->seq > k->window.top)
        k->window.top = out->seq;
    out->text = bytes_of(op.text, op.text_len);
    return e;
}

static bool meant(const struct making *m, const struct esp_open_key *k)
{
    return k->destination.family == 0 || !m->out->input.addressed ||
           ip_addr_equal(&k->destination, &m->out->input.dst.addr);
}

static enum err open_packet(struct making *m, struct bytes packet, struct esp_text *out)
{
    struct esp_open_key *k = keys_find_esp(m->d->keys, load_be32(packet.data));
    uint8_t *work = arena_take(m->tree.arena, packet.len);
    enum err e = ERR_NOT_FOUND;

    if (!work)
        return ERR_MEMORY;
    for (; k && e != OK; k = keys_next_esp(m->d->keys, k))
        if (meant(m, k))
            e = open_with(m, k, packet, work, out);
    return e;
}

/* RFC 4303 §2.4: 1, 2, 3, ... */
static bool padding_right(struct bytes padding)
{
    for (size_t i = 0; i < padding.len; i++)
        if (padding.data[i] != (uint8_t)(i + 1))
            return false;
    return true;
}

static const char *next_header_name(uint8_t next)
{
    switch (next) {
    case 4:
        return "IPv4";
    case 41:
        return "IPv6";
    case IP_PROTOCOL_ICMP:
        return "ICMP";
    case IP_PROTOCOL_TCP:
        return "TCP";
    case IP_PROTOCOL_UDP:
        return "UDP";
    case IP_PROTOCOL_ICMPV6:
        return "ICMPv6";
    case IP_PROTOCOL_NONE:
        return "dummy packet"; /* RFC 4303 §2.6 */
    default:
        return NULL;
    }
}

static void text_tree(struct making *m, struct bytes text)
{
    struct tree *t = &m->tree;
    uint8_t next = text.data[text.len - 1], pad = text.data[text.len - 2];
    size_t fixed = (size_t)pad + ESP_TRAILER_LEN;
    struct bytes padding;

    if (fixed > text.len) {
        tree_error(t, part(text, text.len - 2, 1), ERR_PADDING);
        return;
    }
    padding = part(text, text.len - fixed, pad);
    inner_tree(t, part(text, 0, text.len - fixed), next);
    if (pad > 0)
        tree_hex(t, "Padding", padding)->rfc = "RFC 4303 §2.4";
    if (!padding_right(padding))
        tree_error(t, padding, ERR_PADDING);
    tree_number(t, "Pad Length", part(text, text.len - 2, 1), pad, NULL)->rfc = "RFC 4303 §2.5";
    tree_number(t, "Next Header", part(text, text.len - 1, 1), next, next_header_name(next))->rfc =
        "RFC 4303 §2.6";
}

static void opened_tree(struct making *m, struct bytes packet, const struct esp_text *o)
{
    struct text_source *source = arena_take(m->tree.arena, sizeof *source);
    size_t iv = o->key->encr->iv_len;

    if (!source) {
        m->tree.failed = true;
        return;
    }
    if (iv > 0)
        tree_hex(&m->tree, "Initialization Vector", part(packet, ESP_HEADER_LEN, iv));
    tree_add(&m->tree, NODE_FIELD, "Encrypted", part(packet, ESP_HEADER_LEN + iv, o->text.len),
             "RFC 4303 §2.3");
    tree_hex(&m->tree, "Integrity Check Value",
             part_from(packet, ESP_HEADER_LEN + iv + o->text.len))
        ->rfc = "RFC 4303 §2.8";
    tree_note(&m->tree, part_from(packet, ESP_HEADER_LEN + iv + o->text.len), "ICV is right");
    if (o->key->esn)
        tree_value(&m->tree, "Extended Sequence Number", part(packet, 4, 4), "%llu",
                   (unsigned long long)o->seq)
            ->rfc = "RFC 4303 §2.2.1";
    *source = source_of(m, packet.data + ESP_HEADER_LEN + iv, o->text.len);
    text_enter(m, "Decrypted", (struct decrypted){o->text, source, 1});
    text_tree(m, o->text);
    text_leave(m);
}

/* "ESP 0x12345678 seq 7", and what is inside where that is known. */
static void summarise(struct making *m, struct bytes packet)
{
    const struct node *n = m->out->text_count ? m->tree.at->last : NULL;

    m->out->summary = arena_format(m->tree.arena, "ESP 0x%08x seq %u%s%s%s%s",
                                   load_be32(packet.data), load_be32(packet.data + 4),
                                   n && n->value ? " {" : "", n && n->value ? n->value : "",
                                   n && n->value ? "}" : "", m->out->bad_icv ? ", ICV wrong" : "");
}

void esp_tree(struct making *m, struct bytes packet)
{
    struct esp_text o = {0};
    enum err e;

    if (packet.len < ESP_HEADER_LEN) {
        tree_error(&m->tree, packet, ERR_TRUNCATED);
        m->out->summary = "ESP, too short";
        return;
    }
    tree_open(&m->tree, NODE_GROUP, "ESP", packet, "RFC 4303 §2");
    m->out->esp_spi = load_be32(packet.data);
    tree_hex(&m->tree, "Security Parameters Index", part(packet, 0, 4))->rfc = "RFC 4303 §2.1";
    tree_number(&m->tree, "Sequence Number", part(packet, 4, 4), load_be32(packet.data + 4), NULL)
        ->rfc = "RFC 4303 §2.2";
    e = open_packet(m, packet, &o);
    m->tree.failed |= e == ERR_MEMORY;
    m->out->bad_icv = e == ERR_ICV;
    m->out->locked = e != OK;
    if (e == OK) {
        opened_tree(m, packet, &o);
    } else {
        struct bytes rest = part_from(packet, ESP_HEADER_LEN);

        tree_add(&m->tree, NODE_FIELD, "Encrypted", rest, "RFC 4303 §2.3");
        if (e == ERR_NOT_FOUND)
            tree_note(&m->tree, rest, "encrypted; no key of this SPI is at hand");
        else
            tree_error(&m->tree, rest, e);
    }
    summarise(m, packet);
    tree_close(&m->tree);
}
