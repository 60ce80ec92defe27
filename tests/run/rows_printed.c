/*
 * The rows of both versions, and of IKEv2 its collision table as lines of cells between tabs, for
 * docs/states, which tests/run/states.py draws. The first cell says what the line is: state, kind,
 * role - a name, in the order of the enum; row - kind, role, states it leads from, payloads needed,
 * payloads allowed besides, served or refused, the Notify of a refusal, state after success, state
 * after failure, section; meets - kind pending, kind asked, same or any (child SA), answer,
 * section. A cell with several names has commas, one with none a "-".
 */
#include "proto/ike/collision.h"
#include "proto/ike/step.h"
#include "proto/wire/v1_registry.h"

#include <stdio.h>

static void states(unsigned from)
{
    const char *between = "";

    for (unsigned state = 0; state < STATE_COUNT; state++) {
        if (from >> state & 1) {
            printf("%s%s", between, ike_state_name(state));
            between = ",";
        }
    }
}

/* Of version 1; its header cannot be seen beside that of IKEv2, which has a `struct step` too. */
extern const struct exchange_table v1_rows;

/* What one bit of a payload_set stands for. */
static const char *told(unsigned version, unsigned bit)
{
    payload_set one = UINT64_C(1) << bit;
    const char *name;

    if (version == 1) {
        name = v1_payload_name((uint8_t)bit);
        return name ? name : "?";
    }
    if (one == HAS_ERROR)
        return "an error Notify";
    if (one == HAS_REKEY_SA)
        return "N(REKEY_SA)";
    if (one == HAS_RIVAL)
        return "a collision";
    if (one == IS_CHILDLESS)
        return "no child asked for";
    name = payload_name((uint8_t)(bit + PAYLOAD_SA));
    return name ? name : "?";
}

static void payloads(unsigned version, payload_set set)
{
    const char *between = "";

    if (!set)
        printf("-");
    for (unsigned bit = 0; bit < 64; bit++) {
        if (set >> bit & 1) {
            printf("%s%s", between, told(version, bit));
            between = ",";
        }
    }
}

static const char *state_or_stay(uint8_t state)
{
    return state == STAY ? "stay" : ike_state_name(state);
}

static void row(const struct exchange_row *r)
{
    printf("row\t%s\t%s\t", exchange_kind_name(r->kind), exchange_role_name(r->role));
    states(r->from);
    printf("\t");
    payloads(r->version, r->needed);
    printf("\t");
    payloads(r->version, r->allowed & ~r->needed);
    printf("\t%s\t%s\t%s\t%s\t%s\n", r->handler ? "served" : "refused",
           r->refusal ? registry_name(REGISTRY_NOTIFY, r->refusal) : "-", state_or_stay(r->to),
           state_or_stay(r->failed), r->section);
}

static void meeting(const struct collision_row *r)
{
    static const char *const answers[] = {
        [COLLISION_PROCEED] = "proceed", [COLLISION_TEMPORARY] = "temporary",
        [COLLISION_RIVAL] = "rival",     [COLLISION_FORGET] = "forget",
        [COLLISION_EMPTY] = "empty",
    };

    printf("meets\t%s\t%s\t%s\t%s\t%s\n", exchange_kind_name(r->pending),
           exchange_kind_name(r->asked), r->same_child ? "same" : "any", answers[r->answer],
           r->section);
}

int main(void)
{
    const struct exchange_row *r;
    const struct collision_row *meetings;
    size_t count;

    for (unsigned state = 0; state < STATE_COUNT; state++)
        printf("state\t%s\n", ike_state_name(state));
    for (unsigned kind = KIND_NONE + 1; kind < KIND_COUNT; kind++)
        printf("kind\t%s\n", exchange_kind_name(kind));
    for (unsigned role = 0; role < ROLE_COUNT; role++)
        printf("role\t%s\n", exchange_role_name(role));
    for (size_t i = 0; (r = exchange_row_at(&ike_rows, i)) != NULL; i++)
        row(r);
    for (size_t i = 0; (r = exchange_row_at(&v1_rows, i)) != NULL; i++)
        row(r);
    meetings = collision_rows(&count);
    for (size_t i = 0; i < count; i++)
        meeting(&meetings[i]);
    return 0;
}
