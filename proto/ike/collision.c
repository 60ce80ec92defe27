#include "proto/ike/collision.h"

#define ROW(mine, theirs, same, what, where)                                                       \
    {                                                                                              \
        .pending = KIND_##mine, .asked = KIND_##theirs, .same_child = same,                        \
        .answer = COLLISION_##what, .section = "RFC 7296 " where                                   \
    }

/* What is not here does not collide: COLLISION_PROCEED. */
static const struct collision_row rows[] = {
    /* Child SA matters among themselves */
    ROW(CHILD_REKEY, CHILD_REKEY, true, RIVAL, "§2.8.1"),
    ROW(CHILD_REKEY, CHILD_DELETE, true, PROCEED, "§2.25.1"),
    ROW(CHILD_DELETE, CHILD_REKEY, true, TEMPORARY, "§2.25.1"),
    ROW(CHILD_DELETE, CHILD_DELETE, true, EMPTY, "§2.25.1"),
    /* The IKE SA is being rekeyed */
    ROW(IKE_REKEY, IKE_REKEY, false, RIVAL, "§2.25.2"),
    ROW(IKE_REKEY, IKE_DELETE, false, FORGET, "§2.25.2"),
    ROW(IKE_REKEY, CHILD_NEW, false, TEMPORARY, "§2.25.2"),
    ROW(IKE_REKEY, CHILD_REKEY, false, TEMPORARY, "§2.25.2"),
    ROW(IKE_REKEY, CHILD_DELETE, false, PROCEED, "§2.25.2"),
    /* A child SA is being made, rekeyed or deleted */
    ROW(CHILD_NEW, IKE_REKEY, false, TEMPORARY, "§2.25.2"),
    ROW(CHILD_REKEY, IKE_REKEY, false, TEMPORARY, "§2.25.2"),
    ROW(CHILD_DELETE, IKE_REKEY, false, TEMPORARY, "§2.25.2"),
    ROW(CHILD_NEW, IKE_DELETE, false, FORGET, "§2.25.2"),
    ROW(CHILD_REKEY, IKE_DELETE, false, FORGET, "§2.25.2"),
    ROW(CHILD_DELETE, IKE_DELETE, false, FORGET, "§2.25.2"),
    /* The IKE SA is being deleted */
    ROW(IKE_DELETE, IKE_DELETE, false, FORGET, "§2.25.2"),
    ROW(IKE_DELETE, IKE_REKEY, false, TEMPORARY, "§2.25.2"),
    ROW(IKE_DELETE, CHILD_NEW, false, TEMPORARY, "§2.25.2"),
    ROW(IKE_DELETE, CHILD_REKEY, false, TEMPORARY, "§2.25.2"),
    ROW(IKE_DELETE, CHILD_DELETE, false, PROCEED, "§2.25.2"),
};

const struct collision_row *collision_rows(size_t *count)
{
    *count = sizeof rows / sizeof *rows;
    return rows;
}

enum collision_answer collision_find(enum exchange_kind pending, enum exchange_kind asked,
                                     bool same_child)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].pending == pending && rows[i].asked == asked &&
            (!rows[i].same_child || same_child))
            return rows[i].answer;
    return COLLISION_PROCEED;
}

int nonce_compare(struct bytes a, struct bytes b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.data, b.data, common);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

struct bytes nonce_lower(struct bytes a, struct bytes b)
{
    return nonce_compare(a, b) < 0 ? a : b;
}

bool collision_lost(const struct ike_config *c, struct bytes mine, struct bytes rival)
{
    int order = nonce_compare(mine, rival);

    return c->quirks & QUIRK_HIGHEST_NONCE ? order > 0 : order < 0;
}
