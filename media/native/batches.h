/* What the files of this folder offer, and the tables they work on.  Read by the C compiler and by cffi alike, so that
 * both see the same layout: plain C types, no preprocessor.  Pointers are to numpy arrays that Python owns and that
 * never move; N is the number of packets in a batch, T of tracks, S of subscriptions, P of transports.  Units are in
 * the names.  What a column means is said where Python allocates it: media/core/tables.py and so on.
 */

enum {
    BALIE_STRIDE = 1664,        /* packets.STRIDE */
    BALIE_HEAD = 64,            /* packets.HEAD */
    BALIE_PACKET_MAX = 1500,    /* packets.PACKET_MAX */
    BALIE_HISTORY = 512,        /* tables.HISTORY */
    BALIE_JUMP_MAX = 3000,      /* tables.JUMP_MAX */
    BALIE_LAYOUT_QUADS = 5,     /* tables.LAYOUT_QUADS */
    BALIE_HEADER_WORDS = 7,     /* tables.HEADER_WORDS */
    BALIE_LOUD_BELOW = 45,      /* speakers.SPEAKING_DBOV */
    BALIE_KEY_WORDS = 4,        /* index.ADDRESS_WORDS */
    BALIE_RTP_MIN = 22,         /* ports.RTP_MIN */
    BALIE_RTCP_MIN = 22,        /* ports.RTCP_MIN */
    BALIE_STATUSES = 32,        /* srtp_err_status_t has 28 values */
    BALIE_DELTA_US = 250,       /* twcc.DELTA_US */
    BALIE_FEEDBACK_HEAD = 22,   /* twcc.HEAD_SIZE */
    BALIE_FEEDBACK_MAX = 1078,  /* twcc.FAST_MAX */
    BALIE_CHECK_MAX = 256,      /* checks.CHECK_MAX */
    BALIE_TRANSACTIONS = 256,   /* checks.TRANSACTIONS_KEPT */
    BALIE_REORDERED_S = 10,     /* ntp.REORDERED_S */
    BALIE_RTT_MAX_US = 10000000, /* ntp.RTT_MAX_US */
    BALIE_PACKETS_MAX = 64,     /* rtcp.PACKETS_MAX */
    BALIE_REPORT_MAX = 1100,    /* reports.SIZE_MAX */
    BALIE_QUIET_US = 2000000    /* reports.QUIET_US */
};

/* An open-addressed table: slot's key is `words` uint64, value -1 where the slot is free. */
struct balie_index {
    const uint64_t *keys;
    const int64_t *values;
    uint64_t mask;
};

/* Arrivals to report: media/core/compiled_twcc.py. */
struct balie_log {
    int64_t *transport, *seq, *arrival_us, capacity;        /* (L,) FeedbackLog */
    int64_t *state;                                         /* used, overflowed */
    int64_t *next, *count;                                  /* (P,) */
    const int64_t *sender_ssrc, *media_ssrc;                /* (P,) */
    int64_t *head, *tail, *touched;                         /* (P,), head is -1 between calls */
    int64_t *sequel;                                        /* (L,) next arrival of the same transport, or -1 */
    int64_t *odd, odd_count;                                /* transports whose arrivals are not plain */
};

/* A row of TrackTable: tables.TRACK. */
struct balie_track {
    uint64_t layout_mask[BALIE_LAYOUT_QUADS], layout_want[BALIE_LAYOUT_QUADS];
    int64_t header_size, cc_column, level_column, high, gap, gap_edge, received, octets, arrival_us, transit, rate;
    int64_t fan_start, fan_count, base, transport, ssrc, reported_expected, reported_received;
    double jitter;
    uint8_t kept;
    int64_t unused[2];
};

/* A row of ClockTable: ntp.CLOCK. */
struct balie_clock {
    uint64_t ntp, last_out;
    int64_t rtp, arrival_us;
    uint8_t known;
    int64_t unused[3];
};

/* What a track's packets of one batch are, while it is read. */
struct balie_chain {
    int64_t head, tail, high_before;                        /* head is -1 between batches */
    int64_t is_odd;                                         /* 0 between batches */
};

/* A row of ActiveSpeakers: speakers.LEVELS. */
struct balie_levels {
    int64_t packets, loud, level_sum;
    double share, quietness;
    uint8_t speaking;
    int64_t unused[2];
};

