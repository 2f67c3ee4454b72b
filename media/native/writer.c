/* What peers are to hear by the clock, written into send rows: reports as media/core/reports.py says them.  Transport-wide
 * feedback (feedback.c) goes the same way.
 */
#include <stdio.h>

#include "inside.h"

enum {
    CNAME = 1,                                          /* RFC 3550 12.2 */
    SR_SIZE = 28, RR_SIZE = 8, SDES_MAX = 32,           /* bytes */
    BLOCKS_MAX = 31,                                    /* RFC 3550 6.4.1: the count has five bits */
    LOST_MAX = 0x7FFFFF
};

uint8_t *balie_free_row(struct balie_writer *w)
{
    return w->used < w->core->out_rows ? w->core->out_bytes + w->used * BALIE_STRIDE + BALIE_HEAD : NULL;
}

void balie_end_row(struct balie_writer *w, int64_t transport, int64_t size)
{
    w->start[w->used] = BALIE_HEAD;
    w->size[w->used] = size;
    w->transport[w->used++] = transport;
}

static void put_head(uint8_t *p, int count, int type, int64_t size)
{
    p[0] = 0x80 | count;
    p[1] = type;
    put16(p + 2, size / 4 - 1);
}

/* One chunk with a CNAME, closed by one to four zero bytes (RFC 3550 6.5.1); returns its size. */
static int64_t put_sdes(uint8_t *p, uint32_t ssrc, const char *name, int64_t length)
{
    int64_t end = 10 + length, size = end + 4 - (end & 3);
    put_head(p, 1, SDES, size);
    put32(p + 4, ssrc);
    p[8] = CNAME;
    p[9] = length;
    memcpy(p + 10, name, length);
    memset(p + end, 0, size - end);
    return size;
}

/* As SenderClock.last_report(). */
static void put_last_report(uint8_t *p, const struct balie_clock *clock, int64_t now_us)
{
    int64_t elapsed_us = clock->known && now_us > clock->arrival_us ? now_us - clock->arrival_us : 0;
    int64_t delay = (elapsed_us << 16) / MICRO;
    put32(p, clock->known ? clock->ntp >> 16 : 0);
    put32(p + 4, delay < UINT32_MAX ? delay : UINT32_MAX);
}

/* As Reports._block(). */
static void put_block(uint8_t *p, struct balie_track *t, const struct balie_clock *clock, int64_t now_us)
{
    int64_t high = t->high > t->gap_edge ? t->high : t->gap_edge, expected = high - t->base + 1;
    int64_t interval = expected - t->reported_expected, missing = interval - (t->received - t->reported_received);
    int64_t fraction = interval > 0 && missing > 0 ? 256 * missing / interval : 0, lost = expected - t->received;
    t->reported_expected = expected;
    t->reported_received = t->received;
    if (lost > LOST_MAX) lost = LOST_MAX;
    if (lost < -LOST_MAX - 1) lost = -LOST_MAX - 1;
    put32(p, t->ssrc);
    put32(p + 4, (uint32_t)(fraction < 255 ? fraction : 255) << 24 | (lost & 0xFFFFFF));
    put32(p + 8, high - (t->base & ~0xFFFFll));
    put32(p + 12, (int64_t)t->jitter);
    put_last_report(p + 16, clock, now_us);
}

static int64_t put_receiver_report(struct balie_writer *w, int64_t transport, uint8_t *p, int64_t now_us)
{
    struct balie_core *c = w->core;
    const int64_t *sources = w->sources + w->sources_start[transport];
    int64_t count = w->sources_count[transport], size = RR_SIZE;
    uint32_t ssrc = w->sender_ssrc[transport];
    if (count > BLOCKS_MAX) count = BLOCKS_MAX;
    for (int64_t i = 0; i < count; i++, size += REPORT_BLOCK)
        put_block(p + size, c->tracks + sources[i], c->clocks + sources[i], now_us);
    put_head(p, count, RR, size);
    put32(p + 4, ssrc);
    return size + put_sdes(p + size, ssrc, "balie", 5);
}

/* As SenderClock.at(), and the packet with its SDES; returns its size. */
static int64_t put_sender_report(struct balie_writer *w, const struct balie_subscription *s, uint8_t *p, int64_t now_us)
{
    const struct balie_track *t = w->core->tracks + s->source;
    struct balie_clock *clock = w->core->clocks + s->source;
    int64_t elapsed_us = now_us > clock->arrival_us ? now_us - clock->arrival_us : 0;
    uint64_t ntp = ntp_after(clock->ntp, elapsed_us), behind = clock->last_out - ntp;
    int64_t rtp = clock->rtp + elapsed_us * t->rate / MICRO;
    if (behind > 0 && behind < 1ull << 32) {
        ntp += behind;
        rtp += behind * t->rate >> 32;
    }
    clock->last_out = ntp;
    put_head(p, 0, SR, SR_SIZE);
    put32(p + 4, s->header[2]);
    put32(p + 8, ntp >> 32);
    put32(p + 12, ntp);
    put32(p + 16, rtp + s->time_offset);
    put32(p + 20, s->packets);
    put32(p + 24, s->octets);
    char name[24];
    int length = snprintf(name, sizeof name, "p%llx", (unsigned long long)t->transport); /* reports.py's cname() */
    return SR_SIZE + put_sdes(p + SR_SIZE, s->header[2], name, length);
}

/* All reports to one transport, in packets of at most BALIE_REPORT_MAX bytes; false, and none, when rows may not do. */
static int write_reports(struct balie_writer *w, int64_t transport, int64_t now_us)
{
    struct balie_core *c = w->core;
    const int64_t *live = w->live + w->live_start[transport];
    int64_t count = w->live_count[transport], size = 0;
    uint8_t report[SR_SIZE + SDES_MAX];
    if (w->used + 2 + count / (BALIE_REPORT_MAX / (SR_SIZE + SDES_MAX)) > c->out_rows) return 0;
    if (w->sources_count[transport] >= 0) size = put_receiver_report(w, transport, balie_free_row(w), now_us);
    for (int64_t i = 0; i < count; i++) {
        const struct balie_subscription *s = c->subscriptions + live[i];
        if (!c->clocks[s->source].known || now_us - c->tracks[s->source].arrival_us > BALIE_QUIET_US) continue;
        int64_t more = put_sender_report(w, s, report, now_us);
        if (size + more > BALIE_REPORT_MAX) {
            balie_end_row(w, transport, size);
            size = 0;
        }
        memcpy(balie_free_row(w) + size, report, more);
        size += more;
    }
    if (size) balie_end_row(w, transport, size);
    return 1;
}

/* The reports to some transports, in their order; returns to how many there was room for. */
int64_t balie_write_reports(struct balie_writer *w, int64_t count, const int64_t *transports, int64_t now_us)
{
    int64_t done = 0;
    while (done < count && write_reports(w, transports[done], now_us)) done++;
    return done;
}
