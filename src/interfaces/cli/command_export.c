#include "interfaces/cli/cli.h"
#include "interfaces/cli/cli_output.h"
#include "interfaces/cli/export_file.h"
#include "interfaces/cli/export_progress.h"
#include "interfaces/cli/lookup_commands.h"
#include "interfaces/cli/row_output.h"

#include <string.h>

enum {
    HTTP_OK = 200,
    TARGET_BYTES_MAX = 1 << 20,
    PIECE_BYTES_MAX = 256 << 20, /* one line fits */
    REFUSAL_BYTES_MAX = 1 << 20,
    ROWS_BETWEEN_LOOKS = 1024 /* at the clock, which costs as much as a part of a row */
};

const char command_export_help[] =
    "DIR is the folder that serve has as --data-dir. Nothing in it is changed, and a\n"
    "server may run on it. Writes all activities that match, oldest first, whatever\n"
    "their number, as they are at the moment when the command starts.\n\n" //
    FOLDER_FILTER_HELP                                                     //
    "  --from TIME     at or after this time, such as 2024-01-15T10:00:00Z\n"
    "  --to TIME       before this time\n"
    "  --format NAME   ndjson: one JSON object in each line, the default; csv: RFC\n"
    "                  4180 with the columns id,userId,action,timestamp,metadata; an\n"
    "                  apostrophe stands before a field that a spreadsheet would\n"
    "                  take for a formula\n"
    "  --output FILE   appears when all of it is on the disk, FILE.part until then;\n"
    "                  standard output by default\n" //
    FOLDER_SERVER_HELP "\n"                          //
    FOLDER_WAITING_HELP "\n"                         //
    "Examples\n"
    "  usertrail export ./data --output activities.ndjson\n"
    "  usertrail export ./data --user user-101 --format csv > user-101.csv\n"
    "  usertrail export ./data --not-user robot --output people.ndjson\n"
    "  usertrail export --url https://trail.example --key-file key --output all";

static enum status read_format(struct folder_question *question, const char *value,
                               struct error *err)
{
    if (strcmp(value, "csv") != 0 && strcmp(value, "ndjson") != 0) {
        return error_set(err, STATUS_INVALID, 0, "--format must be ndjson or csv");
    }
    return folder_read_format(question, value, err);
}

static enum status read_output(struct folder_question *question, const char *value,
                               struct error *err)
{
    question->output = value;
    return value[0] != '\0' ? STATUS_OK
                            : error_set(err, STATUS_INVALID, 0, "--output needs a file's name");
}

static const struct folder_option options[] = {FOLDER_FILTER_OPTIONS,
                                               FOLDER_SERVER_OPTIONS,
                                               {.name = "format", .read = read_format},
                                               {.name = "output", .read = read_output}};

/* Writing ----------------------------------------------------------------------------------- */

struct export
{
    struct export_file file;
    struct export_progress progress;
    struct cli_output output;
    struct row_output rows;
    struct buffer piece;   /* of a server's answer, up to the end of its last line */
    struct buffer refusal; /* or what it says instead */
    uint64_t lines;        /* of that answer */
};

static enum status write_row(void *context, const struct activity *activity, struct error *err)
{
    struct export *export = context;
    if (export->rows.count % ROWS_BETWEEN_LOOKS == 0) {
        export_progress_show(&export->progress, export->rows.count);
    }
    return row_output_add(&export->rows, activity, err);
}

static enum status write_folder(struct export *export, struct lookup *lookup, struct error *err)
{
    const struct folder_visitor visitor = {.visit = write_row, .context = export};
    enum status status = lookup_walk(lookup, &visitor, err);
    return status == STATUS_OK ? row_output_end(&export->rows, err) : status;
}

