/* The floor: the least work a forwarder can do with the same system calls and the same libsrtp.
 *
 * recvmmsg, srtp_unprotect in place, one look-up by SSRC, copy with a new SSRC and sequence number,
 * srtp_protect in place, sendmmsg.  No ICE, no DTLS, no RTCP, no history, no statistics: whatever a
 * real forwarder costs above this is its own.  Built by floor.py at benchmark time, loaded into a
 * Python process that sets it up and then only waits for floor_run() to return.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
    BATCH = 256,          /* as balie's Settings.batch_max */
    SEND_ROWS = 4096,     /* as balie's Settings.send_rows */
    STRIDE = 1664,        /* as balie's arena rows */
    TABLE = 1 << 14,      /* hash table of SSRCs, at most a quarter full */
    SEGMENTS_MAX = 64,
    BYTES_MAX = 65000,
    CONTROL = 64,
};

typedef int (*srtp_call)(void *context, void *packet, int *length);

struct peer {            /* one connection */
    uint32_t ip;         /* network order */
    uint16_t port;       /* network order */
    uint16_t pad;
    void *receive;       /* srtp_t */
    void *send;          /* srtp_t */
};
struct track { uint32_t ssrc; int32_t peer, first, count; };
struct subscription { uint32_t ssrc; int32_t peer; uint32_t shift; };

struct counters { uint64_t turns, received, sent, refused, forged, calls, groups; };

static volatile sig_atomic_t stopping;
static void on_signal(int number) { (void)number; stopping = 1; }

static uint8_t in_bytes[BATCH][STRIDE] __attribute__((aligned(64)));
static uint8_t out_bytes[SEND_ROWS][STRIDE] __attribute__((aligned(64)));
static struct mmsghdr in_messages[BATCH], out_messages[SEND_ROWS];
static struct iovec in_iov[BATCH], out_iov[SEND_ROWS];
static struct sockaddr_in in_names[BATCH], out_names[SEND_ROWS];
static uint8_t in_control[BATCH][CONTROL], out_control[SEND_ROWS][CONTROL] __attribute__((aligned(8)));
static int32_t table[TABLE], out_peer[SEND_ROWS], out_next[SEND_ROWS];
static int out_length[SEND_ROWS];

static uint32_t slot_of(uint32_t ssrc) { return (ssrc * 2654435761u) >> 18; }

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void set_up(const struct track *tracks, int tracks_count)
{
    memset(table, -1, sizeof table);
    for (int i = 0; i < tracks_count; i++) {
        uint32_t at = slot_of(tracks[i].ssrc);
        while (table[at] >= 0) at = (at + 1) % TABLE;
        table[at] = i;
    }
    for (int i = 0; i < BATCH; i++) {
        in_iov[i] = (struct iovec){in_bytes[i], 1500};
        in_messages[i].msg_hdr = (struct msghdr){.msg_name = &in_names[i], .msg_iov = &in_iov[i],
                                                 .msg_iovlen = 1, .msg_control = in_control[i]};
    }
}

static int track_of(const struct track *tracks, uint32_t ssrc)
{
    for (uint32_t at = slot_of(ssrc); table[at] >= 0; at = (at + 1) % TABLE)
        if (tracks[table[at]].ssrc == ssrc) return table[at];
    return -1;
}

/* Fill message `m` with rows order[0..count) that go to one peer as one datagram or a segmented one. */
static void fill(int m, int first_iov, int count, int size, const struct peer *to)
{
    struct msghdr *h = &out_messages[m].msg_hdr;
    out_names[m] = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = to->port, .sin_addr = {to->ip}};
    *h = (struct msghdr){.msg_name = &out_names[m], .msg_namelen = sizeof out_names[m],
                         .msg_iov = &out_iov[first_iov], .msg_iovlen = count};
    if (count > 1) {
        struct cmsghdr *c = (struct cmsghdr *)out_control[m];
        c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
        c->cmsg_level = IPPROTO_UDP;
        c->cmsg_type = UDP_SEGMENT;
        uint16_t segment = size;
        memcpy(CMSG_DATA(c), &segment, sizeof segment);
        h->msg_control = c;
        h->msg_controllen = CMSG_SPACE(sizeof(uint16_t));
    }
}

static int32_t peer_first[1 << 16], peer_last[1 << 16], touched[SEND_ROWS];

