#pragma once
/*
 * What tests ask parts with: a part on a disk in memory, questions made from a seed, and the answer
 * that a look at each row gives. One thread at a time.
 */
#include "infrastructure/activity_store_local/part_cursor.h"
#include "infrastructure/activity_store_local/part_sample.h"
#include "infrastructure/disk/disk_simulated.h"

/* Crowded: few timestamps, so that each fills pages. Gathered: each action in few pages, and every
 * page begins and ends with one that its neighbours do not have. Spread: over more than a day. */
enum bed_kind { PLAIN, CROWDED, GATHERED, SPREAD, BED_KINDS };

enum { GATHERED_ROWS = PAGE_ROWS / 2 };

/* A part and what is in it. */
struct bed {
    struct sample sample;
    struct disk *disk;
    struct part *part;
    struct part_view *view;
};

void bed_init(struct bed *bed, uint64_t seed, uint32_t row_count, enum bed_kind kind);
void bed_deinit(struct bed *bed);

/* The view is one that has read nothing yet. */
void bed_renew_view(struct bed *bed);

/* The user with most rows, or any where that one has none. */
uint32_t sample_frequent_user(const struct sample *sample);
uint32_t sample_rows_of_user(const struct sample *sample, uint32_t user);

enum {
    ASKING_USERS_MAX = 5,
    ASKING_ACTIONS_MAX = 3,
    ASKING_HIDDEN_MAX = 60,
    ASKING_METADATA_MAX = 50
};

/* Values of the member "path" of metadata. */
struct asked_paths {
    struct metadata_filter filter;
    char texts[ASKING_METADATA_MAX][24];
};

/* A question and what it borrows. */
struct asking {
    struct part_question question;
    struct activity_filter filter;
    struct str users[ASKING_USERS_MAX];
    struct str actions[ASKING_ACTIONS_MAX];
    struct str excluded_users[ASKING_USERS_MAX];
    struct str excluded_actions[ASKING_ACTIONS_MAX];
    struct activity_key after;
    char id[PAGE_ID_BYTES + 1];
    struct hidden_users *hidden;
    struct hidden_users *excluded;
    struct asked_paths metadata;
    struct asked_paths excluded_metadata;
};

/* For all rows, newest first. */
void asking_init(struct asking *asking);

/* For anything in the bed's part. */
void asking_init_any(struct asking *asking, const struct bed *bed, const struct random *random);
void asking_deinit(struct asking *asking);

/* Asks for rows with this text as member "path" of their metadata, which is "/products/" and a
 * number below 1,000 in most of them. */
void asking_want_path(struct asking *asking, const char *path);

/* Hides one user more, unless the user is hidden already. */
void asking_hide(struct asking *asking, const struct sample *sample, uint32_t user);

struct answer {
    uint32_t rows[SAMPLE_ROWS_MAX];
    uint32_t count;
};

/* Looks at each row. */
void answer_by_looking(const struct sample *sample, const struct part_question *question,
                       struct answer *out_answer);
