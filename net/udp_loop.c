#define _GNU_SOURCE /* ppoll */
#include "net/udp_loop.h"

#include "base/assert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IKE_PORT = 500, NATT_PORT = 4500, UDP = 17, BUFFER_BYTES = 4 << 20 };

static const uint16_t ports[UDP_SOCKETS] = {IKE_PORT, NATT_PORT};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t address_of(const struct ip_endpoint *e, union address *out)
{
    memset(out, 0, sizeof *out);
    if (e->addr.family == 4) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(e->port);
        memcpy(&out->v4.sin_addr, e->addr.bytes, sizeof out->v4.sin_addr);
        return sizeof out->v4;
    }
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons(e->port);
    memcpy(&out->v6.sin6_addr, e->addr.bytes, sizeof out->v6.sin6_addr);
    return sizeof out->v6;
}

static struct ip_endpoint endpoint_of(const union address *a)
{
    struct ip_endpoint e = {.addr.family = a->any.sa_family == AF_INET ? 4 : 6};

    if (e.addr.family == 4) {
        e.port = ntohs(a->v4.sin_port);
        memcpy(e.addr.bytes, &a->v4.sin_addr, sizeof a->v4.sin_addr);
    } else {
        e.port = ntohs(a->v6.sin6_port);
        memcpy(e.addr.bytes, &a->v6.sin6_addr, sizeof a->v6.sin6_addr);
    }
    return e;
}

static int open_one(const struct ip_endpoint *local, const char **what)
{
    int on = 1, room = BUFFER_BYTES;
    union address address;
    socklen_t len = address_of(local, &address);
    int fd = socket(address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    *what = "socket";
    if (fd < 0)
        return -1;
    if (address.any.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    *what = "bind";
    if (bind(fd, &address.any, len) == 0)
        return fd;
    on = errno;
    close(fd);
    errno = on;
    return -1;
}

enum err udp_loop_open(struct udp_loop *u, struct ip_addr local, const char **what)
{
    u->next = 0;
    u->unsent = 0;
    u->socket[0] = u->socket[1] = -1;
    for (int i = 0; i < UDP_SOCKETS; i++) {
        u->local[i] = (struct ip_endpoint){local, ports[i]};
        u->socket[i] = open_one(&u->local[i], what);
        if (u->socket[i] < 0) {
            int why = errno;

            udp_loop_close(u);
            errno = why;
            return ERR_IO;
        }
    }
    return OK;
}

void udp_loop_close(struct udp_loop *u)
{
    for (int i = 0; i < UDP_SOCKETS; i++) {
        if (u->socket[i] >= 0)
            close(u->socket[i]);
        u->socket[i] = -1;
    }
}

void udp_loop_send(struct udp_loop *u, const struct ike_dgram *d)
{
    int which = d->local.port == NATT_PORT;
    union address to;
    socklen_t len = address_of(&d->remote, &to);

    ASSERT(d->protocol == UDP || d->protocol == 0);
    if (sendto(u->socket[which], d->data, d->len, 0, &to.any, len) < 0)
        u->unsent++;
}

static bool receive_at(struct udp_loop *u, int which, struct ike_dgram *out)
{
    union address from;
    socklen_t len = sizeof from;
    /* An error queued on the socket (ICMP) is told once instead of a datagram: ask again. */
    for (int tries = 0; tries < 2; tries++) {
        ssize_t n = recvfrom(u->socket[which], u->datagram, sizeof u->datagram, 0, &from.any, &len);

        if (n >= 0) {
            *out = (struct ike_dgram){.local = u->local[which],
                                      .remote = endpoint_of(&from),
                                      .protocol = UDP,
                                      .data = u->datagram,
                                      .len = (size_t)n};
            return true;
        }
        if (errno == EAGAIN)
            return false;
    }
    return false;
}

bool udp_loop_receive(struct udp_loop *u, struct ike_dgram *out)
{
    u->next = !u->next;
    return receive_at(u, u->next, out) || receive_at(u, !u->next, out);
}

void udp_loop_wait(const struct udp_loop *u, nsec now, nsec deadline, const sigset_t *blocked)
{
    struct pollfd sockets[UDP_SOCKETS];
    nsec wait = deadline > now ? deadline - now : 0;
    struct timespec t = {(time_t)(wait / NSEC_PER_S), (long)(wait % NSEC_PER_S)};

    for (int i = 0; i < UDP_SOCKETS; i++)
        sockets[i] = (struct pollfd){.fd = u->socket[i], .events = POLLIN};
    (void)ppoll(sockets, UDP_SOCKETS, deadline == NSEC_NEVER ? NULL : &t, blocked);
}

enum err udp_source_of(const struct ip_addr *remote, struct ip_addr *out)
{
    struct ip_endpoint to = {*remote, IKE_PORT};
    union address address;
    socklen_t len = address_of(&to, &address);
    int fd = socket(address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool known = fd >= 0 && connect(fd, &address.any, len) == 0;

    len = sizeof address;
    known = known && getsockname(fd, &address.any, &len) == 0;
    if (known)
        *out = endpoint_of(&address).addr;
    if (fd >= 0)
        close(fd);
    return known ? OK : ERR_IO;
}
