#include "cli/sweep_talk.h"

#include "bench/sweep/output.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LINE_EVERY_S = 5, ROWS_MAX = 60, WIDTH_MIN = 20 };

static void print_state(const struct sweep_state *s)
{
    uint64_t there = s->kept + s->done;
    double each = s->done ? (double)s->wall_ns / 1e9 / (double)s->done : 0;

    fprintf(stderr, "%" PRIu64 " of %" PRIu64 " runs", there, s->all);
    if (s->failed)
        fprintf(stderr, ", %" PRIu64 " failed", s->failed);
    if (s->done)
        fprintf(stderr, ", ETA %.0f s", each * (double)(s->all - there));
}

void sweep_talk_progress(void *context, const struct sweep_state *s)
{
    struct sweep_talk *talk = context;

    if (talk->quiet)
        return;
    if (talk->terminal) {
        fputs("\r\033[K", stderr);
        print_state(s);
        fflush(stderr);
        return;
    }
    if (s->wall_ns - talk->said_ns < LINE_EVERY_S * UINT64_C(1000000000))
        return;
    talk->said_ns = s->wall_ns;
    print_state(s);
    fputc('\n', stderr);
}

void sweep_talk_end(const struct sweep_talk *talk)
{
    if (talk->terminal && !talk->quiet)
        fputs("\r\033[K", stderr);
}

void sweep_talk_trouble(void *context, uint64_t run, int status, const char *said)
{
    const struct sweep_talk *talk = context;
    char name[PLAN_TEXT_MAX];
    struct text command;

    sweep_talk_end(talk);
    text_init(&command, NULL);
    plan_command(talk->plan, run, &command);
    fprintf(stderr, "%s failed (exit %d)\n%s%stry: %s\n", plan_run_name(talk->plan, run, name),
            status, said, *said && said[strlen(said) - 1] != '\n' ? "\n" : "",
            command.data ? command.data : "ikelab run");
    text_reset(&command);
}

void sweep_talk_stopped(const struct sweep_state *s)
{
    fprintf(stderr,
            "stopped after %" PRIu64 " of %" PRIu64 " runs; the results are marked partial\n"
            "try: the same command again, which goes on from here\n",
            s->kept + s->done, s->all);
}

/* "12.5 +- 0.3" */
static void number_text(const struct cell_number *n, char *out, size_t cap)
{
    if (n->count == 0)
        snprintf(out, cap, "-");
    else if (n->count == 1 || n->high - n->low == 0)
        snprintf(out, cap, "%.6g", n->mean);
    else
        snprintf(out, cap, "%.6g +- %.2g", n->mean, (n->high - n->low) / 2);
}

static int axis_width(const struct plan_axis *a)
{
    size_t width = strlen(a->key);

    for (uint32_t i = 0; i < a->value_count; i++)
        width = strlen(a->values[i]) > width ? strlen(a->values[i]) : width;
    return (int)width;
}

static int metric_width(const struct plan_metric *m)
{
    size_t width = strlen(m->path);

    return (int)(width < WIDTH_MIN ? WIDTH_MIN : width);
}

static void print_head(const struct sweep_plan *p)
{
    for (size_t i = 0; i < p->axis_count; i++)
        printf("  %-*s", axis_width(&p->axes[i]), p->axes[i].key);
    for (size_t i = 0; i < p->metric_count; i++)
        printf("  %*s", metric_width(&p->metrics[i]), p->metrics[i].path);
    putchar('\n');
}

static void print_row(const struct sweep_plan *p, const struct sweep_result *r, uint64_t cell)
{
    for (size_t i = 0; i < p->axis_count; i++)
        printf("  %-*s", axis_width(&p->axes[i]), p->axes[i].values[plan_choice(p, cell, i)]);
    for (size_t i = 0; i < p->metric_count; i++) {
        struct cell_number n;
        char text[64] = "?";

        if (sweep_cell_number(p, r, cell, i, &n) == OK)
            number_text(&n, text, sizeof text);
        printf("  %*s", metric_width(&p->metrics[i]), text);
    }
    putchar('\n');
}

void sweep_talk_table(const struct sweep_plan *p, const struct sweep_result *r, bool report)
{
    uint64_t cells = plan_cells(p);

    printf("%s  %" PRIu64 " cells x %u seed%s: %" PRIu64 " runs now, %" PRIu64 " there before",
           p->scenario_name, cells, p->repeat, p->repeat == 1 ? "" : "s", r->state.done,
           r->state.kept);
    if (r->state.failed)
        printf(", %" PRIu64 " failed", r->state.failed);
    if (r->state.threshold)
        printf(", %" PRIu64 " with a failed threshold%s", r->state.threshold,
               p->thresholds_ignored ? " (ignored)" : "");
    putchar('\n');
    print_head(p);
    for (uint64_t i = 0; i < cells && i < ROWS_MAX; i++)
        print_row(p, r, i);
    if (cells > ROWS_MAX)
        printf("  ... and %" PRIu64 " more cells\n", cells - ROWS_MAX);
    if (p->repeat > 1)
        printf("mean over seeds +- half of its 95 %% interval (Student t)\n");
    if (report)
        printf("report    %s/sweep.html\n", p->folder);
    printf("numbers   %s/sweep.json, sweep.csv\n", p->folder);
}
