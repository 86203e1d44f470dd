#pragma once
/*
 * What the cases of the contract share: a store with a log in front of it that hands out offsets,
 * short ways to write activities, and checks. Made per test. One thread at a time.
 */
#include "activity_store_contract.h"

#include <stddef.h>
#include <stdint.h>

enum { ROWS_IN_BATCH_MAX = 4096 };

struct fixture {
    const struct store_maker *maker;
    struct activity_store *store;
    struct arena arena;
    struct uuid log_id;
    int64_t offset; /* the next one in partition 0 */
    struct position_set next;
    struct logged_activity rows[ROWS_IN_BATCH_MAX];
    enum verdict verdicts[ROWS_IN_BATCH_MAX];
};

/* cmocka's setup and teardown; the maker is the initial state. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* An activity of user "ann" with action "click" and metadata {}; received a second after the time
 * it carries, so that its timestamp counts as the client's own. */
struct activity activity_at(int64_t timestamp_ms, const char *id);
struct activity activity_of(const char *user_id, int64_t timestamp_ms, const char *id);

/* Puts at the next offsets; the verdicts are in fixture->verdicts. */
void put(struct fixture *fixture, const struct activity *activities, size_t count);
enum verdict put_one(struct fixture *fixture, struct activity activity);

/* Puts from an offset on, which may have been there before. */
void put_at(struct fixture *fixture, int64_t offset, const struct activity *activities,
            size_t count);

uint64_t count_all(struct fixture *fixture);
uint64_t count_user(struct fixture *fixture, const char *user_id);
bool has(struct fixture *fixture, const char *id);

/* Everything, newest first, at most 1,000 rows. */
struct activity_page_request request_all(void);
struct activity_page find_page(struct fixture *fixture,
                               const struct activity_page_request *request);

/* The ids of a page, "a b c", against what is expected. */
#define assert_page(fixture, request, ids) assert_page_at((fixture), (request), (ids), __LINE__)
void assert_page_at(struct fixture *fixture, const struct activity_page_request *request,
                    const char *ids, int line);

void assert_same_activity(const struct activity *a, const struct activity *b);
