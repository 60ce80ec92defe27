#include "net/tools/live_load_options.h"

#include "net/tools/live_values.h"

#include <string.h>

enum { KEY_LOAD = 768, KEY_FROM, KEY_SIZE, KEY_WINDOW, KEY_RATE, KEY_FOR, KEY_WAIT };

enum { WINDOW = 32, FOR_S = 10, WAIT_S = 1 };

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Load: echo requests through the tunnels, and the time of each answer:", 2},
    {"load", KEY_LOAD, "ADDR", 0,
     "ping this inner address behind the peer (IPv4 or IPv6) when all handshakes are settled; with "
     "--count through one child SA after the other",
     2},
    {"load-from", KEY_FROM, "ADDR", 0,
     "the inner address to ping from (default: the first host of --ts-local)", 2},
    {"load-size", KEY_SIZE, "N|imix", 0,
     "bytes of the inner IP packets, 64 to 9000 (default imix: 64, 570 and 1400 as 7:4:1)", 2},
    {"load-window", KEY_WINDOW, "W", 0,
     "closed loop: W requests under way in all (default 32, most 65536)", 2},
    {"load-rate", KEY_RATE, "R", 0,
     "open loop: R requests a second whatever the peer does, at most 200000; times count from when "
     "each was due",
     2},
    {"load-for", KEY_FOR, "S", 0, "for S seconds (default 10, most 86400)", 2},
    {"load-wait", KEY_WAIT, "S", 0,
     "lost is what has no answer after S seconds (default 1, most 10)", 2},
    {0},
};

static void read_size(struct argp_state *state, const char *text, struct live_load_words *w)
{
    w->imix = strcmp(text, "imix") == 0;
    w->load.size = w->imix ? 0 : value_whole(state, text, LOAD_SIZE_MAX);
    if (!w->imix && w->load.size < LOAD_SIZE_MIN)
        argp_error(state,
                   "a packet of %s bytes has no room for an echo request\ntry: --load-size %d",
                   text, LOAD_SIZE_MIN);
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct live_load_words *w = state->input;

    switch (key) {
    case KEY_LOAD:
        w->load.to = value_address(state, value);
        return 0;
    case KEY_FROM:
        w->load.from = value_address(state, value);
        w->first = "--load-from";
        return 0;
    case KEY_SIZE:
        read_size(state, value, w);
        w->first = "--load-size";
        return 0;
    case KEY_WINDOW:
        w->load.window = value_whole(state, value, LOAD_WINDOW_MAX);
        w->first = "--load-window";
        return 0;
    case KEY_RATE:
        w->load.interval = value_interval(state, value, LOAD_RATE_MAX);
        w->first = "--load-rate";
        return 0;
    case KEY_FOR:
        w->load.run_for = value_seconds(state, value, LOAD_TIME_MAX);
        w->first = "--load-for";
        return 0;
    case KEY_WAIT:
        w->load.wait = value_seconds(state, value, LOAD_WAIT_MAX);
        w->first = "--load-wait";
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp live_load_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

/* ---- against each other ---- */

static bool lies_in(const struct ip_addr *a, const struct selector *s)
{
    return a->family == s->first.family && ip_addr_compare(&s->first, a) <= 0 &&
           ip_addr_compare(a, &s->last) <= 0;
}

/* The first host of what we protect: of a network its second address. */
static struct ip_addr first_host(struct argp_state *state, const struct selector *s)
{
    struct selector all = selector_any(s->first.family);

    if (selector_equal(s, &all))
        argp_error(state,
                   "no inner address to ping from\ntry: --load-from ADDR, or --ts-local NET");
    return ip_addr_equal(&s->first, &s->last) ? s->first : ip_addr_add(&s->first, 1);
}

static void check_places(struct argp_state *state, const struct live_load_options *load,
                         const struct child_config *child)
{
    if (load->from.family != load->to.family)
        argp_error(state, "the load goes from one family of addresses to the other\n"
                          "try: --load-from, or --ts-local, of the family of --load");
    if (!lies_in(&load->from, &child->local[0]))
        argp_error(state, "the load comes from an address outside --ts-local\n"
                          "try: a --load-from that lies in it");
    if (!lies_in(&load->to, &child->remote[0]))
        argp_error(state, "the load goes to an address outside --ts-remote\n"
                          "try: a --ts-remote that contains it");
}

void live_load_words_finish(struct argp_state *state, const struct live_load_words *w,
                            struct live_options *o)
{
    struct live_load_options *load = &o->load;

    if (!w->load.to.family) {
        if (w->first)
            argp_error(state, "%s without --load\ntry: --load ADDR, an address behind the peer",
                       w->first);
        return;
    }
    *load = w->load;
    if (o->data.name)
        argp_error(state, "--load and --tun exclude each other: a load needs no device\n"
                          "try: --load without --tun");
    if (load->window && load->interval)
        argp_error(state, "--load-window and --load-rate exclude each other: a loop is closed or "
                          "open\ntry: one of them");
    if (!load->from.family)
        load->from = first_host(state, &o->config.child.local[0]);
    check_places(state, load, &o->config.child);
    if (!load->window && !load->interval)
        load->window = WINDOW;
    if (!load->run_for)
        load->run_for = FOR_S * NSEC_PER_S;
    if (!load->wait)
        load->wait = WAIT_S * NSEC_PER_S;
}
