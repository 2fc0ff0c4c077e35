/* hash.c - FNV-1a in 64 bits (Fowler, Noll & Vo), against accidents, not against intent. */
#include "base/internal.h"

uint64_t sf_fnv(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < size; i++) hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}
