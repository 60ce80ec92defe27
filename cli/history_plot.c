/* `ikelab history plot`: the picture is drawn by reports/history.py, from what show --json prints.
 */
#include "cli/history.h"
#include "cli/report_script.h"
#include "cli/verb.h"

int history_plot(const struct history_view *v, const char *output)
{
    json_t *object = history_json(v);
    bool drawn = report_script_run(&(struct report_script){
        .name = "history.py", .arguments = {"-o", output}, .input = object});

    json_decref(object);
    return drawn ? EXIT_DONE : EXIT_FAILED;
}
