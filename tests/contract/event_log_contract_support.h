#pragma once
/*
 * What tests of event logs share: numbered activities, a listener that collects results, a silent
 * logger. A collector hears from the log's thread and is asked by the test's.
 */
#include "application/event_log.h"
#include "base/logger.h"

#include <pthread.h>
#include <stdbool.h>

enum { COLLECTED_MAX = 40000 };

struct collected {
    struct append_ticket ticket;
    enum status status;
    enum durability durability;
    struct uuid log_id;
    int64_t reached; /* -1: none */
};

struct collector {
    struct append_listener listener;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct collected *items; /* in order of arrival */
    size_t count;
    size_t calls;
    int thread; /* that called last, as thread_number tells it */
};

void collector_init(struct collector *collector);
void collector_deinit(struct collector *collector);

/* Waits for `count` results in all; fails the test after 20 seconds. */
void collector_wait(struct collector *collector, size_t count);
size_t collector_count(struct collector *collector);

/* The activity number `number`: every text and time tells the number, lengths vary. Its texts live
 * in `memory`. */
struct numbered_activity {
    char id[40];
    char user_id[40];
    char action[40];
    char metadata[200];
    struct activity activity;
};
void numbered_activity_make(struct numbered_activity *memory, uint64_t number);

/* The number of an activity that is numbered_activity_make's to the byte; UINT64_MAX otherwise. */
uint64_t numbered_activity_number(const struct activity *activity);

/* Appends the activities `first` to `first + count - 1` as one batch; its ticket's generation is
 * `first`. */
MUST_USE enum status append_numbers(struct event_log *log, struct collector *collector,
                                    uint64_t first, size_t count);

/* The same, waits for the result and returns its status, or append's own when that is not OK. */
MUST_USE enum status append_and_wait(struct event_log *log, struct collector *collector,
                                     uint64_t first, size_t count);

/* Polls until nothing comes any more, which a log on another machine may take a moment for, and
 * calls `visit` for each row; returns the rows. */
typedef void row_visit(void *context, const struct logged_activity *row);
size_t poll_all(struct event_log *log, row_visit *visit, void *context);

/* Expects that polling gives exactly the numbers `first` to `end - 1`, in order. */
void expect_numbers(struct event_log *log, uint64_t first, uint64_t end);

int64_t end_offset(struct event_log *log);
MUST_USE enum status seek_to(struct event_log *log, int64_t offset);
MUST_USE enum status commit_to(struct event_log *log, int64_t offset);

/* Drops every line. */
extern const struct logger silent_logger;
