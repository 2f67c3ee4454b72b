/* Turns at a steady beat, without Python as long as they are plain: media/io/beats.py. */
#define _GNU_SOURCE
#include <poll.h>

#include "inside.h"

/* As media/core/rtcp.py's is_urgent: whether a compound packet asks for something at once. */
static int is_urgent(const uint8_t *packet, int64_t size)
{
    enum { NACK = 1, PLI = 1, FIR = 4 };
    for (int64_t at = 0; at + 4 <= size; at += 4 + 4 * (packet[at + 2] << 8 | packet[at + 3])) {
        int format = packet[at] & 0x1F;
        if (packet[at + 1] == RTPFB && format == NACK) return 1;
        if (packet[at + 1] == PSFB && (format == PLI || format == FIR)) return 1;
    }
    return 0;
}

/* Keep a batch's RTCP for later; false, and nothing kept, when some of it is for now or does not fit. */
static int set_aside(struct balie_beats *b, struct balie_socket *s, int64_t now_us)
{
    int64_t count = b->reports_count, end = count ? b->report_end[count - 1] : 0;
    for (int64_t i = 0; i < s->rtcp_count; i++) {
        const uint8_t *packet = s->in_bytes + s->rtcp_row[i] * BALIE_STRIDE + BALIE_HEAD;
        int64_t size = s->in_length[s->rtcp_row[i]];
        if (count == b->reports_max || end + size > b->report_bytes_max || is_urgent(packet, size)) return 0;
        memcpy(b->report_bytes + end, packet, size);
        b->report_transport[count] = s->rtcp_transport[i];
        b->report_arrival_us[count] = now_us;
        b->report_end[count++] = end += size;
    }
    b->reports_count = count;
    s->rtcp_count = 0;
    return 1;
}

/* What one socket holds now; false when its last batch is for Python to finish. */
static int beat_once(struct balie_beats *b, struct balie_socket *s, int64_t now_us, int with_jitter)
{
    for (int64_t k = 0; k < b->batches_max; k++) {
        int64_t count = balie_turn(b->path, s, now_us, with_jitter);
        b->datagrams += count;
        if (!b->path->plain || s->other_count || !set_aside(b, s, now_us)) {
            b->left = count;
            return 0;
        }
        b->packets += b->path->packets;
        b->copies += b->path->copies;
        if (count < s->batch) break;
    }
    return 1;
}

/* One turn each beat_us, until until_us, or until one of the files is readable: then -1.  Where a turn is not plain, the
 * number of the socket whose batch is to be finished as after balie_turn. */
int64_t balie_beat(struct balie_beats *b, int64_t until_us)
{
    b->datagrams = b->packets = b->copies = b->reports_count = 0;
    for (;;) {
        int64_t now_us = us_of(CLOCK_MONOTONIC);
        if (now_us >= b->next_us) { /* before the files: who never reads them must not keep packets waiting */
            int with_jitter = now_us >= b->jitter_due_us;
            if (with_jitter) b->jitter_due_us = now_us + b->jitter_us;
            b->next_us = now_us + b->beat_us;
            for (int64_t n = 0; n < b->sockets_count; n++)
                if (!beat_once(b, b->sockets[n], now_us, with_jitter)) return n;
            now_us = us_of(CLOCK_MONOTONIC);
        }
        if (now_us >= until_us) return -1;
        int64_t due_us = b->next_us < until_us ? b->next_us : until_us, wait_us = due_us > now_us ? due_us - now_us : 0;
        struct timespec wait = {wait_us / 1000000, wait_us % 1000000 * 1000};
        if (ppoll(b->files, b->files_count, &wait, NULL)) return -1; /* or a signal came */
    }
}
