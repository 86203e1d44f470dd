#pragma once
/*
 * A refused list that also goes to a topic, for programs that read such: a decorator around the
 * list that people ask. Each message is the refused one, key and value as they were, with headers:
 *
 *     usertrail-reason     the sentence that the list has, too
 *     usertrail-log        id of the log that held it
 *     usertrail-partition  where it stood there, in decimal
 *     usertrail-offset
 *     usertrail-cut        only where the topic does not take all that the list has of the value:
 *                          how many bytes that is, of which the message has the first ones
 *     usertrail-key-cut    only where there was no room for the key either: how many bytes it had
 *
 * A message is cut to what max.message.bytes of the topic leaves, and shorter while that is refused
 * as too large. One that is refused even empty is only listed, and told in a line: waiting for such
 * a topic would stop the worker for good. The list has the whole in any case.
 *
 * It is listed first, then sent, and only then taken as added. A worker that crashes in between
 * sends it again: once at least, and readers know a repetition by its place. Threads: as
 * application/refusal_list.h says.
 */
#include "application/refusal_list.h"
#include "infrastructure/event_log_kafka/event_log_kafka.h"

/* `log` has the properties, the clock, the logger and the connect timeout of the log; its topic is
 * the one of the refused, which is made when it is missing. Takes `inner` over once it returns OK.
 * INVALID, UNAVAILABLE, NO_MEMORY as event_log_kafka_new. */
MUST_USE enum status refused_topic_new(const struct event_log_kafka_config *log,
                                       struct refusal_list *inner, struct refusal_list **out_list,
                                       struct error *err);
