#include "application/count_activities.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "interfaces/cli/cli.h"
#include "interfaces/cli/folder_rows.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { KEY_WIDTH_MAX = 40, BAR_WIDTH_MAX = 40, LINES_BYTES_MAX = 1 << 30 };

#define ARENA_BYTES_MAX ((size_t)256 << 20)

const char command_stats_help[] =
    "DIR is the folder that serve has as --data-dir. Nothing in it is changed, and a server may "
    "run\n"
    "on it. On a terminal a table with bars, otherwise one JSON object in each line.\n\n"
    "  --by WHAT       action, user or metadata.PATH, the largest count first; or minute, hour, "
    "day\n"
    "                  or time (UTC), in their order\n"
    "  --interval N    how long the stretches of --by time are: 90s, 15m, 6h, 7d\n"
    "  --user ID       of this user; may be repeated\n"
    "  --action NAME   with this action; may be repeated\n"
    "  --metadata PATH=VALUE\n"
    "                  with this value in metadata, such as cart.coupon=SPRING; may be repeated:\n"
    "                  one of the values of a path must be there, and that for each path\n"
    "  --from TIME     at or after this time, such as 2024-01-15T10:00:00Z\n"
    "  --to TIME       before this time\n"
    "  --limit N       so many lines at most; 100 by default\n\n"
    "Activities that a server keeps in memory, or had there when it was killed, are in its event\n"
    "log only, and are missing here; how many is said on stderr.\n\n"
    "Examples\n"
    "  usertrail stats ./data --by action\n"
    "  usertrail stats ./data --by hour --user user-101 --from 2024-01-15T00:00:00Z";

static enum status read_by(struct folder_question *question, const char *value, struct error *err)
{
    return count_grouping_read(str_from(value), &question->grouping, err);
}

static enum status read_interval(struct folder_question *question, const char *value,
                                 struct error *err)
{
    return count_grouping_read_interval(str_from(value), &question->grouping, err);
}

static enum status read_limit(struct folder_question *question, const char *value,
                              struct error *err)
{
    return folder_read_limit(question, value, COUNT_GROUPS_MAX, err);
}

static const struct folder_option options[] = {FOLDER_FILTER_OPTIONS,
                                               {.name = "by", .read = read_by},
                                               {.name = "interval", .read = read_interval},
                                               {.name = "limit", .read = read_limit}};

/* Table ------------------------------------------------------------------------------------- */

/* At most KEY_WIDTH_MAX characters of a name, which holds no control characters; says how many. */
static size_t append_name(struct buffer *out, struct str name)
{
    struct str rest = name;
    size_t width = 0;
    size_t cut = 0; /* where there is still room for an ellipsis */
    uint32_t code_point;
    while (width <= KEY_WIDTH_MAX && rest.len > 0 && utf8_next(&rest, &code_point)) {
        width++;
        cut = width < KEY_WIDTH_MAX ? (size_t)(rest.data - name.data) : cut;
    }
    if (width <= KEY_WIDTH_MAX) {
        buffer_append_str(out, name);
        return width;
    }
    buffer_append(out, name.data, cut);
    buffer_append_literal(out, "\xe2\x80\xa6"); /* an ellipsis */
    return KEY_WIDTH_MAX;
}

static size_t append_key(struct buffer *out, const struct activity_group *group)
{
    char text[TIMESTAMP_TEXT_BYTES];
    if (group->name.data != NULL) {
        return append_name(out, group->name);
    }
    timestamp_format(group->start_ms, text);
    buffer_append(out, text, sizeof text);
    return sizeof text;
}

static uint64_t largest_count(const struct activity_tally *tally)
{
    uint64_t largest = 0;
    for (size_t i = 0; i < tally->count; i++) {
        largest = tally->groups[i].count > largest ? tally->groups[i].count : largest;
    }
    return largest;
}

static size_t widest_key(const struct activity_tally *tally, struct buffer *scratch)
{
    size_t widest = 0;
    for (size_t i = 0; i < tally->count; i++) {
        size_t width = append_key(scratch, &tally->groups[i]);
        widest = width > widest ? width : widest;
        buffer_clear(scratch);
    }
    return widest;
}

