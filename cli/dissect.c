/* ikelab dissect: a capture, or one message in hex, as a tree; opened where there are keys. */
#include "cli/verb.h"

#include "dissect/hex.h"
#include "dissect/print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    OPTION_KEYS = 1000,
    OPTION_HEX,
    OPTION_ESP,
    OPTION_PORT,
    OPTION_FRAME,
    OPTION_SPI,
    OPTION_SUMMARY,
    OPTION_JSON
};

enum { KEY_FILES_MAX = 16, PATH_ROOM = 4096, HEX_TEXT_MAX = 1 << 20 };

static const char hint_capture[] =
    "a file in pcap or pcapng with link type raw IP, Ethernet, Linux "
    "cooked, or BSD null; for others: editcap -T ether IN OUT";

struct range {
    uint32_t first, last;
};

struct show {
    const char *input, *hex;
    const char *key_files[KEY_FILES_MAX];
    unsigned key_file_count;
    uint16_t ports[SORTER_PORTS_MAX];
    unsigned port_count;
    struct range *ranges; /* owned; after settle_ranges in order, and apart */
    size_t range_count, range_cap;
    bool spi_given, esp, summary, json;
    uint64_t spi;

    char path[PATH_ROOM], folder_keys[PATH_ROOM];
    struct dissect_keys keys;
    struct dissector *dissector;
    struct sorter sorter;
    struct dissect_counts counts;
    struct text out;
};

/* ---- options ---- */

static void take_port(struct show *s, struct argp_state *state, const char *text)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (*end || end == text || *text == '-' || n < 1 || n > 65535)
        argp_error(state, "'%s' is not a port from 1 to 65535", text);
    if (s->port_count == SORTER_PORTS_MAX)
        argp_error(state, "more than %d ports", SORTER_PORTS_MAX);
    s->ports[s->port_count++] = (uint16_t)n;
}

/* "7", "3-9", "100-", blanks before it; @return false if it is none */
static bool read_range(const char *text, size_t len, struct range *r)
{
    char room[32], *end;
    unsigned long first, last;

    for (; len > 0 && (*text == ' ' || *text == '\t'); len--)
        text++;
    if (len == 0 || len >= sizeof room || text[0] < '0' || text[0] > '9')
        return false;
    memcpy(room, text, len);
    room[len] = 0;
    first = last = strtoul(room, &end, 10);
    if (*end == '-' && end[1] == 0) {
        last = UINT32_MAX;
        end++;
    } else if (*end == '-' && end[1] >= '0' && end[1] <= '9') {
        last = strtoul(end + 1, &end, 10);
    }
    if (*end || first < 1 || last < first || last > UINT32_MAX)
        return false;
    *r = (struct range){(uint32_t)first, (uint32_t)last};
    return true;
}

static void add_range(struct show *s, struct argp_state *state, struct range r)
{
    if (s->range_count == s->range_cap) {
        s->range_cap = s->range_cap ? 2 * s->range_cap : 16;
        s->ranges = realloc(s->ranges, s->range_cap * sizeof *s->ranges);
        if (!s->ranges)
            argp_failure(state, EXIT_FAILED, 0, "out of memory");
    }
    s->ranges[s->range_count++] = r;
}

static void take_ranges(struct show *s, struct argp_state *state, const char *text)
{
    struct range r = {0};

    for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        if (!read_range(at, strcspn(at, ","), &r))
            argp_error(state, "'%s' is not a list of frames such as 3, 5-9 or 100-", text);
        add_range(s, state, r);
    }
}

