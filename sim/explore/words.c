#include "sim/explore/words.h"

#include "sim/scenario_units.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const ike_skipped[] = {"preset",    "version",     "auth",      "send_cert",
                                          "lookup",    "rekey_time",  "over_time", "rand_time",
                                          "dpd_delay", "reauth_time", "quirks",    NULL};
static const char *const child_skipped[] = {"preset",        "rekey_time",   "life_time",
                                            "rand_time",     "rekey_bytes",  "life_bytes",
                                            "rekey_packets", "life_packets", NULL};

static bool is_skipped(const char *const *skipped, const char *key)
{
    while (*skipped && strcmp(*skipped, key) != 0)
        skipped++;
    return *skipped != NULL;
}

/* Takes both references. */
static void write_different(json_t *own, json_t *usual, const char *const *skipped,
                            struct text *out)
{
    const char *key;
    json_t *value;

    json_object_foreach(own, key, value)
    {
        char *text;

        if (is_skipped(skipped, key) || json_equal(value, json_object_get(usual, key)))
            continue;
        text = json_dumps(value, JSON_ENCODE_ANY);
        text_format(out, ", %s: %s", key, text ? text : "");
        free(text);
    }
    json_decref(own);
    json_decref(usual);
}

static json_t *loaded(struct text *text)
{
    json_t *out = text->error == OK ? json_loadb(text->data, text->len, 0, NULL) : NULL;

    text_reset(text);
    return out;
}

static json_t *ike_json(const struct ike_words *w)
{
    struct text text;

    text_init(&text, NULL);
    scenario_dump_ike(w, &text);
    return loaded(&text);
}

static json_t *child_json(const struct child_words *w)
{
    struct text text;

    text_init(&text, NULL);
    scenario_dump_child(w, &text);
    return loaded(&text);
}

static void write_quirks(unsigned quirks, struct text *out)
{
    const struct ike_quirk_row *row;
    const char *before = ", quirks: [";

    for (unsigned i = 0; (row = ike_quirk_at(i)) != NULL; i++) {
        if (!(quirks & row->quirk))
            continue;
        text_format(out, "%s%s", before, row->name);
        before = ", ";
    }
    if (quirks)
        text_char(out, ']');
}

/* Without jitter, and with no end in sight. */
static void write_rekey(nsec rekey, const char *endless, struct text *out)
{
    char time[UNIT_TEXT_MAX];

    unit_write(DIMENSION_TIME, rekey, time);
    text_format(out, "{rekey_time: %s", time);
    if (rekey)
        text_format(out, ", rand_time: 0s, %s", endless);
}

void words_write_ike(const struct ike_words *w, const struct ike_words *usual,
                     const struct words_beside *beside, struct text *out)
{
    write_rekey(beside->rekey_ike, "over_time: 1d", out);
    write_different(ike_json(w), ike_json(usual), ike_skipped, out);
    write_quirks(beside->quirks, out);
    text_char(out, '}');
}

void words_write_child(const struct child_words *w, const struct child_words *usual,
                       const struct words_beside *beside, struct text *out)
{
    json_t *own = child_json(w);

    write_rekey(beside->rekey_child, "life_time: 0s", out);
    if (beside->esp_proposals) {
        json_object_del(own, "esp_proposals");
        text_format(out, ", esp_proposals: %s", beside->esp_proposals);
    }
    write_different(own, child_json(usual), child_skipped, out);
    text_char(out, '}');
}
