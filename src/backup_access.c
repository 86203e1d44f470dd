/* Makes backups of data folders and restores them, on the machine's disk. */
#include "backup_access.h"

#include "base/macros.h"
#include "infrastructure/activity_store_local/activity_store_local.h"
#include "infrastructure/activity_store_local/store_erasures.h"
#include "infrastructure/activity_store_local/store_verify.h"
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/event_log_local/log_check.h"
#include "infrastructure/folder_backup/folder_backup.h"
#include "infrastructure/folder_backup/folder_restore.h"
#include "infrastructure/refusal_list_local/refusal_list_local.h"
#include "service.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* A disk quota or a limit of file sizes is told by the write. */
static void prepare(void)
{
    (void)service_raise_descriptor_limit(); /* each file takes one */
    signal(SIGXFSZ, SIG_IGN);
}

static enum status make(const struct folder_copy_request *request,
                        struct folder_copy_listener *listener, struct folder_copy_sums *out_sums,
                        struct error *err)
{
    prepare();
    return folder_backup_make(disk_posix(), request, listener, out_sums, err);
}

/* --- verifying --- */

struct first_problem {
    struct verification_listener of_store;
    struct log_verification_listener of_log;
    struct error found;
};

static void keep(struct first_problem *first, const char *words)
{
    if (first->found.status == STATUS_OK) {
        error_set(&first->found, STATUS_CORRUPT, 0, "%s", words);
    }
}

static void ignore_part(struct verification_listener *listener, const struct verified_part *part)
{
    (void)listener;
    (void)part;
}

static void hear_part(struct verification_listener *listener, const struct verified_part *part)
{
    if (part->problem_count > 0) {
        keep(CONTAINER_OF(listener, struct first_problem, of_store), part->problems[0].message);
    }
}

static void hear_chain(struct verification_listener *listener, const struct verified_chain *chain)
{
    if (chain->problem_count > 0) {
        keep(CONTAINER_OF(listener, struct first_problem, of_store), chain->problems[0].message);
    }
}

static void hear_log(struct log_verification_listener *listener, const char *words)
{
    keep(CONTAINER_OF(listener, struct first_problem, of_log), words);
}

