#include "pipeline_ledger.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECK_ARENA_BYTES_MAX = 16 << 20 };

void ledger_init(struct ledger *ledger)
{
    ledger->entries = calloc(LEDGER_ENTRIES_MAX, sizeof *ledger->entries);
    ASSERT(ledger->entries != NULL);
    ledger->count = 0;
}

void ledger_deinit(struct ledger *ledger)
{
    free(ledger->entries);
}

static struct str write_metadata(struct ledger_entry *entry, size_t number, size_t padding)
{
    int len = snprintf(entry->metadata, sizeof entry->metadata, "{\"n\":%zu,\"pad\":\"%0*d\"}",
                       number, (int)padding + 1, 0);
    ASSERT(len > 0 && (size_t)len < sizeof entry->metadata);
    return (struct str){entry->metadata, (size_t)len};
}

struct ledger_entry *ledger_add(struct ledger *ledger, struct record_activities *recorder,
                                const struct random *random)
{
    ASSERT(ledger->count < LEDGER_ENTRIES_MAX);
    size_t number = ledger->count++;
    struct ledger_entry *entry = &ledger->entries[number];
    struct activity_draft draft = {.activity.action = STR("click")};
    struct activity *activity = &draft.activity;
    snprintf(entry->user_id, sizeof entry->user_id, "user-%u",
             (unsigned)random_below(random, LEDGER_USERS));
    activity->user_id = str_from(entry->user_id);
    activity->metadata =
        write_metadata(entry, number, (size_t)random_below(random, LEDGER_PADDING_MAX));
    entry->refused = random_below(random, 16) == 0;
    bool own_id = random_below(random, 4) == 0;
    draft.has_timestamp = random_below(random, 4) == 0;
    entry->own_time = own_id || draft.has_timestamp;
    activity->timestamp_ms = (int64_t)random_below(random, 1000000);
    if (own_id) {
        snprintf(entry->id, sizeof entry->id, "own-%zu", number);
        activity->id = str_from(entry->id);
    }
    record_activities_complete(recorder, clock_wall_ns(recorder->ids.clock), &draft, entry->id);
    entry->activity = draft.activity;
    return entry;
}

struct ledger_entry *ledger_find(const struct ledger *ledger, struct str id)
{
    for (size_t i = 0; i < ledger->count; i++) {
        if (str_equal(ledger->entries[i].activity.id, id)) {
            return &ledger->entries[i];
        }
    }
    return NULL;
}

bool ledger_same(const struct ledger_entry *entry, const struct activity *activity)
{
    return str_equal(entry->activity.id, activity->id) &&
           activity_same_content(&entry->activity, activity, true) &&
           entry->activity.received_at_ms == activity->received_at_ms;
}

struct check {
    const struct ledger *ledger;
    struct activity_store *store;
    struct refusal_list *refusals;
    struct arena arena;
    char *trouble;
};

static bool complain(struct check *check, const char *what, const struct ledger_entry *entry)
{
    snprintf(check->trouble, LEDGER_TROUBLE_BYTES, "%s: activity %zu of %zu, id %.*s, posts %u",
             what, (size_t)(entry - check->ledger->entries), check->ledger->count,
             STR_FORMAT(entry->activity.id), entry->posts);
    return false;
}

/* Each position once, though its activity may have been posted several times. */
static bool refused_are_listed(struct check *check)
{
    static unsigned times[LEDGER_ENTRIES_MAX];
    const struct refusal_page_request request = {.limit = 4 * LEDGER_ENTRIES_MAX,
                                                 .bytes_max = CHECK_ARENA_BYTES_MAX};
    struct refusal_page page;
    enum status status = refusal_list_find(check->refusals, &request, &check->arena, &page, NULL);
    ASSERT(status == STATUS_OK && !page.more);
    memset(times, 0, sizeof times);
    for (size_t i = 0; i < page.count; i++) {
        const struct ledger_entry *entry = ledger_find(check->ledger, page.entries[i].refusal.raw);
        ASSERT(entry != NULL);
        times[entry - check->ledger->entries]++;
    }
    for (size_t i = 0; i < check->ledger->count; i++) {
        const struct ledger_entry *entry = &check->ledger->entries[i];
        if (times[i] > (entry->refused ? entry->posts : 0)) {
            return complain(check, "listed too often", entry);
        }
        if (times[i] == 0 && entry->refused && entry->acknowledged) {
            return complain(check, "acknowledged, refused and not listed", entry);
        }
    }
    return true;
}

