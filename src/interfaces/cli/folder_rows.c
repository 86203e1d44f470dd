#include "interfaces/cli/folder_rows.h"

#include "application/walk_activities.h"
#include "interfaces/cli/cli.h"
#include "interfaces/cli/cli_output.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { PAGE_ROWS_MAX = 1000, PAGE_BYTES_MAX = 4 << 20, ARENA_BYTES_MAX = 128 << 20 };

/* Opening ----------------------------------------------------------------------------------- */

int folder_refuse_arguments(const char *command, const struct error *err)
{
    cli_tell("%s; `usertrail %s --help` tells more", err->message, command);
    return EXIT_USAGE;
}

int folder_tell_failure(const char *directory, const struct error *err)
{
    cli_tell("%s: %s", directory, err->message);
    if (err->status == STATUS_CORRUPT) {
        cli_tell("what was not printed could not be read; `usertrail verify %s` says which files "
                 "are damaged",
                 directory);
    }
    return EXIT_FAILED;
}

enum status folder_check(const char *directory, struct error *err)
{
    struct stat found;
    if (stat(directory, &found) != 0) {
        int cause = errno;
        return error_set(err, STATUS_NOT_FOUND, cause,
                         "%s; name the folder that `usertrail serve` has as --data-dir",
                         cause == ENOENT ? "there is no such folder" : strerror(cause));
    }
    return S_ISDIR(found.st_mode)
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0,
                           "this is no folder; name the one that `usertrail serve` has as "
                           "--data-dir");
}

enum status folder_has_no_store(struct error *err)
{
    return error_set(err, STATUS_NOT_FOUND, 0,
                     "there is no store in this folder: no server has run on it, or only with "
                     "--store memory");
}

/* Nobody shall take for complete what is not. */
static void tell_waiting(const struct folder_access *access, const char *directory,
                         struct activity_store *store)
{
    struct error err;
    uint64_t count = 0;
    enum status status = access->count_waiting(directory, store, &count, &err);
    if (status == STATUS_OK && count > 0) {
        cli_tell("%llu activities wait in the event log and are not in the store yet; ask the "
                 "server that runs (--url), or start it once and stop it",
                 (unsigned long long)count);
    } else if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        cli_tell("whether newer activities wait in the event log could not be found out: %s",
                 err.message);
    }
}

enum status folder_open(const struct folder_access *access, const char *directory,
                        struct activity_store **out_store, struct error *err)
{
    enum status status = folder_check(directory, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = access->open_store(directory, out_store, err);
    if (status == STATUS_NOT_FOUND) {
        return folder_has_no_store(err);
    }
    if (status == STATUS_OK) {
        tell_waiting(access, directory, *out_store);
    }
    return status;
}

/* Rows -------------------------------------------------------------------------------------- */

static enum status visit_page(const struct activity_page *page,
                              const struct folder_visitor *visitor, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < page->count; i++) {
        status = visitor->visit(visitor->context, &page->rows[i], err);
    }
    return status;
}

enum status folder_walk_rows(struct activity_store *store, const struct folder_question *question,
                             const struct folder_visitor *visitor, struct error *err)
{
    struct activity_page page = {0};
    struct walk_activities walk;
    struct arena arena;
    walk_activities_init(&walk, store,
                         &(struct activity_page_request){.filter = question->filter,
                                                         .order = question->order,
                                                         .bytes_max = PAGE_BYTES_MAX});
    arena_init(&arena, ARENA_BYTES_MAX);
    enum status status = STATUS_OK;
    for (uint64_t left = question->limit; status == STATUS_OK && !walk.ended && left > 0;
         left -= page.count) {
        arena_reset(&arena);
        walk.request.limit = left < PAGE_ROWS_MAX ? (size_t)left : PAGE_ROWS_MAX;
        status = walk_activities_next(&walk, &arena, &page, err);
        if (status == STATUS_OK) {
            status = visit_page(&page, visitor, err);
        }
    }
    if (status == STATUS_OK && visitor->more != NULL) {
        *visitor->more = !walk.ended;
    }
    arena_deinit(&arena);
    return status;
}
