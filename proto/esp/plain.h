/*
 * Packets that want the cipher and nothing else: whether they pass one by one or together makes no
 * difference to anybody, so that a driver may let several of one instant wait for each other
 * (esp_seal_batch, esp_open_batch). Looks only; nothing is counted or changed.
 */
#ifndef PROTO_ESP_PLAIN_H
#define PROTO_ESP_PLAIN_H

#include "proto/esp/esp.h"

enum { ESP_PLAIN_MAX = 32 /* so many that are plain stay so until the last of them has passed */ };

/**
 * Outbound: there are a policy and an SA for this packet (as esp_choose), and no limit of the SA,
 * soft or hard, is so near that one of the next ESP_PLAIN_MAX packets would reach it.
 * @param[out] used  number of the SA
 */
bool esp_sends_plainly(const struct esp *, struct esp_user, struct bytes packet, uint32_t *used);
/**
 * Inbound: an SA is there for this ESP packet, with no limit near. What comes of the packet, good
 * or refused, is told by esp_open_batch.
 */
bool esp_takes_plainly(const struct esp *, struct esp_user, struct bytes packet, uint32_t *used);

#endif