/* A server's answer is an export already. */
static enum status write_piece(void *context, long code, struct str piece, struct error *err)
{
    struct export *export = context;
    struct buffer *kept = code == HTTP_OK ? &export->piece : &export->refusal;
    buffer_append_str(kept, piece);
    if (kept->failed != STATUS_OK) {
        return error_set(err, kept->failed, 0, "there is no memory for the server's answer");
    }
    size_t whole = kept->len;
    while (whole > 0 && kept->data[whole - 1] != '\n') {
        whole--;
    }
    if (code != HTTP_OK || whole == 0) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < whole; i++) {
        export->lines += kept->data[i] == '\n';
    }
    enum status status = cli_output_write(&export->output, (struct str){kept->data, whole}, err);
    buffer_consume(kept, whole);
    export_progress_show(&export->progress, export->lines);
    return status;
}

static void append_target(struct buffer *target, const struct folder_question *question)
{
    bool csv = question->format == ROW_FORMAT_CSV;
    buffer_append_literal(target, "/api/v1/activities/export");
    server_append_parameter(target, STR("format"), csv ? STR("csv") : STR("ndjson"));
    server_append_filter(target, question);
    buffer_append_char(target, '\0');
}

static enum status ask_server(struct export *export, struct lookup *lookup, struct error *err)
{
    const struct server_hearer hearer = {.take = write_piece, .context = export};
    struct buffer target;
    long code = 0;
    buffer_init(&target, TARGET_BYTES_MAX);
    append_target(&target, lookup->question);
    enum status status = target.failed;
    if (status == STATUS_OK) {
        status = lookup->access->server->ask(
            lookup->link,
            &(struct server_request){.method = "GET", .target = target.data, .is_stream = true},
            &hearer, &code, err);
    } else {
        error_set(err, status, 0, "there is no memory for a question");
    }
    buffer_deinit(&target);
    return status == STATUS_OK && code != HTTP_OK
               ? server_refusal(code, buffer_str(&export->refusal), err)
               : status;
}

static enum status write_server(struct export *export, struct lookup *lookup, struct error *err)
{
    bool csv = lookup->question->format == ROW_FORMAT_CSV;
    buffer_init(&export->piece, PIECE_BYTES_MAX);
    buffer_init(&export->refusal, REFUSAL_BYTES_MAX);
    enum status status = ask_server(export, lookup, err);
    export->rows.count = export->lines - (csv && export->lines > 0);
    buffer_deinit(&export->piece);
    buffer_deinit(&export->refusal);
    return status == STATUS_OK ? cli_output_flush(&export->output, err) : status;
}

static enum status write_export(struct lookup *lookup, struct error *err)
{
    struct export export = {0};
    const struct folder_question *question = lookup->question;
    const char *name = question->output == NULL ? "standard output" : question->output;
    enum status status = export_file_open(&export.file, question->output, err);
    if (status != STATUS_OK) {
        return status;
    }
    export_progress_begin(&export.progress, lookup->access->clock,
                          question->output == NULL ? NULL : export.file.stream);
    cli_output_init(&export.output, export.file.stream, name);
    row_output_init(&export.rows, &export.output, question->format);
    status = lookup->link == NULL ? write_folder(&export, lookup, err)
                                  : write_server(&export, lookup, err);
    export_progress_end(&export.progress);
    status = status == STATUS_OK ? export_file_finish(&export.file, err) : status;
    if (status == STATUS_OK && question->output != NULL) {
        fprintf(stderr, "%llu activities written to %s\n", (unsigned long long)export.rows.count,
                question->output);
    }
    row_output_deinit(&export.rows);
    cli_output_deinit(&export.output);
    export_file_abandon(&export.file);
    return status;
}

int command_export(const struct lookup_access *access, int argument_count, char **arguments)
{
    static struct folder_question question; /* its filter points into it */
    const struct folder_options all = {options, ARRAY_LENGTH(options)};
    struct error err;
    enum status status = folder_arguments_read(&all, argument_count, arguments, &question, &err);
    if (status != STATUS_OK) {
        return folder_refuse_arguments("export", &err);
    }
    question.order = ORDER_OLDEST_FIRST;
    if (question.format == ROW_FORMAT_USUAL) {
        question.format = ROW_FORMAT_NDJSON;
    }
    return lookup_run(access, &question, "export", write_export);
}
