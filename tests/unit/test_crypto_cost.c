/* crypto/cost: pricing, the committed table, tables that are wrong, and what is written is read. */
#include "crypto/cost.h"
#include "crypto/cost_measure.h"
#include "suite.h"

#include <unistd.h>

#define REFERENCE "scenarios/costs/reference-x86.json"

static char message[512];

static void load_reference(struct cost_table *t)
{
    ck_assert_msg(cost_load(t, REFERENCE, message, sizeof message) == OK, "%s", message);
}

START_TEST(reference_table_is_whole)
{
    static struct cost_table t;

    load_reference(&t);
    ck_assert_str_eq(t.name, "reference-x86");
    ck_assert_uint_eq(strlen(t.provenance.date), 10);
    for (int op = 0; op < METER_COUNT; op++)
        ck_assert_msg(t.price[op].per_op_ns > 0, "%s", meter_name(op));
}
END_TEST

/* A strongSwan responder spends 0.37 to 0.42 ms per x25519/PSK handshake. */
START_TEST(reference_responder_costs_what_was_measured)
{
    static struct cost_table t;
    struct meter m;

    load_reference(&t);
    meter_clear(&m);
    for (int i = 0; i < 2; i++) {
        meter_tick(&m, METER_MESSAGE_RECEIVED, 300);
        meter_tick(&m, METER_MESSAGE_SENT, 300);
        meter_tick(&m, METER_CIPHER_AES_GCM, 250);
        meter_tick(&m, METER_RANDOM, 32);
    }
    for (int i = 0; i < 16; i++) {
        meter_tick(&m, METER_PRF, 120);
        meter_tick(&m, METER_PAYLOAD_PARSED, 32);
    }
    for (int i = 0; i < 4; i++)
        meter_tick(&m, METER_HASH_SHA1, 22);
    meter_tick(&m, METER_KE_GENERATE_X25519, 0);
    meter_tick(&m, METER_KE_DERIVE_X25519, 0);
    meter_tick(&m, METER_SA_INSTALLED, 0);
    ck_assert_uint_ge(cost_of(&t, &m), 370 * NSEC_PER_US);
    ck_assert_uint_le(cost_of(&t, &m), 420 * NSEC_PER_US);
}
END_TEST

START_TEST(prices_add_up_in_whole_numbers)
{
    static struct cost_table t;
    struct meter m;

    memset(&t, 0, sizeof t);
    t.price[METER_PRF] = (struct cost_price){400, 500};
    t.price[METER_ESP_IN] = (struct cost_price){1200, 1};
    meter_clear(&m);
    ck_assert_uint_eq(cost_of(&t, &m), 0);
    meter_tick(&m, METER_PRF, 3);
    ck_assert_uint_eq(cost_of(&t, &m), 401); /* 1.5 ns rounded down */
    meter_tick(&m, METER_PRF, 0);
    ck_assert_uint_eq(cost_of(&t, &m), 801);
    meter_tick(&m, METER_ESP_IN, 499);
    ck_assert_uint_eq(cost_of(&t, &m), 2001); /* picoseconds are added before rounding */
    meter_tick(&m, METER_ESP_IN, 1);
    ck_assert_uint_eq(cost_of(&t, &m), 3202);
    m.count[METER_PRF] = UINT64_MAX;
    ck_assert_uint_eq(cost_of(&t, &m), NSEC_NEVER);
}
END_TEST

/* ------------------------------------------------------------------- files */

static char path[] = "/tmp/ikelab-cost-XXXXXX";

