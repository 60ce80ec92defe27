/* record/run_folder: whole or not at all. */
#define _GNU_SOURCE
#include "record/result.h"
#include "record/run_folder.h"
#include "suite.h"

#include <dirent.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[64], old_cwd[4096];

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void enter(void)
{
    snprintf(root, sizeof root, "/tmp/ikelab-folder-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_ptr_nonnull(getcwd(old_cwd, sizeof old_cwd));
    ck_assert_int_eq(chdir(root), 0);
}

static void leave(void)
{
    ck_assert_int_eq(chdir(old_cwd), 0);
    ck_assert_int_eq(nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static int entries(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;

    ck_assert_ptr_nonnull(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void spit(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static bool holds(const char *path, const char *text)
{
    char line[256] = "";
    FILE *f = fopen(path, "r");

    if (!f)
        return false;
    if (!fgets(line, sizeof line, f))
        line[0] = 0;
    fclose(f);
    return strcmp(line, text) == 0;
}

static enum err create(const char *path, bool force, struct run_folder **f)
{
    return run_folder_create(
        &(struct run_folder_options){.path = path, .name = "nat rebind", .seed = 7, .force = force},
        f);
}

/* A run that leaves one file. */
static enum err run(const char *path, bool force, const char *text)
{
    struct run_folder *f;
    enum err e = create(path, force, &f);

    if (e == OK) {
        FILE *file = run_folder_open(f, "result.json");

        ck_assert_ptr_nonnull(file);
        fputs(text, file);
        e = run_folder_commit(f);
    }
    ck_assert_int_eq(e != OK, run_folder_error(f)[0] != 0);
    run_folder_destroy(f);
    return e;
}

START_TEST(default_names_count_up_and_latest_follows)
{
    enter();
    ck_assert_ok(run(NULL, false, "one"));
    ck_assert_ok(run(NULL, false, "two"));
    ck_assert_ok(run(NULL, false, "three"));
    ck_assert(holds("runs/nat-rebind-7/result.json", "one"));
    ck_assert(holds("runs/nat-rebind-7-2/result.json", "two"));
    ck_assert(holds("runs/nat-rebind-7-3/result.json", "three"));
    ck_assert(holds("runs/latest/result.json", "three"));
    ck_assert_int_eq(entries("runs"), 4);
    leave();
}
END_TEST

START_TEST(a_chosen_folder_must_be_empty_or_forced)
{
    enter();
    ck_assert_ok(run("a/b/c/", false, "one"));
    ck_assert(holds("a/b/c/result.json", "one"));
    ck_assert_int_eq(run("a/b/c", false, "two"), ERR_USAGE);
    ck_assert(holds("a/b/c/result.json", "one"));
    ck_assert_ok(run("a/b/c", true, "three"));
    ck_assert(holds("a/b/c/result.json", "three"));
    ck_assert_int_eq(entries("a/b"), 1); /* nothing partial, nothing put aside */
    ck_assert_int_eq(mkdir("empty", 0755), 0);
    ck_assert_ok(run("empty", false, "four"));
    ck_assert(holds("empty/result.json", "four"));
    leave();
}
END_TEST

START_TEST(force_never_replaces_what_is_not_a_run)
{
    enter();
    ck_assert_int_eq(mkdir("home", 0755), 0);
    spit("home/thesis.txt", "precious");
    ck_assert_int_eq(run("home", true, "one"), ERR_USAGE);
    ck_assert(holds("home/thesis.txt", "precious"));
    spit("file", "precious");
    ck_assert_int_eq(run("file", true, "one"), ERR_USAGE);
    ck_assert_int_eq(run("file", false, "one"), ERR_USAGE);
    ck_assert(holds("file", "precious"));
    ck_assert_int_eq(run("", false, "one"), ERR_USAGE);
    ck_assert_int_eq(run("file/below", false, "one"), ERR_IO);
    ck_assert_int_eq(entries("."), 2);
    leave();
}
END_TEST

START_TEST(an_abandoned_run_leaves_nothing)
{
    struct run_folder *f;
    char path[5000];

    enter();
    ck_assert_ok(create("out", false, &f));
    ck_assert_ptr_nonnull(run_folder_open(f, "result.json"));
    ck_assert_ptr_nonnull(run_folder_open(f, "wireshark/profiles/ikelab/esp_sa"));
    ck_assert_ptr_null(run_folder_open(f, "result.json")); /* twice is a mistake, and an error */
    run_folder_path(f, "result.json", path, sizeof path);
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_ne(access("out", F_OK), 0);
    run_folder_destroy(f);
    ck_assert_int_eq(entries("."), 0);
    leave();
}
END_TEST

/* A file that cannot grow, as on a full disk; in a child, for the limit stays. */
static void write_beyond_limit(void)
{
    const struct rlimit limit = {64 * 1024, 64 * 1024};
    struct run_folder *f;
    struct text t;
    FILE *file;

    signal(SIGXFSZ, SIG_IGN);
    if (create("out", false, &f) != OK || setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(2);
    file = run_folder_open(f, "events.jsonl");
    text_init(&t, file);
    for (int i = 0; i < 100000; i++)
        text_raw(&t, "a line of an event log\n");
    if (text_flush(&t) != ERR_IO || run_folder_commit(f) != ERR_IO)
        _exit(3);
    if (!strstr(run_folder_error(f), "events.jsonl") || !strstr(run_folder_error(f), "try: "))
        _exit(4);
    run_folder_destroy(f);
    text_reset(&t);
    _exit(0);
}

START_TEST(a_failed_write_leaves_nothing)
{
    int status;
    pid_t child;

    enter();
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        write_beyond_limit();
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert_int_eq(entries("."), 0);
    leave();
}
END_TEST

/* A file system of 64 KiB in a mount namespace of the child's own. */
static void fill_a_disk(void)
{
    struct run_folder *f;
    FILE *file;

    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mkdir("disk", 0755) != 0 || mount("none", "disk", "tmpfs", 0, "size=64k") != 0)
        _exit(SKIPPED);
    if (create("disk/out", false, &f) != OK)
        _exit(2);
    file = run_folder_open(f, "capture.pcapng");
    for (int i = 0; i < 100000; i++)
        fputs("some bytes of a capture", file);
    if (run_folder_commit(f) != ERR_IO || !strstr(run_folder_error(f), "No space left on device"))
        _exit(3);
    run_folder_destroy(f);
    if (rmdir("disk/out") == 0 || umount("disk") != 0) /* nothing was left there */
        _exit(4);
    _exit(0);
}

START_TEST(a_full_disk_leaves_nothing_and_says_so)
{
    int status;
    pid_t child;

    enter();
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        fill_a_disk();
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED)
        printf("not tested on a real full disk: mounting is not permitted here\n");
    else
        ck_assert_int_eq(WEXITSTATUS(status), 0);
    leave();
}
END_TEST

START_TEST(provenance_is_filled_in)
{
    const struct provenance *p = provenance();

    ck_assert_ptr_nonnull(strchr(p->version, '.'));
    ck_assert_uint_gt(strlen(p->commit), 0);
    ck_assert_ptr_nonnull(strstr(p->flags, "-O"));
    ck_assert_uint_gt(strlen(p->cpu), 0);
    ck_assert_str_eq(p->libraries[0][0], "libcrypto");
    ck_assert(strstr(p->packets_by, "libipsec-mb ") == p->packets_by ||
              strstr(p->packets_by, "OpenSSL ") == p->packets_by);
    ck_assert(strstr(p->x25519_by, "crypto/x25519, ") == p->x25519_by ||
              strstr(p->x25519_by, "OpenSSL ") == p->x25519_by);
}
END_TEST

SUITE("record run folder", default_names_count_up_and_latest_follows,
      a_chosen_folder_must_be_empty_or_forced, force_never_replaces_what_is_not_a_run,
      an_abandoned_run_leaves_nothing, a_failed_write_leaves_nothing,
      a_full_disk_leaves_nothing_and_says_so, provenance_is_filled_in)
