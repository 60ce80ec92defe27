/* Named sets of values: `preset:` of ike, child and NAT groups. */
#include "sim/scenario_keys.h"

#include <string.h>

struct preset {
    enum section_id section;
    const char *name, *values;
};

/* Defaults of the daemons' own sources and manuals; what our ladder cannot say exactly is noted
 * in docs/scenario-format.md. */
static const struct preset presets[] = {
    {SECTION_IKE, "strongswan-6.0",
     "{retransmit_timeout: 4s, retransmit_base: 1.8, retransmit_tries: 5, retransmit_jitter: 0%, "
     "retransmit_limit: 0s, rekey_time: 4h, dpd_delay: 0s, nat_keepalive: 20s, "
     "half_open_timeout: 30s}"},
    {SECTION_IKE, "libreswan-4.10",
     "{retransmit_timeout: 500ms, retransmit_base: 2, retransmit_tries: 6, rekey_time: 471min, "
     "over_time: 9min, rand_time: 9min, dpd_delay: 0s, nat_keepalive: 20s}"},
    {SECTION_IKE, "libreswan-2026-08",
     "{retransmit_timeout: 500ms, retransmit_base: 2, retransmit_tries: 5, rekey_time: 471min, "
     "over_time: 9min, rand_time: 9min, dpd_delay: 0s, nat_keepalive: 20s}"},
    {SECTION_IKE, "openiked-7.2",
     "{retransmit_timeout: 2s, retransmit_base: 2, retransmit_tries: 5, rekey_time: 0s, "
     "dpd_delay: 60s, nat_keepalive: 20s}"},
    {SECTION_CHILD, "strongswan-6.0",
     "{rekey_time: 1h, rekey_bytes: 0B, rekey_packets: 0, replay_window: 32}"},
    {SECTION_CHILD, "libreswan-4.10",
     "{rekey_time: 471min, life_time: 8h, rand_time: 9min, replay_window: 128}"},
    {SECTION_CHILD, "libreswan-2026-08",
     "{rekey_time: 471min, life_time: 8h, rand_time: 9min, replay_window: 128}"},
    {SECTION_CHILD, "openiked-7.2", "{rekey_time: 3h, rekey_bytes: 4GiB, replay_window: 64}"},
    {SECTION_GROUP, "rfc4787-2007",
     "{mapping: endpoint-independent, filtering: address-dependent, port_preservation: false, "
     "udp_timeout: 300s, udp_timeout_unreplied: 300s, refresh: outbound, hairpin: true}"},
    {SECTION_GROUP, "linux-6.1",
     "{mapping: address-and-port-dependent, filtering: address-and-port-dependent, "
     "port_preservation: true, udp_timeout: 120s, udp_timeout_unreplied: 30s, refresh: both, "
     "hairpin: false}"},
    {SECTION_GROUP, "full-cone",
     "{mapping: endpoint-independent, filtering: endpoint-independent, port_preservation: true, "
     "udp_timeout: 300s, udp_timeout_unreplied: 300s, refresh: both, hairpin: true}"},
    {SECTION_GROUP, "symmetric",
     "{mapping: address-and-port-dependent, filtering: address-and-port-dependent, "
     "port_preservation: false, udp_timeout: 120s, udp_timeout_unreplied: 30s, refresh: both, "
     "hairpin: false}"},
    {SECTION_GROUP, "cgn-rfc6888",
     "{mapping: endpoint-independent, filtering: endpoint-independent, port_preservation: false, "
     "udp_timeout: 300s, udp_timeout_unreplied: 300s, refresh: outbound, hairpin: true, "
     "ports_per_user: 1024}"},
};

const char *preset_values(enum section_id section, const char *name)
{
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (presets[i].section == section && strcmp(presets[i].name, name) == 0)
            return presets[i].values;
    return NULL;
}
