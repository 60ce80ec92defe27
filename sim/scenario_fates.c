/* `packets:` of a link: what becomes of single packets. */
#include "sim/scenario_read.h"

#include <stdlib.h>
#include <string.h>

enum { FATES_MAX = 1000, ARRIVALS_MAX = 16 };

static int by_time(const void *a, const void *b)
{
    nsec x = *(const nsec *)a, y = *(const nsec *)b;

    return (x > y) - (x < y);
}

static void read_times(struct scenario_reader *r, const struct tree *n, struct packet_fate *f)
{
    static const struct key key = {.name = "at", .type = KEY_TIME};
    const struct tree *item = n->kind == TREE_LIST ? n->first : n;
    uint32_t count = n->kind == TREE_LIST ? n->count : 1;
    nsec stop = r->scenario->stop_time, *at;

    if (!count || count > ARRIVALS_MAX) {
        diag_error(&r->diag, n, "'at' takes one time or a list of up to %d, such as [1.25s, 2.5s]",
                   ARRIVALS_MAX);
        return;
    }
    at = reader_take(r, count * sizeof *at);
    for (uint32_t i = 0; i < count && at; i++, item = item->next) {
        at[i] = 0;
        value_read(r, &key, item, &at[i]);
        if (stop && at[i] >= stop)
            diag_warning(&r->diag, item, "the run is over by then: the packet will not arrive");
    }
    if (!at)
        return;
    qsort(at, count, sizeof *at, by_time);
    f->at = at;
    f->at_count = count;
}

static void check_twice(struct scenario_reader *r, const struct tree *map,
                        const struct packet_fate *all, const struct packet_fate *f)
{
    for (const struct packet_fate *other = all; other < f; other++)
        if (other->direction == f->direction && other->kind == f->kind &&
            other->number == f->number) {
            diag_error(&r->diag, tree_get(map, "number"),
                       "what becomes of packet %u is said before; 'at' takes a list for one that "
                       "arrives more than once",
                       f->number);
            return;
        }
}

static void read_fate(struct scenario_reader *r, const struct tree *map, struct packet_fate *f)
{
    const struct tree *at = tree_get(map, "at"), *lost = tree_get(map, "lost");

    section_defaults(r, SECTION_FATE, f);
    section_read(r, SECTION_FATE, map, f);
    if (map->kind != TREE_MAP)
        return;
    if (at)
        read_times(r, at, f);
    if (at && f->lost)
        diag_error(&r->diag, lost, "a packet that is lost does not arrive: 'lost' or 'at'");
    else if (!at && !f->lost)
        diag_error(&r->diag, lost ? lost : map,
                   "a packet takes 'lost: true' or when it arrives, such as 'at: 1.25s'");
}

/* By kind and number: the link looks them up as packets come. */
static int by_number(const void *a, const void *b)
{
    const struct packet_fate *x = a, *y = b;

    if (x->kind != y->kind)
        return (x->kind > y->kind) - (x->kind < y->kind);
    return (x->number > y->number) - (x->number < y->number);
}

static void give(struct scenario_reader *r, struct scenario_link *l, uint32_t direction)
{
    struct packet_fate *own = reader_take(r, l->fate_count * sizeof *own);
    uint32_t count = 0;

    for (uint32_t i = 0; i < l->fate_count && own; i++)
        if (l->fates[i].direction == direction)
            own[count++] = l->fates[i];
    if (!count)
        return;
    qsort(own, count, sizeof *own, by_number);
    l->words[direction].fates = own;
    l->words[direction].fate_count = count;
}

void read_fates(struct scenario_reader *r, const struct tree *map, struct scenario_link *l)
{
    const struct tree *packets = tree_get(map, "packets");
    struct packet_fate *fates;
    uint32_t errors = r->diag.errors, count = 0;

    if (!packets || tree_is_null(packets))
        return;
    if (packets->kind != TREE_LIST || packets->count > FATES_MAX) {
        diag_error(&r->diag, packets,
                   "'packets' is a list of at most %d packets, such as [{direction: up, number: 3, "
                   "lost: true}]",
                   FATES_MAX);
        return;
    }
    fates = reader_take(r, packets->count * sizeof *fates);
    for (const struct tree *v = packets->first; v && fates; v = v->next, count++) {
        read_fate(r, v, &fates[count]);
        if (r->diag.errors == errors)
            check_twice(r, v, fates, &fates[count]);
    }
    if (!fates || r->diag.errors != errors)
        return;
    l->fates = fates;
    l->fate_count = count;
    give(r, l, LINK_UP);
    give(r, l, LINK_DOWN);
}