static enum status verify_store(const char *directory, struct first_problem *first,
                                struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    struct store_verification found;
    const struct verification_request request = {.directory = path};
    enum status status = disk_path(directory, "store", path, err);
    if (status == STATUS_OK) {
        status = activity_store_local_verify(disk_posix(), &request, &first->of_store, &found, err);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status verify_log(const char *directory, const char *name, struct first_problem *first,
                              struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    struct log_verification found;
    enum status status = disk_path(directory, name, path, err);
    if (status == STATUS_OK) {
        status = event_log_local_check(disk_posix(), path, &first->of_log, &found, err);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status verify(const char *directory, struct error *err)
{
    struct first_problem first = {
        .of_store = {.part_begins = ignore_part, .part_ends = hear_part, .chain_ends = hear_chain},
        .of_log = {.problem = hear_log}};
    enum status status = folder_backup_check(disk_posix(), directory, err);
    status = status == STATUS_OK ? verify_store(directory, &first, err) : status;
    status = status == STATUS_OK ? verify_log(directory, "log", &first, err) : status;
    status = status == STATUS_OK ? verify_log(directory, "spill", &first, err) : status;
    if (status == STATUS_OK && first.found.status != STATUS_OK) {
        status = error_set(err, STATUS_CORRUPT, 0, "%.100s; `usertrail verify` tells all of it",
                           first.found.message);
    }
    return status;
}

/* --- carrying erasures over --- */

struct carrying {
    struct erasure_visitor visitor;
    struct activity_store *store;
    struct refusal_list *refusals;
    uint64_t users;
};

static enum status carry(struct erasure_visitor *visitor, struct str user_id, int64_t erased_at_ms,
                         struct error *err)
{
    struct carrying *carrying = CONTAINER_OF(visitor, struct carrying, visitor);
    struct activity_erasure erasure;
    uint64_t forgotten;
    enum status status =
        activity_store_erase(carrying->store, user_id, erased_at_ms, &erasure, err);
    if (status == STATUS_OK) {
        status = refusal_list_forget(carrying->refusals, user_id, &forgotten, err);
    }
    carrying->users += status == STATUS_OK;
    return status;
}

static enum status open_both(const char *directory, const struct logger *logger,
                             struct carrying *carrying, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = disk_path(directory, "store", path, err);
    if (status == STATUS_OK) {
        status = activity_store_local_new(
            &(struct activity_store_local_config){.disk = disk_posix(),
                                                  .directory = path,
                                                  .clock = &clock_system,
                                                  .random = &random_system,
                                                  .logger = (struct logger *)(uintptr_t)logger},
            &carrying->store, err);
    }
    if (status == STATUS_OK) {
        status = disk_path(directory, "refused", path, err);
    }
    if (status == STATUS_OK) { /* without a bound: the server that comes has one */
        status = refusal_list_local_new(&(struct refusal_list_local_config){.disk = disk_posix(),
                                                                            .directory = path,
                                                                            .bytes_max = INT64_MAX,
                                                                            .clock = &clock_system,
                                                                            .logger = logger},
                                        &carrying->refusals, err);
    }
    return status;
}

/* The store is opened as a server opens it, so that each erasure is in the chain, too. */
static enum status carry_erasures(const struct restore_request *request, uint64_t *out_users,
                                  struct error *err)
{
    static struct logger logger = {
        .clock = &clock_system, .descriptor = STDERR_FILENO, .level = LOG_WARNING};
    struct carrying carrying = {.visitor.erased = carry};
    char from[DISK_PATH_BYTES_MAX];
    char to[DISK_PATH_BYTES_MAX];
    enum status status = disk_path(request->keep_erasures_of, "store", from, err);
    status = status == STATUS_OK ? disk_path(request->copy.to, "store", to, err) : status;
    status = status == STATUS_OK ? open_both(request->copy.to, &logger, &carrying, err) : status;
    if (status == STATUS_OK) {
        status =
            activity_store_local_visit_erasures(disk_posix(), from, to, &carrying.visitor, err);
    }
    activity_store_free(carrying.store);
    refusal_list_free(carrying.refusals);
    *out_users = carrying.users;
    return status == STATUS_NOT_FOUND
               ? error_set(err, STATUS_INVALID, 0, "there is no store in %s, or none in the backup",
                           error_path(request->keep_erasures_of))
               : status;
}

/* --- restoring --- */

/* The folder whose erasures are kept is looked at before anything is made. */
static enum status check_erasures(const struct restore_request *request, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    if (request->keep_erasures_of == NULL) {
        return STATUS_OK;
    }
    enum status status = disk_path(request->keep_erasures_of, "store/manifest", path, err);
    if (status == STATUS_OK && access(path, R_OK) != 0) {
        status = error_set(err, STATUS_INVALID, 0, "--keep-erasures-of: there is no store in %s",
                           error_path(request->keep_erasures_of));
    }
    return status;
}

static enum status restore(const struct restore_request *request,
                           struct folder_copy_listener *listener, struct folder_copy_sums *out_sums,
                           uint64_t *out_users, struct error *err)
{
    prepare();
    enum status status = check_erasures(request, err);
    status = status == STATUS_OK ? verify(request->copy.from, err) : status;
    if (status == STATUS_OK) {
        status = folder_restore_copy(disk_posix(), &request->copy, listener, out_sums, err);
    }
    if (status == STATUS_OK && request->keep_erasures_of != NULL) {
        status = carry_erasures(request, out_users, err);
    }
    return status == STATUS_OK ? folder_restore_finish(disk_posix(), request->copy.to, err)
                               : status;
}

static int64_t now_ms(void)
{
    return clock_wall_ms(&clock_system);
}

const struct backup_access *backup_access(void)
{
    static const struct backup_access backing_up = {
        .make = make, .restore = restore, .now_ms = now_ms};
    return &backing_up;
}
