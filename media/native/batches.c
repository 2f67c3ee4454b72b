/* The loops over packets, compiled: what media/core/ingress.py, media/core/egress.py, media/io/srtp.py and
 * media/io/udp.py do with arrays, in one pass each.  Nothing is decided here: which packet goes where is in the tables
 * that Python fills, and every packet that is not plain goes back to Python (`strays`, `other`).  No allocation, no
 * state of its own.  The functions in Python say what is right; tests/media/native compares.
 *
 * Bytes from a peer are only compared and copied: every length that is used was checked against the arena row.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "inside.h"

enum {
    SEGMENTS_MAX = 64,    /* UDP_MAX_SEGMENTS in linux/udp.h before 6.9, 128 after */
    SEGMENTED_MAX = 65000, /* bytes: an IPv4 datagram's 65,507 less some */
    UDP_SEGMENTS = 103,   /* UDP_SEGMENT of <linux/udp.h> */
    CONTROL = 64,
    HEADER_OUT = 4 * BALIE_HEADER_WORDS
};

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
            c->heard[track]++;
            c->loud[track] += level < BALIE_LOUD_BELOW;
            c->level_sum[track] += level;
        }
        c->closed[i] = ext - t->gap;
        if (ext < t->gap_edge) c->behind[c->behind_count++] = i;
    }
    for (int64_t k = 0; k < c->odd_count; k++) c->chains[c->odd_track[k]].is_odd = 0;
    return c->packets_count;
}

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

/* A copy of each packet for each live subscription of its track; returns how many.  Ends the batch. */
int64_t balie_fan_out(struct balie_core *c, int64_t now_us)
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
            int64_t s = subscription[f], first = c->subscriptions[s].first;
            if (f + 1 < fan) __builtin_prefetch(c->subscriptions + subscription[f + 1], 1);
            for (int64_t i = head; i >= 0; i = c->next[i]) {
                if (c->ext[i] < first) c->held++;
                else if (copies == c->out_rows) c->left_out++;
                else write_copy(c, copies++, s, i, time24);
            }
        }
        c->chains[track].head = -1;
    }
    c->touched_count = 0;
    return copies;
}

/* -- transport-wide feedback ---------------------------------------------------------------------------------- */

/* The number nearest to what is due next, as media/core/twcc.py unwraps it. */
static inline int64_t unwrapped(int64_t due, int64_t seq)
{
    return due + (int16_t)(uint16_t)(seq - due);
}

/* The feedback of one transport whose numbers follow one another by small steps: one run, and a byte for each.  Returns
 * its size, 0 when it is not so plain. */
static int64_t write_feedback(struct balie_log *g, int64_t t, uint8_t *packet, uint32_t sender, uint32_t media)
{
    enum { TICKS_PER_REFERENCE = 256, SMALL_MAX = 255, RTPFB = 205, FMT = 15, SMALL = 1 };
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
    put32(packet + 4, sender);
    put32(packet + 8, media);
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
int64_t balie_feedback(struct balie_log *g, const int64_t *sender_ssrc, const int64_t *media_ssrc)
{
    int64_t touched = 0, written = 0, end = 0, used = g->state[0];
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
        int64_t t = g->touched[k], size = write_feedback(g, t, g->out + end, sender_ssrc[t], media_ssrc[t]);
        g->head[t] = -1;
        if (!size) { g->odd[g->odd_count++] = t; continue; }
        g->out_transport[written] = t;
        g->out_end[written++] = end += size;
    }
    return written;
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

/* Encrypt send rows 0..count-1 in place.  sizes becomes 0 where there are no keys (status 0) or libsrtp refused. */
int64_t balie_protect(balie_srtp protect, void *const *contexts, uint8_t *bytes, int64_t count, const int64_t *starts,
                      int64_t *sizes, const int64_t *transports, int64_t *statuses)
{
    int64_t failed = 0;
    for (int64_t i = 0; i < count; i++) {
        void *context = contexts[transports[i]];
        int size = (int)sizes[i];
        if (!size) continue;
        if (i + 1 < count) __builtin_prefetch(contexts[transports[i + 1]]);
        int status = context ? protect(context, bytes + i * BALIE_STRIDE + starts[i], &size) : 0;
        if (context && status == 0) { sizes[i] = size; continue; }
        sizes[i] = 0;
        statuses[status > 0 && status < BALIE_STATUSES ? status : context ? BALIE_STATUSES - 1 : 0]++;
        failed++;
    }
    return failed;
}

/* -- UDP ------------------------------------------------------------------------------------------------------- */

static inline int64_t us_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

/* When the kernel received a datagram, on CLOCK_MONOTONIC; the wall clock may step, but never into the future. */
static inline int64_t arrival_of(struct msghdr *header, int64_t now_us, int64_t shift_us)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(header);
    if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) return now_us;
    struct timespec t;
    memcpy(&t, CMSG_DATA(c), sizeof t);
    int64_t arrival_us = t.tv_sec * 1000000ll + t.tv_nsec / 1000 + shift_us;
    return arrival_us < now_us ? arrival_us : now_us;
}