/* Looks for every entry by its id. */
static bool entries_are_stored(struct check *check, uint64_t *out_present)
{
    *out_present = 0;
    for (size_t i = 0; i < check->ledger->count; i++) {
        const struct ledger_entry *entry = &check->ledger->entries[i];
        struct activity stored;
        enum status status =
            activity_store_get(check->store, entry->activity.id, &check->arena, &stored, NULL);
        if (status == STATUS_OK && entry->refused) {
            return complain(check, "refused and stored all the same", entry);
        }
        if (status != STATUS_OK && entry->acknowledged && !entry->refused) {
            return complain(check, "acknowledged and not stored", entry);
        }
        if (status == STATUS_OK && !ledger_same(entry, &stored)) {
            return complain(check, "stored with other content", entry);
        }
        *out_present += status == STATUS_OK;
    }
    return true;
}

static bool nothing_else_is_stored(struct check *check, uint64_t present)
{
    struct activity_filter all = activity_filter_all();
    uint64_t count = 0;
    enum status status = activity_store_count(check->store, &all, 0, &count, NULL);
    if (status != STATUS_OK || count != present) {
        snprintf(check->trouble, LEDGER_TROUBLE_BYTES, "%llu rows are stored, %llu of the ledger",
                 (unsigned long long)count, (unsigned long long)present);
        return false;
    }
    return true;
}

/* Promise 3: each position of the log has one outcome, over all crashes, and as many are "stored"
 * as there are activities. */
static bool account_adds_up(struct check *check, uint64_t present)
{
    struct coverage accounts;
    uint64_t stored = 0;
    int64_t difference = 0;
    coverage_init(&accounts);
    enum status status = activity_store_accounts(check->store, &accounts, NULL);
    ASSERT(status == STATUS_OK);
    for (size_t i = 0; i < accounts.count; i++) {
        stored += accounts.logs[i].counts.outcomes[OUTCOME_STORED];
        difference += log_coverage_difference(&accounts.logs[i]);
    }
    coverage_deinit(&accounts);
    if (stored != present || difference != 0) {
        snprintf(check->trouble, LEDGER_TROUBLE_BYTES,
                 "the account has %llu stored of %llu, and differs by %lld",
                 (unsigned long long)stored, (unsigned long long)present, (long long)difference);
        return false;
    }
    return true;
}

/* Oldest first, those that carry no time of their own come as they were sent. */
static bool user_is_in_order(struct check *check, unsigned user)
{
    char name[16];
    snprintf(name, sizeof name, "user-%u", user);
    struct str user_id = str_from(name);
    struct activity_page_request request = {.filter = activity_filter_all(),
                                            .order = ORDER_OLDEST_FIRST,
                                            .limit = LEDGER_ENTRIES_MAX,
                                            .bytes_max = CHECK_ARENA_BYTES_MAX};
    request.filter.user_ids.items = &user_id;
    request.filter.user_ids.count = 1;
    struct activity_page page;
    enum status status = activity_store_find(check->store, &request, &check->arena, &page, NULL);
    ASSERT(status == STATUS_OK && !page.more);
    const struct ledger_entry *before = NULL;
    for (size_t i = 0; i < page.count; i++) {
        const struct ledger_entry *entry = ledger_find(check->ledger, page.rows[i].id);
        if (entry == NULL || entry->own_time) {
            continue;
        }
        if (before != NULL && entry < before) {
            return complain(check, "before one that was sent earlier", entry);
        }
        before = entry;
    }
    return true;
}

bool ledger_holds(const struct ledger *ledger, struct activity_store *store,
                  struct refusal_list *refusals, char out_trouble[LEDGER_TROUBLE_BYTES])
{
    struct check check = {
        .ledger = ledger, .store = store, .refusals = refusals, .trouble = out_trouble};
    uint64_t present;
    arena_init(&check.arena, CHECK_ARENA_BYTES_MAX);
    bool holds = entries_are_stored(&check, &present) && nothing_else_is_stored(&check, present) &&
                 account_adds_up(&check, present) && refused_are_listed(&check);
    for (unsigned user = 0; holds && user < LEDGER_USERS; user++) {
        holds = user_is_in_order(&check, user);
    }
    arena_deinit(&check.arena);
    return holds;
}
