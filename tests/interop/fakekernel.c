/*
 * A preloaded library for the interop tests only: a real IKE daemon believes that its kernel has
 * ESP. No packet is protected or forwarded by it; IKE is the daemon's own and real.
 *
 *  - NETLINK_XFRM sockets stay real, but when the kernel refuses to add, update, delete or show an
 *    SA, the daemon reads that it did as asked. SPIs and policies are the kernel's. (libreswan)
 *  - socket(PF_KEY) gives one end of a socket pair, whose other end is answered here: every request
 *    succeeds, GETSPI with a random SPI, and a soft lifetime of seconds ends in an EXPIRE message,
 *    as RFC 2367 §3.1.8 wants it. The bypass policy of IKE's sockets counts as set. (OpenIKED)
 *
 * With ESP and PF_KEY in the kernel nothing is changed: calls that succeed are passed through.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/pfkeyv2.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IP_IPSEC_POLICY
#define IP_IPSEC_POLICY 16
#endif
#ifndef IPV6_IPSEC_POLICY
#define IPV6_IPSEC_POLICY 34
#endif

enum { FD_MAX = 65536, WORDS_MAX = 1024, UNIT = 8, SPI_MIN = 256, PATIENCE_MS = 5000 };

/* A PF_KEY message: lengths count units of eight bytes (RFC 2367 §2.1). */
struct message {
    uint64_t words[WORDS_MAX];
    size_t len;
};

struct expiry {
    int fd;
    uint64_t after_s;
    struct message message;
};

static bool is_xfrm[FD_MAX];

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* ---- PF_KEY ---- */

static struct sadb_msg *header_of(struct message *m)
{
    return (struct sadb_msg *)m->words;
}

static struct sadb_ext *extension(struct message *m, uint16_t type)
{
    uint8_t *at = (uint8_t *)m->words + sizeof(struct sadb_msg);
    uint8_t *end = (uint8_t *)m->words + m->len;

    while (at + sizeof(struct sadb_ext) <= end) {
        struct sadb_ext *e = (struct sadb_ext *)at;
        size_t len = (size_t)e->sadb_ext_len * UNIT;

        if (len == 0 || at + len > end)
            return NULL;
        if (e->sadb_ext_type == type)
            return e;
        at += len;
    }
    return NULL;
}

static void append(struct message *to, const struct sadb_ext *e)
{
    if (!e)
        return;
    memcpy((uint8_t *)to->words + to->len, e, (size_t)e->sadb_ext_len * UNIT);
    to->len += (size_t)e->sadb_ext_len * UNIT;
}

static void answer(int fd, struct message *m)
{
    header_of(m)->sadb_msg_len = (uint16_t)(m->len / UNIT);
    (void)!send(fd, m->words, m->len, MSG_NOSIGNAL);
}

static void start(void *(*run)(void *), void *argument)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run, argument) == 0)
        pthread_detach(thread);
}

static void *expire(void *argument)
{
    struct expiry *e = argument;

    sleep((unsigned)e->after_s);
    answer(e->fd, &e->message);
    free(e);
    return NULL;
}

/* ADD and UPDATE: an SA with a soft lifetime will be reported when that is over. */
static void watch_lifetime(int fd, struct message *request)
{
    struct sadb_lifetime *soft = (struct sadb_lifetime *)extension(request, SADB_EXT_LIFETIME_SOFT);
    struct sadb_lifetime current = {.sadb_lifetime_len = sizeof current / UNIT,
                                    .sadb_lifetime_exttype = SADB_EXT_LIFETIME_CURRENT};
    struct expiry *e;

    if (!soft || soft->sadb_lifetime_addtime == 0 || !(e = calloc(1, sizeof *e)))
        return;
    e->fd = fd;
    e->after_s = soft->sadb_lifetime_addtime;
    *header_of(&e->message) = (struct sadb_msg){.sadb_msg_version = PF_KEY_V2,
                                                .sadb_msg_type = SADB_EXPIRE,
                                                .sadb_msg_satype = SADB_SATYPE_ESP};
    e->message.len = sizeof(struct sadb_msg);
    append(&e->message, extension(request, SADB_EXT_SA));
    append(&e->message, (struct sadb_ext *)&current);
    append(&e->message, (struct sadb_ext *)soft);
    append(&e->message, extension(request, SADB_EXT_ADDRESS_SRC));
    append(&e->message, extension(request, SADB_EXT_ADDRESS_DST));
    start(expire, e);
}

static void give_spi(struct message *request, struct message *reply)
{
    struct sadb_sa sa = {.sadb_sa_len = sizeof sa / UNIT, .sadb_sa_exttype = SADB_EXT_SA};

    while (ntohl(sa.sadb_sa_spi) < SPI_MIN)
        if (getrandom(&sa.sadb_sa_spi, sizeof sa.sadb_sa_spi, 0) < 0)
            abort();
    reply->len = sizeof(struct sadb_msg);
    append(reply, (struct sadb_ext *)&sa);
    append(reply, extension(request, SADB_EXT_ADDRESS_SRC));
    append(reply, extension(request, SADB_EXT_ADDRESS_DST));
}

