#include "sim/lab.h"

#include "base/assert.h"

char *lab_node_name(const struct lab *lab, uint32_t node, char *out)
{
    const struct scenario_group *g = &lab->scenario->groups[lab->sim.nodes[node].group];
    uint32_t member = node - g->first_node;
    char text[12]; /* "4294967295]", from the end: every recorded line asks for a name */
    size_t at = sizeof text, len = strlen(g->name);

    ASSERT(len + 1 + sizeof text <= LAB_NAME_MAX);
    memcpy(out, g->name, len + 1);
    if (g->count == 1)
        return out;
    out[len++] = '[';
    text[--at] = 0;
    text[--at] = ']';
    do
        text[--at] = (char)('0' + member % 10);
    while (member /= 10);
    memcpy(out + len, text + at, sizeof text - at);
    return out;
}

struct ip_addr lab_called(const struct lab *lab, const struct tunnel *t)
{
    const struct scenario *s = lab->scenario;
    uint32_t at = t->gateway;

    for (uint32_t g = 0; g < s->group_count; g++)
        if (s->groups[g].forward != SCENARIO_NONE &&
            s->groups[s->groups[g].forward].first_node == t->gateway) {
            at = s->groups[g].first_node;
            break;
        }
    return address_plan_outer(&lab->plan, at);
}
