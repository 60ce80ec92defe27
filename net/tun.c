#include "net/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* What SIOCSIFADDR of an IPv6 socket takes; only the kernel's own headers have it. */
struct address6 {
    struct in6_addr addr;
    uint32_t length;
    int device;
};

/* Keep errno over what tidies up. @return ERR_IO */
static enum err give_up(int fd)
{
    int why = errno;

    if (fd >= 0)
        close(fd);
    errno = why;
    return ERR_IO;
}

enum err tun_open(struct tun *t, const char *name, const char **what)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};

    *what = "open /dev/net/tun";
    t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (t->fd < 0)
        return ERR_IO;
    *what = "make the TUN device";
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (ioctl(t->fd, TUNSETIFF, &request) < 0) {
        enum err e = give_up(t->fd);

        t->fd = -1;
        return e;
    }
    snprintf(t->name, sizeof t->name, "%.*s", TUN_NAME_MAX, request.ifr_name);
    return OK;
}

void tun_close(struct tun *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
}

const char *tun_hint(int error)
{
    switch (error) {
    case EPERM:
    case EACCES:
        return "as root, or with the capability CAP_NET_ADMIN";
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return "modprobe tun; in a container, give it the device /dev/net/tun";
    case EBUSY:
        return "another name after --tun: a program uses this device";
    default:
        return "another name after --tun, or another --tun-mtu or --tun-address";
    }
}

/* ---- setting up ---- */

/* A link-local address would be announced through the tunnel, where nobody wants to hear it. */
static void keep_quiet(const struct tun *t)
{
    char path[80];
    int fd;

    snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/addr_gen_mode", t->name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return; /* no IPv6 here */
    (void)!write(fd, "1", 1);
    close(fd);
}

static struct ifreq request_for(const struct tun *t)
{
    struct ifreq request = {0};

    memcpy(request.ifr_name, t->name, sizeof t->name);
    return request;
}

static void put_v4(struct sockaddr *out, const uint8_t *bytes)
{
    struct sockaddr_in a = {.sin_family = AF_INET};

    memcpy(&a.sin_addr, bytes, sizeof a.sin_addr);
    memcpy(out, &a, sizeof a);
}

static void put_mask_v4(struct sockaddr *out, uint8_t length)
{
    uint8_t mask[4];

    store_be32(mask, length ? UINT32_MAX << (32 - length) : 0);
    put_v4(out, mask);
}

static bool set_v4(int fd, const struct tun *t, const struct ip_prefix *p)
{
    struct ifreq request = request_for(t);

    put_v4(&request.ifr_addr, p->addr.bytes);
    if (ioctl(fd, SIOCSIFADDR, &request) < 0)
        return false;
    put_mask_v4(&request.ifr_netmask, p->length);
    return ioctl(fd, SIOCSIFNETMASK, &request) == 0;
}

static bool set_v6(int fd, const struct tun *t, const struct ip_prefix *p)
{
    struct address6 request = {.length = p->length, .device = (int)if_nametoindex(t->name)};

    memcpy(&request.addr, p->addr.bytes, sizeof request.addr);
    return ioctl(fd, SIOCSIFADDR, &request) == 0 || errno == EEXIST;
}

static int socket_for(uint8_t family)
{
    return socket(family == 6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

enum err tun_up(const struct tun *t, uint32_t mtu, const struct ip_prefix *address,
                const char **what)
{
    struct ifreq request = request_for(t);
    int fd = socket_for(address->addr.family);

    keep_quiet(t);
    *what = "set the MTU of the TUN device";
    request.ifr_mtu = (int)mtu;
    if (fd < 0 || ioctl(fd, SIOCSIFMTU, &request) < 0)
        return give_up(fd);
    *what = "set the address of the TUN device";
    if (address->addr.family == 4 && !set_v4(fd, t, address))
        return give_up(fd);
    if (address->addr.family == 6 && !set_v6(fd, t, address))
        return give_up(fd);
    *what = "bring the TUN device up";
    request = request_for(t);
    if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
        return give_up(fd);
    request.ifr_flags |= IFF_UP;
    if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        return give_up(fd);
    close(fd);
    return OK;
}

static bool route_v4(int fd, const struct tun *t, const struct ip_prefix *net)
{
    char name[sizeof t->name];
    struct rtentry route = {.rt_flags = RTF_UP, .rt_dev = name};

    memcpy(name, t->name, sizeof name);
    put_v4(&route.rt_dst, net->addr.bytes);
    put_mask_v4(&route.rt_genmask, net->length);
    return ioctl(fd, SIOCADDRT, &route) == 0;
}

static bool route_v6(int fd, const struct tun *t, const struct ip_prefix *net)
{
    struct in6_rtmsg route = {.rtmsg_flags = RTF_UP,
                              .rtmsg_metric = 1024, /* as `ip -6 route add` */
                              .rtmsg_dst_len = net->length,
                              .rtmsg_ifindex = (int)if_nametoindex(t->name)};

    memcpy(&route.rtmsg_dst, net->addr.bytes, sizeof route.rtmsg_dst);
    return ioctl(fd, SIOCADDRT, &route) == 0;
}

enum err tun_route(const struct tun *t, const struct ip_prefix *net, const char **what)
{
    int fd = socket_for(net->addr.family);

    *what = "make a route through the TUN device";
    if (fd < 0)
        return ERR_IO;
    if (!(net->addr.family == 4 ? route_v4(fd, t, net) : route_v6(fd, t, net)) && errno != EEXIST)
        return give_up(fd);
    close(fd);
    return OK;
}

/* ---- packets ---- */

enum err tun_read(const struct tun *t, uint8_t *packet, size_t cap, size_t *len)
{
    ssize_t n = read(t->fd, packet, cap);

    if (n > 0) {
        *len = (size_t)n;
        return OK;
    }
    return n < 0 && errno != EAGAIN && errno != EINTR ? ERR_IO : ERR_NOT_FOUND;
}

bool tun_write(const struct tun *t, const uint8_t *packet, size_t len)
{
    return write(t->fd, packet, len) == (ssize_t)len;
}
