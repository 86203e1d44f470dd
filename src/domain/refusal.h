#pragma once
/*
 * What was in an event log and could not be stored: no activity by our rules, or one that the store
 * will never take. It is kept with all that is known of it, so that nobody has to guess and it can
 * be sent again once the cause is mended. All texts are borrowed. Any thread.
 */
#include "base/str.h"
#include "domain/position.h"

#include <stdint.h>

struct refusal {
    struct position position;
    struct str key;       /* of the message, as its producer set it: any bytes; {NULL, 0}: none */
    struct str raw;       /* the message itself: any bytes */
    struct str reason;    /* a sentence for people, UTF-8 */
    int64_t logged_at_ms; /* when the log took it, as far as the log knows; 0: not known */
};
