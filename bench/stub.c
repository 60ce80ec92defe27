#include "bench/row.h"
void codec_rows(struct rows *r)
{
    (void)r;
}
void sim_rows(struct rows *r)
{
    (void)r;
}
void memory_rows(struct rows *r)
{
    (void)r;
}
