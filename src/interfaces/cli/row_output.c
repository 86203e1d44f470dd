#include "interfaces/cli/row_output.h"

#include "application/activity_csv.h"
#include "application/activity_json.h"

enum { LINE_BYTES_MAX = 256 << 20 };

void row_output_init(struct row_output *rows, struct cli_output *output, enum row_format format)
{
    rows->output = output;
    rows->format = row_format_choose(format, output->is_terminal);
    rows->count = 0;
    buffer_init(&rows->line, LINE_BYTES_MAX);
    row_table_init(&rows->table, output);
}

void row_output_deinit(struct row_output *rows)
{
    buffer_deinit(&rows->line);
    row_table_deinit(&rows->table);
}

static enum status print_line(struct row_output *rows, struct error *err)
{
    struct buffer *line = &rows->line;
    enum status status = line->failed == STATUS_OK
                             ? cli_output_write(rows->output, buffer_str(line), err)
                             : error_set(err, line->failed, 0, "there is no memory for a row");
    buffer_clear(line);
    return status;
}

static void append_row(struct row_output *rows, const struct activity *activity)
{
    struct buffer *line = &rows->line;
    if (rows->format == ROW_FORMAT_CSV) {
        buffer_append_str(line, rows->count == 0 ? STR(ACTIVITY_CSV_HEADER) : STR(""));
        activity_csv_append(line, activity);
    } else if (rows->format == ROW_FORMAT_JSON) {
        buffer_append_str(line, rows->count == 0 ? STR("[\n") : STR(",\n"));
        activity_json_append(line, activity);
    } else {
        activity_json_append(line, activity);
        buffer_append_char(line, '\n');
    }
}

enum status row_output_add(struct row_output *rows, const struct activity *activity,
                           struct error *err)
{
    enum status status = STATUS_OK;
    if (rows->format == ROW_FORMAT_TABLE) {
        status = row_table_add(&rows->table, activity, err);
    } else {
        append_row(rows, activity);
        status = print_line(rows, err);
    }
    rows->count++;
    return status;
}

enum status row_output_flush(struct row_output *rows, struct error *err)
{
    bool table = rows->format == ROW_FORMAT_TABLE && rows->count > 0;
    enum status status = table ? row_table_flush(&rows->table, err) : STATUS_OK;
    return status == STATUS_OK ? cli_output_flush(rows->output, err) : status;
}

enum status row_output_end(struct row_output *rows, struct error *err)
{
    enum status status = STATUS_OK;
    if (rows->format == ROW_FORMAT_JSON) {
        buffer_append_str(&rows->line, rows->count == 0 ? STR("[]\n") : STR("\n]\n"));
        status = print_line(rows, err);
    } else if (rows->format == ROW_FORMAT_CSV && rows->count == 0) {
        buffer_append_literal(&rows->line, ACTIVITY_CSV_HEADER);
        status = print_line(rows, err);
    }
    return status == STATUS_OK ? row_output_flush(rows, err) : status;
}
