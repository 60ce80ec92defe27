#include "explore/setup.h"

#include "base/assert.h"

bool setup_has(uint8_t sides, unsigned side)
{
    return sides & 1u << side;
}

void setup_propose(struct proposal_config *out, bool ike, const char *text)
{
    struct bytes bad;

    if (proposal_parse(bytes_text(text), ike, out, &bad))
        ASSERT(!"our own words are good");
}

const char *setup_esp_proposals(const struct world_setup *s, unsigned side)
{
    if (!s->one_group)
        return NULL;
    return setup_has(s->one_group, side) ? "aes256gcm16-ecp256" : "aes256gcm16-x25519-ecp256";
}

/* The first KE payload is of the first group: who knows only the second answers with
 * INVALID_KE_PAYLOAD (RFC 7296 §1.3). */
static void groups(const struct world_setup *s, enum setup_phase phase, unsigned side,
                   struct ike_config *c)
{
    const char *esp = setup_esp_proposals(s, side);

    if (!esp)
        return;
    setup_propose(&c->child.proposals[0], false, esp);
    if (phase != SETUP_HANDSHAKE)
        setup_propose(&c->proposals[0], true,
                      setup_has(s->one_group, side) ? "aes256gcm16-prfsha256-ecp256"
                                                    : "aes256gcm16-prfsha256-x25519-ecp256");
}

/* Other networks, another cipher: TS_UNACCEPTABLE, NO_PROPOSAL_CHOSEN. */
static void refuse(struct ike_config *c)
{
    c->child.local[0].first = c->child.local[0].last = ip_addr_v4(0x0a7f0001);
    c->child.remote[0].first = c->child.remote[0].last = ip_addr_v4(0x0a7f0002);
    setup_propose(&c->proposals[0], true, "aes128gcm16-prfsha256-x25519");
}

static void lifetimes(const struct world_setup *s, unsigned side, struct ike_config *c)
{
    if (setup_has(s->soft_child, side))
        c->child.lifetime.rekey_time = SETUP_SOFT_TIME;
    if (setup_has(s->soft_ike, side))
        c->lifetime.rekey_time = SETUP_SOFT_TIME;
    if (setup_has(s->hard_ike, side))
        c->lifetime.hard_time = SETUP_HARD_TIME;
}

void setup_apply(const struct world_setup *s, enum setup_phase phase, unsigned side,
                 struct ike_config *c)
{
    if (phase == SETUP_HANDSHAKE)
        lifetimes(s, side, c);
    groups(s, phase, side, c);
    if (phase == SETUP_RUN && setup_has(s->refuses, side))
        refuse(c);
    if (setup_has(s->eager, side))
        c->quirks |= QUIRK_EAGER_DELETE;
}

bool setup_has_gap(const struct world_setup *s)
{
    return s->hard_ike || s->eager;
}

unsigned setup_soft_children(const struct world_setup *s)
{
    return (unsigned)setup_has(s->soft_child, 0) + setup_has(s->soft_child, 1);
}
