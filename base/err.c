#include "base/err.h"
#include "base/assert.h"

static const struct {
    const char *name;
    const char *text;
    enum err_class class;
} errors[ERR_COUNT] = {
#define X(name, class, text) [name] = {#name, text, CLASS_##class},
    ERR_LIST(X)
#undef X
};

const char *err_name(enum err e)
{
    ASSERT((unsigned)e < ERR_COUNT);
    return errors[e].name;
}

const char *err_text(enum err e)
{
    ASSERT((unsigned)e < ERR_COUNT);
    return errors[e].text;
}

enum err_class err_class(enum err e)
{
    ASSERT((unsigned)e < ERR_COUNT);
    return errors[e].class;
}