static void file_with(const char *text)
{
    FILE *f;
    int fd;

    snprintf(path, sizeof path, "/tmp/ikelab-cost-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    f = fdopen(fd, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

/* The reference table with the first `from` replaced by `to`, and what cost_load says to it. */
static enum err load_changed(const char *from, const char *to)
{
    static char text[16384], changed[16384 + 256];
    static struct cost_table t, zero;
    FILE *f = fopen(REFERENCE, "r");
    size_t len = fread(text, 1, sizeof text - 1, f);
    char *at;
    enum err e;

    fclose(f);
    text[len] = '\0';
    at = strstr(text, from);
    ck_assert_msg(at != NULL, "%s", from);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    file_with(changed);
    e = cost_load(&t, path, message, sizeof message);
    unlink(path);
    if (e != OK)
        ck_assert_mem_eq(&t, &zero, sizeof t);
    return e;
}

START_TEST(wrong_tables_are_refused_and_say_where)
{
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"\"format\": 1", "\"format\": 2", ":2: \"format\" must be 1"},
        {"\"format\": 1", "\"format\": \"1\"", ":2: \"format\" must be 1"},
        {"\"format\": 1,", "", "\"format\" must be 1"},
        {"\"unit\": \"ns\"", "\"unit\": \"us\"", "\"unit\" must be \"ns\""},
        {"\"unit\": \"ns\",", "", "\"unit\" must be \"ns\""},
        {"\"name\"", "\"nome\"", ":3: unknown member \"nome\""},
        {"\"reference-x86\"", "\"\"", ":3: \"name\" must be a text"},
        {"\"reference-x86\"", "7", ":3: \"name\" must be a text"},
        {"\"provenance\": {", "\"provenance\": 3, \"x\": {", "unknown member \"x\""},
        {"\"date\"", "\"when\"", ":5: unknown member of provenance \"when\""},
        {"\"compiler\": ", "\"compiler\": \"\", \"cpu\": ", "duplicate"},
        {"\"prf\"", "\"prv\"", "unknown operation \"prv\""},
        {"\"ke_generate.ecp384\"", "\"ke_generate.ecp256\"", "duplicate"},
        {"    \"timer.fired\": {\"per_op\": 2000, \"per_byte_ps\": 0}\n",
         "    \"prf.x\": {\"per_op\": 2000, \"per_byte_ps\": 0}\n", "unknown operation \"prf.x\""},
        {"    \"random\": {", "    \"RANDOM\": {", "unknown operation \"RANDOM\""},
        {",\n    \"timer.fired\": {\"per_op\": 2000, \"per_byte_ps\": 0}", "",
         "no price for \"timer.fired\""},
        {"\"timer.fired\": {\"per_op\": 2000, \"per_byte_ps\": 0}", "\"timer.fired\": 2000",
         "the price of \"timer.fired\" must be {\"per_op\", \"per_byte_ps\"}"},
        {"\"per_op\": 1200", "\"per_op\": 1.5", "per_op of \"esp.in\" must be a whole number"},
        {"\"per_op\": 1200", "\"per_op\": -1", "per_op of \"esp.in\" must be a whole number"},
        {"\"per_op\": 1200", "\"per_op\": 4294967296", "per_op of \"esp.in\" must be a whole"},
        {"\"per_op\": 1200", "\"per_op\": \"1200\"", "per_op of \"esp.in\" must be a whole"},
        {"\"per_op\": 1200, ", "", "per_op of \"esp.in\" must be a whole number"},
        {"\"per_op\": 1200", "\"per_op\": 1, \"per_bit\": 1", "unknown member of a price"},
        {"\"format\": 1,", "\"format\": 1", ":3: "},
        {"{\n  \"format\"", "[\n  \"format\"", ":2: "},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum err e = load_changed(cases[i].from, cases[i].to);

        ck_assert_msg(e == ERR_SYNTAX, "case %zu is accepted", i);
        ck_assert_msg(strstr(message, cases[i].says) != NULL, "case %zu says: %s", i, message);
        ck_assert_msg(strncmp(message, path, strlen(path)) == 0, "case %zu says: %s", i, message);
    }
}
END_TEST

START_TEST(line_of_an_unknown_operation_is_named)
{
    int line = 0;

    ck_assert_int_eq(load_changed("\"hash.sha1\"", "\"hash.sha2\""), ERR_SYNTAX);
    ck_assert_int_eq(sscanf(message + strlen(path), ":%d:", &line), 1);
    ck_assert_int_gt(line, 20); /* behind the key exchanges */
}
END_TEST

START_TEST(files_that_are_no_tables)
{
    static struct cost_table t;
    static const char *const texts[] = {"", "[]", "3", "null", "{}", "{\"format\":1}", "\xff\xfe"};

    ck_assert_int_eq(cost_load(&t, "/nonexistent/x.json", message, sizeof message), ERR_IO);
    ck_assert_ptr_nonnull(strstr(message, "/nonexistent/x.json"));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        file_with(texts[i]);
        ck_assert_int_eq(cost_load(&t, path, message, sizeof message), ERR_SYNTAX);
        unlink(path);
    }
}
END_TEST

START_TEST(what_is_measured_can_be_written_and_read)
{
    static struct cost_table t, again;
    FILE *f;

    ck_assert_ok(cost_measure(&t, 20 * NSEC_PER_US));
    snprintf(t.name, sizeof t.name, "a \"quoted\" name");
    snprintf(t.provenance.cpu, sizeof t.provenance.cpu, "cpu");
    snprintf(t.provenance.date, sizeof t.provenance.date, "2000-01-01");
    file_with("");
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_ok(cost_write(&t, f));
    fclose(f);
    ck_assert_msg(cost_load(&again, path, message, sizeof message) == OK, "%s", message);
    unlink(path);
    ck_assert_str_eq(again.name, t.name);
    ck_assert_str_eq(again.provenance.method, t.provenance.method);
    ck_assert_str_eq(again.provenance.handling, t.provenance.handling);
    ck_assert_mem_eq(again.price, t.price, sizeof t.price);
    for (int op = 0; op <= METER_CERT_PARSE; op++) /* a check is a difference */
        ck_assert_uint_gt(t.price[op].per_op_ns, 0);
}
END_TEST

SUITE("crypto_cost", reference_table_is_whole, reference_responder_costs_what_was_measured,
      prices_add_up_in_whole_numbers, wrong_tables_are_refused_and_say_where,
      line_of_an_unknown_operation_is_named, files_that_are_no_tables,
      what_is_measured_can_be_written_and_read)
