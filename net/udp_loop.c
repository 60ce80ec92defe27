#define _GNU_SOURCE /* ppoll */
#include "net/udp_loop.h"

#include "base/assert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    IKE_PORT = 500,
    NATT_PORT = 4500,
    UDP = 17,
    ESP = 50,
    IPV4_HEADER_MIN = 20,
    BUFFER_BYTES = 4 << 20,
};

enum which { AT_IKE, AT_NATT, AT_ESP };

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

/* Room for what arrives while we do something else; only root may have more than the default. */
static void make_room(int fd)
{
    int room = BUFFER_BYTES;

    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
}

/* @param protocol  ESP for a raw socket, 0 for UDP */
static int open_one(const struct ip_endpoint *local, int protocol, const char **what)
{
    int on = 1;
    union address address;
    socklen_t len = address_of(local, &address);
    int type = protocol ? SOCK_RAW : SOCK_DGRAM;
    int fd = socket(address.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

    *what = "socket";
    if (fd < 0)
        return -1;
    if (address.any.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    make_room(fd);
    *what = "bind";
    if (bind(fd, &address.any, len) == 0)
        return fd;
    on = errno;
    close(fd);
    errno = on;
    return -1;
}

static const uint16_t ports[UDP_SOCKETS] = {[AT_IKE] = IKE_PORT, [AT_NATT] = NATT_PORT};

enum err udp_loop_open(struct udp_loop *u, struct ip_addr local, const char **what)
{

    u->next = 0;
    u->unsent = 0;
    u->also = -1;
    u->also_ready = false;
    for (int i = 0; i < UDP_SOCKETS; i++) {
        u->socket[i] = -1;
        u->ready[i] = false;
        u->local[i] = (struct ip_endpoint){local, ports[i]};
    }
    for (int i = AT_IKE; i <= AT_NATT; i++) {
        u->socket[i] = open_one(&u->local[i], 0, what);
        if (u->socket[i] < 0) {
            int why = errno;

            udp_loop_close(u);
            errno = why;
            return ERR_IO;
        }
    }
    return OK;
}

enum err udp_loop_move(struct udp_loop *u, struct ip_addr local, const char **what)
{
    struct ip_endpoint at[UDP_SOCKETS];
    int opened[UDP_SOCKETS] = {-1, -1, -1};
    enum err e = OK;

    for (int i = 0; i < UDP_SOCKETS && e == OK; i++) {
        at[i] = (struct ip_endpoint){local, ports[i]};
        if (u->socket[i] < 0)
            continue;
        opened[i] = open_one(&at[i], i == AT_ESP ? ESP : 0, what);
        e = opened[i] < 0 ? ERR_IO : OK;
    }
    for (int i = 0; i < UDP_SOCKETS; i++) {
        int leave = e == OK ? u->socket[i] : opened[i], why = errno;

        if (leave >= 0)
            close(leave);
        errno = why;
        if (e != OK)
            continue;
        u->socket[i] = opened[i];
        u->local[i] = at[i];
        u->ready[i] = false;
    }
    return e;
}

void udp_loop_close(struct udp_loop *u)
{
    for (int i = 0; i < UDP_SOCKETS; i++) {
        if (u->socket[i] >= 0)
            close(u->socket[i]);
        u->socket[i] = -1;
    }
}

enum err udp_loop_open_esp(struct udp_loop *u, const char **what)
{
    u->socket[AT_ESP] = open_one(&u->local[AT_ESP], ESP, what);
    if (u->socket[AT_ESP] >= 0)
        *what = "raw socket for ESP";
    return u->socket[AT_ESP] >= 0 ? OK : ERR_IO;
}

bool udp_loop_send(struct udp_loop *u, const struct ike_dgram *d)
{
    enum which which = d->protocol == ESP ? AT_ESP : d->local.port == NATT_PORT ? AT_NATT : AT_IKE;
    struct ip_endpoint remote = {d->remote.addr, which == AT_ESP ? 0 : d->remote.port};
    union address to;
    socklen_t len = address_of(&remote, &to);

    if (u->socket[which] >= 0 && sendto(u->socket[which], d->data, d->len, 0, &to.any, len) >= 0)
        return true;
    u->unsent++;
    return false;
}

/* A raw socket of IPv4 gives the IP header too, one of IPv6 does not. False: no ESP in it. */
static bool strip_header(struct ike_dgram *d)
{
    size_t len = d->len < IPV4_HEADER_MIN ? 0 : (size_t)(d->data[0] & 0x0f) * 4;

    d->protocol = ESP;
    d->remote.port = 0;
    if (d->remote.addr.family == 6)
        return true;
    if (len < IPV4_HEADER_MIN || len > d->len)
        return false;
    d->data += len;
    d->len -= len;
    return true;
}

static bool receive_at(struct udp_loop *u, int which, struct ike_dgram *out)
{
    union address from;
    /* An error queued on the socket (ICMP) is told once instead of a datagram: ask again. */
    for (int tries = 0; u->ready[which] && tries < 2; tries++) {
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(u->socket[which], u->datagram, sizeof u->datagram, 0, &from.any, &len);

        if (n >= 0) {
            *out = (struct ike_dgram){.local = u->local[which],
                                      .remote = endpoint_of(&from),
                                      .protocol = UDP,
                                      .data = u->datagram,
                                      .len = (size_t)n};
            if (which != AT_ESP || strip_header(out))
                return true;
        } else if (errno == EAGAIN) {
            break;
        }
    }
    u->ready[which] = false;
    return false;
}

bool udp_loop_receive(struct udp_loop *u, struct ike_dgram *out)
{
    for (int i = 0; i < UDP_SOCKETS; i++) {
        u->next = (u->next + 1) % UDP_SOCKETS;
        if (receive_at(u, u->next, out))
            return true;
    }
    return false;
}

void udp_loop_wait(struct udp_loop *u, nsec now, nsec deadline, const sigset_t *blocked)
{
    struct pollfd all[UDP_SOCKETS + 1]; /* the last one is `also`; poll ignores those of -1 */
    nsec wait = deadline > now ? deadline - now : 0;
    struct timespec t = {(time_t)(wait / NSEC_PER_S), (long)(wait % NSEC_PER_S)};

    bool any;

    for (int i = 0; i <= UDP_SOCKETS; i++)
        all[i] = (struct pollfd){.fd = i < UDP_SOCKETS ? u->socket[i] : u->also, .events = POLLIN};
    any = ppoll(all, UDP_SOCKETS + 1, deadline == NSEC_NEVER ? NULL : &t, blocked) > 0;
    for (int i = 0; i < UDP_SOCKETS; i++)
        u->ready[i] = any && all[i].revents;
    u->also_ready = any && all[UDP_SOCKETS].revents;
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
