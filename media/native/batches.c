/* The loops over packets, compiled: what media/core/ingress.py, media/core/egress.py and media/io/srtp.py do with
 * arrays, in one pass each, and a batch's whole way through them and udp.c.  Nothing is decided here: which packet goes where is in the tables
 * that Python fills, and every packet that is not plain goes back to Python (`strays`, `other`).  No allocation, no
 * state of its own.  The functions in Python say what is right; tests/media/native compares.
 *
 * Bytes from a peer are only compared and copied: every length that is used was checked against the arena row.
 */
#include "inside.h"

enum { HEADER_OUT = 4 * BALIE_HEADER_WORDS };

/* -- the forwarder ------------------------------------------------------------------------------------------- */

static inline int laid_out(const struct balie_track *t, const uint8_t *packet)
{
    uint64_t quads[BALIE_LAYOUT_QUADS], differs = 0;
    memcpy(quads, packet, sizeof quads);
    for (int i = 0; i < BALIE_LAYOUT_QUADS; i++) differs |= (quads[i] & t->layout_mask[i]) ^ t->layout_want[i];
    return !differs;
}

static inline void log_feedback(struct balie_log *g, int64_t transport, int64_t seq, int64_t arrival_us)
{
    int64_t used = g->state[0];
    if (used == g->capacity) { g->state[1]++; return; }
    g->transport[used] = transport;
    g->seq[used] = seq;
    g->arrival_us[used] = arrival_us;
    g->state[0] = used + 1;
}

/* Fill the columns of plain packets; returns how many positions are in strays, whose track is -1. */
int64_t balie_read(struct balie_core *c, int64_t count)
{
    int64_t strays = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t row = c->in_row[i], transport = c->in_transport[i];
        const uint8_t *packet = c->in_bytes + row * BALIE_STRIDE + BALIE_HEAD;
        uint64_t key = (uint64_t)transport << 32 | be32(packet + 8);
        int64_t track = find(&c->by_ssrc, &key, 1);
        c->row[i] = row;
        c->track[i] = -1;
        const struct balie_track *t = track < 0 ? NULL : c->tracks + track;
        if (!t || !laid_out(t, packet)) { c->strays[strays++] = i; continue; }
        uint32_t word = be32(packet);
        int64_t size = c->in_length[row], head = t->header_size;
        int ahead = (int16_t)(uint16_t)(word - (uint32_t)t->high);
        if (size <= head || ahead <= -BALIE_JUMP_MAX || ahead >= BALIE_JUMP_MAX) {
            c->strays[strays++] = i;
            continue;
        }
        c->track[i] = track;
        c->ext[i] = t->high + ahead;
        c->timestamp[i] = be32(packet + 4);
        c->marker[i] = word >> 23 & 1;
        c->payload_at[i] = head;
        c->payload_size[i] = size - head;
        c->level[i] = t->level_column ? packet[t->level_column] : 127;
        int64_t at = t->cc_column;
        if (at) log_feedback(c->log, transport, packet[at] << 8 | packet[at + 1], c->in_arrival_us[i]);
    }
    return strays;
}

/* RFC 3550 A.8, as media/core/ingress.py samples it: from one packet of a burst. */
static inline void sample_jitter(struct balie_track *t, int64_t timestamp, int64_t now_us)
{
    int64_t transit = now_us * t->rate / 1000000 - timestamp;
    int64_t step = (int32_t)(uint32_t)(transit - t->transit);
    if (step < 0) step = -step;
    if (t->transit == 0) step = 0;
    t->transit = transit;
    t->jitter += ((double)step - t->jitter) / 16;
}

