/* ikelab explain KEY | FILE | --all: what a key means, what a scenario amounts to. */
#include "cli/scenario_options.h"
#include "cli/verb.h"
#include "sim/address_plan.h"
#include "sim/credentials.h"
#include "sim/footprint.h"
#include "sim/scenario_estimate.h"
#include "sim/scenario_schema.h"
#include "sim/scenario_tree.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

struct explain {
    struct scenario_options options;
    const char *what;
    bool all;
};

static const char *address_text(const struct ip_addr *a, char *out, size_t size)
{
    if (!a->family ||
        !inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->bytes, out, (socklen_t)size))
        snprintf(out, size, "-");
    return out;
}

static void print_member(const struct scenario_group *g, const struct address_plan *plan,
                         uint32_t member)
{
    struct node_addresses a = address_plan_of(plan, g->first_node + member);
    char outer[INET6_ADDRSTRLEN], inside[INET6_ADDRSTRLEN], inner[INET6_ADDRSTRLEN];
    char second[INET6_ADDRSTRLEN];

    printf("    %s[%u]  %s%s", g->name, member, address_text(&a.outer, outer, sizeof outer),
           a.behind == SCENARIO_NONE ? "" : " (private)");
    if (a.second.family)
        printf("  or %s%s", address_text(&a.second, second, sizeof second),
               a.second_behind == SCENARIO_NONE ? "" : " (private)");
    if (a.inside.family)
        printf("  inside %s", address_text(&a.inside, inside, sizeof inside));
    if (a.inner.family)
        printf("  inner %s", address_text(&a.inner, inner, sizeof inner));
    putchar('\n');
}

static void print_groups(const struct scenario *s, const struct address_plan *plan)
{
    puts("groups");
    for (uint32_t i = 0; i < s->group_count; i++) {
        const struct scenario_group *g = &s->groups[i];

        printf("  %s: %u x %s", g->name, g->count, node_role_name(g->role));
        if (g->connect != SCENARIO_NONE)
            printf(", %s %s", g->role == ROLE_ATTACKER ? "floods" : "connects to",
                   s->groups[g->connect].name);
        if (g->established)
            printf(", tunnels without a handshake");
        if (g->role == ROLE_INITIATOR || g->role == ROLE_RESPONDER)
            printf(", auth %s", scenario_auth(&g->ike_words).word);
        if (g->cpu.cores)
            printf(", %u cores at %s", g->cpu.cores, g->cpu.costs_path);
        putchar('\n');
        print_member(g, plan, 0);
        if (g->count > 1)
            print_member(g, plan, g->count - 1);
    }
}

static void print_direction(const struct scenario *s, const struct scenario_link *l, int d,
                            const struct link_estimate *e)
{
    char load[UNIT_TEXT_MAX], rate[UNIT_TEXT_MAX], delay[UNIT_TEXT_MAX];
    const struct link_words *w = &l->words[d];
    uint64_t percent = (e->loss[d] * 1000000 + (UINT64_C(1) << 31)) >> 32; /* * 10^4 */

    unit_write(DIMENSION_BITRATE, e->load_bps[d], load);
    unit_write(DIMENSION_BITRATE, w->rate_bps, rate);
    unit_write(DIMENSION_TIME, w->delay, delay);
    printf("    %s to %s: delay %s, rate %s, offered at most %s", s->groups[l->side[d]].name,
           s->groups[l->side[1 - d]].name, delay, w->rate_bps ? rate : "unlimited", load);
    if (e->loss[d] == UINT64_MAX)
        printf(", loss by a four-state chain\n");
    else
        printf(", expected loss %" PRIu64 ".%04" PRIu64 "%%\n", percent / 10000, percent % 10000);
    if (w->rate_bps && e->load_bps[d] > w->rate_bps)
        fprintf(stderr,
                "warning: link '%s' is offered %s where it carries %s: its queue will "
                "overflow\n",
                l->name, load, rate);
}