int64_t balie_smooth(struct balie_levels *levels, int64_t count, double smoothing, double starts_at, double stops_at);

/* A row of SubscriptionTable: tables.SUBSCRIPTION. */
struct balie_subscription {
    uint32_t header[BALIE_HEADER_WORDS], time_mask, level_mask;
    int64_t transport, offset, time_offset, first, packets, octets, source, lost, unused[3];
};

/* The forwarder: media/core/compiled.py. */
struct balie_core {
    uint8_t *in_bytes;
    const int32_t *in_length;
    uint8_t *out_bytes;
    int64_t out_rows;

    struct balie_index by_ssrc;
    struct balie_track *tracks;                             /* (T,) */
    const int64_t *fan;
    int64_t *history;                                       /* (T, BALIE_HISTORY) */

    struct balie_subscription *subscriptions;               /* (S,) */

    struct balie_log *log;
    struct balie_levels *levels;                            /* (T,) */
    struct balie_clock *clocks;                             /* (T,) */

    int64_t *in_row, *in_transport, *in_arrival_us;         /* (N,) the batch */
    int64_t *row, *track, *ext, *closed, *timestamp, *marker, *payload_at, *payload_size, *level; /* (N,) Packets */
    int64_t *next;                                          /* (N,) next packet of the same track, or -1 */
    struct balie_chain *chains;                             /* (T,) */

    int64_t *strays;                                        /* positions that the scalar reader is to read */
    int64_t *touched, touched_count;                        /* tracks of the batch */
    int64_t *odd_track, *odd_high, odd_count;
    int64_t *behind, behind_count;                          /* positions older than a closed gap */
    int64_t *kept_row, kept_count;
    int64_t packets_count;
    int64_t *idle_track, *idle_packets, idle_count;         /* tracks that nobody receives */
    int64_t *copy_start, *copy_size, *copy_transport, *copy_subscription, *copy_source; /* (out_rows,) */
    int64_t held, left_out;
};

int64_t balie_read(struct balie_core *core, int64_t count);
int64_t balie_account(struct balie_core *core, int64_t count, int64_t now_us, int with_jitter);
int64_t balie_fan_out(struct balie_core *core, int64_t now_us);

/* Packets for peers, of our own, in send rows: media/core/compiled_writer.py. */
struct balie_writer {
    struct balie_core *core;
    const int64_t *sender_ssrc;                             /* (P,) who we are there */
    const int64_t *sources_start, *sources_count, *sources; /* (P,), (P,): tracks that it publishes, -1 where it does not */
    const int64_t *live_start, *live_count, *live;          /* (P,), (P,): subscriptions of it that flow */
    int64_t *start, *size, *transport, used;                /* (out_rows,) */
};

int64_t balie_feedback(struct balie_log *log, struct balie_writer *writer);
int64_t balie_write_reports(struct balie_writer *writer, int64_t count, const int64_t *transports, int64_t now_us);

/* SRTP: media/io/srtp.py.  A context is a srtp_t, 0 where a transport has no keys. */
typedef int (*balie_srtp)(void *context, void *packet, int *length);
int64_t balie_unprotect(balie_srtp unprotect, void *const *contexts, uint8_t *bytes, int32_t *length, int64_t count,
                        const int64_t *rows, const int64_t *transports, uint8_t *genuine, int64_t *statuses);
int64_t balie_protect(balie_srtp protect, void *const *contexts, uint8_t *bytes, int64_t count, const int64_t *starts,
                      int64_t *sizes, const int64_t *transports, int64_t *statuses);

/* A UDP socket: media/io/compiled.py.  Arrays of kernel structures are opaque here. */
struct balie_socket {
    int fd, address_size, gso, number;
    int64_t batch;
    void *in_messages, *in_iov, *out_messages, *out_iov;
    uint8_t *in_names, *in_control, *out_control;           /* (batch, 32), (batch, 64), (out_rows, 64) */
    uint8_t *in_bytes;
    int32_t *in_length;
    uint8_t *out_bytes;
    int64_t *rows;                                          /* (batch,) arena rows that receive */
    int64_t *place_of_row;                                  /* arena row -> its place in the batch */
    int64_t *queue, *queue_state;                           /* RowQueue: rows; [head, size] */

