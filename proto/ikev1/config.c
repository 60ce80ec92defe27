/*
 * draft-beaulieu-ike-xauth-02 section 5.1, each pair an exchange of its own:
 *
 *   user                                    gateway
 *                                           <--  REQUEST(NAME, PASSWORD)
 *   REPLY(NAME, PASSWORD)                   -->
 *                                           <--  SET(STATUS)
 *   ACK                                     -->
 *
 * draft-dukes-ike-mode-cfg-02 section 2, section 5.1:
 *
 *   REQUEST(ADDRESS, NETMASK, DNS)          -->
 *                                           <--  REPLY(ADDRESS, NETMASK, DNS)
 */
#include "proto/ikev1/config.h"

#include "base/assert.h"

#define A(name) V1_CONFIG_ATTRIBUTE_##name
#define XAUTH_BIT(name) (1u << (A(XAUTH_##name) - A(XAUTH_TYPE)))

/* Attributes of one message. */
enum { ROW_MAX = 2 * V1_USER_TEXT_MAX + 64, STATUS_FAIL = 0, STATUS_OK = 1, TYPE_GENERIC = 0 };

_Static_assert(ROW_MAX >= (V1_DNS_MAX + 2) * (4 + 16), "all that is given has room");

const char *v1_access_state_name(enum v1_access_state s)
{
    static const char *const names[V1_ACCESS_COUNT] = {
#define X(symbol, name) [V1_ACCESS_##symbol] = name,
        V1_ACCESS_LIST(X)
#undef X
    };

    ASSERT((unsigned)s < V1_ACCESS_COUNT);
    return names[s];
}

const char *v1_refusal_name(enum v1_refusal r)
{
    static const char *const names[V1_REFUSAL_COUNT] = {
#define X(symbol, name) [V1_REFUSAL_##symbol] = name,
        V1_REFUSAL_LIST(X)
#undef X
    };

    ASSERT((unsigned)r < V1_REFUSAL_COUNT);
    return names[r];
}

void v1_access_init(struct v1_access *a, const struct v1_access_env *env)
{
    memset(a, 0, sizeof *a);
    a->env = *env;
    a->passed = env->xauth->role == XAUTH_NONE;
    a->state = a->passed ? V1_ACCESS_KNOWN : V1_ACCESS_UNKNOWN;
}

void v1_access_reset(struct v1_access *a)
{
    wipe(a, sizeof *a);
}

/* ---- what we write ---- */

struct row {
    struct writer w;
    uint8_t room[ROW_MAX];
};

static void row_init(struct row *r)
{
    writer_init(&r->w, r->room, sizeof r->room);
}

static struct bytes row_bytes(const struct row *r)
{
    return bytes_of(r->room, writer_len(&r->w));
}

static void add_bytes(struct row *r, uint16_t type, struct bytes data)
{
    v1_attribute_write(&r->w, &(struct v1_attribute){.type = type, .data = data});
}

static void add_addr(struct row *r, uint16_t type, const struct ip_addr *addr)
{
    add_bytes(r, type, bytes_of(addr->bytes, ip_addr_len(addr)));
}

static bool was_seen(const struct v1_access *a, uint32_t message_id)
{
    for (unsigned i = 0; i < a->seen_count; i++)
        if (a->seen[i] == message_id)
            return true;
    return false;
}

static bool all_seen(const struct v1_access *a)
{
    return a->seen_count == V1_ACCESS_SEEN;
}

/* Another exchange takes the place of this one. Ours are remembered, too: they may be thrown back.
 */
static void remember(struct v1_access *a, const struct v1_transaction *t)
{
    if (t->message_id)
        a->seen[a->seen_count++] = t->message_id;
}

/* An exchange of ours, with a message ID of its own. */
static enum err begin(struct v1_access *a, uint32_t message_id, const struct v1_config *what,
                      struct buf out, struct bytes *message)
{
    struct v1_transaction t;
    enum err e;

    if (all_seen(a))
        return ERR_FULL;
    e = v1_transaction_init(&t, &a->env.sa, message_id);
    if (e == OK)
        e = v1_transaction_ask(&t, what, out, message);
    if (e == OK) {
        remember(a, &a->ours);
        a->ours = t;
    }
    wipe(&t, sizeof t);
    return e;
}

static bool busy(const struct v1_access *a)
{
    return a->ours.state == V1_TRANSACTION_ASKED || a->state == V1_ACCESS_REFUSED;
}