static void print_links(const struct scenario *s, const struct scenario_estimate *e)
{
    puts("links");
    for (uint32_t i = 0; i < s->link_count; i++) {
        printf("  %s: %u x %s - %s\n", s->links[i].name, s->links[i].members,
               s->groups[s->links[i].side[0]].name, s->groups[s->links[i].side[1]].name);
        print_direction(s, &s->links[i], LINK_UP, &e->links[i]);
        print_direction(s, &s->links[i], LINK_DOWN, &e->links[i]);
    }
}

/* The answers are left to the report, which asks first. */
static void print_lesson(const struct lesson *l)
{
    char time[UNIT_TEXT_MAX];

    if (!l->situation)
        return;
    printf("lesson\n  situation %u: %s\n  %s\n", l->situation, l->title, l->shows);
    if (l->sibling)
        printf("  other half: %s.yaml\n", l->sibling);
    for (uint32_t i = 0; i < l->section_count; i++)
        printf("%s%s", i ? ", " : "  sections: ", l->sections[i]);
    if (l->section_count)
        putchar('\n');
    for (uint32_t i = 0; i < l->question_count; i++) {
        const struct lesson_question *q = &l->questions[i];

        printf("  question %u: %s", i + 1, q->ask);
        if (q->look != LOOK_NONE)
            printf(" Look at: %s.", lesson_look_name((enum lesson_look)q->look));
        if (q->at != NSEC_NEVER) {
            unit_write(DIMENSION_TIME, q->at, time);
            printf(" At: %s.", time);
        }
        putchar('\n');
    }
}

/* `ikelab run` ignores it: here is what the other verb would do. */
static void print_sweep(const struct scenario *s)
{
    uint64_t cells = sweep_cells(&s->sweep);

    if (s->sweep.axis_count == 0)
        return;
    printf("sweep: %" PRIu64 " runs, %" PRIu64 " cells x %u seed%s (`ikelab sweep`)\n",
           cells * s->sweep.repeat, cells, s->sweep.repeat, s->sweep.repeat == 1 ? "" : "s");
    for (uint32_t i = 0; i < s->sweep.axis_count; i++) {
        printf("  %s:", s->sweep.axes[i].key);
        for (uint32_t k = 0; k < s->sweep.axes[i].value_count; k++)
            printf(" %s", s->sweep.axes[i].values[k]);
        putchar('\n');
    }
    for (uint32_t i = 0; i < s->sweep.metric_count; i++)
        printf("  reports %s\n", s->sweep.metrics[i].path);
    if (s->sweep.thresholds_ignored)
        printf("  thresholds that fail are counted, and do not decide its exit code\n");
}

/* Found by running small copies, which may fail where the scenario itself would. */
static void print_memory(const struct scenario *s, const struct scenario_options *o)
{
    struct footprint f;

    if (footprint_measure(s, o->overrides, o->count, &f) != OK) {
        puts("memory: not known, as no small copy of this scenario runs");
        return;
    }
    printf("memory: about %" PRIu64 " MiB", (f.resident_bytes + (1 << 19)) >> 20);
    if (f.halvings)
        printf(", by copies with %u times fewer members", 1u << f.halvings);
    if (s->capture.of_count)
        printf("; the capture takes up to %" PRIu64 " MiB of disk", s->capture.max_size >> 20);
    putchar('\n');
}

