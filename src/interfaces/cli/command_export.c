#include "application/activity_csv.h"
#include "interfaces/cli/cli.h"
#include "interfaces/cli/export_file.h"
#include "interfaces/cli/folder_rows.h"

#include <errno.h>

const char command_export_help[] =
    "DIR is the folder that serve has as --data-dir. Nothing in it is changed, and a server may "
    "run\n"
    "on it. Writes all activities that match, oldest first, whatever their number, as they are at\n"
    "the moment when the command starts.\n\n"
    "  --user ID       of this user; may be repeated\n"
    "  --action NAME   with this action; may be repeated\n"
    "  --metadata PATH=VALUE\n"
    "                  with this value in metadata, such as cart.coupon=SPRING; may be repeated:\n"
    "                  one of the values of a path must be there, and that for each path\n"
    "  --from TIME     at or after this time, such as 2024-01-15T10:00:00Z\n"
    "  --to TIME       before this time\n"
    "  --format NAME   ndjson: one JSON object in each line, the default; csv: RFC 4180 with the\n"
    "                  columns id,userId,action,timestamp,metadata; an apostrophe stands\n"
    "                  before a field that a spreadsheet would take for a formula\n"
    "  --output FILE   appears when all of it is on the disk, FILE.part until then; standard "
    "output\n"
    "                  by default\n\n"
    "Activities that a server keeps in memory, or had there when it was killed, are in its event\n"
    "log only, and are missing here; how many is said on stderr.\n\n"
    "Examples\n"
    "  usertrail export ./data --output activities.ndjson\n"
    "  usertrail export ./data --user user-101 --format csv > user-101.csv";

static enum status read_format(struct folder_question *question, const char *value,
                               struct error *err)
{
    if (strcmp(value, "csv") != 0 && strcmp(value, "ndjson") != 0) {
        return error_set(err, STATUS_INVALID, 0, "--format must be ndjson or csv");
    }
    question->csv = value[0] == 'c';
    return STATUS_OK;
}

static enum status read_output(struct folder_question *question, const char *value,
                               struct error *err)
{
    question->output = value;
    return value[0] != '\0' ? STATUS_OK
                            : error_set(err, STATUS_INVALID, 0, "--output needs a file's name");
}

static const struct folder_option options[] = {FOLDER_FILTER_OPTIONS,
                                               {.name = "format", .read = read_format},
                                               {.name = "output", .read = read_output}};

/* Writing ----------------------------------------------------------------------------------- */

struct export
{
    struct export_file file;
    struct buffer line;
    uint64_t rows;
    bool csv;
};

static enum status write_line(struct export *export, struct error *err)
{
    struct buffer *line = &export->line;
    if (line->failed != STATUS_OK) {
        return error_set(err, line->failed, 0, "there is no memory for a row");
    }
    if (fwrite(line->data, 1, line->len, export->file.stream) != line->len) {
        return error_set_system(err, errno, "cannot write the export");
    }
    buffer_clear(line);
    return STATUS_OK;
}

static enum status write_row(void *context, const struct activity *activity, struct error *err)
{
    struct export *export = context;
    if (export->csv) {
        activity_csv_append(&export->line, activity);
    } else {
        folder_append_json_line(&export->line, activity);
    }
    export->rows++;
    return write_line(export, err);
}

static enum status write_all(struct export *export, struct activity_store *store,
                             const struct folder_question *question, struct error *err)
{
    const struct folder_visitor visitor = {.visit = write_row, .context = export};
    enum status status = STATUS_OK;
    if (export->csv) {
        buffer_append_literal(&export->line, ACTIVITY_CSV_HEADER);
        status = write_line(export, err);
    }
    if (status == STATUS_OK) {
        status = folder_walk_rows(store, question, &visitor, err);
    }
    return status == STATUS_OK ? export_file_finish(&export->file, err) : status;
}

static enum status run_export(const struct folder_access *access,
                              const struct folder_question *question, struct error *err)
{
    CLEANUP(activity_store_free) struct activity_store *store = NULL;
    struct export export = {.csv = question->csv};
    enum status status = folder_open(access, question->directory, &store, err);
    if (status == STATUS_OK) {
        status = export_file_open(&export.file, question->output, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    buffer_init(&export.line, FOLDER_LINE_BYTES_MAX);
    status = write_all(&export, store, question, err);
    buffer_deinit(&export.line);
    export_file_abandon(&export.file);
    if (status == STATUS_OK && question->output != NULL) {
        fprintf(stderr, "%llu activities written to %s\n", (unsigned long long)export.rows,
                question->output);
    }
    return status;
}

int command_export(const struct folder_access *access, int argument_count, char **arguments)
{
    static struct folder_question question; /* its filter points into it */
    const struct folder_options all = {options, ARRAY_LENGTH(options)};
    struct error err;
    enum status status = folder_arguments_read(&all, argument_count, arguments, &question, &err);
    if (status != STATUS_OK) {
        return folder_refuse_arguments("export", &err);
    }
    question.order = ORDER_OLDEST_FIRST;
    status = run_export(access, &question, &err);
    return status == STATUS_OK ? EXIT_FINE : folder_tell_failure(question.directory, &err);
}
