#pragma once
/*
 * What the cases of the contract share: a list with a clock, refusals that carry a number by which
 * they are known again, and checks. Made per test. One thread at a time, except where it says
 * otherwise.
 */
#include "refusal_list_contract.h"

enum { NUMBERS_MAX = 4096, PARTITIONS = 3, ROOMY_BYTES = 64 << 20 };

struct fixture {
    const struct refusal_list_maker *maker;
    struct refusal_list *list;
    uint64_t now_ns;
    struct clock clock; /* shows now_ns */
    struct arena arena;
    struct uuid log_id;
};

/* Of the maker that the suite runs on now. */
void fixture_set_maker(const struct refusal_list_maker *maker);
void fixture_start(struct fixture *fixture, uint64_t bytes_max);
void fixture_finish(struct fixture *fixture);

/* The same with room for everything. */
void fixture_start_roomy(struct fixture *fixture);

/* Opens what the list left, or leaves it as it is when it leaves nothing. */
void fixture_reopen(struct fixture *fixture);

/* Lets so much time pass on the list's clock. */
void fixture_pass(struct fixture *fixture, unsigned ms);

/* The refusal with this number, offset = number, of which `raw_bytes` or a few more are raw; its
 * texts live in the arena. Any thread, each with its own arena. */
struct refusal numbered_refusal(struct arena *arena, unsigned number, size_t raw_bytes);

/* Whether the entry says what numbered_refusal made. */
void assert_numbered(const struct fixture *fixture, const struct refusal_entry *entry,
                     size_t raw_bytes);

/* Adds numbers [first, first + count), all at once. */
void add_numbers(struct fixture *fixture, unsigned first, unsigned count, size_t raw_bytes);

/* The same with refusals of the caller's, as numbered_refusal makes them. */
typedef struct refusal make_refusal(struct arena *arena, unsigned number, size_t raw_bytes);
void add_refusals(struct fixture *fixture, make_refusal *make, unsigned first, unsigned count,
                  size_t raw_bytes);

/* One page, of everything unless the request says less. */
struct refusal_page find_page(struct fixture *fixture, const struct refusal_page_request *request);
struct refusal_page_request request_all(void);

/* Reads the list page by page, checks the order and that nothing comes twice; the entries live in
 * the arena. Returns how many there are. */
size_t find_all(struct fixture *fixture, size_t limit,
                struct refusal_entry out_entries[NUMBERS_MAX]);

/* The same of one user's entries. */
size_t find_all_of(struct fixture *fixture, struct str user_id, size_t limit,
                   struct refusal_entry out_entries[NUMBERS_MAX]);

struct refusal_list_state look(struct fixture *fixture);

/* The id of the entry at this position of the fixture's log. */
struct str id_at(struct fixture *fixture, struct position position);

/* The cases about one user's entries (refusal_list_contract_users.c). */
void finds_the_entries_of_one_user(void **state);
void forgets_the_entries_of_one_user(void **state);
void forgets_thousands_at_once(void **state);
void what_was_forgotten_may_come_again(void **state);
void tells_users_apart_whom_signatures_do_not(void **state);
void forgets_while_others_come(void **state);

void assert_same_entry(const struct refusal_entry *a, const struct refusal_entry *b);
