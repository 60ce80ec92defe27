/*
 * SPIs are drawn, and must not be taken yet. In a simulation the next draws are known before they
 * are wanted.
 */
#ifndef PROTO_CORE_SPI_H
#define PROTO_CORE_SPI_H

#include "proto/core/internal.h"

/**
 * An SPI was drawn: fetch what the next two draws will be looked up in, for an IKE SA or for a
 * child SA. With a million SAs none of it is in a cache. Draws nothing.
 */
void spi_expect(const struct ike_endpoint *);

#endif
