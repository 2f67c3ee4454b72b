/* What the files of this folder share and Python does not see. */
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "batches.h"

enum {
    NAME = 32, DESTINATION = 28,                                /* bytes of balie_socket's in_names, destination */
    SR = 200, RR = 201, SDES = 202, RTPFB = 205, PSFB = 206,    /* RFC 3550 12.1, RFC 4585 6.1 */
    REPORT_BLOCK = 24,                                          /* bytes: RFC 3550 6.4.1 */
    MICRO = 1000000
};

/* Of writer.c: the next send row, NULL when all are used; and what was written into it. */
uint8_t *balie_free_row(struct balie_writer *writer);
void balie_end_row(struct balie_writer *writer, int64_t transport, int64_t size);

static inline uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void put16(uint8_t *p, uint32_t value)
{
    p[0] = value >> 8, p[1] = value;
}

static inline void put32(uint8_t *p, uint32_t value)
{
    p[0] = value >> 24, p[1] = value >> 16, p[2] = value >> 8, p[3] = value;
}

/* media/native/index.py has the same function. */
static inline int64_t find(const struct balie_index *index, const uint64_t *key, int words)
{
    uint64_t hash = 0;
    for (int i = 0; i < words; i++) {
        hash = (hash ^ key[i]) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 32;
    }
    for (uint64_t slot = hash & index->mask; index->values[slot] >= 0; slot = (slot + 1) & index->mask) {
        const uint64_t *known = index->keys + slot * words;
        int same = 1;
        for (int i = 0; i < words; i++) same &= known[i] == key[i];
        if (same) return index->values[slot];
    }
    return -1;
}

/* A 32.32 fixed point number of seconds, so much later: media/core/ntp.py's ntp_interval(). */
static inline uint64_t ntp_after(uint64_t ntp, int64_t elapsed_us)
{
    uint64_t seconds = elapsed_us / MICRO, rest = elapsed_us % MICRO;
    return ntp + (seconds << 32) + (rest << 32) / MICRO;
}

static inline int64_t us_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}
