/*
 * Two measurement sets against each other: is NOW slower than BASE, faster, the same, or can these
 * samples not tell? docs/regression.md explains the rules for users, docs/decisions/0012 why.
 */
#ifndef BENCH_GATE_COMPARE_H
#define BENCH_GATE_COMPARE_H

#include "bench/gate/measurement.h"

enum compare_sizes { COMPARE_SAMPLES_MIN = 5, COMPARE_WHY_MAX = 192, COMPARE_WHERE_MAX = 256 };

/* For a rate "slower" means lower, for memory it means larger: worse. */
enum verdict { VERDICT_NO_CHANGE, VERDICT_FASTER, VERDICT_SLOWER, VERDICT_UNCLEAR, VERDICT_COUNT };

/** "no change", "faster", "slower", "cannot tell". */
const char *verdict_name(enum verdict);

/** One benchmark that both sets have. A change is the ratio of NOW over BASE as cost: 1.05 is five
 * percent worse, whichever direction of the unit is better. */
struct comparison {
    const struct measurement *base, *now; /* borrowed from the sets */
    double base_median, now_median;       /* as measured, in the row's unit */
    double change, low, high;             /* of the medians, with its 95 % bootstrap interval */
    /** Mann-Whitney (of pairs: signed ranks) two-sided, and after Holm's correction over the rows;
     * 0 or 1 where no sample differs from another of its set. NAN, as is the interval, where
     * samples are too few. */
    double p, p_holm;
    /** One-sided p against a change of `tolerance`: small when NOW is certainly not that much
     * slower, or faster. */
    double p_slower, p_faster;
    /** Samples were divided by the bounds beside them before they were compared, because both
     * sets have the same bound: what moved the machine moves both. `machine` is what the bound
     * itself changed; NAN without. */
    bool beside_bound;
    double machine;
    /** Both sets were measured in turns and have no bounds: the samples of a turn were compared
     * with each other. `change` is the median of their ratios, p of Wilcoxon's signed ranks. */
    bool paired;
    double instructions;               /* change of the count; NAN where one was not counted */
    double instructions_own;           /* of those in Ikelab's own code; NAN likewise */
    enum verdict verdict;              /* by time */
    enum verdict instructions_verdict; /* NO_CHANGE where not counted */
    char why[COMPARE_WHY_MAX];         /* one sentence for "cannot tell", "" otherwise */
};

struct compare_options {
    double effect;             /* smallest change that counts, 0.02 */
    double tolerance;          /* "no change" refuses changes of this size, 0.10 */
    double alpha;              /* of "slower" and "faster", over all rows together, 0.02 */
    double miss;               /* chance to call a row so changed "no change", 0.10 */
    double doubt;              /* below this p_holm it is not called "no change" either, 0.10 */
    double instruction_effect; /* 0.01 */
    double others;             /* cores that others may use where sets are not in turns, 0.2 */
    const char *only;          /* pattern of the names that are compared; NULL: all */
    bool raw;                  /* neither divide by the bounds nor pair */
    bool mixed;                /* sets of different machine classes are compared all the same */
    uint32_t resamples;        /* of the bootstrap, 2000 */
    uint64_t seed;             /* of the bootstrap */
};

extern const struct compare_options compare_defaults;
/** What "no change" excludes: `tolerance`, or `effect` where that is more. */
double compare_tolerance(const struct compare_options *);

struct comparison_set {
    const struct measurement_set *base, *now; /* borrowed */
    struct comparison *rows;
    size_t row_count;
    /** `virtual` of two simulations of the same scenario and seed. */
    enum { VIRTUAL_NONE, VIRTUAL_EQUAL, VIRTUAL_DIFFERS } virtual;
    char virtual_where[COMPARE_WHERE_MAX]; /* path of the first value that differs, with
                                            * both values; why it is VIRTUAL_NONE, "" if neither
                                            * is a simulation */
    char **only_base, **only_now; /* names of rows that the other has not, NULL at the end */
};

/**
 * @param[out] out  to be freed with comparison_reset, also on error
 * @retval ERR_USAGE   the machine classes differ and `mixed` is not set
 * @retval ERR_MISSING  no row is in both, or none that `only` names
 */
enum err compare(const struct measurement_set *base, const struct measurement_set *now,
                 const struct compare_options *, struct comparison_set *out, char *why) MUST_USE;
void comparison_reset(struct comparison_set *);

/** The worst of what changed about the count of instructions, in all or in our own code, where a
 * library's do not cover it up; the best where nothing is worse. NAN where nothing was counted. */
double comparison_instructions(const struct comparison *);
/** A row that was counted and not timed: its one sample is the count. */
bool comparison_only_counted(const struct comparison *);

/** What machines may be compared with each other: processor and number of cores, as text. */
void machine_class(const struct measurement_context *, char *out, size_t cap);

#endif
