#pragma once
/*
 * The commands that make a backup of a data folder and restore one. main hands in how. Each takes
 * the arguments behind its name and returns an exit code. One thread.
 */
#include "application/folder_copy.h"
#include "base/error.h"

/* What restoring does besides copying. */
struct restore_request {
    struct folder_copy_request copy;
    const char *keep_erasures_of; /* a data folder; NULL: none */
};

struct backup_access {
    enum status (*make)(const struct folder_copy_request *request,
                        struct folder_copy_listener *listener, struct folder_copy_sums *out_sums,
                        struct error *err);
    /* Verifies the backup first. `out_users`: whose erasures were carried over. */
    enum status (*restore)(const struct restore_request *request,
                           struct folder_copy_listener *listener, struct folder_copy_sums *out_sums,
                           uint64_t *out_users, struct error *err);
    int64_t (*now_ms)(void);
};

int command_backup(const struct backup_access *access, int argument_count, char **arguments);
int command_restore(const struct backup_access *access, int argument_count, char **arguments);

extern const char command_backup_help[];
extern const char command_restore_help[];
