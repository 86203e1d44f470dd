#pragma once
/*
 * Who is it, and may they do that: keys and links for viewers behind one question. Any thread, each
 * with a reader's number of its own (key_ring.h).
 */
#include "application/key_ring.h"
#include "application/viewer_links.h"

struct access_control {
    struct key_ring *keys;      /* borrowed */
    struct viewer_links *links; /* borrowed; NULL: there are none */
};

/* Who asks, how, and when. */
struct access_credential {
    struct str text; /* a key, or the token of a link */
    int64_t now_ms;
    unsigned reader;
};

/* What it grants; texts live in `arena`. NOT_FOUND: nobody knows it, or its time is over.
 * NO_MEMORY. */
MUST_USE enum status access_control_identify(const struct access_control *control,
                                             const struct access_credential *credential,
                                             struct arena *arena, struct access_grant *out_grant);

/* What is asked for. */
struct access_need {
    unsigned scopes;     /* all of them; 0: nobody may */
    bool limits_users;   /* who is limited to users gets answers about these only */
    bool is_for_viewers; /* a link for a viewer is enough */
};

enum access_verdict {
    ACCESS_GRANTED,
    ACCESS_LACKS_SCOPE,
    ACCESS_LIMITED_TO_USERS, /* what is asked for cannot be told of some users only */
    ACCESS_NOT_FOR_VIEWERS
};

enum access_verdict access_control_decide(const struct access_grant *grant,
                                          const struct access_need *need);