    struct balie_index by_address;
    const uint8_t *has_keys;                                /* (P,) */
    int64_t *transport, *arrival_us;                        /* (batch,) of each datagram */
    uint8_t *too_long;
    int64_t *rtp_row, *rtp_transport, *rtp_arrival_us, rtp_count;
    int64_t *rtcp_row, *rtcp_transport, rtcp_count;
    int64_t *other, other_count;                            /* places of what is not media with keys */

    const uint8_t *destination;                             /* (P, 28) sockaddr */
    const int64_t *socket_of;                               /* (P,) number of the socket, -1 without an address */
    int64_t *first, *last, *sequel, *touched;               /* (P,), (P,), (out_rows,), (P,) */
    int64_t without_address, elsewhere, would_block, failed; /* of the last send */
};

int64_t balie_receive(struct balie_socket *socket);
void balie_keep(struct balie_socket *socket, int64_t count, const int64_t *rows);
int64_t balie_send(struct balie_socket *socket, int64_t count, const int64_t *starts, const int64_t *sizes,
                   const int64_t *transports);
int64_t balie_message_sizes(int64_t which);

/* Connectivity checks that say again what was said before: media/io/checks.py, the columns in media/core/checks.py. */
typedef unsigned char *(*balie_sha1)(const unsigned char *data, size_t size, unsigned char *digest);

struct balie_checks {
    balie_sha1 sha1;
    const uint8_t *said;                                    /* (P, BALIE_CHECK_MAX) */
    const int64_t *said_size, *integrity_at;                /* (P,) */
    const uint8_t *key;                                     /* (P, 64) */
    uint8_t *transactions;                                  /* (BALIE_TRANSACTIONS, P, 12) */
    int64_t transports_max;                                 /* P */
    int64_t *transactions_count, *heard_us;                 /* (P,) */
};

int64_t balie_said_again(const struct balie_checks *checks, int64_t transport, const uint8_t *data, int64_t size);
void balie_answer(struct balie_checks *checks, struct balie_socket *socket, int64_t now_us);

/* Reports that peers send about once a second: media/core/compiled_reports.py. */
struct balie_reports {
    const struct balie_core *core;
    struct balie_index by_ssrc;                             /* of subscriptions: SubscriptionTable */
    int64_t *rtt_us;                                        /* (S,) */
    int64_t *transport_rtt_us;                              /* (P,) TransportTable */
    const int64_t *remb_bps;                                /* (P,) */
};

int64_t balie_report(const struct balie_reports *reports, int64_t transport, const uint8_t *data, int64_t size,
                     int64_t now_us);

/* A batch's whole way, as far as it is plain: media/io/fastpath.py. */
enum { BALIE_NOTHING, BALIE_READ, BALIE_ACCOUNTED, BALIE_SENT };

struct balie_path {
    struct balie_core *core;
    struct balie_checks *checks;                            /* or NULL: all are for Python */
    const struct balie_reports *reports;
    balie_srtp unprotect, unprotect_rtcp, protect;
    void *const *receive_contexts, *const *send_contexts;   /* (P,) */
    uint8_t *genuine;                                       /* (batch,) */
    int64_t *forged_statuses, *refused_statuses;            /* (BALIE_STATUSES,) */
    int64_t reached, packets, strays, copies, forged, refused; /* of the last turn */
    int plain;                                              /* its media went all the way, and nothing is to be counted */
    int beside;                                             /* something came with it that is not media */
};

int64_t balie_turn(struct balie_path *path, struct balie_socket *socket, int64_t now_us, int with_jitter);

/* Turns at a steady beat, as long as they are plain: media/io/beats.py. */
struct balie_beats {
    struct balie_path *path;
    struct balie_socket **sockets;
    int64_t sockets_count;
    void *files;                                            /* struct pollfd: what ends the beats when it is readable */
    int64_t files_count;
    int64_t beat_us, jitter_us, batches_max;
    int64_t next_us, jitter_due_us;                         /* on CLOCK_MONOTONIC */
    int64_t datagrams, packets, copies;                     /* of the last call; the latter two of its plain turns */
    int64_t left;                                           /* datagrams of the batch that is to be finished */
    int64_t *report_transport, *report_arrival_us, *report_end; /* (reports_max,) RTCP that can wait to be read */
    uint8_t *report_bytes;                                  /* one behind the other */
    int64_t reports_count, reports_max, report_bytes_max;
};

int64_t balie_beat(struct balie_beats *beats, int64_t until_us);
