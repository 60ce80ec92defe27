#include "net/tools/live_values.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define LONGEST_NS 1e18 /* some thirty years; more would not fit */

uint32_t value_whole(struct argp_state *state, const char *text, unsigned long most)
{
    char *end;
    unsigned long n;

    errno = 0;
    n = strtoul(text, &end, 10);
    if (*end || errno || text[0] < '0' || text[0] > '9' || n == 0 || n > most)
        argp_error(state, "'%s' is not a number from 1 to %lu", text, most);
    return (uint32_t)n;
}

double value_decimal(struct argp_state *state, const char *text, double most)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || !isfinite(value) || value <= 0 || value > most)
        argp_error(state, "'%s' is not a number above 0 and up to %.0f", text, most);
    return value;
}

nsec value_seconds(struct argp_state *state, const char *text, double most)
{
    return (nsec)(value_decimal(state, text, most) * (double)NSEC_PER_S);
}

nsec value_interval(struct argp_state *state, const char *text, double most)
{
    double ns = (double)NSEC_PER_S / value_decimal(state, text, most);

    return (nsec)(ns < LONGEST_NS ? ns : LONGEST_NS);
}

struct ip_addr value_address(struct argp_state *state, const char *text)
{
    struct ip_addr a = {0};

    if (ip_addr_parse(bytes_text(text), &a) != OK)
        argp_error(state, "'%s' is not an IPv4 or IPv6 address", text);
    return a;
}
