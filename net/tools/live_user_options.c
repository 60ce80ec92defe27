#include "net/tools/live_user_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_USER = 768, KEY_PASSWORD, KEY_USERS, KEY_ASK_ADDRESS, KEY_POOL, KEY_DNS, KEY_PUSH };

enum { TEXT_MAX = 255, USERS_MAX = 100000 };

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Users and addresses inside, of --version 1 (test credentials):", 2},
    {"xauth-user", KEY_USER, "NAME", 0, "initiate: who we are, if the peer asks by XAUTH", 2},
    {"xauth-password-file", KEY_PASSWORD, "FILE", 0, "our password, its first line", 2},
    {"xauth-users", KEY_USERS, "FILE", 0,
     "respond: ask by XAUTH; a line of FILE is a name, a space and a password", 2},
    {"ask-address", KEY_ASK_ADDRESS, NULL, 0,
     "initiate: ask for an address inside (Mode-Config), instead of --ts-local", 2},
    {"pool", KEY_POOL, "NET", 0, "respond: addresses of NET for those that ask, with its netmask",
     2},
    {"pool-dns", KEY_DNS, "ADDR", 0, "and this DNS server", 2},
    {"pool-push", KEY_PUSH, NULL, 0, "and to all others unasked", 2},
    {0},
};

/* A line without its end, to be kept; NULL: there is no more. */
static char *line_of(struct argp_state *state, FILE *file, const char *path)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len = getline(&line, &room, file);

    if (len < 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    if (strlen(line) > 2 * TEXT_MAX)
        argp_error(state, "%s: names and passwords have at most %d bytes", path, TEXT_MAX);
    return line;
}

static FILE *open_file(struct argp_state *state, const char *path)
{
    FILE *file = fopen(path, "r");

    if (!file)
        argp_failure(state, 2, errno, "%s", path);
    return file;
}

static void read_password(struct argp_state *state, const char *path, struct live_user_words *w)
{
    FILE *file = open_file(state, path);

    free(w->secret);
    w->secret = line_of(state, file, path);
    fclose(file);
    if (!w->secret || !*w->secret || strlen(w->secret) > TEXT_MAX)
        argp_error(state, "%s: a password has 1 to %d bytes", path, TEXT_MAX);
    w->own.password = bytes_text(w->secret);
}

static struct xauth_user user_of(struct argp_state *state, char *line, const char *path)
{
    char *space = strchr(line, ' ');

    if (!space || space == line || !space[1] || space - line > TEXT_MAX ||
        strlen(space + 1) > TEXT_MAX)
        argp_error(state, "%s: '%s' is not a name, a space and a password", path, line);
    else
        *space = '\0';
    return (struct xauth_user){bytes_text(line), space ? bytes_text(space + 1) : BYTES_NONE};
}

static void read_users(struct argp_state *state, const char *path, struct live_user_words *w)
{
    FILE *file = open_file(state, path);
    char *line;

    if (w->count)
        argp_error(state, "--xauth-users comes once");
    w->everybody = calloc(USERS_MAX, sizeof *w->everybody);
    w->lines = calloc(USERS_MAX, sizeof *w->lines);
    if (!w->everybody || !w->lines)
        argp_failure(state, 2, errno, "%s", path);
    while (w->count < USERS_MAX && (line = line_of(state, file, path)) != NULL) {
        w->lines[w->count] = line;
        w->everybody[w->count++] = user_of(state, line, path);
    }
    if (w->count == USERS_MAX)
        argp_error(state, "%s: at most %d users", path, USERS_MAX - 1);
    fclose(file);
    if (w->count == 0)
        argp_error(state, "%s: there is no user in it", path);
    qsort(w->everybody, w->count, sizeof *w->everybody, xauth_user_compare);
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct live_user_words *w = state->input;

    switch (key) {
    case KEY_USER:
        w->own.name = bytes_text(value);
        if (w->own.name.len == 0 || w->own.name.len > TEXT_MAX)
            argp_error(state, "--xauth-user: a name has 1 to %d bytes", TEXT_MAX);
        return 0;
    case KEY_PASSWORD:
        read_password(state, value, w);
        return 0;
    case KEY_USERS:
        read_users(state, value, w);
        return 0;
    case KEY_ASK_ADDRESS:
        w->ask_address = true;
        return 0;
    case KEY_POOL:
        if (ip_prefix_parse(bytes_text(value), &w->pool) != OK ||
            w->pool.length + 2u > 8 * ip_addr_len(&w->pool.addr))
            argp_error(state, "--pool %s: it is a network with addresses, such as 10.99.0.0/24",
                       value);
        return 0;
    case KEY_DNS:
        if (ip_addr_parse(bytes_text(value), &w->dns) != OK)
            argp_error(state, "--pool-dns %s: it is an address", value);
        return 0;
    case KEY_PUSH:
        w->push = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp live_user_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

static void check(struct argp_state *state, const struct live_user_words *w,
                  const struct ike_config *c)
{
    bool one = c->respond ? c->answers >> IKE_V1 & 1 : c->version == IKE_V1;
    bool calls = w->own.name.len || w->own.password.len || w->ask_address;
    bool answers = w->count || w->pool.addr.family;

    if (!one && (calls || answers))
        argp_error(state, "users and addresses inside are of IKEv1: --version 1 is missing");
    if (w->count && c->answers >> IKE_V2 & 1)
        argp_error(state, "--xauth-users goes with --version 1: IKEv2 asks nobody for a user");
    if (c->respond && calls)
        argp_error(state, "--xauth-user and --ask-address are of initiate; "
                          "--xauth-users and --pool answer them");
    if (!c->respond && answers)
        argp_error(state, "--xauth-users and --pool are of respond; "
                          "--xauth-user and --ask-address ask them");
    if ((w->dns.family || w->push) && !w->pool.addr.family)
        argp_error(state, "--pool-dns and --pool-push go with --pool");
    if (!w->own.name.len != !w->own.password.len)
        argp_error(state, "--xauth-user and --xauth-password-file go together");
}

/* Of IPv4; IPv6 has none. */
static struct ip_addr netmask_of(const struct ip_prefix *p)
{
    struct ip_addr mask = {.family = p->addr.family == 4 ? 4 : 0};

    if (mask.family)
        store_be32(mask.bytes, p->length ? UINT32_MAX << (32 - p->length) : 0);
    return mask;
}

void live_user_words_finish(struct argp_state *state, const struct live_user_words *w,
                            struct ike_config *c)
{
    check(state, w, c);
    if (w->own.name.len)
        c->xauth = (struct xauth_config){.role = XAUTH_USER, .users = &w->own, .user_count = 1};
    else if (w->count)
        c->xauth = (struct xauth_config){
            .role = XAUTH_GATEWAY, .users = w->everybody, .user_count = w->count, .tries = 1};
    c->inside = (struct inside_config){
        .ask = w->ask_address,
        .select = w->ask_address || w->pool.addr.family,
        .pool = w->pool,
        .push = w->push,
        .netmask = netmask_of(&w->pool),
        .dns = w->dns,
    };
}

static void drop(char *line)
{
    if (line)
        wipe(line, strlen(line));
    free(line);
}

void live_user_words_reset(struct live_user_words *w)
{
    for (size_t i = 0; i < w->count; i++) /* behind the end of a name in some line */
        wipe((void *)(uintptr_t)w->everybody[i].password.data, w->everybody[i].password.len);
    for (size_t i = 0; i < w->count; i++)
        drop(w->lines[i]);
    free(w->everybody);
    free(w->lines);
    drop(w->secret);
    *w = (struct live_user_words){.count = 0};
}
