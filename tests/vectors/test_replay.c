/* Anti-replay sequences of RFC 6479: counters from 0 there, sequence numbers from 1 here. */
#include "proto/esp/replay.h"
#include "suite.h"
#include "vectors.h"

struct window {
    struct replay r;
    uint64_t bitmap[REPLAY_WORDS_MAX];
};

static bool offer(struct window *w, int64_t counter)
{
    uint64_t seq = (uint64_t)(counter + 1);

    if (replay_check(&w->r, w->bitmap, seq) != OK)
        return false;
    replay_update(&w->r, w->bitmap, seq);
    return true;
}

/* The little arithmetic of the file: sums and products of numbers, W and parentheses. */
static int64_t sum(const char **at, int64_t w);

static int64_t atom(const char **at, int64_t w)
{
    int64_t v;

    if (**at == '(') {
        ++*at;
        v = sum(at, w);
        ck_assert_int_eq(**at, ')');
        ++*at;
        return v;
    }
    if (**at == 'W') {
        ++*at;
        return w;
    }
    ck_assert(**at >= '0' && **at <= '9');
    return strtoll(*at, (char **)(uintptr_t)at, 10);
}

static int64_t product(const char **at, int64_t w)
{
    int64_t v = atom(at, w);

    while (**at == '*') {
        ++*at;
        v *= atom(at, w);
    }
    return v;
}

static int64_t sum(const char **at, int64_t w)
{
    int64_t v = product(at, w);

    while (**at == '+' || **at == '-') {
        int64_t sign = *(*at)++ == '+' ? 1 : -1;

        v += sign * product(at, w);
    }
    return v;
}

static int64_t number(const char *text, int64_t w)
{
    int64_t v = sum(&text, w);

    ck_assert_int_eq(*text, 0);
    return v;
}

static int steps(struct window *w, const json_t *list, int64_t size)
{
    const json_t *step;
    size_t i;

    json_array_foreach(list, i, step)
    {
        const char *text = json_string_value(json_array_get(step, 0));
        bool expected = json_is_true(json_array_get(step, 1));

        ck_assert_msg(offer(w, number(text, size)) == expected, "window %d, step %zu: %s",
                      (int)size, i, text);
    }
    return (int)json_array_size(list);
}

/* "FROM..TO up" or "FROM..TO down": all accepted. */
static int loop(struct window *w, const char *text, int64_t size)
{
    char from[32], to[32], way[8];
    int64_t at, end, step;
    int count = 0;

    ck_assert_int_eq(sscanf(text, "%31[^.]..%31s %7s", from, to, way), 3);
    step = strcmp(way, "up") == 0 ? 1 : -1;
    end = number(to, size) + step;
    for (at = number(from, size); at != end; at += step, count++)
        ck_assert_msg(offer(w, at), "window %d, %s: %d", (int)size, text, (int)at);
    return count;
}

START_TEST(rfc6479_sequences)
{
    static const uint32_t windows[] = {32, 64, 100, 128, 1024, 4095};
    json_t *root, *sequences, *sequence;
    const char *name;
    int run = 0;

    vectors_needed();
    root = vectors_load("replay/rfc6479_sequences.json");
    sequences = json_object_get(root, "sequences");
    ck_assert_uint_ge(json_object_size(sequences), 4);
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        json_object_foreach(sequences, name, sequence)
        {
            struct window w;

            /* W counts how far back a number may lie: a window of W + 1 numbers. */
            replay_init(&w.r, w.bitmap, windows[i] + 1);
            if (json_is_array(sequence)) {
                run += steps(&w, sequence, windows[i]);
                continue;
            }
            run += loop(&w, vector_text(sequence, "all_accepted_loop"), windows[i]);
            run += steps(&w, json_object_get(sequence, "then"), windows[i]);
        }
    }
    printf("rfc6479: %d numbers offered, 0 skipped\n", run);
    json_decref(root);
}
END_TEST

SUITE("replay_vectors", rfc6479_sequences)
