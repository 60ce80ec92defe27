/* sim/import/swanctl_read: the settings grammar, its limits, and where errors point. */
#include "sim/import/swanctl_read.h"
#include "suite.h"

static char errors[8192];

static enum err parse_bytes(const char *text, size_t len, struct settings *s)
{
    FILE *said = fmemopen(errors, sizeof errors, "w");
    enum err e;

    memset(errors, 0, sizeof errors);
    e = settings_parse("t.conf", text, len, s, said);
    fclose(said);
    return e;
}

static struct settings parse(const char *text)
{
    struct settings s;

    ck_assert_msg(parse_bytes(text, strlen(text), &s) == OK, "%s\n%s", text, errors);
    return s;
}

static const char *value(struct settings *s, const char *section, const char *key)
{
    const struct settings_view *view = settings_view(s, section);
    const struct settings_entry *e = view_get(view, key);

    return e ? e->value : NULL;
}

START_TEST(values)
{
    static const struct {
        const char *text, *value;
    } good[] = {
        {"s { k = v }", "v"},
        {"s{k=v}", "v"},
        {"s\n{\n\tk\n=\tv\n}\n", "v"},
        {"s # why\n{ # here\n k = v # there\n}", "v"},
        {"s { k = a  b\tc \n }", "a b c"},
        {"s { k = \"a  b\" }", "a  b"},
        {"s { k = \"a }\" \"#b\" }", "a } #b"},
        {"s { k = a\"b\"c }", "a b c"},
        {"s { k = \"a\\tb\\n\\\"c\\\" \\\\ \\x\" }", "a\tb\n\"c\" \\ x"},
        {"s { k = \"a\\\nb\" }", "ab"},
        {"s { k = \"a\\\r\nb\" }", "ab"},
        {"s { k = \"a\nb\" }", "a\nb"},
        {"s { k = a=b:c,d{ }", "a=b:c,d{"},
        {"s { k = 'a' }", "'a'"},
        {"s { k = a\n k = b }", "b"},
        {"s { k = a }\ns { l = c }", "a"},
        {"s { k = a }\ns { k = b }", "b"},
        {"\xef\xbb\xbfs { k = \xc3\xa4 }", "\xc3\xa4"},
        {"s { l = a\r\n k = v\r\n }\r\n", "v"},
        {"s : t { }\nt { k = v }", "v"},
        {"s : t,\n u\n{ }\nt { k = v }\nu { k = w\n l = w }", "v"},
        {"t { k = v }\ns : t { k = own }", "own"},
        {"t { u { k = v } }\ns : t.u { }", "v"},
        {"s : t { }\nt : u { }\nu { k = far }", "far"},
        {"s { include = x\n k = v }", "v"},
        {"s { k = \n }", NULL},
        {"t { k = v }\ns : t { k = \n }", NULL},
        {"s { k = \"\" }", NULL},
        {"s { }", NULL},
        {"", NULL},
        {"# only this", NULL},
    };

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct settings s;
        const char *v;

        s = parse(good[i].text);
        v = value(&s, "s", "k");
        if (good[i].value)
            ck_assert_msg(v && strcmp(v, good[i].value) == 0, "%s: %s", good[i].text, v ? v : "-");
        else
            ck_assert_msg(!v, "%s: %s", good[i].text, v);
        settings_reset(&s);
    }
}
END_TEST

START_TEST(sections_of_one_name_are_one)
{
    struct settings s = parse("a { b { c = 1 } }\na { b { d = 2 } e { } }\na { b { c = 3 } }");
    const struct settings_view *b = view_child(settings_view(&s, "a"), "b");

    ck_assert_str_eq(view_get(b, "c")->value, "3");
    ck_assert_uint_eq(view_get(b, "c")->at.line, 3);
    ck_assert_str_eq(view_get(b, "d")->value, "2");
    ck_assert_ptr_nonnull(view_child(settings_view(&s, "a"), "e"));
    ck_assert(s.first->overridden && !s.last->overridden);
    settings_reset(&s);
}
END_TEST

