#pragma once
/*
 * What became of messages: delivery reports turn into results of appends, which their listeners
 * hear in groups. All of it is the producing thread's.
 */
#include "infrastructure/event_log_kafka/kafka_producer.h"

/* The block is given to the client now. */
void kafka_deliveries_expect(struct kafka_producer *producer, struct append_block *block);

/* `count` messages of the block never came to the client, or will never be heard of. */
void kafka_deliveries_fail(struct kafka_producer *producer, struct append_block *block,
                           rd_kafka_resp_err_t code, uint32_t count);

/* Takes what the client reports, waits at most `wait_ms` for it; false when there was nothing. */
bool kafka_deliveries_serve(struct kafka_producer *producer, int wait_ms);

/* From now on nobody hears of what is settled, until kafka_deliveries_release lets all of it be
 * heard in the order in which it was appended. Reports of one partition come in order, those of
 * several do not. */
void kafka_deliveries_hold_back(struct kafka_producer *producer);
void kafka_deliveries_release(struct kafka_producer *producer);

/* Fails all that is expected: the client that could have reported is gone. */
void kafka_deliveries_abandon(struct kafka_producer *producer);

/* Lets the listeners hear of all that is settled. */
void kafka_deliveries_complete(struct kafka_producer *producer);
