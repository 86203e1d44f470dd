#pragma once
/*
 * What the members of an activity must look like. Each check adds at most one fault to the
 * rejection and returns whether the value is fine. The numbers are configurable; the defaults stand
 * in activity_rules_default. Any thread.
 */
#include "base/str.h"
#include "domain/rejection.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    USER_ID_BYTES_MAX = 1024, /* fixed: indexes rely on it; 4 bytes for each of 256 code points */
    ACTION_BYTES_MAX = 1024,
    ACTIVITY_ID_BYTES_MAX = 128 /* fixed */
};

struct activity_rules {
    size_t user_id_code_points_max;
    size_t action_code_points_max;
    size_t metadata_bytes_max;   /* of the text without insignificant white space */
    unsigned metadata_depth_max; /* the object itself is level 1 */
    int64_t timestamp_ahead_ms_max;
};

extern const struct activity_rules activity_rules_default;

bool activity_rules_check_user_id(const struct activity_rules *rules, struct str user_id,
                                  struct rejection *rejection);

bool activity_rules_check_action(const struct activity_rules *rules, struct str action,
                                 struct rejection *rejection);

/* An id that a client chose. */
bool activity_rules_check_id(struct str id, struct rejection *rejection);

/* Parses and checks; on success the time is in *out_timestamp_ms. */
bool activity_rules_check_timestamp(const struct activity_rules *rules, struct str timestamp,
                                    int64_t now_ms, int64_t *out_timestamp_ms,
                                    struct rejection *rejection);
