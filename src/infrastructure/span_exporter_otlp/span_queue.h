#pragma once
/*
 * Spans that wait to be sent, as text of OTLP: bounded in their number and in their bytes. Whoever
 * ends a span renders it, and pays for it, so that nothing of a span is borrowed for longer; a
 * queue that is full is seen before that. One thread takes. Any thread may add.
 */
#include "application/span.h"
#include "base/buffer.h"
#include "base/macros.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

enum { SPAN_QUEUE_BYTES_MAX = 16 << 20, SPAN_TEXT_BYTES_MAX = 256 * 1024 };

struct span_entry;

struct span_queue {
    size_t spans_max;
    size_t wake_at; /* as many wait: the one who takes is woken */
    _Atomic size_t count;
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t changed;
    struct span_entry *first;
    struct span_entry *last;
    size_t bytes;
    bool stopping;
};

void span_queue_init(struct span_queue *queue, size_t spans_max, size_t wake_at);

/* Forgets what is in it. */
void span_queue_deinit(struct span_queue *queue);

/* BUSY: it is full. NO_MEMORY, TOO_LARGE: there is no room for the text. UNAVAILABLE: it was
 * stopped. */
MUST_USE enum status span_queue_add(struct span_queue *queue, const struct span *span);

/* Waits until enough of them wait, the deadline has passed, or it is stopped; false: it is. */
bool span_queue_await(struct span_queue *queue, const struct timespec *deadline);

/* The same until the deadline whatever waits. */
bool span_queue_pause(struct span_queue *queue, const struct timespec *deadline);

/* Moves at most `spans_max` spans, with commas between them, behind what is in `json`, and stops
 * where it has `bytes_max`; returns how many. Where there is no memory `json` says so, and those
 * are gone. */
size_t span_queue_take(struct span_queue *queue, size_t spans_max, size_t bytes_max,
                       struct buffer *json);

/* Nothing is added any more; what is there can be taken. */
void span_queue_stop(struct span_queue *queue);