static int by_first(const void *a, const void *b)
{
    const struct range *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

/* In order and apart, so that one of a hundred thousand is found at once: a report asks for so
 * many. */
static void settle_ranges(struct show *s)
{
    size_t kept = 0;

    if (s->range_count == 0)
        return;
    qsort(s->ranges, s->range_count, sizeof *s->ranges, by_first);
    for (size_t i = 1; i < s->range_count; i++) {
        struct range *last = &s->ranges[kept], r = s->ranges[i];

        if (r.first > last->last)
            s->ranges[++kept] = r;
        else if (r.last > last->last)
            last->last = r.last;
    }
    s->range_count = kept + 1;
}

static void take_spi(struct show *s, struct argp_state *state, const char *text)
{
    uint8_t bytes[8] = {0};
    size_t len = strlen(text), digits = strncmp(text, "0x", 2) == 0 ? len - 2 : len;

    if ((digits != 8 && digits != 16) || !keys_hex(text, bytes + 8 - digits / 2, digits / 2))
        argp_error(state, "'%s' is not an SPI of 8 (ESP) or 16 (IKE) hex digits", text);
    s->spi = load_be64(bytes);
    s->spi_given = true;
}

static void take_input(struct show *s, struct argp_state *state, char *text)
{
    if (s->input)
        argp_error(state, "more than one input");
    s->input = text;
}

static void check_words(struct show *s, struct argp_state *state)
{
    struct stat st;

    if (!s->input && !s->hex && s->key_file_count == 1 && stat(s->key_files[0], &st) == 0 &&
        S_ISDIR(st.st_mode))
        s->input = s->key_files[0]; /* a run folder names its capture too */
    if (!s->input && !s->hex)
        argp_error(state, "no capture given");
    if (s->input && s->hex)
        argp_error(state, "a capture and --hex exclude each other");
}

static error_t parse(int option, char *argument, struct argp_state *state)
{
    struct show *s = state->input;

    switch (option) {
    case OPTION_KEYS:
        if (s->key_file_count == KEY_FILES_MAX)
            argp_error(state, "more than %d files of keys", KEY_FILES_MAX);
        s->key_files[s->key_file_count++] = argument;
        return 0;
    case OPTION_HEX:
        s->hex = argument;
        return 0;
    case OPTION_ESP:
        s->esp = true;
        return 0;
    case OPTION_PORT:
        take_port(s, state, argument);
        return 0;
    case OPTION_FRAME:
        take_ranges(s, state, argument);
        return 0;
    case OPTION_SPI:
        take_spi(s, state, argument);
        return 0;
    case OPTION_SUMMARY:
        s->summary = true;
        return 0;
    case OPTION_JSON:
        s->json = true;
        return 0;
    case ARGP_KEY_ARG:
        take_input(s, state, argument);
        return 0;
    case ARGP_KEY_END:
        check_words(s, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"keys", OPTION_KEYS, "FILE", 0,
     "Keys: keys.jsonl, a run folder, or Wireshark's ikev2_decryption_table or esp_sa; again for "
     "more",
     0},
    {"hex", OPTION_HEX, "TEXT", 0, "One IKE message in hex, with or without non-ESP marker", 0},
    {"esp", OPTION_ESP, NULL, 0, "What is in hex is an ESP packet", 0},
    {"port", OPTION_PORT, "N", 0, "UDP port besides 500 and 4500; again for more", 0},
    {"frame", OPTION_FRAME, "LIST", 0, "Only these frames: 3, 5-9, 100-; as often as needed", 0},
    {"spi", OPTION_SPI, "HEX", 0, "Only datagrams with this SPI in their header", 0},
    {"summary", OPTION_SUMMARY, NULL, 0, "One line a message", 0},
    {"json", OPTION_JSON, NULL, 0, "One JSON object (docs/schema/dissect.schema.json)", 0},
    {0}};

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "CAPTURE\nRUN_FOLDER\n-\nHEX_FILE\n--hex TEXT",
    .doc = "IKE and ESP of a capture as a tree of fields: what each is, where it lies, which "
           "section defines it; decrypted where keys are given.\v"
           "A run folder is its capture.pcapng with its keys.jsonl. - is standard input. --keys "
           "with a run folder, and nothing else to read, names its capture too.\n\n"
           "examples:\n"
           "  ikelab dissect runs/latest --summary\n"
           "  ikelab dissect gw.pcap --keys ikev2_decryption_table --frame 3-5\n"
           "  xxd -s 42 packet.bin | ikelab dissect -\n\n"
           "Exit: 0 all read, 1 the capture is damaged (what came before is shown), 2 wrong use.",
};

/* ---- one datagram ---- */

static bool wanted_frame(const struct show *s, uint32_t frame)
{
    size_t low = 0, high = s->range_count;

    while (low < high) { /* the first range that does not end before it */
        size_t middle = low + (high - low) / 2;

        if (s->ranges[middle].last < frame)
            low = middle + 1;
        else
            high = middle;
    }
    return s->range_count == 0 || (low < s->range_count && frame >= s->ranges[low].first);
}

static bool wanted_spi(const struct show *s, const struct dissection *d)
{
    if (!s->spi_given)
        return true;
    if (d->has_header)
        return d->header.spi_i == s->spi || d->header.spi_r == s->spi;
    return d->input.kind == DISSECT_ESP && d->input.datagram.len >= 8 && d->esp_spi == s->spi;
}

static void count(struct dissect_counts *c, const struct dissection *d)
{
    c->ike += d->input.kind == DISSECT_IKE;
    c->esp += d->input.kind == DISSECT_ESP;
    c->keepalives += d->input.kind == DISSECT_KEEPALIVE;
    c->locked += d->locked && !d->bad_icv;
    c->bad_icv += d->bad_icv;
    c->malformed += d->errors > 0 && !d->bad_icv;
}

static void show(struct show *s, const struct dissection *d)
{
    count(&s->counts, d);
    if (!wanted_frame(s, d->input.frame) || !wanted_spi(s, d))
        return;
    if (s->json)
        print_json_frame(&s->out, d, s->summary, s->counts.shown == 0);
    else if (s->summary)
        print_summary(&s->out, d);
    else
        print_tree(&s->out, d);
    s->counts.shown++;
}

/* A frame's memory ends with it. */
static enum err take(struct show *s, const struct dissect_input *in)
{
    struct arena *arena = arena_create();
    struct dissection d;
    enum err e = arena ? dissect(s->dissector, arena, in, &d) : ERR_MEMORY;

    if (e == OK)
        show(s, &d);
    arena_destroy(arena);
    return e == OK ? s->out.error : e;
}

/* ---- inputs ---- */

/* Frames behind the last one that is asked for need not be read. */
static uint32_t last_wanted(const struct show *s)
{
    return s->range_count ? s->ranges[s->range_count - 1].last : UINT32_MAX;
}

static enum err read_capture(struct show *s, struct frames *c, char *why)
{
    uint32_t last = last_wanted(s);
    struct captured_frame frame;
    struct dissect_input in;
    enum err e = OK;

    while (e == OK && s->counts.frames < last) {
        e = frames_next(c, &frame, why);
        if (e != OK)
            break;
        s->counts.frames++;
        if (sorter_take(&s->sorter, &frame, &in))
            e = take(s, &in);
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

static int failed(enum err e)
{
    if (e != ERR_IO)
        return say_error(EXIT_FAILED, "a machine with more memory", "out of memory");
    return EXIT_FAILED; /* standard output: the main program tells of it */
}

static int refused(const struct show *s, enum err e, const char *why)
{
    unsigned long long frames = s->counts.frames;

    if (e == ERR_UNSUPPORTED)
        return say_error(EXIT_WRONG_USE, hint_capture, "%s: %s is not understood", s->input, why);
    if (e == ERR_IO && frames == 0)
        return say_error(EXIT_FAILED, hint_capture, "%s: %s", s->input, why);
    if (e == ERR_IO)
        return say_error(EXIT_FAILED, "capture anew; what came before is shown",
                         "%s: after frame %llu: %s", s->input, frames, why);
    return failed(e);
}

static int from_capture(struct show *s, FILE *file)
{
    char why[FRAMES_WHY_MAX] = "";
    struct frames *f;
    enum err e = frames_open(file, &f, why);

    if (s->json && e != ERR_MEMORY)
        print_json_begin(&s->out);
    if (e == OK)
        e = read_capture(s, f, why);
    frames_close(f);
    if (s->out.error != OK)
        return failed(s->out.error);
    if (s->json && e != ERR_MEMORY)
        print_json_end(&s->out, &s->counts, s->sorter.others, e ? why : NULL);
    return e ? refused(s, e, why) : EXIT_DONE;
}

static int from_hex(struct show *s, struct bytes text, const char *name)
{
    static uint8_t room[HEX_BYTES_MAX];
    struct buf bytes = {.data = room, .cap = sizeof room};
    struct hex_place bad;
    struct dissect_input in = {.frame = 1, .kind = s->esp ? DISSECT_ESP : DISSECT_IKE};
    enum err e = hex_read(text, &bytes, &bad);

    if (e == ERR_SYNTAX)
        return say_error(EXIT_WRONG_USE, "hex digits, or a dump of xxd, hexdump -C or tshark -x",
                         "%s:%u:%u: %s", name, bad.line, bad.column, bad.why);
    if (e != OK)
        return say_error(EXIT_WRONG_USE, "one message", "%s: more than %d bytes", name,
                         HEX_BYTES_MAX);
    in.datagram = buf_bytes(&bytes);
    in.marked = !s->esp && ike_is_marked(in.datagram);
    s->counts.frames = 1;
    if (s->json)
        print_json_begin(&s->out);
    e = take(s, &in);
    if (s->json && e == OK)
        print_json_end(&s->out, &s->counts, s->sorter.others, NULL);
    return e ? failed(e) : EXIT_DONE;
}

static int from_hex_file(struct show *s, FILE *file)
{
    char *text = malloc(HEX_TEXT_MAX);
    size_t len = text ? fread(text, 1, HEX_TEXT_MAX, file) : 0;
    int code;

    if (!text)
        code = failed(ERR_MEMORY);
    else if (len == HEX_TEXT_MAX)
        code = say_error(EXIT_WRONG_USE, "one message", "%s: too long for one message", s->input);
    else
        code = from_hex(s, bytes_of(text, len), s->input);
    free(text);
    if (file != stdin)
        fclose(file);
    return code;
}

static bool begins_text(uint8_t c)
{
    return c == ' ' || c == '\t' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

/*
 * No capture begins with what text begins with, but for the line feed of pcapng, which the bytes
 * behind it tell from an empty line. ISO C promises to take one byte back; the C libraries of
 * Linux take these four.
 */
static bool is_text(FILE *file)
{
    static const uint8_t pcapng[] = {'\n', '\r', '\r', '\n'};
    uint8_t front[sizeof pcapng];
    size_t len = fread(front, 1, sizeof front, file), at = 0;

    for (size_t i = len; i > 0; i--)
        ungetc(front[i - 1], file);
    if (len == 0 || memcmp(front, pcapng, len) == 0) /* or what is left of one */
        return false;
    while (at < len && (front[at] == '\n' || front[at] == '\r'))
        at++;
    /* 'M': nanosecond pcap, little-endian */
    return at == len || (begins_text(front[at]) && (at > 0 || front[at] != 'M'));
}

/* Options that what is read has no use for. */
static int check_options(const struct show *s, bool hex)
{
    if (hex && s->port_count > 0)
        return say_error(EXIT_WRONG_USE, "leave it out; --esp if the hex is an ESP packet",
                         "--port is for captures: hex has no ports");
    if (!hex && s->esp)
        return say_error(EXIT_WRONG_USE, "leave it out; --port N if ESP is on another UDP port",
                         "--esp is for hex: in captures, protocols and ports tell what is ESP");
    return EXIT_DONE;
}

static int from_file(struct show *s)
{
    FILE *file = strcmp(s->input, "-") == 0 ? stdin : fopen(s->path, "rb");
    bool text;
    int code;

    if (!file)
        return say_error(EXIT_WRONG_USE, "ikelab dissect --help", "%s: %s", s->path,
                         strerror(errno));
    text = is_text(file);
    code = check_options(s, text);
    if (code == EXIT_DONE)
        return text ? from_hex_file(s, file) : from_capture(s, file);
    if (file != stdin)
        fclose(file);
    return code;
}

/* ---- keys ---- */

/* A run folder stands for its capture and its keys. */
static int settle_input(struct show *s)
{
    struct stat st;
    bool folder = s->input && stat(s->input, &st) == 0 && S_ISDIR(st.st_mode);
    size_t cap = sizeof s->path;

    if (!s->input)
        return EXIT_DONE;
    if (snprintf(s->path, cap, "%s%s", s->input, folder ? "/capture.pcapng" : "") >= (int)cap ||
        snprintf(s->folder_keys, cap, "%s%s", s->input, folder ? "/keys.jsonl" : "") >= (int)cap)
        return say_error(EXIT_WRONG_USE, "a shorter one", "the path is too long");
    if (folder && s->key_file_count == 0 && access(s->folder_keys, F_OK) == 0)
        s->key_files[s->key_file_count++] = s->folder_keys;
    return EXIT_DONE;
}

static int read_keys(struct show *s)
{
    for (unsigned i = 0; i < s->key_file_count; i++) {
        enum err e = keys_read_file(&s->keys, s->key_files[i], stderr);

        if (e == ERR_MEMORY)
            return failed(e);
        if (e != OK)
            return say_error(EXIT_WRONG_USE,
                             "keys.jsonl of a run, or Wireshark's ikev2_decryption_table or esp_sa",
                             "no keys can be taken from %s", s->key_files[i]);
    }
    return EXIT_DONE;
}

/* ---- what was met ---- */

static void tell_some(uint64_t n, const char *words, bool *first)
{
    if (n > 0)
        fprintf(stderr, "%s%llu %s", *first ? "" : ", ", (unsigned long long)n, words);
    *first &= n == 0;
}

static void tell_counts(const struct show *s)
{
    const struct dissect_counts *c = &s->counts;
    bool first = true;

    fprintf(stderr, "%llu frame%s: ", (unsigned long long)c->frames, c->frames == 1 ? "" : "s");
    tell_some(c->ike, "IKE", &first);
    tell_some(c->esp, "ESP", &first);
    tell_some(c->keepalives, "keepalives", &first);
    for (unsigned i = 0; i < OTHER_COUNT; i++)
        tell_some(s->sorter.others[i], other_frame_words((enum other_frame)i), &first);
    fputs(first ? "none of IKE or ESP\n" : "\n", stderr);
    first = true;
    tell_some(c->locked, "not decrypted (no key)", &first);
    tell_some(c->bad_icv, "with an ICV that no key at hand explains", &first);
    tell_some(c->malformed, "malformed", &first);
    fputs(first ? "" : "\n", stderr);
}

static int from_words(struct show *s)
{
    int code = check_options(s, true);

    return code == EXIT_DONE ? from_hex(s, bytes_text(s->hex), "--hex") : code;
}

static int run_dissect(int argc, char **argv)
{
    static struct show s; /* large */
    int code;

    if (argp_parse(&argp, argc, argv, 0, NULL, &s))
        return EXIT_WRONG_USE;
    settle_ranges(&s);
    text_init(&s.out, stdout);
    if (keys_init(&s.keys) || sorter_init(&s.sorter) || !(s.dissector = dissector_create(&s.keys)))
        return failed(ERR_MEMORY);
    memcpy(s.sorter.ports, s.ports, sizeof s.ports);
    s.sorter.port_count = s.port_count;
    code = settle_input(&s);
    if (code == EXIT_DONE)
        code = read_keys(&s);
    if (code == EXIT_DONE) {
        code = s.hex ? from_words(&s) : from_file(&s);
        if (text_flush(&s.out) != OK && code == EXIT_DONE)
            code = EXIT_FAILED;
        if (s.counts.frames > 0)
            tell_counts(&s);
    }
    text_reset(&s.out);
    dissector_destroy(s.dissector);
    sorter_reset(&s.sorter);
    keys_reset(&s.keys);
    free(s.ranges);
    return code;
}

const struct verb verb_dissect = {"dissect", "IKE and ESP of a capture as a tree, decrypted",
                                  run_dissect};
