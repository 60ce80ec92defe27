#include "explore/chart.h"

#include <stdlib.h>
#include <string.h>

enum { LANE = 44 }; /* between the two lifelines */

struct chart {
    FILE *out;
    unsigned step;
};

void chart_name_message(const struct story_line *l, char *out, size_t cap)
{
    snprintf(out, cap, "m%u %s %s %u%s", l->number,
             exchange_kind_name((enum exchange_kind)l->exchange),
             l->response ? "response" : "request", l->id, l->transmission ? " again" : "");
}

static void time_of(const struct story_line *l, char *out, size_t cap)
{
    nsec ms = l->at / NSEC_PER_MS - 1000; /* the handshake is at 1 s */

    snprintf(out, cap, "%llu.%03llu s", (unsigned long long)(ms / 1000),
             (unsigned long long)(ms % 1000));
}

/* A message between the lifelines: leaving at its sender, or arriving at its receiver. */
static void arrow(struct chart *c, const struct story_line *l, bool leaves)
{
    char name[64], left[72];
    bool at_a = l->side == 0;
    bool points_right = leaves == at_a;

    chart_name_message(l, name, sizeof name);
    snprintf(left, sizeof left, "%s%s%s", points_right ? "-- " : "<- ", name,
             points_right ? " ->" : " --");
    if (at_a)
        fprintf(c->out, "|%-*s|\n", LANE, left);
    else
        fprintf(c->out, "|%*s|\n", LANE, left);
}

static void note(struct chart *c, const struct story_line *l, const char *text)
{
    if (l->side == 0)
        fprintf(c->out, "* %-*s|\n", LANE - 1, text);
    else
        fprintf(c->out, "|%*s *\n", LANE - 1, text);
}

static bool begins_step(enum story_kind kind)
{
    return kind != STORY_SENT && kind != STORY_EVENT;
}

static void tell(void *context, const struct story_line *l)
{
    struct chart *c = context;
    char when[32], text[96], name[64];

    time_of(l, when, sizeof when);
    if (begins_step(l->kind))
        fprintf(c->out, "%3u %10s  ", ++c->step, when);
    else
        fprintf(c->out, "%16s", "");
    chart_name_message(l, name, sizeof name);
    switch (l->kind) {
    case STORY_SENT:
    case STORY_ARRIVED:
        arrow(c, l, l->kind == STORY_SENT);
        return;
    case STORY_LOST:
        snprintf(text, sizeof text, "%s is lost", name);
        break;
    case STORY_DOUBLED:
        snprintf(text, sizeof text, "%s arrives, and will again", name);
        break;
    case STORY_TIMER:
        snprintf(text, sizeof text, "timer%s", l->late ? ", with messages late" : "");
        break;
    case STORY_TRIGGER:
        snprintf(text, sizeof text, "asked to %s%s", l->what, l->refused ? ": not possible" : "");
        break;
    default:
        snprintf(text, sizeof text, "%s%s%s%s", l->what, l->why ? " (" : "", l->why ? l->why : "",
                 l->why ? ")" : "");
        break;
    }
    note(c, l, text);
}

enum err chart_print(FILE *out, const struct search_options *o, const struct search_result *r)
{
    struct chart c = {.out = out};

    fprintf(out, "%16sA%*sB\n", "", LANE, "");
    return search_tell(o, r, tell, &c);
}

char *chart_text(const struct search_options *o, const struct search_result *r)
{
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    enum err e = to ? chart_print(to, o, r) : ERR_MEMORY;

    if (to && fclose(to) != 0)
        e = ERR_MEMORY;
    if (e == OK)
        return text;
    free(text);
    return NULL;
}