static void *pf_key(void *argument)
{
    int fd = (int)(intptr_t)argument;

    for (;;) {
        struct message request, reply;
        ssize_t n = recv(fd, request.words, sizeof request.words / 2, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < (ssize_t)sizeof(struct sadb_msg))
            return NULL;
        request.len = (size_t)n;
        reply = request;
        header_of(&reply)->sadb_msg_errno = 0;
        switch (header_of(&request)->sadb_msg_type) {
        case SADB_REGISTER:
            reply.len = sizeof(struct sadb_msg);
            break;
        case SADB_GETSPI:
            give_spi(&request, &reply);
            break;
        case SADB_GET: /* no SA was ever used */
            header_of(&reply)->sadb_msg_errno = ESRCH;
            reply.len = sizeof(struct sadb_msg);
            break;
        case SADB_ADD:
        case SADB_UPDATE:
            watch_lifetime(fd, &request);
            break;
        default:
            break;
        }
        answer(fd, &reply);
    }
}

static int pf_key_socket(int type)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_DGRAM | (type & (SOCK_NONBLOCK | SOCK_CLOEXEC)), 0, ends))
        return -1;
    start(pf_key, (void *)(intptr_t)ends[1]);
    return ends[0];
}

int socket(int domain, int type, int protocol)
{
    static int (*real)(int, int, int);
    int fd;

    if (!real)
        real = next("socket");
    fd = real(domain, type, protocol);
    if (fd < 0 && domain == PF_KEY)
        return pf_key_socket(type);
    if (fd >= 0 && fd < FD_MAX)
        is_xfrm[fd] = domain == AF_NETLINK && protocol == NETLINK_XFRM;
    return fd;
}

int close(int fd)
{
    static int (*real)(int);

    if (!real)
        real = next("close");
    if (fd >= 0 && fd < FD_MAX)
        is_xfrm[fd] = false;
    return real(fd);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    static int (*real)(int, int, int, const void *, socklen_t);
    bool bypass = (level == IPPROTO_IP && name == IP_IPSEC_POLICY) ||
                  (level == IPPROTO_IPV6 && name == IPV6_IPSEC_POLICY);
    int result;

    if (!real)
        real = next("setsockopt");
    result = real(fd, level, name, value, len);
    return result < 0 && errno == EOPNOTSUPP && bypass ? 0 : result;
}

static bool is_answered_here(int fd)
{
    int domain = 0, type = 0;
    socklen_t len = sizeof domain;

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_DGRAM;
}

/* iked allows PF_KEY a millisecond: a kernel answers at once, a thread must first be scheduled. */
int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    static int (*real)(struct pollfd *, nfds_t, int);

    if (!real)
        real = next("poll");
    if (count == 1 && timeout > 0 && timeout < PATIENCE_MS && is_answered_here(fds->fd))
        timeout = PATIENCE_MS;
    return real(fds, count, timeout);
}

/* ---- NETLINK_XFRM ---- */

static void forgive(int fd, void *data, ssize_t n)
{
    struct nlmsghdr *header = data;
    struct nlmsgerr *e;

    if (fd < 0 || fd >= FD_MAX || !is_xfrm[fd] || n < (ssize_t)NLMSG_LENGTH(sizeof *e) ||
        header->nlmsg_type != NLMSG_ERROR)
        return;
    e = NLMSG_DATA(header);
    switch (e->msg.nlmsg_type) {
    case XFRM_MSG_NEWSA:
    case XFRM_MSG_UPDSA:
    case XFRM_MSG_DELSA:
    case XFRM_MSG_GETSA:
        e->error = 0;
        break;
    default:
        break;
    }
}

ssize_t read(int fd, void *data, size_t len)
{
    static ssize_t (*real)(int, void *, size_t);
    ssize_t n;

    if (!real)
        real = next("read");
    n = real(fd, data, len);
    forgive(fd, data, n);
    return n;
}

ssize_t recv(int fd, void *data, size_t len, int flags)
{
    static ssize_t (*real)(int, void *, size_t, int);
    ssize_t n;

    if (!real)
        real = next("recv");
    n = real(fd, data, len, flags);
    forgive(fd, data, n);
    return n;
}

ssize_t recvfrom(int fd, void *data, size_t len, int flags, struct sockaddr *from, socklen_t *size)
{
    static ssize_t (*real)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
    ssize_t n;

    if (!real)
        real = next("recvfrom");
    n = real(fd, data, len, flags, from, size);
    forgive(fd, data, n);
    return n;
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
    static ssize_t (*real)(int, struct msghdr *, int);
    ssize_t n;

    if (!real)
        real = next("recvmsg");
    n = real(fd, m, flags);
    if (n > 0 && m->msg_iovlen >= 1 && m->msg_iov[0].iov_len >= (size_t)n)
        forgive(fd, m->msg_iov[0].iov_base, n);
    return n;
}
