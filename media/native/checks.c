/* Connectivity checks of peers who say again what they said before, as they do every 2.5 seconds: the answer of
 * media/core/ice.py's handle(), which learned what they say (media/core/checks.py).  Whatever differs in a bit is for
 * Python, which says why it is refused.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <sys/socket.h>

#include "inside.h"

enum {
    HEADER = 20, TRANSACTION_AT = 8, COOKIE_AT = 4,     /* RFC 8489 5 */
    TRANSACTION = 12, MAC = 20, BLOCK = 64,             /* bytes; BLOCK of SHA-1 */
    INTEGRITY_SIZE = 4 + MAC, FINGERPRINT_SIZE = 4 + 4,
    ANSWER_MAX = HEADER + 4 + 20 + INTEGRITY_SIZE + FINGERPRINT_SIZE,
    SUCCESS = 0x0101, XOR_MAPPED_ADDRESS = 0x0020, INTEGRITY = 0x0008, FINGERPRINT = 0x8028,
    COOKIE_HIGH = 0x2112
};
#define FINGERPRINT_XOR 0x5354554Eu /* RFC 8489 14.7 */

/* CRC-32 of IEEE 802.3, four bits at a time: checks are short and come seldom. */
static uint32_t crc32(const uint8_t *data, int64_t size)
{
    static const uint32_t steps[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
        0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
    };
    uint32_t crc = ~0u;
    for (int64_t i = 0; i < size; i++) {
        crc = steps[(crc ^ data[i]) & 15] ^ crc >> 4;
        crc = steps[(crc ^ data[i] >> 4) & 15] ^ crc >> 4;
    }
    return ~crc;
}

/* MESSAGE-INTEGRITY (RFC 8489 14.5) of a message whose attribute begins at `at`, at most BALIE_CHECK_MAX: HMAC-SHA1 (RFC
 * 2104) of what is before it, with a length that ends with it, under a key padded with zeros to a block.  False where
 * the digest is not to be had. */
static int sign(const struct balie_checks *c, const uint8_t *key, const uint8_t *message, int64_t at, uint8_t *mac)
{
    uint8_t inner[BLOCK + BALIE_CHECK_MAX], outer[BLOCK + MAC];
    for (int i = 0; i < BLOCK; i++) inner[i] = key[i] ^ 0x36, outer[i] = key[i] ^ 0x5C;
    memcpy(inner + BLOCK, message, at);
    put16(inner + BLOCK + 2, at + INTEGRITY_SIZE - HEADER);
    return c->sha1(inner, BLOCK + at, outer + BLOCK) && c->sha1(outer, sizeof outer, mac);
}

/* Whether this is what the peer said before, but for its transaction, and genuine. */
int64_t balie_said_again(const struct balie_checks *c, int64_t t, const uint8_t *data, int64_t size)
{
    const uint8_t *said = c->said + t * BALIE_CHECK_MAX;
    int64_t at = c->integrity_at[t], end = at + INTEGRITY_SIZE;
    uint8_t mac[MAC], differs = 0;
    if (!size || size != c->said_size[t] || memcmp(data, said, TRANSACTION_AT) ||
        memcmp(data + HEADER, said + HEADER, at + 4 - HEADER) || memcmp(data + end, said + end, 4) ||
        (crc32(data, end) ^ FINGERPRINT_XOR) != be32(data + end + 4))
        return 0;
    if (!sign(c, c->key + t * BLOCK, data, at, mac)) return 0;
    for (int i = 0; i < MAC; i++) differs |= mac[i] ^ data[at + 4 + i]; /* in the same time, wherever they differ */
    return !differs;
}

/* The answer (RFC 8445 7.3) to a sender at this socket address; returns its size, 0 where it cannot be signed. */
static int64_t write_answer(const struct balie_checks *c, int64_t t, const uint8_t *data, const uint8_t *name,
                            int address_size, uint8_t *out)
{
    int fourth = address_size == sizeof(struct sockaddr_in), ip = fourth ? 4 : 16;
    int64_t at = HEADER;
    put16(out, SUCCESS);
    memcpy(out + COOKIE_AT, data + COOKIE_AT, 4 + TRANSACTION);
    put16(out + at, XOR_MAPPED_ADDRESS), put16(out + at + 2, 4 + ip);
    put16(out + at + 4, fourth ? 1 : 2);
    put16(out + at + 6, (name[2] << 8 | name[3]) ^ COOKIE_HIGH);
    for (int i = 0; i < ip; i++) out[at + 8 + i] = name[(fourth ? 4 : 8) + i] ^ data[COOKIE_AT + i];
    at += 8 + ip;
    put16(out + at, INTEGRITY), put16(out + at + 2, MAC);
    if (!sign(c, c->key + t * BLOCK, out, at, out + at + 4)) return 0;
    at += INTEGRITY_SIZE;
    put16(out + 2, at + FINGERPRINT_SIZE - HEADER);
    put16(out + at, FINGERPRINT), put16(out + at + 2, 4);
    put32(out + at + 4, crc32(out, at) ^ FINGERPRINT_XOR);
    return at + FINGERPRINT_SIZE;
}

static void remember(struct balie_checks *c, int64_t t, const uint8_t *data, int64_t now_us)
{
    int64_t place = c->transactions_count[t]++ % BALIE_TRANSACTIONS;
    memcpy(c->transactions + (place * c->transports_max + t) * TRANSACTION, data + TRANSACTION_AT, TRANSACTION);
    c->heard_us[t] = now_us;
}

/* Answer those of a batch that say what was said before, to where the peer is reached; the others stay for Python. */
void balie_answer(struct balie_checks *c, struct balie_socket *s, int64_t now_us)
{
    int64_t left = 0;
    for (int64_t k = 0; k < s->other_count; k++) {
        int64_t i = s->other[k], t = s->transport[i], row = s->rows[i], answered = 0;
        const uint8_t *data = s->in_bytes + row * BALIE_STRIDE + BALIE_HEAD, *name = s->in_names + i * NAME;
        if (t >= 0 && !s->too_long[i] && s->socket_of[t] == s->number &&
            !memcmp(name, s->destination + t * DESTINATION, s->address_size) &&
            balie_said_again(c, t, data, s->in_length[row])) {
            uint8_t answer[ANSWER_MAX];
            int64_t size = write_answer(c, t, data, name, s->address_size, answer);
            answered = size && sendto(s->fd, answer, size, MSG_DONTWAIT, (const void *)name, s->address_size) == size;
        }
        if (answered) remember(c, t, data, now_us);
        else s->other[left++] = i;
    }
    s->other_count = left;
}