/* Move the counters on, and note what is not simply the next; returns how many packets there are to forward. */
int64_t balie_account(struct balie_core *c, int64_t count, int64_t now_us, int with_jitter)
{
    for (int64_t k = 0; k < c->touched_count; k++)
        c->chains[c->touched[k]].head = -1; /* of a batch that was not fanned out */
    c->touched_count = c->odd_count = c->behind_count = c->kept_count = c->packets_count = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t track = c->track[i], ext = c->ext[i], before;
        if (track < 0) continue;
        struct balie_track *t = c->tracks + track;
        struct balie_chain *chain = c->chains + track;
        c->packets_count++;
        c->next[i] = -1;
        if (chain->head < 0) {
            chain->head = i;
            c->touched[c->touched_count++] = track;
            before = chain->high_before = t->high;
            if (with_jitter) sample_jitter(t, c->timestamp[i], now_us);
        } else {
            before = c->ext[chain->tail];
            c->next[chain->tail] = i;
        }
        chain->tail = i;
        if (ext - before != 1 && !chain->is_odd) {
            chain->is_odd = 1;
            c->odd_track[c->odd_count] = track;
            c->odd_high[c->odd_count++] = chain->high_before;
        }
        if (ext > t->high) t->high = ext;
        t->received++;
        t->octets += c->payload_size[i];
        t->arrival_us = now_us;
        c->history[track * BALIE_HISTORY + (ext & (BALIE_HISTORY - 1))] = ext << 16 | c->row[i];
        if (t->kept) c->kept_row[c->kept_count++] = c->row[i];
        if (t->level_column) {
            int64_t level = c->level[i] & 0x7F;
            struct balie_levels *levels = c->levels + track;
            levels->packets++;
            levels->loud += level < BALIE_LOUD_BELOW;
            levels->level_sum += level;
        }
        c->closed[i] = ext - t->gap;
        if (ext < t->gap_edge) c->behind[c->behind_count++] = i;
    }
    for (int64_t k = 0; k < c->odd_count; k++) c->chains[c->odd_track[k]].is_odd = 0;
    return c->packets_count;
}

/* -- SRTP ------------------------------------------------------------------------------------------------------ */

/* Bring what the next turn of a loop begins with into the cache, while this one computes. */
static inline void expect_packet(const uint8_t *packet, int size, void *const context)
{
    __builtin_prefetch(context);
    for (int at = 0; at < size; at += 64) __builtin_prefetch(packet + at, 1);
}

/* Decrypt in place; genuine says which, statuses counts the others by srtp_err_status_t.  Returns how many failed. */
int64_t balie_unprotect(balie_srtp unprotect, void *const *contexts, uint8_t *bytes, int32_t *length, int64_t count,
                        const int64_t *rows, const int64_t *transports, uint8_t *genuine, int64_t *statuses)
{
    int64_t failed = 0;
    for (int64_t i = 0; i < count; i++) {
        int size = length[rows[i]];
        if (i + 1 < count)
            expect_packet(bytes + rows[i + 1] * BALIE_STRIDE + BALIE_HEAD, length[rows[i + 1]],
                          contexts[transports[i + 1]]);
        int status = unprotect(contexts[transports[i]], bytes + rows[i] * BALIE_STRIDE + BALIE_HEAD, &size);
        genuine[i] = status == 0;
        if (status == 0) { length[rows[i]] = size; continue; }
        statuses[status > 0 && status < BALIE_STATUSES ? status : BALIE_STATUSES - 1]++;
        failed++;
    }
    return failed;
}

/* Encrypt a send row in place; false, and its size 0, where there are no keys (status 0) or libsrtp refused. */
static inline int protect_row(balie_srtp protect, void *context, uint8_t *packet, int64_t *size, int64_t *statuses)
{
    int length = (int)*size, status = context ? protect(context, packet, &length) : 0;
    if (context && status == 0) { *size = length; return 1; }
    *size = 0;
    statuses[status > 0 && status < BALIE_STATUSES ? status : context ? BALIE_STATUSES - 1 : 0]++;
    return 0;
}

