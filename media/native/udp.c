/* A UDP socket: what comes, sorted by protocol and sender, and what goes, brought together by receiver.  What
 * media/io/ports.py and media/io/udp.py do with arrays.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "inside.h"

enum {
    SEGMENTS_MAX = 64,    /* UDP_MAX_SEGMENTS in linux/udp.h before 6.9, 128 after */
    SEGMENTED_MAX = 65000, /* bytes: an IPv4 datagram's 65,507 less some */
    UDP_SEGMENTS = 103,   /* UDP_SEGMENT of <linux/udp.h> */
    CONTROL = 64
};

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

/* sizeof struct mmsghdr (0) and struct iovec (1), for who allocates them. */
int64_t balie_message_sizes(int64_t which) { return which ? sizeof(struct iovec) : sizeof(struct mmsghdr); }
