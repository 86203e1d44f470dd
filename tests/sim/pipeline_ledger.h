#pragma once
/*
 * What the clients of a simulated pipeline know: every activity they sent, how often, and whether
 * it was acknowledged. The store is judged by it. One thread at a time.
 */
#include "application/record_activities.h"
#include "application/refusal_list.h"
#include "domain/activity_store.h"

enum {
    LEDGER_ENTRIES_MAX = 1024,
    LEDGER_USERS = 3,
    LEDGER_PADDING_MAX = 400,
    LEDGER_TROUBLE_BYTES = 256
};

struct ledger_entry {
    struct activity activity; /* its texts are in this entry */
    char id[ACTIVITY_ID_BYTES_MAX];
    char user_id[16];
    char metadata[LEDGER_PADDING_MAX + 64];
    bool refused;      /* the log hands it over as refused: it must be listed, not stored */
    bool own_time;     /* the client sent a timestamp or an id: its place among others is free */
    bool acknowledged; /* at least one of its posts was */
    unsigned posts;
};

struct ledger {
    struct ledger_entry *entries; /* in the order of their first post */
    size_t count;
};

void ledger_init(struct ledger *ledger);
void ledger_deinit(struct ledger *ledger);

/* A new activity of a random user with random content, completed as the API does it. */
struct ledger_entry *ledger_add(struct ledger *ledger, struct record_activities *recorder,
                                const struct random *random);

/* NULL: nobody sent it. */
struct ledger_entry *ledger_find(const struct ledger *ledger, struct str id);

/* Same id and same content in everything, also in what the server filled in. */
bool ledger_same(const struct ledger_entry *entry, const struct activity *activity);

/* Once the worker caught up: what was acknowledged is stored or, if the log refused it, listed;
 * everything stored was sent, each once and as it was sent, and each user's activities are in the
 * order in which they were sent. False with the reason. */
bool ledger_holds(const struct ledger *ledger, struct activity_store *store,
                  struct refusal_list *refusals, char out_trouble[LEDGER_TROUBLE_BYTES]);