/* section 6.2: without XAUTH_TYPE it is the generic one. All messages of one XAUTH have one
 * identifier. */
static enum err ask_user(struct v1_access *a, uint16_t identifier, uint32_t message_id,
                         struct buf out, struct bytes *message)
{
    struct row r;
    enum err e;

    row_init(&r);
    add_bytes(&r, A(XAUTH_USER_NAME), BYTES_NONE);
    add_bytes(&r, A(XAUTH_USER_PASSWORD), BYTES_NONE);
    e = begin(a, message_id, &(struct v1_config){V1_CONFIG_REQUEST, identifier, row_bytes(&r), 0},
              out, message);
    if (e == OK)
        a->state = V1_ACCESS_ASKED;
    return e;
}

enum err v1_access_ask_user(struct v1_access *a, uint32_t message_id, struct buf out,
                            struct bytes *message)
{
    enum err e = ERR_STATE;

    *message = BYTES_NONE;
    if (a->env.xauth->role == XAUTH_GATEWAY && !busy(a))
        e = ask_user(a, (uint16_t)message_id, message_id, out, message);
    if (e == OK)
        a->asked = 0;
    return e;
}

enum err v1_access_ask_address(struct v1_access *a, uint32_t message_id, struct buf out,
                               struct bytes *message)
{
    struct row r;

    *message = BYTES_NONE;
    if (a->env.xauth->role == XAUTH_GATEWAY || busy(a) || !v1_access_known(a))
        return ERR_STATE;
    row_init(&r);
    add_bytes(&r, A(INTERNAL_IP4_ADDRESS), BYTES_NONE);
    add_bytes(&r, A(INTERNAL_IP4_NETMASK), BYTES_NONE);
    add_bytes(&r, A(INTERNAL_IP4_DNS), BYTES_NONE);
    add_bytes(&r, A(INTERNAL_IP6_ADDRESS), BYTES_NONE);
    add_bytes(&r, A(INTERNAL_IP6_DNS), BYTES_NONE);
    return begin(a, message_id,
                 &(struct v1_config){V1_CONFIG_REQUEST, (uint16_t)message_id, row_bytes(&r), 0},
                 out, message);
}

enum family {
    FAMILY_IP4 = 1,
    FAMILY_IP6 = 2,
    FAMILY_NETMASK = 4,
    FAMILY_DNS4 = 8,
    FAMILY_DNS6 = 16
};

/* What there is of what is wanted: a set of enum family. */
static void add_internal(struct row *r, const struct v1_internal *i, unsigned wanted)
{
    if (i->address.family == 4 && (wanted & FAMILY_IP4))
        add_addr(r, A(INTERNAL_IP4_ADDRESS), &i->address);
    if (i->address.family == 6 && (wanted & FAMILY_IP6))
        add_addr(r, A(INTERNAL_IP6_ADDRESS), &i->address);
    /* section 3.4: a netmask goes with an address only. */
    if (i->address.family == 4 && i->netmask.family == 4 && (wanted & FAMILY_IP4) &&
        (wanted & FAMILY_NETMASK))
        add_addr(r, A(INTERNAL_IP4_NETMASK), &i->netmask);
    for (unsigned n = 0; n < i->dns_count; n++)
        if (wanted & (i->dns[n].family == 4 ? FAMILY_DNS4 : FAMILY_DNS6))
            add_addr(r, i->dns[n].family == 4 ? A(INTERNAL_IP4_DNS) : A(INTERNAL_IP6_DNS),
                     &i->dns[n]);
}

enum err v1_access_give(struct v1_access *a, uint32_t message_id, struct buf out,
                        struct bytes *message)
{
    struct row r;

    *message = BYTES_NONE;
    if (!a->env.internal || busy(a) || !v1_access_known(a))
        return ERR_STATE;
    row_init(&r);
    add_internal(&r, a->env.internal, ~0u);
    return begin(a, message_id,
                 &(struct v1_config){V1_CONFIG_SET, (uint16_t)message_id, row_bytes(&r), 0}, out,
                 message);
}

/* ---- what we read ---- */

/* A message that was received, and where the one that we send goes. */
struct step {
    struct v1_access *a; /* a copy that takes the place of the state if it succeeds */
    struct v1_config in;
    uint32_t fresh_id;
    struct buf out;
    struct bytes *message;
};