/* A batch from the kernel, sorted by protocol (RFC 7983) and sender; returns how many datagrams, 0 for none. */
int64_t balie_receive(struct balie_socket *s)
{
    struct mmsghdr *messages = s->in_messages;
    s->rtp_count = s->rtcp_count = s->other_count = 0;
    int count = recvmmsg(s->fd, messages, s->batch, MSG_DONTWAIT, NULL);
    if (count <= 0) return 0; /* EAGAIN, or an ICMP error of some earlier datagram: both are no datagram */
    int64_t now_us = us_of(CLOCK_MONOTONIC), shift_us = now_us - us_of(CLOCK_REALTIME);
    for (int i = 0; i < count; i++) {
        struct msghdr *header = &messages[i].msg_hdr;
        int64_t row = s->rows[i], size = messages[i].msg_len;
        const uint8_t *packet = s->in_bytes + row * BALIE_STRIDE + BALIE_HEAD;
        uint64_t key[BALIE_KEY_WORDS];
        memcpy(key, s->in_names + i * NAME, NAME);
        int64_t transport = find(&s->by_address, key, BALIE_KEY_WORDS);
        int64_t arrival_us = arrival_of(header, now_us, shift_us);
        int too_long = (header->msg_flags & MSG_TRUNC) != 0;
        header->msg_namelen = s->address_size;
        header->msg_controllen = CONTROL;
        header->msg_flags = 0;
        s->in_length[row] = size;
        s->place_of_row[row] = i;
        s->transport[i] = transport;
        s->arrival_us[i] = arrival_us;
        s->too_long[i] = too_long;
        int media = transport >= 0 && s->has_keys[transport] && !too_long && size >= 2 && packet[0] >> 6 == 2;
        if (media && packet[1] >= 192 && packet[1] <= 223 && size >= BALIE_RTCP_MIN) {
            s->rtcp_row[s->rtcp_count] = row;
            s->rtcp_transport[s->rtcp_count++] = transport;
        } else if (media && (packet[1] < 192 || packet[1] > 223) && size >= BALIE_RTP_MIN) {
            s->rtp_row[s->rtp_count] = row;
            s->rtp_transport[s->rtp_count] = transport;
            s->rtp_arrival_us[s->rtp_count++] = arrival_us;
        } else {
            s->other[s->other_count++] = i;
        }
    }
    return count;
}

/* Rows of the last batch that must not be overwritten yet: the oldest of the queue take their places. */
void balie_keep(struct balie_socket *s, int64_t count, const int64_t *rows)
{
    int64_t head = s->queue_state[0], size = s->queue_state[1];
    struct iovec *iov = s->in_iov;
    for (int64_t i = 0; i < count; i++) {
        int64_t place = s->place_of_row[rows[i]], oldest = s->queue[head];
        s->queue[head] = rows[i];
        head = head + 1 < size ? head + 1 : 0;
        s->rows[place] = oldest;
        iov[place].iov_base = s->in_bytes + oldest * BALIE_STRIDE + BALIE_HEAD;
    }
    s->queue_state[0] = head;
}

