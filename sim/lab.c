#include "sim/lab.h"

#include <stdio.h>

char *lab_node_name(const struct lab *lab, uint32_t node, char *out)
{
    const struct scenario_group *g = &lab->scenario->groups[lab->sim.nodes[node].group];

    if (g->count == 1)
        snprintf(out, LAB_NAME_MAX, "%s", g->name);
    else
        snprintf(out, LAB_NAME_MAX, "%s[%u]", g->name, node - g->first_node);
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
