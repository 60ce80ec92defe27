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
