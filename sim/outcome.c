#include "sim/outcome.h"

#include "crypto/provider.h"
#include "sim/ike_node.h"
#include "sim/recorder.h"

#include <stdlib.h>

nsec outcome_ladder(const struct retransmit_config *r)
{
    nsec total = 0, interval = r->timeout;

    for (uint32_t i = 0; i <= r->tries; i++) {
        nsec capped = r->limit ? nsec_min(interval, r->limit) : interval;

        total = nsec_add(total, capped);
        interval = interval > NSEC_NEVER / 10000 ? NSEC_NEVER : interval * r->base_milli / 1000;
    }
    return total;
}

/* Does some sending child SA of the client have its other half at the gateway? */
static bool ends_agree(const struct ike_endpoint *client, const struct ike_endpoint *gateway)
{
    struct sa_ref sa = SA_NONE;

    while (!sa_none(sa = ike_endpoint_next_child(client, sa))) {
        struct child_sa_gist gist, other;
        struct sa_ref half;

        if (!ike_endpoint_child_sends(client, sa) || !ike_endpoint_child_gist(client, sa, &gist))
            continue;
        half = ike_endpoint_find_child(gateway, gist.spi_out);
        if (!sa_none(half) && ike_endpoint_child_gist(gateway, half, &other) &&
            other.spi_in == gist.spi_out && other.spi_out == gist.spi_in)
            return true;
    }
    return false;
}

/* Watched tunnels only: the others cost one hash. */
static void compare_with(struct lab *lab, struct ike_node *gateway)
{
    for (uint32_t i = 0; i < gateway->tunnel_count; i++) {
        uint32_t tunnel = gateway->tunnels[i];
        const struct tunnel *t = &lab->tunnels[tunnel];
        struct ike_node *client;

        if (!t->up || !checker_watches(lab->checker, t->client))
            continue;
        client = ike_node_at(lab, t->client);
        if (client->extra->traffic.count == 0)
            checker_ends_agree(lab->checker, lab->sim.now, 2 * tunnel, t->client,
                               ends_agree(client->endpoint, gateway->endpoint));
    }
}

void outcome_compare_ends(struct lab *lab)
{
    const struct scenario *s = lab->scenario;

    for (uint32_t g = 0; g < s->group_count; g++)
        for (uint32_t m = 0; s->groups[g].role == ROLE_RESPONDER && m < s->groups[g].count; m++) {
            uint32_t node = s->groups[g].first_node + m;

            if (!lab->sim.nodes[node].down)
                compare_with(lab, ike_node_at(lab, node));
        }
}

/* The security context */

static const char *const crl_modes[] = {
    [CERT_CRL_OFF] = "off", [CERT_CRL_IF_PRESENT] = "if-present", [CERT_CRL_REQUIRED] = "required"};

struct writer_of_text {
    struct run_outcome *out;
    size_t used;
};

static const char *keep(struct writer_of_text *w, const char *text)
{
    size_t len = strlen(text) + 1;
    char *at = w->out->text + w->used;

    if (w->used + len > sizeof w->out->text)
        return "...";
    memcpy(at, text, len);
    w->used += len;
    return at;
}

static void add_text(struct writer_of_text *w, const char *section, const char *key,
                     const char *text)
{
    if (w->out->result.security_count < RUN_SECURITY_MAX)
        w->out->security[w->out->result.security_count++] =
            (struct security_item){.section = section, .key = key, .text = text};
}

static void add_number(struct writer_of_text *w, const char *section, const char *key,
                       struct fixed number)
{
    if (w->out->result.security_count < RUN_SECURITY_MAX)
        w->out->security[w->out->result.security_count++] =
            (struct security_item){.section = section, .key = key, .number = number};
}

static void add_proposals(struct writer_of_text *w, const char *section,
                          const char *const *proposals, uint32_t count)
{
    char text[256] = "";

    for (uint32_t i = 0; i < count; i++)
        if (strlen(text) + strlen(proposals[i]) + 3 < sizeof text) {
            strcat(text, i ? ", " : "");
            strcat(text, proposals[i]);
        }
    add_text(w, section, "proposals", keep(w, text));
}

/* One word if all agree, else "homes ecdsa, gw rsa". */
static void add_auth(const struct scenario *s, struct writer_of_text *w)
{
    const char *common = NULL;
    bool agree = true;
    char text[256] = "";

    for (uint32_t i = 0; i < s->group_count; i++) {
        const struct scenario_group *g = &s->groups[i];
        const char *word = scenario_auth(&g->ike_words).word;
        size_t len = strlen(text);

        if (g->role != ROLE_INITIATOR && g->role != ROLE_RESPONDER)
            continue;
        agree &= !common || strcmp(common, word) == 0;
        common = word;
        snprintf(text + len, sizeof text - len, "%s%s %s", len ? ", " : "", g->name, word);
    }
    add_text(w, "ike", "auth", agree && common ? common : keep(w, text));
    if (!scenario_has_signers(s))
        return;
    add_text(w, "ike", "auth_form", s->pki.form == PKI_RAW_KEYS ? "raw keys" : "certificates");
    if (s->pki.form == PKI_CERTIFICATES)
        add_text(w, "ike", "crl", crl_modes[s->pki.crl]);
}

