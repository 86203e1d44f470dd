#include "interfaces/cli/lookup.h"

#include "interfaces/cli/cli.h"
#include "interfaces/cli/server_rows.h"

static enum status open_lookup(struct lookup *lookup, const struct lookup_access *access,
                               const struct folder_question *question, struct error *err)
{
    *lookup = (struct lookup){.access = access, .question = question};
    if (question->directory != NULL) {
        return folder_open(access->folder, question->directory, &lookup->store, err);
    }
    enum status status = access->server->open(&question->server, &lookup->link, err);
    lookup->wrong_usage = status == STATUS_INVALID;
    return status;
}

void lookup_close(struct lookup *lookup)
{
    activity_store_free(TAKE(lookup->store));
    lookup->access->server->close(TAKE(lookup->link));
}

enum status lookup_walk(struct lookup *lookup, const struct folder_visitor *visitor,
                        struct error *err)
{
    return lookup->store != NULL ? folder_walk_rows(lookup->store, lookup->question, visitor, err)
                                 : server_walk_rows(lookup->access->server, lookup->link,
                                                    lookup->question, visitor, err);
}

enum status lookup_count(struct lookup *lookup, uint64_t *out_count, struct error *err)
{
    return lookup->store != NULL
               ? activity_store_count(lookup->store, &lookup->question->filter, 0, out_count, err)
               : server_count_rows(lookup->access->server, lookup->link, lookup->question,
                                   out_count, err);
}

static int tell_failure(const struct lookup *lookup, const char *command, const struct error *err)
{
    if (lookup->wrong_usage) {
        return folder_refuse_arguments(command, err);
    }
    return lookup->question->directory != NULL
               ? folder_tell_failure(lookup->question->directory, err)
               : server_tell_failure(err);
}

int lookup_run(const struct lookup_access *access, const struct folder_question *question,
               const char *command, lookup_answer *answer)
{
    struct lookup lookup;
    struct error err;
    enum status status = open_lookup(&lookup, access, question, &err);
    status = status == STATUS_OK ? answer(&lookup, &err) : status;
    int code = status == STATUS_OK ? EXIT_FINE : tell_failure(&lookup, command, &err);
    lookup_close(&lookup);
    return code;
}
