/*
 * ikelab_costs NAME: measures this machine and prints a cost table, to be kept as
 * scenarios/costs/NAME.json. Build it with the preset `release`.
 */
#include "crypto/cost_measure.h"
#include "crypto/engine.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void cpu_model(char *out, size_t cap)
{
    FILE *info = fopen("/proc/cpuinfo", "r");
    char line[256];

    snprintf(out, cap, "unknown");
    while (info && fgets(line, sizeof line, info)) {
        char *colon = strchr(line, ':');

        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(out, cap, "%s", colon + 2);
        break;
    }
    if (info)
        fclose(info);
}

int main(int argc, char **argv)
{
    static struct cost_table table;
    time_t now = time(NULL);
    enum err e;

    if (crypto_engine_wrong()) {
        fprintf(stderr, "ikelab_costs: " CRYPTO_ENGINE_HINT "\n");
        return 2;
    }
    if (argc != 2) {
        fprintf(stderr, "usage: ikelab_costs NAME > scenarios/costs/NAME.json\n");
        return 2;
    }
    e = cost_measure(&table, 30 * NSEC_PER_MS);
    if (e == OK) {
        snprintf(table.name, sizeof table.name, "%s", argv[1]);
        cpu_model(table.provenance.cpu, sizeof table.provenance.cpu);
        strftime(table.provenance.date, sizeof table.provenance.date, "%Y-%m-%d", gmtime(&now));
        e = cost_write(&table, stdout);
    }
    if (e != OK)
        fprintf(stderr, "ikelab_costs: %s\n", err_text(e));
    return e == OK ? 0 : 1;
}