/* Key, count, and a bar that is the longer the nearer the count is to the largest. */
static void append_table(struct buffer *lines, const struct activity_tally *tally)
{
    uint64_t largest = largest_count(tally);
    int digits = snprintf(NULL, 0, "%llu", (unsigned long long)largest);
    size_t widest = widest_key(tally, lines);
    for (size_t i = 0; i < tally->count; i++) {
        const struct activity_group *group = &tally->groups[i];
        size_t width = append_key(lines, group);
        buffer_append_format(lines, "%*s  %*llu  ", (int)(widest - width), "", digits,
                             (unsigned long long)group->count);
        double share = (double)group->count / (double)largest;
        for (int bar = 0; bar == 0 || bar < (int)(share * BAR_WIDTH_MAX); bar++) {
            buffer_append_literal(lines, "\xe2\x96\x88"); /* a full block */
        }
        buffer_append_char(lines, '\n');
    }
}

/* Answer ------------------------------------------------------------------------------------ */

static void append_json_lines(struct buffer *lines, const struct activity_tally *tally)
{
    for (size_t i = 0; i < tally->count; i++) {
        count_activities_append_json(lines, &tally->groups[i]);
        buffer_append_char(lines, '\n');
    }
}

static enum status print(const struct activity_tally *tally, struct error *err)
{
    struct buffer lines;
    buffer_init(&lines, LINES_BYTES_MAX);
    if (isatty(STDOUT_FILENO)) {
        append_table(&lines, tally);
    } else {
        append_json_lines(&lines, tally);
    }
    enum status status = lines.failed;
    if (status != STATUS_OK) {
        status = error_set(err, status, 0, "there is no memory for so many lines");
    } else if ((lines.len > 0 && fwrite(lines.data, 1, lines.len, stdout) != lines.len) ||
               fflush(stdout) != 0) {
        status = error_set_system(err, errno, "cannot write to standard output");
    }
    buffer_deinit(&lines);
    if (status == STATUS_OK && tally->more) {
        fprintf(stderr, "usertrail: there are more; --limit sets how many are shown\n");
    }
    return status;
}

static enum status answer(const struct folder_access *access,
                          const struct folder_question *question, struct error *err)
{
    CLEANUP(activity_store_free) struct activity_store *store = NULL;
    const struct activity_tally_request request = {.filter = question->filter,
                                                   .grouping = question->grouping.kind,
                                                   .interval_ms = question->grouping.interval_ms,
                                                   .path = &question->grouping.path,
                                                   .limit = (size_t)question->limit,
                                                   .groups_max = COUNT_GROUPS_MAX};
    struct activity_tally tally;
    struct arena arena;
    enum status status = folder_open(access, question->directory, &store, err);
    if (status != STATUS_OK) {
        return status;
    }
    arena_init(&arena, ARENA_BYTES_MAX);
    status = activity_store_tally(store, &request, &arena, &tally, err);
    if (status == STATUS_OK) {
        status = print(&tally, err);
    }
    arena_deinit(&arena);
    return status;
}

int command_stats(const struct folder_access *access, int argument_count, char **arguments)
{
    static struct folder_question question; /* its filter points into it */
    const struct folder_options all = {options, ARRAY_LENGTH(options)};
    struct error err;
    enum status status = folder_arguments_read(&all, argument_count, arguments, &question, &err);
    if (status == STATUS_OK && question.grouping.kind == GROUPING_COUNT) {
        status = error_set(&err, STATUS_INVALID, 0, "--by is missing; it must be " COUNT_GROUPINGS);
    }
    if (status == STATUS_OK) {
        status = count_grouping_check(&question.grouping, &err);
    }
    if (status != STATUS_OK) {
        return folder_refuse_arguments("stats", &err);
    }
    if (question.limit == UINT64_MAX) {
        question.limit = COUNT_LIMIT_DEFAULT;
    }
    status = answer(access, &question, &err);
    return status == STATUS_OK ? EXIT_FINE : folder_tell_failure(question.directory, &err);
}
