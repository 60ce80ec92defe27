/*
 * `ikelab-live`: our endpoints against real peers. A program of its own, because its randomness is
 * the operating system's and the simulator's repeatable one must not even be linked.
 */
#include "crypto/engine.h"
#include "crypto/provider.h"
#include "net/tools/live_report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { DONE = 0, FAILED = 1, WRONG_USE = 2, BY_SIGNAL = 128 };

static int fail(const char *what, const char *why, const char *hint)
{
    fprintf(stderr, "ikelab-live: error: %s%s%s\ntry: %s\n", what, why ? ": " : "", why ? why : "",
            hint);
    return FAILED;
}

static int verdict(const struct live_words *w, const struct live_outcome *o)
{
    if (o->signal)
        return BY_SIGNAL + o->signal;
    if (w->live.config.respond)
        return DONE;
    if (w->live.load.to.family && o->metrics->esp.delivered_packets == 0)
        return FAILED; /* whatever was to be measured, it was not */
    return o->metrics->ike.completed == w->live.count ? DONE : FAILED;
}

/* What goes into the folder goes there whole or not at all. */
static bool write_folder(const struct live_words *w, const struct live_outcome *o,
                         struct run_folder *folder)
{
    return (!o->keys || keys_write_profile(o->keys, folder) == OK) &&
           live_report_write(w, o, folder) == OK && run_folder_commit(folder) == OK;
}

static int run(struct live_words *w, struct run_folder *folder)
{
    struct live_outcome o;
    struct live_failure why;
    enum err e = live_run(&w->live, &o, &why);
    int code;

    if (e == ERR_IO)
        code = fail(why.what, strerror(errno), why.hint);
    else if (e != OK)
        code = fail(why.what, NULL, why.hint);
    else {
        if (w->json)
            live_report_json(w, &o);
        else
            live_report_text(w, &o);
        live_report_drops(w, &o);
        code = verdict(w, &o);
        if (folder && !write_folder(w, &o, folder))
            code = fail("the folder was not written", run_folder_error(folder), "another folder");
    }
    keys_destroy(o.keys);
    metrics_destroy(o.metrics);
    return code;
}

static int run_with_folder(struct live_words *w)
{
    struct run_folder_options options = {.path = w->folder, .name = "live"};
    struct run_folder *folder = NULL;
    int code;

    if (!w->folder)
        return run(w, NULL);
    if (run_folder_create(&options, &folder) != OK ||
        (w->export_keys && !(w->live.key_file = run_folder_open(folder, "keys.jsonl"))))
        code = fail(w->folder, folder ? run_folder_error(folder) : NULL, "another folder");
    else
        code = run(w, folder);
    run_folder_destroy(folder);
    return code;
}

/* The provider and what is loaded with it live around the run. */
static int run_with_credentials(struct live_words *w)
{
    struct meter meter = {0}; /* nobody reads it */
    struct crypto *crypto = crypto_openssl_live_create(&meter);
    struct credentials *credentials = NULL;
    char why[CREDENTIALS_WHY];
    int code;

    if (!crypto)
        return fail("the crypto library does not start", NULL, "openssl version -a");
    w->live.crypto = crypto;
    if (credentials_load(crypto, &w->files, &w->live.config, &credentials, why) == OK)
        code = run_with_folder(w);
    else {
        fail(why, NULL, "openssl x509 -in CERT -noout -text, openssl pkey -in KEY -noout");
        code = WRONG_USE;
    }
    credentials_free(credentials);
    crypto_destroy(crypto);
    wipe(&w->live.config, sizeof w->live.config);
    return code;
}

int main(int argc, char **argv)
{
    bool respond = argc > 1 && strcmp(argv[1], "respond") == 0;
    static char name[32];
    struct live_words words;
    int code;

    if (crypto_engine_wrong()) {
        (void)fail("no word of " CRYPTO_ENGINE_VARIABLE, crypto_engine_wrong(), CRYPTO_ENGINE_HINT);
        return WRONG_USE;
    }
    if (argc < 2 || (!respond && strcmp(argv[1], "initiate") != 0)) {
        bool asked = argc > 1 && strcmp(argv[1], "--help") == 0;

        fputs("usage: ikelab live initiate|respond [OPTION...]\n\n"
              "Our IKEv2 endpoints on real UDP sockets, against real peers. A test tool, not a "
              "VPN.\n`ikelab live initiate --help` tells the options.\n",
              asked ? stdout : stderr);
        return asked ? DONE : WRONG_USE;
    }
    snprintf(name, sizeof name, "ikelab live %s", argv[1]);
    argv[1] = name;
    live_words_read(argc - 1, argv + 1, respond, &words);
    code = run_with_credentials(&words);
    live_user_words_reset(&words.users);
    if (fflush(stdout) != 0)
        return fail("cannot write to standard output", NULL, "another place for it");
    return code;
}
