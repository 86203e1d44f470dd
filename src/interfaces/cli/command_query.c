#include "interfaces/cli/cli.h"
#include "interfaces/cli/folder_rows.h"

#include <errno.h>
#include <stdio.h>

enum { LIMIT_DEFAULT = 10 };

const char command_query_help[] =
    "DIR is the folder that serve has as --data-dir. Nothing in it is changed, and a server may "
    "run\n"
    "on it. Prints one JSON object in each line, as GET answers them.\n\n"
    "  --user ID       of this user; may be repeated\n"
    "  --action NAME   with this action; may be repeated\n"
    "  --metadata PATH=VALUE\n"
    "                  with this value in metadata, such as cart.coupon=SPRING; may be repeated:\n"
    "                  one of the values of a path must be there, and that for each path\n"
    "  --from TIME     at or after this time, such as 2024-01-15T10:00:00Z\n"
    "  --to TIME       before this time\n"
    "  --limit N       so many at most; 10 by default\n"
    "  --order ORDER   desc: newest first, the default; asc: oldest first\n"
    "  --count         only says how many there are\n\n"
    "Activities that a server keeps in memory, or had there when it was killed, are in its event\n"
    "log only, and are missing here; how many is said on stderr.\n\n"
    "Examples\n"
    "  usertrail query ./data --user user-101 --limit 3\n"
    "  usertrail query ./data --action login --from 2024-01-15T00:00:00Z --count\n"
    "  usertrail query ./data --metadata ip=192.168.1.1";

static enum status read_limit(struct folder_question *question, const char *value,
                              struct error *err)
{
    return folder_read_limit(question, value, UINT32_MAX, err);
}

static enum status read_order(struct folder_question *question, const char *value,
                              struct error *err)
{
    if (strcmp(value, "asc") != 0 && strcmp(value, "desc") != 0) {
        return error_set(err, STATUS_INVALID, 0,
                         "--order must be asc (oldest first) or desc (newest first)");
    }
    question->order = value[0] == 'a' ? ORDER_OLDEST_FIRST : ORDER_NEWEST_FIRST;
    return STATUS_OK;
}

static enum status read_count(struct folder_question *question, const char *value,
                              struct error *err)
{
    (void)value;
    (void)err;
    question->count = true;
    return STATUS_OK;
}

static const struct folder_option options[] = {
    FOLDER_FILTER_OPTIONS,
    {.name = "limit", .read = read_limit},
    {.name = "order", .read = read_order},
    {.name = "count", .is_switch = true, .read = read_count}};

static enum status print_row(void *context, const struct activity *activity, struct error *err)
{
    struct buffer *line = context;
    buffer_clear(line);
    folder_append_json_line(line, activity);
    if (line->failed != STATUS_OK) {
        return error_set(err, line->failed, 0, "there is no memory for a row");
    }
    return fwrite(line->data, 1, line->len, stdout) == line->len
               ? STATUS_OK
               : error_set_system(err, errno, "cannot write to standard output");
}

static enum status print_rows(struct activity_store *store, const struct folder_question *question,
                              struct error *err)
{
    struct buffer line;
    buffer_init(&line, FOLDER_LINE_BYTES_MAX);
    const struct folder_visitor visitor = {.visit = print_row, .context = &line};
    enum status status = folder_walk_rows(store, question, &visitor, err);
    buffer_deinit(&line);
    return status;
}

static enum status print_count(struct activity_store *store, const struct folder_question *question,
                               struct error *err)
{
    uint64_t count;
    enum status status = activity_store_count(store, &question->filter, 0, &count, err);
    if (status == STATUS_OK) {
        printf("%llu\n", (unsigned long long)count);
    }
    return status;
}

static enum status answer(const struct folder_access *access,
                          const struct folder_question *question, struct error *err)
{
    CLEANUP(activity_store_free) struct activity_store *store = NULL;
    enum status status = folder_open(access, question->directory, &store, err);
    if (status == STATUS_OK) {
        status =
            question->count ? print_count(store, question, err) : print_rows(store, question, err);
    }
    if (fflush(stdout) != 0 && status == STATUS_OK) {
        status = error_set_system(err, errno, "cannot write to standard output");
    }
    return status;
}

int command_query(const struct folder_access *access, int argument_count, char **arguments)
{
    static struct folder_question question; /* its filter points into it */
    const struct folder_options all = {options, ARRAY_LENGTH(options)};
    struct error err;
    enum status status = folder_arguments_read(&all, argument_count, arguments, &question, &err);
    if (status == STATUS_OK && question.count && question.limit != UINT64_MAX) {
        status = error_set(&err, STATUS_INVALID, 0, "--count counts all; leave --limit out");
    }
    if (status != STATUS_OK) {
        return folder_refuse_arguments("query", &err);
    }
    if (question.limit == UINT64_MAX) {
        question.limit = LIMIT_DEFAULT;
    }
    status = answer(access, &question, &err);
    return status == STATUS_OK ? EXIT_FINE : folder_tell_failure(question.directory, &err);
}
