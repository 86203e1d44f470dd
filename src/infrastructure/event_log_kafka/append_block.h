#pragma once
/*
 * One append on its way to Kafka: its activities as messages, in one block of memory that the
 * client reads from and that lives until the last of them is confirmed or has failed.
 *
 *   struct append_block | { lengths | key | value | trace } for each message
 *
 * And the way from the event loops to the producing thread: a list to which any thread adds and
 * from which one takes (the queue of Dmitry Vyukov, 1024cores.net), without a lock. What one thread
 * adds stays in order.
 */
#include "application/event_log.h"
#include "base/buffer.h"

#include <stdatomic.h>

struct append_block {
    struct append_block *_Atomic pushed_next;
    struct append_block *earlier; /* the producing thread's list of what is not settled */
    struct append_block *later;
    struct append_listener *listener;
    struct append_ticket ticket;
    size_t bytes;         /* of the block */
    uint32_t count;       /* messages */
    uint32_t unsettled;   /* of which nobody knows yet */
    enum status status;   /* the worst of the settled */
    size_t reached_count; /* 0, 1 (in `reached_one`), or in `reached` */
    struct position reached_one;
    struct position_set reached;
};

/* Encodes; borrows nothing afterwards. TOO_LARGE: more than `bytes_max`. NO_MEMORY. */
MUST_USE enum status append_block_new(const struct activity *activities, size_t count,
                                      size_t bytes_max, struct append_block **out_block);
void append_block_free(struct append_block *block);

/* A little less than what encoding makes of them, without doing it. */
size_t append_block_estimate(const struct activity *activities, size_t count);

/* The messages one after the other. */
struct append_walk {
    const char *at;
    const char *end;
};
struct append_walk append_block_walk(const struct append_block *block);

struct append_message {
    struct str key;
    struct str value;
    struct str trace; /* as the activity has it; of length 0: none */
};
bool append_walk_next(struct append_walk *walk, struct append_message *out_message);

/* One message is settled: where it stands, or why it failed. */
void append_block_confirm(struct append_block *block, struct position position);
void append_block_fail(struct append_block *block, enum status status, uint32_t count);

/* As the listener hears it; points into the block. */
struct append_result append_block_result(const struct append_block *block, struct uuid log_id);

struct append_list {
    struct append_block *_Atomic tail; /* the newest */
    struct append_block *head;         /* the taker's */
    struct append_block stub;
};

void append_list_init(struct append_list *list);
void append_list_push(struct append_list *list, struct append_block *block);

/* The oldest, NULL when there is none, or when one is just being added. */
struct append_block *append_list_pop(struct append_list *list);

/* The taker's: nothing is there, and nothing is being added. */
bool append_list_is_empty(struct append_list *list);