/* What a message says of XAUTH. */
struct said {
    unsigned types; /* set of XAUTH_BIT */
    bool twice;     /* one of them comes twice */
    uint32_t type, status;
    struct bytes name, password;
};

static void read_said(struct bytes row, struct said *out)
{
    struct v1_attribute a;
    struct reader r;

    *out = (struct said){.types = 0};
    reader_init(&r, row);
    while (v1_attribute_next(&r, &a)) {
        unsigned bit;

        if (a.type < A(XAUTH_TYPE) || a.type > A(XAUTH_ANSWER))
            continue;
        bit = 1u << (a.type - A(XAUTH_TYPE));
        out->twice |= (out->types & bit) != 0;
        out->types |= bit;
        if (a.type == A(XAUTH_TYPE) && !v1_attribute_number(&a, &out->type))
            out->type = TYPE_GENERIC;
        else if (a.type == A(XAUTH_STATUS) && !v1_attribute_number(&a, &out->status))
            out->status = STATUS_FAIL;
        else if (a.type == A(XAUTH_USER_NAME))
            out->name = a.data;
        else if (a.type == A(XAUTH_USER_PASSWORD))
            out->password = a.data;
    }
}

static enum err answer(struct step *s, const struct row *r)
{
    if (r->w.error != OK)
        return r->w.error;
    return v1_transaction_answer(&s->a->theirs, row_bytes(r), s->out, s->message);
}

static void refuse(struct v1_access *a, enum v1_refusal why)
{
    a->passed = false;
    a->refusal = why;
    a->state = V1_ACCESS_REFUSED;
}

/* ---- XAUTH, as user ---- */

/* section 5: who cannot answer what is asked says FAIL, and that is the end of it. */
static enum err answer_fail(struct step *s)
{
    struct row r;

    row_init(&r);
    v1_attribute_write_number(&r.w, A(XAUTH_STATUS), STATUS_FAIL);
    return answer(s, &r);
}

static enum err tell(struct step *s, const struct said *asked)
{
    const unsigned can =
        XAUTH_BIT(TYPE) | XAUTH_BIT(USER_NAME) | XAUTH_BIT(USER_PASSWORD) | XAUTH_BIT(MESSAGE);
    const struct xauth_config *c = s->a->env.xauth;
    struct row r;
    enum err e;

    if (c->role != XAUTH_USER || c->user_count == 0)
        return answer_fail(s); /* and the SA goes on without */
    if (s->a->asked == V1_ASKED_MAX) {
        refuse(s->a, V1_REFUSAL_TOO_OFTEN);
        return answer_fail(s);
    }
    if ((asked->types & ~can) || asked->type != TYPE_GENERIC ||
        !(asked->types & (XAUTH_BIT(USER_NAME) | XAUTH_BIT(USER_PASSWORD)))) {
        refuse(s->a, V1_REFUSAL_UNSUPPORTED);
        return answer_fail(s);
    }
    row_init(&r);
    if (asked->types & XAUTH_BIT(TYPE)) /* section 6.2: only if it was asked with */
        v1_attribute_write_number(&r.w, A(XAUTH_TYPE), TYPE_GENERIC);
    if (asked->types & XAUTH_BIT(USER_NAME))
        add_bytes(&r, A(XAUTH_USER_NAME), c->users->name);
    if (asked->types & XAUTH_BIT(USER_PASSWORD))
        add_bytes(&r, A(XAUTH_USER_PASSWORD), c->users->password);
    s->a->asked++;
    s->a->state = V1_ACCESS_TOLD;
    e = answer(s, &r);
    wipe(&r, sizeof r);
    return e;
}

/* section 5.5: it may come without having asked. Its identifier should be that of the REQUEST, and
 * is not looked at: HASH says whose it is. section 6.1: ACK has no attributes. */
static enum err hear_verdict(struct step *s, const struct said *verdict)
{
    struct row r;

    if (s->a->env.xauth->role != XAUTH_USER)
        return ERR_STATE;
    row_init(&r);
    if (verdict->status == STATUS_OK && !verdict->twice) {
        s->a->passed = true;
        s->a->state = V1_ACCESS_KNOWN;
    } else {
        refuse(s->a, V1_REFUSAL_WRONG);
    }
    return answer(s, &r);
}

/* ---- XAUTH, as gateway ---- */

static enum err say_verdict(struct step *s)
{
    struct row r;
    enum err e;

