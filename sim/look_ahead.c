#include "sim/look_ahead.h"

/* Tunnels between one step and the next: long enough for memory to answer. */
enum { STRIDE = 4 };

/* In turn: the node, what it is, its endpoint and what that leads to, then what that names at the
 * gateway. */
enum step { STEP_NODE, STEP_STATE, STEP_CLIENT, STEP_GATEWAY = STEP_CLIENT + IKE_SOON_STEPS - 1 };
enum { STEPS = STEP_GATEWAY + IKE_SOON_STEPS - 1 };

static void expect_at_gateway(const struct ike_node *gateway, const struct ike_node *client,
                              struct sa_ref ike, unsigned step)
{
    struct ike_sa_gist sa;

    if (ike_endpoint_ike_gist(client->endpoint, ike, &sa))
        ike_endpoint_soon(gateway->endpoint, sa.initiator ? sa.spi_r : sa.spi_i, step);
}

static void take_step(const struct lab *lab, const struct ike_node *gateway, const struct tunnel *t,
                      unsigned step)
{
    const struct node *node = &lab->sim.nodes[t->client];
    const struct ike_node *client;

    if (step == STEP_NODE) {
        __builtin_prefetch(&node->state);
        return;
    }
    client = node->state;
    if (step == STEP_STATE)
        __builtin_prefetch(&client->endpoint);
    else if (step < STEP_GATEWAY)
        ike_endpoint_soon(client->endpoint, 0, step - STEP_CLIENT);
    else
        expect_at_gateway(gateway, client, t->ike, step - STEP_GATEWAY + 1);
}

void look_ahead(struct lab *lab, const struct ike_node *gateway, uint32_t at)
{
    for (unsigned step = 0; step < STEPS; step++) {
        uint32_t ahead = at + (STEPS - step) * STRIDE;

        if (ahead < gateway->tunnel_count)
            take_step(lab, gateway, &lab->tunnels[gateway->tunnels[ahead]], step);
    }
}