static int explain_scenario(const struct scenario *s, const struct scenario_options *o)
{
    struct address_plan plan;
    struct scenario_estimate estimate;
    char time[UNIT_TEXT_MAX];

    if (address_plan_make(s, &plan, stderr))
        return say_error(EXIT_FAILED, "ikelab lint FILE", "the addresses cannot be laid out");
    if (scenario_estimate(s, &estimate)) {
        address_plan_reset(&plan);
        return say_error(EXIT_FAILED, "a smaller scenario", "out of memory");
    }
    unit_write(DIMENSION_TIME, s->stop_time, time);
    printf("%s: seed %" PRIu64 ", %s, %s crypto, %u nodes\n", s->name, s->seed, time,
           s->crypto_modelled ? "modelled" : "real", s->node_count);
    print_lesson(&s->lesson);
    print_groups(s, &plan);
    print_links(s, &estimate);
    printf("traffic\n");
    for (uint32_t i = 0; i < s->flow_count; i++)
        printf("  %s: %s %s %s, %u B on average\n", s->flows[i].name,
               s->groups[s->flows[i].from].name, s->flows[i].both ? "<->" : "->",
               s->groups[s->flows[i].to].name, flow_mean_size(&s->flows[i]));
    if (scenario_has_signers(s))
        printf("credentials: made from the seed, for tests only; about %" PRIu64 " KiB\n",
               (credentials_estimate(s) >> 10) + 1);
    print_memory(s, o);
    print_sweep(s);
    scenario_estimate_reset(&estimate);
    address_plan_reset(&plan);
    return EXIT_DONE;
}

static int explain_file(const struct explain *x)
{
    struct scenario s;
    int code = scenario_open(x->what, &x->options, &s);

    if (code)
        return code;
    code = explain_scenario(&s, &x->options);
    scenario_reset(&s);
    return code;
}

struct names {
    const char *names[512];
    size_t count;
};

static void collect_name(void *context, const struct key_path *path)
{
    struct names *n = context;

    if (n->count < 511)
        n->names[n->count++] = path->key->name;
}

static int explain_key(const char *what)
{
    struct names names = {.count = 0};
    struct key_path path;
    const char *near, *last = strrchr(what, '.');
    char hint[128];
    struct text out;
    size_t count = key_find(what, &path);
    enum err e;

    if (count == 0) {
        keys_visit(collect_name, &names);
        near = nearest_word(last ? last + 1 : what, names.names);
        snprintf(hint, sizeof hint, "ikelab explain %s", near ? near : "--all");
        return say_error(EXIT_WRONG_USE, hint, "there is no key '%s'", what);
    }
    text_init(&out, stdout);
    scenario_explain_key(&out, &path);
    if (count > 1)
        text_format(&out, "%zu more keys end like this; write more of the path\n", count - 1);
    e = text_flush(&out);
    text_reset(&out);
    return e ? EXIT_FAILED : EXIT_DONE;
}

static int explain_all(void)
{
    struct text out;
    enum err e;

    text_init(&out, stdout);
    scenario_reference(&out);
    e = text_flush(&out);
    text_reset(&out);
    return e ? EXIT_FAILED : EXIT_DONE;
}

static error_t parse(int option, char *argument, struct argp_state *state)
{
    struct explain *x = state->input;

    switch (option) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &x->options;
        return 0;
    case 'a':
        x->all = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            return ARGP_ERR_UNKNOWN;
        x->what = argument;
        return 0;
    case ARGP_KEY_END:
        if (x->what || x->all)
            return 0;
        argp_error(state, "no key and no file given");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int explain_run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"all", 'a', NULL, 0, "Print the reference page of all keys", 0}, {0}};
    static const struct argp_child children[] = {{&scenario_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "KEY|FILE",
        .doc = "Explain a key of the scenario format, such as links.loss.gemodel, or what a "
               "scenario file amounts to: nodes, addresses, load of the links, memory.",
        .children = children,
    };
    struct explain x = {.what = NULL};
    error_t failed = argp_parse(&argp, argc, argv, 0, NULL, &x);
    int code = EXIT_WRONG_USE;

    if (!failed && x.all)
        code = explain_all();
    else if (!failed && (strchr(x.what, '/') || strstr(x.what, ".yaml")))
        code = explain_file(&x);
    else if (!failed)
        code = explain_key(x.what);
    scenario_options_reset(&x.options);
    return code;
}

const struct verb verb_explain = {"explain", "explain a key or a scenario", explain_run};