    row_init(&r);
    v1_attribute_write_number(&r.w, A(XAUTH_STATUS), s->a->passed ? STATUS_OK : STATUS_FAIL);
    e = begin(s->a, s->fresh_id,
              &(struct v1_config){V1_CONFIG_SET, s->in.identifier, row_bytes(&r), 0}, s->out,
              s->message);
    if (e == OK)
        s->a->state = V1_ACCESS_JUDGED;
    return e;
}

/* Some send the NUL of their strings along. */
static struct bytes text_of(struct bytes data)
{
    return data.len > 0 && data.data[data.len - 1] == 0 ? bytes_of(data.data, data.len - 1) : data;
}

/* Who answers, if the answer is right. Asked again, it has to be who it was. */
static const struct xauth_user *who(const struct v1_access *a, const struct said *in)
{
    struct bytes name = text_of(in->name), password = text_of(in->password);
    const struct xauth_user *user;

    if (in->twice || in->type != TYPE_GENERIC || name.len > V1_USER_TEXT_MAX ||
        password.len > V1_USER_TEXT_MAX)
        return NULL;
    user = xauth_user_find(a->env.xauth, name, password);
    return a->user && user != a->user ? NULL : user;
}

static enum err judge(struct step *s, const struct said *in)
{
    struct v1_access *a = s->a;
    const struct xauth_user *user;

    if (in->types & XAUTH_BIT(STATUS)) { /* section 6.2: it can only be FAIL */
        refuse(a, V1_REFUSAL_GAVE_UP);
        return OK;
    }
    user = who(a, in);
    if (!user && ++a->asked < (a->env.xauth->tries ? a->env.xauth->tries : 1))
        return ask_user(a, s->in.identifier, s->fresh_id, s->out, s->message);
    a->passed = user != NULL;
    if (user)
        a->user = user;
    else
        a->refusal = V1_REFUSAL_WRONG;
    return say_verdict(s);
}

/* ---- Mode-Config ---- */

static unsigned wanted_of(struct v1_access *a, struct bytes row)
{
    struct v1_attribute x;
    unsigned wanted = 0;
    struct reader r;

    reader_init(&r, row);
    while (v1_attribute_next(&r, &x))
        switch (x.type) {
        case A(INTERNAL_IP4_ADDRESS):
            wanted |= FAMILY_IP4;
            break;
        case A(INTERNAL_IP4_NETMASK):
            wanted |= FAMILY_NETMASK;
            break;
        case A(INTERNAL_IP4_DNS):
            wanted |= FAMILY_DNS4;
            break;
        case A(INTERNAL_IP6_ADDRESS):
            wanted |= FAMILY_IP6;
            break;
        case A(INTERNAL_IP6_DNS):
            wanted |= FAMILY_DNS6;
            break;
        default:
            a->passed_by++;
        }
    return wanted;
}

static unsigned address_family(const struct v1_internal *i)
{
    if (!i || !i->address.family)
        return 0;
    return i->address.family == 4 ? FAMILY_IP4 : FAMILY_IP6;
}

/* section 2: there is an answer to every REQUEST, with nothing in it if need be. */
static enum err grant(struct step *s)
{
    unsigned wanted = wanted_of(s->a, s->in.attributes);
    struct row r;

    row_init(&r);
    if (wanted & address_family(s->a->env.internal))
        s->a->granted = true;
    else if (wanted & (FAMILY_IP4 | FAMILY_IP6))
        s->a->lacked = true;
    if (s->a->env.internal)
        add_internal(&r, s->a->env.internal, wanted);
    return answer(s, &r);
}

static bool take_addr(const struct v1_attribute *a, uint8_t family, struct ip_addr *out)
{
    if (a->basic || a->data.len != (family == 4 ? 4u : 16u))
        return false;
    *out = (struct ip_addr){.family = family};
    memcpy(out->bytes, a->data.data, a->data.len);
    return true;
}

/* @return whether we take it: of several addresses the first, and so many DNS servers */
static bool take_attribute(struct v1_internal *i, const struct v1_attribute *a)
{
    uint8_t family = a->type >= A(INTERNAL_IP6_ADDRESS) ? 6 : 4;

    switch (a->type) {
    case A(INTERNAL_IP4_ADDRESS):
    case A(INTERNAL_IP6_ADDRESS):
        return i->address.family == 0 && take_addr(a, family, &i->address);
    case A(INTERNAL_IP4_NETMASK):
        return i->netmask.family == 0 && take_addr(a, 4, &i->netmask);
    case A(INTERNAL_IP4_DNS):
    case A(INTERNAL_IP6_DNS):
        if (i->dns_count == V1_DNS_MAX || !take_addr(a, family, &i->dns[i->dns_count]))
            return false;
        i->dns_count++;
        return true;
    default:
        return false;
    }
}

