#pragma once
/*
 * Activities as the event log hands them to the store: each with its position, and beside them what
 * stood in the log and is no activity. All of it is borrowed from the log until its next poll or
 * seek. One thread at a time.
 */
#include "base/uuid.h"
#include "domain/activity.h"
#include "domain/position.h"
#include "domain/refusal.h"

#include <stdbool.h>

struct logged_activity {
    struct activity activity;
    struct position position;
    bool foreign; /* another program wrote it to the log */
};

struct activity_batch {
    struct uuid log_id;
    const struct logged_activity *rows; /* ascending offsets within each partition */
    size_t count;
    const struct refusal *refused; /* ascending offsets within each partition, between the rows */
    size_t refused_count;
    const struct position_set *next; /* for each partition touched, the offset behind this batch:
                                        all below has been handed over, rows or not */
};