/* Send `rows` packets.  With gso, packets of one peer are brought together, in their own order. */
static void flush(int fd, int rows, const struct peer *peers, int gso, struct counters *n)
{
    int messages = 0, iov = 0;
    if (!gso) {
        for (; messages < rows; messages++) {
            out_iov[messages] = (struct iovec){out_bytes[messages], out_length[messages]};
            fill(messages, messages, 1, 0, &peers[out_peer[messages]]);
        }
    } else {
        int peers_touched = 0;
        for (int row = 0; row < rows; row++) {
            int p = out_peer[row];
            out_next[row] = -1;
            if (peer_first[p] < 0) { peer_first[p] = row; touched[peers_touched++] = p; }
            else out_next[peer_last[p]] = row;
            peer_last[p] = row;
        }
        for (int i = 0; i < peers_touched; i++) {
            int p = touched[i], row = peer_first[p];
            peer_first[p] = -1;
            while (row >= 0) {
                int first = iov, size = out_length[row], bytes = 0, last = size;
                while (row >= 0 && out_length[row] <= size && last == size && iov - first < SEGMENTS_MAX &&
                       bytes + size <= BYTES_MAX) {
                    last = out_length[row];
                    out_iov[iov++] = (struct iovec){out_bytes[row], last};
                    bytes += last;
                    row = out_next[row];
                }
                fill(messages++, first, iov - first, size, &peers[p]);
            }
        }
    }
    for (int done = 0; done < messages;) {
        int sent = sendmmsg(fd, out_messages + done, messages - done, MSG_DONTWAIT);
        n->calls++;
        if (sent < 0) { n->refused++; sent = 1; }
        done += sent;
    }
    n->groups += messages;
    n->sent += rows;
}

/* One batch into the send rows from `rows` on; returns the new count of rows. */
static int forward(int taken, int rows, const struct peer *peers, const struct track *tracks,
                   const struct subscription *subscriptions, srtp_call protect, srtp_call unprotect,
                   struct counters *n)
{
    for (int i = 0; i < taken; i++) {
        uint8_t *packet = in_bytes[i];
        int length = in_messages[i].msg_len;
        uint32_t word;
        in_messages[i].msg_hdr.msg_namelen = sizeof in_names[i];
        in_messages[i].msg_hdr.msg_controllen = CONTROL;
        if (length < 12 || packet[0] >> 6 != 2 || (packet[1] >= 192 && packet[1] < 224)) continue;
        memcpy(&word, packet + 8, 4);
        int t = track_of(tracks, ntohl(word));
        if (t < 0) { n->forged++; continue; }
        if (unprotect(peers[tracks[t].peer].receive, packet, &length)) { n->forged++; continue; }
        uint16_t sequence = packet[2] << 8 | packet[3];
        const struct subscription *s = subscriptions + tracks[t].first, *end = s + tracks[t].count;
        for (; s < end; s++, rows++) {
            uint8_t *copy = out_bytes[rows];
            memcpy(copy, packet, length);
            uint16_t renumbered = htons(sequence + s->shift);
            uint32_t ssrc = htonl(s->ssrc);
            memcpy(copy + 2, &renumbered, 2);
            memcpy(copy + 8, &ssrc, 4);
            out_length[rows] = length;
            out_peer[rows] = s->peer;
            if (protect(peers[s->peer].send, copy, &out_length[rows])) { n->refused++; rows--; }
        }
    }
    return rows;
}

/* As balie's media/io/pace.py: wait for company only while there is much to do. */
enum { BUSY_PER_S = 1200, QUIET_PER_S = 800, WINDOW_NS = 100000000 };

/* Forward until SIGTERM or SIGINT.  coalesce_us: under load, a turn starts no sooner than this after the one before. */
void floor_run(int fd, const struct peer *peers, int peers_count, const struct track *tracks,
               int tracks_count, int fan_max, const struct subscription *subscriptions, int coalesce_us,
               int gso, srtp_call protect, srtp_call unprotect, struct counters *n)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    int64_t turn_ns = 0, window_ns = 0;
    uint64_t window_received = 0;
    int busy = 0;
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    prctl(PR_SET_TIMERSLACK, 1000);
    set_up(tracks, tracks_count);
    memset(peer_first, -1, sizeof peer_first);
    for (int i = 0; i < BATCH; i++) {
        in_messages[i].msg_hdr.msg_namelen = sizeof in_names[i];
        in_messages[i].msg_hdr.msg_controllen = CONTROL;
    }
    (void)peers_count;
    while (!stopping) {
        if (poll(&readable, 1, -1) <= 0) continue;
        int64_t wait = turn_ns + coalesce_us * 1000ll - now_ns();
        if (busy && wait > 0)
            nanosleep(&(struct timespec){wait / 1000000000ll, wait % 1000000000ll}, NULL);
        turn_ns = now_ns();
        if (turn_ns - window_ns >= WINDOW_NS) {
            int64_t per_s = (n->received - window_received) * 1000000000ll / (turn_ns - window_ns);
            busy = coalesce_us > 0 && per_s > (busy ? QUIET_PER_S : BUSY_PER_S);
            window_ns = turn_ns;
            window_received = n->received;
        }
        int rows = 0, taken;
        do {
            if (rows + BATCH * fan_max > SEND_ROWS) { flush(fd, rows, peers, gso, n); rows = 0; }
            taken = recvmmsg(fd, in_messages, BATCH, MSG_DONTWAIT, NULL);
            n->calls++;
            if (taken <= 0) break;
            n->received += taken;
            rows = forward(taken, rows, peers, tracks, subscriptions, protect, unprotect, n);
        } while (taken == BATCH && !stopping);
        flush(fd, rows, peers, gso, n);
        n->turns++;
    }
}
