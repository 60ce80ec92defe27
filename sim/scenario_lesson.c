/* `lesson:`: what a scenario teaches, checked, and written as JSON. The run itself ignores it. */
#include "record/json.h"
#include "sim/scenario_read.h"

#include <ctype.h>
#include <string.h>

enum { QUESTIONS_MAX = 20, SECTIONS_MAX = 20, SECTION_TEXT_MAX = 60 };

/* "RFC 7296", "RFC 7296 §2.23": the one form that the report makes links of. */
static bool is_citation(const char *text)
{
    static const char mark[] = " §";
    size_t digits;

    if (strncmp(text, "RFC ", 4) != 0 || strlen(text) > SECTION_TEXT_MAX)
        return false;
    text += 4;
    digits = strspn(text, "0123456789");
    text += digits;
    if (!digits || !*text)
        return digits;
    if (strncmp(text, mark, sizeof mark - 1) != 0)
        return false;
    text += sizeof mark - 1;
    return *text && strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.") == strlen(text);
}

static void check_sections(struct scenario_reader *r, const struct tree *map)
{
    const struct tree *n = tree_get(map, "sections");

    if (!n)
        return;
    if (n->kind == TREE_LIST && n->count > SECTIONS_MAX)
        diag_error(&r->diag, n, "'sections' takes at most %d", SECTIONS_MAX);
    for (const struct tree *v = n->kind == TREE_LIST ? n->first : n; v; v = v->next) {
        if (is_text(v) && !is_citation(v->text))
            diag_error(&r->diag, v, "'%.64s' is no section, which is written as \"RFC 7296 §2.23\"",
                       v->text);
        if (n->kind != TREE_LIST)
            return;
    }
}

/* A stem cannot lead out of the folder. */
static void check_sibling(struct scenario_reader *r, const struct tree *map)
{
    const struct tree *n = tree_get(map, "sibling");
    const char *text = n && is_text(n) ? n->text : "";

    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && *text != '-' && *text != '_') {
            diag_error(&r->diag, n,
                       "'%.64s' is no file stem: the name of a file of the same folder without "
                       "'.yaml', such as nat-binding-timeout-fixed",
                       n->text);
            return;
        }
}

static void read_question(struct scenario_reader *r, const struct tree *map,
                          struct lesson_question *q)
{
    const struct tree *at = tree_get(map, "at");
    nsec stop = r->scenario->stop_time;
    char text[UNIT_TEXT_MAX];

    *q = (struct lesson_question){.at = NSEC_NEVER, .look = LOOK_NONE};
    section_read(r, SECTION_QUESTION, map, q);
    if (q->at == NSEC_NEVER || !stop || q->at <= stop)
        return;
    unit_write(DIMENSION_TIME, stop, text);
    diag_error(&r->diag, at, "the run ends at %s: 'at' is a moment within it", text);
}

static void read_questions(struct scenario_reader *r, const struct tree *n)
{
    struct lesson *l = &r->scenario->lesson;
    struct lesson_question *questions;

    if (n->kind != TREE_LIST || !n->count || n->count > QUESTIONS_MAX) {
        diag_error(&r->diag, n,
                   "'questions' is a list of 1 to %d, such as [{ask: \"When does it die?\", "
                   "answer: \"At 30 s.\"}]",
                   QUESTIONS_MAX);
        return;
    }
    questions = reader_take(r, n->count * sizeof *questions);
    for (const struct tree *v = n->first; v && questions; v = v->next)
        read_question(r, v, &questions[l->question_count++]);
    l->questions = questions;
}

void read_lesson(struct scenario_reader *r)
{
    const struct tree *map = tree_get(r->root, "lesson");
    const struct tree *questions = tree_get(map, "questions");

    if (!map || map->kind != TREE_MAP)
        return; /* what is wrong with it was said */
    check_sibling(r, map);
    check_sections(r, map);
    if (questions)
        read_questions(r, questions);
}

static void write_question(struct json *j, const struct lesson_question *q, bool for_result)
{
    char text[UNIT_TEXT_MAX];

    json_object_begin(j, NULL);
    json_text(j, "ask", q->ask);
    json_text(j, "answer", q->answer);
    if (q->at != NSEC_NEVER) {
        unit_write(DIMENSION_TIME, q->at, text);
        json_text(j, "at", text);
        if (for_result)
            json_u64(j, "at_ns", q->at);
    }
    if (q->look != LOOK_NONE)
        json_text(j, "look", lesson_look_name((enum lesson_look)q->look));
    json_object_end(j);
}

void scenario_lesson_json(const struct lesson *l, struct text *out, int depth, bool for_result)
{
    struct json j;

    json_init(&j, out, depth);
    json_object_begin(&j, NULL);
    json_u64(&j, "situation", l->situation);
    json_text(&j, "title", l->title);
    json_text(&j, "shows", l->shows);
    if (l->sibling)
        json_text(&j, "sibling", l->sibling);
    json_array_begin(&j, "sections");
    for (uint32_t i = 0; i < l->section_count; i++)
        json_text(&j, NULL, l->sections[i]);
    json_array_end(&j);
    json_array_begin(&j, "questions");
    for (uint32_t i = 0; i < l->question_count; i++)
        write_question(&j, &l->questions[i], for_result);
    json_array_end(&j);
    json_object_end(&j);
}
