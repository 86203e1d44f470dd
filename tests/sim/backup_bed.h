#pragma once
/*
 * A data folder with log, store and refused list on a simulated disk, and a server that works in it
 * step by step: what is appended is stored, sealed and merged, and leaves the log. What a folder
 * that was made of its backup holds is counted by serving it. Whatever does not work fails the
 * test. One thread.
 */
#include "application/refusal_list.h"
#include "contract/event_log_contract_support.h"
#include "domain/activity_store.h"
#include "infrastructure/disk/disk_simulated.h"

enum { BACKUP_BED_NUMBERS_MAX = 4096 };

struct backup_bed {
    struct disk *disk;
    struct random_seeded seeded;
    struct random random;
    struct collector collector;
    const char *folder; /* that is served */
    struct event_log *log;
    struct activity_store *store;
    struct refusal_list *refusals;
    uint64_t appended; /* numbers below are acknowledged */
    uint64_t refused;  /* entries that were listed */
};

/* Nothing is served yet. */
struct backup_bed *backup_bed_new(uint64_t seed);
void backup_bed_free(struct backup_bed *bed);

/* Serves a folder, which is made, and takes up what its log holds. */
void backup_bed_serve(struct backup_bed *bed, const char *folder);
void backup_bed_end(struct backup_bed *bed);

/* Appends, stores, seals, lets the log drop what it may, and refuses one. */
void backup_bed_step(struct backup_bed *bed);

/* How often the store has each number; all below BACKUP_BED_NUMBERS_MAX. */
void backup_bed_count(struct backup_bed *bed, unsigned out_counts[BACKUP_BED_NUMBERS_MAX]);

/* Over names and bytes of all files in the folder and below it. */
uint32_t backup_bed_sum(struct backup_bed *bed, const char *folder);
