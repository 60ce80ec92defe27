/* What `ikelab doctor` finds, in a build without libipsec-mb: one finding a line. */
#include "cli/doctor_look.h"

#include <stdio.h>

int main(void)
{
    struct doctor_finding all[DOCTOR_FINDINGS_MAX];
    size_t count = doctor_look(all, DOCTOR_FINDINGS_MAX);

    for (size_t i = 0; i < count; i++)
        printf("%d|%s|%s|%s\n", (int)all[i].level, all[i].name, all[i].text, all[i].hint);
    return 0;
}