START_TEST(references_bring_sections)
{
    struct settings s = parse("d { l { x = 1\n y = 1 } }\na : d { l { y = 2 } m { z = 3 } }");
    const struct settings_view *a = settings_view(&s, "a");

    ck_assert_str_eq(view_get(view_child(a, "l"), "x")->value, "1");
    ck_assert_str_eq(view_get(view_child(a, "l"), "y")->value, "2");
    ck_assert_str_eq(view_get(view_child(a, "m"), "z")->value, "3");
    settings_reset(&s);
}
END_TEST

START_TEST(references_in_circles_end)
{
    struct settings s = parse("a : a { k = v }\nb : c { }\nc : b, none { }");

    ck_assert_str_eq(value(&s, "a", "k"), "v");
    ck_assert_ptr_nonnull(strstr(s.first->note, "itself"));
    ck_assert_ptr_null(value(&s, "b", "k"));
    ck_assert_ptr_nonnull(strstr(s.last->note, "no section 'none'"));
    settings_reset(&s);
}
END_TEST

START_TEST(references_do_not_explode)
{
    char text[4096];
    size_t n = 0;
    struct settings s;

    for (int c = 'a'; c < 'o'; c++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%c : %c, %c, %c, %c { }\n", c, c + 1,
                              c + 1, c + 1, c + 1);
    s = parse(text);
    s.diag.out = fopen("/dev/null", "w");
    ck_assert_ptr_null(settings_view(&s, "a"));
    ck_assert_uint_eq(s.diag.errors, 1);
    fclose(s.diag.out);
    settings_reset(&s);
}
END_TEST