/* Message `m`: `count` segments from iov `first` on, of `size` bytes each but the last, to one transport. */
static void fill(struct balie_socket *s, int64_t m, int64_t first, int64_t count, int64_t size, int64_t transport)
{
    struct mmsghdr *messages = s->out_messages;
    struct msghdr *header = &messages[m].msg_hdr;
    header->msg_name = (void *)(s->destination + transport * DESTINATION);
    header->msg_namelen = s->address_size;
    header->msg_iov = (struct iovec *)s->out_iov + first;
    header->msg_iovlen = count;
    header->msg_control = NULL;
    header->msg_controllen = 0;
    header->msg_flags = 0;
    if (count > 1) {
        struct cmsghdr *c = (struct cmsghdr *)(s->out_control + m * CONTROL);
        uint16_t segment = size;
        c->cmsg_len = CMSG_LEN(sizeof segment);
        c->cmsg_level = IPPROTO_UDP;
        c->cmsg_type = UDP_SEGMENTS;
        memcpy(CMSG_DATA(c), &segment, sizeof segment);
        header->msg_control = c;
        header->msg_controllen = CMSG_SPACE(sizeof segment);
    }
}

/* Bring the packets of each transport together, in their order; returns how many transports. */
static int64_t link_by_transport(struct balie_socket *s, int64_t count, const int64_t *sizes, const int64_t *transports)
{
    int64_t touched = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t t = transports[i];
        if (!sizes[i]) continue;
        if (s->socket_of[t] != s->number) {
            if (s->socket_of[t] < 0) s->without_address++;
            else s->elsewhere++;
            continue;
        }
        s->sequel[i] = -1;
        if (s->first[t] < 0) { s->first[t] = i; s->touched[touched++] = t; }
        else s->sequel[s->last[t]] = i;
        s->last[t] = i;
    }
    return touched;
}

/* Send the rows of this socket's transports; those of size 0, or of another socket, are passed over.  Returns how many
 * datagrams the kernel took; the struct says what became of the others. */
int64_t balie_send(struct balie_socket *s, int64_t count, const int64_t *starts, const int64_t *sizes,
                   const int64_t *transports)
{
    struct mmsghdr *messages = s->out_messages;
    struct iovec *iov = s->out_iov;
    int64_t used = 0, groups = 0, taken = 0;
    s->without_address = s->elsewhere = s->would_block = s->failed = 0;
    int64_t touched = link_by_transport(s, count, sizes, transports);
    for (int64_t k = 0; k < touched; k++) {
        int64_t t = s->touched[k], i = s->first[t];
        s->first[t] = -1;
        while (i >= 0) {
            int64_t start = used, size = sizes[i], last = size, bytes = 0;
            while (i >= 0 && last == size && sizes[i] <= size && bytes + size <= SEGMENTED_MAX &&
                   used - start < (s->gso ? SEGMENTS_MAX : 1)) {
                last = sizes[i];
                iov[used++] = (struct iovec){s->out_bytes + i * BALIE_STRIDE + starts[i], last};
                bytes += last;
                i = s->sequel[i];
            }
            fill(s, groups++, start, used - start, size, t);
        }
    }
    for (int64_t done = 0; done < groups;) {
        int sent = sendmmsg(s->fd, messages + done, groups - done, MSG_DONTWAIT);
        if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
            for (; done < groups; done++) s->would_block += messages[done].msg_hdr.msg_iovlen;
        } else if (sent < 0) {
            s->failed += messages[done++].msg_hdr.msg_iovlen; /* unreachable or refused: this one only */
        } else {
            for (int64_t end = done + sent; done < end; done++) taken += messages[done].msg_hdr.msg_iovlen;
        }
    }
    return taken;
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
    p->copies = balie_fan_out(c, now_us);
    p->refused = balie_protect(p->protect, p->send_contexts, c->out_bytes, p->copies, c->copy_start, c->copy_size,
                               c->copy_transport, p->refused_statuses);
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

/* -- turns at a steady beat ------------------------------------------------------------------------------------ */

/* As media/core/rtcp.py's is_urgent: whether a compound packet asks for something at once. */
static int is_urgent(const uint8_t *packet, int64_t size)
{
    enum { RTPFB = 205, PSFB = 206, NACK = 1, PLI = 1, FIR = 4 };
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

/* sizeof struct mmsghdr (0) and struct iovec (1), for who allocates them. */
int64_t balie_message_sizes(int64_t which) { return which ? sizeof(struct iovec) : sizeof(struct mmsghdr); }
