#pragma once
/*
 * What tests of whole stores share: a store on a disk in memory with a log from which its
 * activities come, its files, which may be changed behind its back, and what verifying says of
 * them. Whatever does not work ends the program. One thread at a time.
 */
#include "infrastructure/activity_store_local/local_store.h"
#include "infrastructure/activity_store_local/store_verify.h"

#include <stdio.h>

#define STORE_BED_FOLDER "store"

enum { STORE_BED_FILE_BYTES_MAX = 1 << 20, STORE_BED_PARTS_MAX = 8 };

struct store_bed {
    struct disk *disk;
    struct random_seeded seeded;
    struct random random;
    struct activity_store *store;           /* NULL: closed */
    int64_t offset;                         /* how far its log got */
    const struct checkpoint_signer *signer; /* that it is opened with; NULL: none */
    FILE *log;
    struct logger logger;
};

/* Of the log that activities come from. */
extern const struct uuid store_bed_log_id;

/* An open store, whose clock stands still. Two of the same seed that do the same have the same
 * files. */
struct store_bed *store_bed_new(uint64_t seed);
void store_bed_free(struct store_bed *bed);

void store_bed_open(struct store_bed *bed);
void store_bed_close(struct store_bed *bed);

/* The next of the log, which is new to the store. */
void store_bed_put(struct store_bed *bed, const struct activity *activity);
void store_bed_sync(struct store_bed *bed);

/* --- files --- */

struct store_bed_file {
    size_t len;
    uint8_t bytes[STORE_BED_FILE_BYTES_MAX];
};

void store_bed_part_path(uint64_t number, char out_path[DISK_PATH_BYTES_MAX]);
void store_bed_read(struct store_bed *bed, const char *path, struct store_bed_file *out_file);

/* Makes it, too. */
void store_bed_write(struct store_bed *bed, const char *path, const struct store_bed_file *file);

/* The caller deinits it, or saves it, after which it is gone. */
void store_bed_load(struct store_bed *bed, struct manifest *out_manifest);
void store_bed_save(struct store_bed *bed, struct manifest *manifest);

/* --- verifying --- */

/* What was heard. */
struct store_bed_verdicts {
    struct verification_listener listener;
    struct verified_part parts[STORE_BED_PARTS_MAX];
    struct verified_chain chain;
    size_t begun;
    size_t ended;
    uint64_t problems;
    struct error first; /* of all problems */
};

void store_bed_verify(struct store_bed *bed, const struct verification_request *request,
                      struct store_bed_verdicts *out_verdicts);

/* Whether the first problem says these words; if not, a line on stderr says what it says. */
bool store_bed_says(const struct store_bed_verdicts *verdicts, const char *words);