/* @param taken  NULL, or a row for the types that were taken, without values */
static void take_internal(struct v1_access *a, struct bytes row, struct row *taken)
{
    struct v1_internal given = {.dns_count = 0};
    struct v1_attribute x;
    struct reader r;

    reader_init(&r, row);
    while (v1_attribute_next(&r, &x)) {
        if (!take_attribute(&given, &x))
            a->passed_by++;
        else if (taken)
            add_bytes(taken, x.type, BYTES_NONE);
    }
    a->configured = given.address.family != 0;
    a->internal = given;
}

/* section 2: the ACK names what was accepted. Who gives lets nobody configure it. */
static enum err be_given(struct step *s)
{
    struct row taken;

    row_init(&taken);
    if (s->a->env.xauth->role != XAUTH_GATEWAY && !s->a->env.gives && !s->a->env.internal)
        take_internal(s->a, s->in.attributes, &taken);
    return answer(s, &taken);
}

/* ---- from message to meaning ---- */

static enum err take_theirs(struct step *s)
{
    struct said said;
    bool request = s->in.type == V1_CONFIG_REQUEST;

    read_said(s->in.attributes, &said);
    if (s->a->state == V1_ACCESS_REFUSED)
        return ERR_STATE;
    if (said.types)
        return request ? tell(s, &said) : hear_verdict(s, &said);
    /* draft-beaulieu-ike-xauth-02 section 6: nothing else before the user is known. */
    if (!v1_access_known(s->a))
        return ERR_STATE;
    return request ? grant(s) : be_given(s);
}

static enum err take_answer(struct step *s)
{
    struct v1_access *a = s->a;
    struct said said;

    if (a->state == V1_ACCESS_ASKED) {
        read_said(s->in.attributes, &said);
        return judge(s, &said);
    }
    if (a->state == V1_ACCESS_JUDGED)
        a->state = a->passed ? V1_ACCESS_KNOWN : V1_ACCESS_REFUSED;
    else if (a->ours.type == V1_CONFIG_REQUEST)
        take_internal(a, s->in.attributes, NULL);
    return OK;
}

/* An exchange that the peer begins. */
static enum err open_theirs(const struct v1_access *a, struct bytes datagram, uint32_t message_id,
                            struct v1_access_opened *out)
{
    enum err e;

    if (message_id == a->theirs.message_id || was_seen(a, message_id))
        return ERR_REPLAY;
    if (all_seen(a))
        return ERR_FULL;
    e = v1_transaction_init(&out->t, &a->env.sa, message_id);
    return e == OK ? v1_transaction_read(&out->t, datagram, &out->in) : e;
}

enum err v1_access_open(const struct v1_access *a, struct bytes datagram,
                        struct v1_access_opened *out)
{
    struct message_view outer;
    enum err e = v1_message_read(datagram, &outer);

    if (e != OK)
        return e;
    if (outer.header.message_id == 0)
        return ERR_MESSAGE_ID;
    if (v1_transaction_again(&a->theirs, datagram) || v1_transaction_again(&a->ours, datagram))
        return ERR_REPLAY;
    out->answers = outer.header.message_id == a->ours.message_id;
    if (!out->answers)
        return open_theirs(a, datagram, outer.header.message_id, out);
    out->t = a->ours;
    return v1_transaction_read(&out->t, datagram, &out->in);
}

enum err v1_access_take(struct v1_access *a, const struct v1_access_opened *opened,
                        uint32_t fresh_id, struct buf out, struct bytes *message)
{
    struct v1_access after = *a;
    struct step step = {
        .a = &after, .in = opened->in, .fresh_id = fresh_id, .out = out, .message = message};
    enum err e;

    *message = BYTES_NONE;
    if (opened->answers) {
        after.ours = opened->t;
        e = take_answer(&step);
    } else {
        remember(&after, &after.theirs);
        after.theirs = opened->t;
        e = take_theirs(&step);
    }
    if (e == OK)
        *a = after;
    else
        *message = BYTES_NONE;
    wipe(&after, sizeof after);
    return e;
}