/* "homes: strongswan-1896, strongswan-2477; gw: eager-delete"; NULL: all behave. */
static const char *describe_quirks(const struct scenario *s, struct writer_of_text *w)
{
    char text[512] = "";

    for (uint32_t i = 0; i < s->group_count; i++) {
        const struct scenario_group *g = &s->groups[i];
        bool ends = g->role == ROLE_INITIATOR || g->role == ROLE_RESPONDER;

        for (uint32_t k = 0; ends && k < g->ike_words.quirk_count; k++) {
            size_t len = strlen(text);

            snprintf(text + len, sizeof text - len, "%s%s%s%s", k || !len ? "" : "; ",
                     k ? "" : g->name, k ? ", " : ": ", g->ike_words.quirks[k]);
        }
    }
    return *text ? keep(w, text) : NULL;
}

static void describe_security(const struct lab *lab, struct writer_of_text *w)
{
    const struct ike_words *ike = &lab->scenario->ike;
    const struct child_words *child = &lab->scenario->child;

    add_number(w, "ike", "version", fixed_count(ike->version));
    add_auth(lab->scenario, w);
    add_proposals(w, "ike", ike->proposals, ike->proposal_count);
    add_number(w, "ike", "rekey_time_s", fixed_seconds(ike->rekey_time));
    add_number(w, "ike", "dpd_delay_s", fixed_seconds(ike->dpd_delay));
    add_number(w, "ike", "nat_keepalive_s", fixed_seconds(ike->nat_keepalive));
    add_number(w, "ike", "retransmit_timeout_s", fixed_seconds(ike->retransmit_timeout));
    add_number(w, "ike", "retransmit_tries", fixed_count(ike->retransmit_tries));
    add_text(w, "ike", "credentials", "test credentials, for simulations only");
    add_proposals(w, "esp", child->esp_proposals, child->esp_proposal_count);
    add_text(w, "esp", "mode", child->mode ? "transport" : "tunnel");
    add_number(w, "esp", "rekey_time_s", fixed_seconds(child->rekey_time));
    add_number(w, "esp", "rekey_bytes", fixed_count(child->rekey_bytes));
    add_number(w, "esp", "rekey_packets", fixed_count(child->rekey_packets));
    add_number(w, "esp", "replay_window", fixed_count(child->replay_window));
    add_text(w, "esp", "esn", child->esn ? "yes" : "no");
}

static enum err judge(const struct lab *lab, struct run_outcome *out)
{
    const struct scenario *s = lab->scenario;

    out->thresholds_pass = true;
    out->verdicts = calloc(s->threshold_count + 1, sizeof *out->verdicts);
    if (!out->verdicts)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < s->threshold_count; i++) {
        /* The loader has checked that each metric exists. */
        if (threshold_judge(&s->thresholds[i], lab->metrics, &out->verdicts[i]) != OK)
            out->verdicts[i] = (struct threshold_result){.value = FIXED_NONE, .unit = "1"};
        out->thresholds_pass &= out->verdicts[i].pass;
    }
    return OK;
}

enum err outcome_fill(struct lab *lab, struct run_outcome *out)
{
    const struct scenario *s = lab->scenario;
    const struct violation *v = checker_violation(lab->checker);
    struct writer_of_text w = {.out = out};

    out->result = (struct result){.scenario = s->name,
                                  .scenario_file = s->path,
                                  .scenario_sha256 = s->sha256,
                                  .seed = s->seed,
                                  .digest = sim_digest(&lab->sim),
                                  .timeline_digest = sim_timeline_digest(&lab->sim),
                                  .crypto = lab->crypto->class->name,
                                  .x25519_by = crypto_x25519_by(),
                                  .metrics = lab->metrics,
                                  .thresholds = s->thresholds,
                                  .threshold_count = s->threshold_count,
                                  .security = out->security};
    describe_security(lab, &w);
    out->result.wrong = describe_quirks(s, &w);
    if (judge(lab, out) != OK)
        return ERR_MEMORY;
    out->result.verdicts = out->verdicts;
    if (lab->recorder)
        out->result.capture = recorder_totals(lab->recorder);
    if (!v)
        return OK;
    out->violated = true;
    out->violation = *v;
    lab_node_name(lab, v->node, out->violation_node);
    out->result.violation = out->violation.text;
    return OK;
}

void run_outcome_reset(struct run_outcome *out)
{
    free(out->verdicts);
    metrics_destroy(out->metrics);
    *out = (struct run_outcome){0};
}