/* Encrypt send rows 0..count-1, those of size 0 not; returns how many failed. */
int64_t balie_protect(balie_srtp protect, void *const *contexts, uint8_t *bytes, int64_t count, const int64_t *starts,
                      int64_t *sizes, const int64_t *transports, int64_t *statuses)
{
    int64_t failed = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!sizes[i]) continue;
        if (i + 1 < count) __builtin_prefetch(contexts[transports[i + 1]]);
        failed += !protect_row(protect, contexts[transports[i]], bytes + i * BALIE_STRIDE + starts[i], sizes + i, statuses);
    }
    return failed;
}

/* -- copies -------------------------------------------------------------------------------------------------- */

static inline void write_copy(struct balie_core *c, int64_t n, int64_t row, int64_t i, uint32_t time24)
{
    struct balie_subscription *s = c->subscriptions + row;
    int64_t payload_at = c->payload_at[i], size = c->payload_size[i];
    const uint8_t *payload = c->in_bytes + c->row[i] * BALIE_STRIDE + BALIE_HEAD + payload_at;
    int64_t start = BALIE_HEAD + payload_at - HEADER_OUT;
    uint8_t *copy = c->out_bytes + n * BALIE_STRIDE + start;
    put32(copy, s->header[0] | (uint32_t)c->marker[i] << 23 | ((uint32_t)(c->closed[i] + s->offset) & 0xFFFF));
    put32(copy + 4, (uint32_t)(c->timestamp[i] + s->time_offset));
    put32(copy + 8, s->header[2]);
    put32(copy + 12, s->header[3]);
    put32(copy + 16, s->header[4] | (s->time_mask & time24));
    put32(copy + 20, s->header[5] | (s->level_mask & (uint32_t)c->level[i] << 16));
    put32(copy + 24, s->header[6]);
    memcpy(copy + HEADER_OUT, payload, size);
    s->packets++;
    s->octets += size;
    c->copy_start[n] = start;
    c->copy_size[n] = size + HEADER_OUT;
    c->copy_transport[n] = s->transport;
    c->copy_subscription[n] = row;
    c->copy_source[n] = i;
}

/* A copy of each packet for each live subscription of its track; returns how many.  Each is encrypted while it is in the
 * nearest cache, if there is a path; what failed is counted there.  Ends the batch. */
static inline int64_t fan_out(struct balie_core *c, int64_t now_us, struct balie_path *p)
{
    int64_t copies = 0;
    uint32_t time24 = (uint64_t)(now_us << 18) / 1000000 & 0xFFFFFF;
    c->idle_count = c->held = c->left_out = 0;
    for (int64_t k = 0; k < c->touched_count; k++) {
        int64_t track = c->touched[k], head = c->chains[track].head, fan = c->tracks[track].fan_count;
        const int64_t *subscription = c->fan + c->tracks[track].fan_start;
        if (!fan) {
            c->idle_track[c->idle_count] = track;
            c->idle_packets[c->idle_count] = 0;
            for (int64_t i = head; i >= 0; i = c->next[i]) c->idle_packets[c->idle_count]++;
            c->idle_count++;
        }
        for (int64_t f = 0; f < fan; f++) {
            int64_t row = subscription[f];
            const struct balie_subscription *s = c->subscriptions + row;
            void *context = p ? p->send_contexts[s->transport] : NULL;
            if (f + 2 < fan) __builtin_prefetch(c->subscriptions + subscription[f + 2], 1);
            if (f + 1 < fan && p) __builtin_prefetch(p->send_contexts[c->subscriptions[subscription[f + 1]].transport]);
            for (int64_t i = head; i >= 0; i = c->next[i]) {
                if (c->ext[i] < s->first) { c->held++; continue; }
                if (copies == c->out_rows) { c->left_out++; continue; }
                write_copy(c, copies, row, i, time24);
                if (p && !protect_row(p->protect, context, c->out_bytes + copies * BALIE_STRIDE + c->copy_start[copies],
                                      c->copy_size + copies, p->refused_statuses))
                    p->refused++;
                copies++;
            }
        }
        c->chains[track].head = -1;
    }
    c->touched_count = 0;
    return copies;
}

