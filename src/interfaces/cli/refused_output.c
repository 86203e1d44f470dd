#include "interfaces/cli/refused_output.h"

#include "interfaces/cli/terminal.h"

enum { LINE_BYTES_MAX = 256 << 20, INDENT = 4, COLUMNS_USUAL = 100 };

void refused_output_init(struct refused_output *entries, enum row_format format)
{
    cli_output_init(&entries->output, CLI_STANDARD_OUTPUT);
    entries->format = row_format_choose(format, entries->output.is_terminal);
    entries->count = 0;
    buffer_init(&entries->line, LINE_BYTES_MAX);
}

void refused_output_deinit(struct refused_output *entries)
{
    cli_output_deinit(&entries->output);
    buffer_deinit(&entries->line);
}

/* What the columns of the line have room for. */
static void append_line(struct refused_output *entries, size_t indent, struct str text)
{
    size_t columns = entries->output.columns == 0 ? COLUMNS_USUAL : entries->output.columns;
    size_t left = columns > indent ? columns - indent : 1;
    buffer_append_format(&entries->line, "%*s", (int)indent, "");
    terminal_text_append(&entries->line, text, left);
    buffer_append_char(&entries->line, '\n');
}

static enum status append_for_people(struct refused_output *entries, const struct yyjson_val *entry,
                                     struct error *err)
{
    struct str id = activity_json_answer_text(entry, "id");
    struct str refused_at = activity_json_answer_text(entry, "refusedAt");
    if (id.data == NULL) {
        return error_set(err, STATUS_INVALID, 0, "the answer has an entry without an id");
    }
    append_line(entries, 0, id);
    append_line(entries, INDENT, refused_at);
    append_line(entries, INDENT, activity_json_answer_text(entry, "reason"));
    append_line(entries, INDENT, activity_json_answer_text(entry, "raw"));
    return STATUS_OK;
}

static enum status append_json(struct refused_output *entries,
                               const struct activity_json_answer *answer,
                               const struct yyjson_val *entry, struct error *err)
{
    struct str text = activity_json_answer_json(answer, entry);
    if (text.data == NULL) {
        return error_set(err, STATUS_INVALID, 0, "the answer has an entry that is too large");
    }
    if (entries->format == ROW_FORMAT_JSON) {
        buffer_append_str(&entries->line, entries->count == 0 ? STR("[\n") : STR(",\n"));
        buffer_append_str(&entries->line, text);
    } else {
        buffer_append_str(&entries->line, text);
        buffer_append_char(&entries->line, '\n');
    }
    return STATUS_OK;
}

static enum status print_lines(struct refused_output *entries, struct error *err)
{
    struct buffer *line = &entries->line;
    enum status status = line->failed == STATUS_OK
                             ? cli_output_write(&entries->output, buffer_str(line), err)
                             : error_set(err, line->failed, 0, "there is no memory for an entry");
    buffer_clear(line);
    return status;
}

enum status refused_output_add(struct refused_output *entries,
                               const struct activity_json_answer *answer,
                               const struct yyjson_val *entry, struct error *err)
{
    enum status status = entries->format == ROW_FORMAT_TABLE
                             ? append_for_people(entries, entry, err)
                             : append_json(entries, answer, entry, err);
    entries->count++;
    return status == STATUS_OK ? print_lines(entries, err) : status;
}

enum status refused_output_end(struct refused_output *entries, struct error *err)
{
    enum status status = STATUS_OK;
    if (entries->format == ROW_FORMAT_JSON) {
        buffer_append_str(&entries->line, entries->count == 0 ? STR("[]\n") : STR("\n]\n"));
        status = print_lines(entries, err);
    }
    if (entries->count == 0 && entries->output.is_terminal) {
        cli_tell("nothing was refused");
    }
    return status == STATUS_OK ? cli_output_flush(&entries->output, err) : status;
}
