#include "bench/threads.h"

#include "base/assert.h"
#include "bench/measure.h"

#include <pthread.h>
#include <stdbool.h>

struct part {
    threads_work *work;
    void *state;
    unsigned nth;
    uint64_t operations, ns;
    enum err error;
};

static void *run(void *argument)
{
    struct part *p = argument;
    uint64_t ns = 0; /* here, and not in a line that the other thread's part may lie in */

    (void)measure_pin(p->nth);
    p->error = p->work(p->state, p->operations, &ns);
    p->ns = ns;
    return NULL;
}

enum err threads_run(unsigned threads, threads_work *work, void *const state[], uint64_t operations,
                     uint64_t *ns)
{
    struct part part[BENCH_THREADS_MAX];
    pthread_t thread[BENCH_THREADS_MAX];
    unsigned started = 0;
    enum err error = OK;

    ASSERT(threads >= 1 && threads <= BENCH_THREADS_MAX);
    while (started < threads) {
        part[started] = (struct part){.work = work,
                                      .state = state[started],
                                      .nth = started,
                                      .operations = (operations + threads - 1) / threads};
        if (pthread_create(&thread[started], NULL, run, &part[started]) != 0)
            break;
        started++;
    }
    *ns = 0;
    for (unsigned i = 0; i < started; i++) {
        pthread_join(thread[i], NULL);
        *ns = part[i].ns > *ns ? part[i].ns : *ns;
        error = part[i].error != OK ? part[i].error : error;
    }
    return started == threads ? error : ERR_MEMORY;
}