/* Where, and with what words, a wrong text is refused. */
START_TEST(broken)
{
    static const struct {
        const char *text;
        unsigned line, column;
        const char *words;
    } bad[] = {
        {"a", 1, 2, "'=' or '{' is missing behind 'a'"},
        {"a b = c", 1, 3, "'=' or '{' is missing behind 'a'"},
        {"a\nb = c", 1, 2, "is missing behind 'a'"},
        {"a { b }", 1, 7, "is missing behind 'b'"},
        {"a { b c }", 1, 7, "is missing behind 'b'"},
        {"a {\n  b = c\n", 1, 1, "the section 'a' has no closing '}'"},
        {"a {\n  b {\n }\n", 1, 1, "the section 'a'"},
        {"a {\n  b {\n", 2, 3, "the section 'b'"},
        {"}", 1, 1, "'}' closes nothing"},
        {"a { }\n }", 2, 2, "'}' closes nothing"},
        {"a { } }", 1, 7, "'}' closes nothing"},
        {"a { k = {x}=y }", 1, 12, "'=' where"},
        {"= b", 1, 1, "'=' where a setting or section begins"},
        {"{ }", 1, 1, "'{' where"},
        {"a { { } }", 1, 5, "'{' where"},
        {"a { : b }", 1, 5, "':' where"},
        {"a { k = v }, b { }", 1, 12, "',' where"},
        {"\"a\" = b", 1, 1, "'\"' where"},
        {"a = b\n\"", 2, 1, "'\"' where"},
        {"a = \"b", 1, 5, "this string has no closing quote"},
        {"a = x \"b\nc = d\n", 1, 7, "no closing quote"},
        {"a = \"b\\", 1, 5, "no closing quote"},
        {"a = \"b\\\"", 1, 5, "no closing quote"},
        {"a {\n b = c\n d = \"e\n }\n", 3, 6, "no closing quote"},
        {"include \"x", 1, 9, "no closing quote"},
        {"include", 1, 8, "is missing behind 'include'"},
        {"include {\n}", 2, 1, "'}' closes nothing"},
        {"a : { }", 1, 5, "no section is named here; write 'a : other { ... }'"},
        {"a :", 1, 4, "no section is named"},
        {"a : b, { }", 1, 8, "no section is named"},
        {"a : b", 1, 6, "'{' is missing behind the section 'a'"},
        {"a : b c { }", 1, 7, "'{' is missing behind the section 'a'"},
        {"a : b : c { }", 1, 7, "'{' is missing"},
        {"a : b = c", 1, 7, "'{' is missing"},
        {"a, b { }", 1, 2, "is missing behind 'a'"},
        {"a = \x01", 1, 5, "a control character (0x01) in a value"},
        {"a = \"\x02\"", 1, 6, "a control character (0x02) in a string"},
        {"\x03 = b", 1, 1, "a control character (0x03)"},
        {"a\x1b = b", 1, 2, "a control character (0x1b)"},
        {"a = b\x7f", 1, 6, "a control character (0x7f) in a value"},
        /* columns count characters, not bytes */
        {"\xc3\xa4\xc3\xa4 \xc3\xa4", 1, 4, "is missing behind '\xc3\xa4\xc3\xa4'"},
        {"# \xe2\x82\xac\n\xe2\x82\xac = \"\xe2\x82\xac", 2, 5, "no closing quote"},
        {"\ta \t b", 1, 6, "is missing behind 'a'"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct settings s;
        char place[64];

        ck_assert_msg(parse_bytes(bad[i].text, strlen(bad[i].text), &s) == ERR_USAGE, "taken: %s",
                      bad[i].text);
        snprintf(place, sizeof place, "t.conf:%u:%u: error: ", bad[i].line, bad[i].column);
        ck_assert_msg(strncmp(errors, place, strlen(place)) == 0 && strstr(errors, bad[i].words),
                      "%s\nexpected %s%s\nsaid %s", bad[i].text, place, bad[i].words, errors);
        ck_assert_uint_eq(s.diag.errors, 1);
        settings_reset(&s);
    }
}
END_TEST

START_TEST(a_caret_stands_under_the_place)
{
    struct settings s;
    static const char text[] = "a {\n\tkey value\n}\n";

    ck_assert_int_eq(parse_bytes(text, sizeof text - 1, &s), ERR_USAGE);
    ck_assert_str_eq(errors, "t.conf:2:6: error: '=' or '{' is missing behind 'key'\n"
                             " key value\n     ^\n");
    settings_reset(&s);
    ck_assert_int_eq(parse_bytes("a = b\0c", 7, &s), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(errors, "t.conf:1:6: error: a control character (0x00)"));
    settings_reset(&s);
}
END_TEST

/* What is too much is refused, with words; one less is taken. */
static void check_limit(const char *head, const char *piece, size_t most, const char *tail,
                        const char *words)
{
    for (size_t n = most; n <= most + 1; n++) {
        size_t len = strlen(head) + n * strlen(piece) + strlen(tail);
        char *text = malloc(len + 1), *at = text;
        struct settings s;
        enum err e;

        at += sprintf(at, "%s", head);
        for (size_t i = 0; i < n; i++)
            at += sprintf(at, "%s", piece);
        sprintf(at, "%s", tail);
        e = parse_bytes(text, len, &s);
        ck_assert_msg(e == (n > most ? ERR_USAGE : OK), "%zu x '%s': %s", n, piece, errors);
        if (e)
            ck_assert_msg(strstr(errors, words) != NULL, "%s", errors);
        settings_reset(&s);
        free(text);
    }
}

START_TEST(limits)
{
    check_limit("", "n", SETTINGS_NAME_MAX, " = v", "a name of more than 128 bytes");
    check_limit("k = ", "v", SETTINGS_VALUE_MAX, "\n", "a value of more than 4096 bytes");
    check_limit("k = \"", "v", SETTINGS_VALUE_MAX, "\"\n", "a value of more than 4096 bytes");
    check_limit("", "k = v\n", SETTINGS_ENTRIES_MAX, "", "more than 5000 settings");
    for (unsigned depth = SETTINGS_DEPTH_MAX; depth <= SETTINGS_DEPTH_MAX + 1; depth++) {
        char text[256] = "";
        struct settings s;

        for (unsigned i = 0; i < depth; i++)
            strcat(text, "a {");
        for (unsigned i = 0; i < depth; i++)
            strcat(text, "}");
        ck_assert_int_eq(parse_bytes(text, strlen(text), &s),
                         depth > SETTINGS_DEPTH_MAX ? ERR_USAGE : OK);
        settings_reset(&s);
    }
}
END_TEST

SUITE("swanctl_read", values, sections_of_one_name_are_one, references_bring_sections,
      references_in_circles_end, references_do_not_explode, broken, a_caret_stands_under_the_place,
      limits)
