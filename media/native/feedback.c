/* Transport-wide feedback of what arrived in order: media/core/compiled_twcc.py; the rest is media/core/twcc.py's. */
#include "inside.h"

/* The number nearest to what is due next, as media/core/twcc.py unwraps it. */
static inline int64_t unwrapped(int64_t due, int64_t seq)
{
    return due + (int16_t)(uint16_t)(seq - due);
}

/* The feedback of one transport whose numbers follow one another by small steps: one run, and a byte for each.  Returns
 * its size, 0 when it is not so plain. */
static int64_t write_feedback(struct balie_log *g, int64_t t, uint8_t *packet)
{
    enum { TICKS_PER_REFERENCE = 256, SMALL_MAX = 255, FMT = 15, SMALL = 1 };
    int64_t i = g->head[t], expected = g->next[t], due = expected < 0 ? 0x10000 + g->seq[i] : expected;
    int64_t base = unwrapped(due, g->seq[i]), ext = base - 1, count = 0;
    int64_t reference = g->arrival_us[i] / BALIE_DELTA_US / TICKS_PER_REFERENCE, tick = reference * TICKS_PER_REFERENCE;
    if (expected >= 0 && base > expected) return 0;
    for (; i >= 0; i = g->sequel[i]) {
        int64_t now = g->arrival_us[i] / BALIE_DELTA_US, step = now - tick;
        if (unwrapped(due, g->seq[i]) != ext + 1 || step < 0 || step > SMALL_MAX || count == BALIE_FEEDBACK_MAX) return 0;
        packet[BALIE_FEEDBACK_HEAD + count++] = step;
        tick = now;
        ext++;
    }
    int64_t size = BALIE_FEEDBACK_HEAD + count, padding = -size & 3;
    packet[0] = (padding ? 0xA0 : 0x80) | FMT;
    packet[1] = RTPFB;
    put16(packet + 2, (size + padding) / 4 - 1);
    put32(packet + 4, g->sender_ssrc[t]);
    put32(packet + 8, g->media_ssrc[t]);
    put16(packet + 12, base);
    put16(packet + 14, count);
    put32(packet + 16, (uint32_t)reference << 8 | (g->count[t] & 0xFF));
    put16(packet + 20, SMALL << 13 | count);
    for (int64_t k = 1; k <= padding; k++) packet[size++] = k == padding ? padding : 0;
    g->count[t]++;
    if (ext + 1 > expected) g->next[t] = ext + 1;
    return size;
}

/* What arrived since the last time, reported; returns how many packets that are.  The arrivals of transports in odd are
 * left as they were. */
int64_t balie_feedback(struct balie_log *g, struct balie_writer *w)
{
    int64_t touched = 0, written = w->used, used = g->state[0];
    for (int64_t i = 0; i < used; i++) {
        int64_t t = g->transport[i];
        if (t < 0) continue; /* its row was given to somebody else */
        g->sequel[i] = -1;
        if (g->head[t] < 0) { g->head[t] = i; g->touched[touched++] = t; }
        else g->sequel[g->tail[t]] = i;
        g->tail[t] = i;
    }
    g->odd_count = 0;
    for (int64_t k = 0; k < touched; k++) {
        uint8_t *row = balie_free_row(w);
        int64_t t = g->touched[k], size = row ? write_feedback(g, t, row) : 0;
        g->head[t] = -1;
        if (size) balie_end_row(w, t, size);
        else g->odd[g->odd_count++] = t;
    }
    return w->used - written;
}