int64_t balie_fan_out(struct balie_core *c, int64_t now_us)
{
    return fan_out(c, now_us, NULL);
}

/* -- a batch's whole way --------------------------------------------------------------------------------------- */

/* Decrypt, leave out what is not genuine, and hand it to the forwarder; returns how many packets. */
static int64_t take_media(struct balie_path *p, struct balie_socket *s)
{
    struct balie_core *c = p->core;
    int64_t count = 0;
    p->forged += balie_unprotect(p->unprotect, p->receive_contexts, s->in_bytes, s->in_length, s->rtp_count, s->rtp_row,
                                 s->rtp_transport, p->genuine, p->forged_statuses);
    for (int64_t i = 0; i < s->rtp_count; i++) {
        if (!p->genuine[i]) continue;
        c->in_row[count] = s->rtp_row[i];
        c->in_transport[count] = s->rtp_transport[i];
        c->in_arrival_us[count++] = s->rtp_arrival_us[i];
    }
    return count;
}

/* Decrypt what comes beside media; what is not genuine leaves the batch, and so do reports that are plain. */
static void take_control(struct balie_path *p, struct balie_socket *s, int64_t now_us)
{
    int64_t count = 0;
    p->forged += balie_unprotect(p->unprotect_rtcp, p->receive_contexts, s->in_bytes, s->in_length, s->rtcp_count,
                                 s->rtcp_row, s->rtcp_transport, p->genuine, p->forged_statuses);
    for (int64_t i = 0; i < s->rtcp_count; i++) {
        if (!p->genuine[i]) continue;
        const uint8_t *packet = s->in_bytes + s->rtcp_row[i] * BALIE_STRIDE + BALIE_HEAD;
        if (balie_report(p->reports, s->rtcp_transport[i], packet, s->in_length[s->rtcp_row[i]], now_us)) continue;
        s->rtcp_row[count] = s->rtcp_row[i];
        s->rtcp_transport[count++] = s->rtcp_transport[i];
    }
    s->rtcp_count = count;
}

/* Read, count, fan out, encrypt, send.  Stops where Python has something to decide, and reached says after which step: a
 * packet that is not plain (BALIE_READ), numbers that are not simply the next, or come late (BALIE_ACCOUNTED). */
static void forward(struct balie_path *p, struct balie_socket *s, int64_t now_us, int with_jitter)
{
    struct balie_core *c = p->core;
    p->strays = balie_read(c, p->packets);
    p->reached = BALIE_READ;
    if (p->strays) return;
    balie_account(c, p->packets, now_us, with_jitter);
    p->reached = BALIE_ACCOUNTED;
    if (c->odd_count || c->behind_count) return;
    p->copies = fan_out(c, now_us, p);
    balie_send(s, p->copies, c->copy_start, c->copy_size, c->copy_transport);
    balie_keep(s, c->kept_count, c->kept_row);
    p->reached = BALIE_SENT;
    p->plain = !(p->refused || c->held || c->left_out || c->idle_count || s->without_address || s->elsewhere ||
                 s->would_block || s->failed);
}

/* Receive a batch, and forward its media; returns how many datagrams came.  RTCP is decrypted, what is neither is
 * sorted: both are for Python. */
int64_t balie_turn(struct balie_path *p, struct balie_socket *s, int64_t now_us, int with_jitter)
{
    int64_t datagrams = balie_receive(s);
    p->reached = BALIE_NOTHING;
    p->packets = p->strays = p->copies = p->forged = p->refused = 0;
    p->plain = 1;
    if (s->rtp_count) p->packets = take_media(p, s);
    if (p->packets) forward(p, s, now_us, with_jitter);
    if (s->rtcp_count) take_control(p, s, now_us);
    if (s->other_count && p->checks) balie_answer(p->checks, s, now_us);
    p->beside = s->rtcp_count || s->other_count;
    if (p->forged || (p->packets && p->reached != BALIE_SENT)) p->plain = 0;
    return datagrams;
}
