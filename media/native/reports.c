/* What media/core/reports.py's handle() does with a compound packet in which there is nothing to decide: reports on
 * streams that are known, a name, an estimate near the last.  All that asks for something, tells something new or is
 * broken is for Python, as a whole.
 */
#include "inside.h"

enum {
    APPLICATION = 15,                                   /* RFC 4585 6.3 */
    HEAD = 4,                                           /* bytes */
    SR_BLOCKS = 28, RR_BLOCKS = 8,                      /* where the blocks begin, from the packet's head on */
    REMB_NAME = 12, REMB_WORD = 16, REMB_SSRCS = 20     /* draft-alvestrand-rmcat-remb-03 2.2 */
};

static inline uint64_t be64(const uint8_t *p)
{
    return (uint64_t)be32(p) << 32 | be32(p + 4);
}

static int64_t track_of(const struct balie_reports *r, int64_t transport, uint32_t ssrc)
{
    uint64_t key = (uint64_t)transport << 32 | ssrc;
    return find(&r->core->by_ssrc, &key, 1);
}

/* An estimate that is not news: near the last, and of this packet's size. */
static int is_known_estimate(const struct balie_reports *r, int64_t transport, const uint8_t *packet, int64_t size)
{
    if (size < REMB_SSRCS || memcmp(packet + REMB_NAME, "REMB", 4)) return 0;
    uint32_t word = be32(packet + REMB_WORD), exponent = word >> 18 & 0x3F;
    int64_t last = r->remb_bps[transport];
    if (REMB_SSRCS + 4 * (int64_t)(word >> 24) > size || exponent > 40 || last < 0) return 0;
    int64_t bps = (int64_t)(word & 0x3FFFF) << exponent, step = bps > last ? bps - last : last - bps;
    return step <= last / 10;
}

/* Whether a packet is whole and there is nothing in it to decide. */
static int is_plain(const struct balie_reports *r, int64_t transport, const uint8_t *packet, int64_t size)
{
    int count = packet[0] & 0x1F;
    if (packet[0] >> 5 != 4) return 0; /* version 2, no padding */
    switch (packet[1]) {
    case SR: {
        int64_t track = size < SR_BLOCKS + REPORT_BLOCK * count ? -1 : track_of(r, transport, be32(packet + HEAD));
        return track >= 0 && r->core->clocks[track].known; /* the first is passed on at once */
    }
    case RR: return size >= RR_BLOCKS + REPORT_BLOCK * count;
    case SDES: return 1;
    case PSFB: return count == APPLICATION && is_known_estimate(r, transport, packet, size);
    default: return 0;
    }
}

/* As SenderClock.update(). */
static void set_clock(const struct balie_reports *r, int64_t transport, const uint8_t *packet, int64_t now_us)
{
    int64_t track = track_of(r, transport, be32(packet + HEAD));
    struct balie_clock *clock = r->core->clocks + track;
    uint64_t ntp = be64(packet + 8);
    if (ntp < clock->ntp && clock->ntp - ntp < (uint64_t)BALIE_REORDERED_S << 32) return;
    clock->ntp = ntp;
    clock->rtp = be32(packet + 16);
    clock->arrival_us = now_us;
}

/* As SenderClock.ntp_middle_at(). */
static uint32_t middle_at(const struct balie_clock *clock, int64_t now_us)
{
    int64_t elapsed_us = now_us - clock->arrival_us;
    return ntp_after(clock->ntp, elapsed_us > 0 ? elapsed_us : 0) >> 16;
}

static void read_block(const struct balie_reports *r, int64_t transport, const uint8_t *block, int64_t now_us)
{
    uint64_t key = (uint64_t)transport << 32 | be32(block);
    int64_t row = find(&r->by_ssrc, &key, 1);
    struct balie_subscription *s = row < 0 ? NULL : r->core->subscriptions + row;
    if (!s || s->header[2] != be32(block)) return; /* of retransmissions */
    const struct balie_clock *clock = r->core->clocks + s->source;
    int64_t lost = be32(block + 4) & 0xFFFFFF;
    s->lost = lost - ((lost & 0x800000) << 1);
    uint32_t lsr = be32(block + 16), dlsr = be32(block + 20);
    if (!lsr || !clock->known) return;
    int64_t rtt_us = (int64_t)(uint32_t)(middle_at(clock, now_us) - lsr - dlsr) * MICRO >> 16;
    if (rtt_us <= BALIE_RTT_MAX_US) r->rtt_us[row] = r->transport_rtt_us[transport] = rtt_us;
}

/* Read a decrypted compound packet; false, and nothing done, where Python is to. */
int64_t balie_report(const struct balie_reports *r, int64_t transport, const uint8_t *data, int64_t size, int64_t now_us)
{
    int64_t at = 0, packets = 0, bytes;
    for (; at < size; at += bytes) {
        if (size - at < HEAD || packets++ == BALIE_PACKETS_MAX) return 0;
        bytes = HEAD + 4 * (data[at + 2] << 8 | data[at + 3]);
        if (bytes > size - at || !is_plain(r, transport, data + at, bytes)) return 0;
    }
    for (at = 0; at < size; at += bytes) {
        const uint8_t *packet = data + at;
        int blocks = packet[1] == SR || packet[1] == RR ? packet[0] & 0x1F : 0;
        bytes = HEAD + 4 * (packet[2] << 8 | packet[3]);
        if (packet[1] == SR) set_clock(r, transport, packet, now_us);
        for (int i = 0; i < blocks; i++)
            read_block(r, transport, packet + (packet[1] == SR ? SR_BLOCKS : RR_BLOCKS) + REPORT_BLOCK * i, now_us);
    }
    return size > 0;
}
