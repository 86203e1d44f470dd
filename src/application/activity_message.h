#pragma once
/*
 * An activity as a message of an event log that other programs write to as well, such as a topic of
 * Apache Kafka: a JSON object with the members of an answer and "receivedAt". What was written here
 * is read back exactly. A foreign message needs "userId" and "action" only: what it leaves out
 * follows from where it stands in the log, so that reading it twice gives the same activity twice.
 *
 * Settings limit what a client may send, not what a message may hold: one that was written under
 * wider settings must not become unreadable when these are narrowed. So the limits here are the
 * widest that settings can have, and a timestamp may lie ahead as far as it likes.
 *
 * A reader belongs to one thread at a time.
 */
#include "application/activity_json.h"
#include "domain/position.h"

enum {
    ACTIVITY_MESSAGE_BYTES_MAX = 4 << 20, /* of the text that is read; what is written has fewer */
    ACTIVITY_MESSAGE_PADDING_BYTES = ACTIVITY_JSON_PADDING_BYTES
};

struct activity_message_reader {
    struct activity_json_reader json;
    bool
        foreign; /* of the activity read last: another program wrote it, who says no time of receipt
                  */
};

/* NO_MEMORY. */
MUST_USE enum status activity_message_reader_init(struct activity_message_reader *reader);
void activity_message_reader_deinit(struct activity_message_reader *reader);

/* Where a message stands, and when the log took it. */
struct activity_message_place {
    struct str topic;
    struct position position;
    int64_t logged_at_ms; /* any value: foreign programs set it */
    int64_t now_ms;       /* by this machine's clock */
};

/* How far the clocks of those who write may be ahead of the one who reads. A time of receipt
 * beyond it is nobody's clock: it would put an activity behind every erasure. */
enum { ACTIVITY_MESSAGE_AHEAD_MS_MAX = 60 * 60 * 1000 };

/* The text of a message and what reading it needs. */
struct activity_message_text {
    char *data;          /* overwritten; ACTIVITY_MESSAGE_PADDING_BYTES must follow it */
    size_t len;          /* bytes */
    struct arena *arena; /* what the activity points into besides `data` */
};

/* Reads one activity; its slices live as long as the text and the arena. INVALID or TOO_LARGE: it
 * is no activity, `rejection` says why. NO_MEMORY. */
MUST_USE enum status activity_message_read(struct activity_message_reader *reader,
                                           const struct activity_message_text *text,
                                           const struct activity_message_place *place,
                                           struct activity *out_activity,
                                           struct rejection *rejection);

/* The rejection as one sentence in the arena: which member, what is wrong. {NULL, 0} when it does
 * not fit. */
struct str activity_message_tell(const struct rejection *rejection, struct arena *arena);

/* Appends {"id","userId","action","timestamp","receivedAt","metadata"}. */
void activity_message_append(struct buffer *buffer, const struct activity *activity);

/* Whether the message, with the user it is found by once more beside it, has at most `bytes_max`.
 * TOO_LARGE, NO_MEMORY. */
MUST_USE enum status activity_message_check_size(const struct activity *activity,
                                                 uint64_t bytes_max);
