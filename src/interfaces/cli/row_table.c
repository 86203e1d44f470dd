#include "interfaces/cli/row_table.h"

#include "base/timestamp.h"
#include "interfaces/cli/terminal.h"

#include <stdio.h>

enum {
    GAP = 2,
    NAME_WIDTH_MAX = 40,
    NAME_WIDTH_MIN = 8,     /* rather than that, metadata is left out */
    SHORT_TIME_WIDTH = 14,  /* "01-14 23:58:05" */
    LONG_TIME_COLUMNS = 60, /* below, the time is short */
    ID_COLUMNS = 140,       /* below, there are no ids */
    ID_WIDTH = 36,
    METADATA_WIDTH_MIN = 8,
    KEPT_BYTES_MAX = 64 << 20,
    LINE_BYTES_MAX = 256 << 20
};

#define UNBOUNDED SIZE_MAX
#define BOLD      "\x1b[1m"
#define DIM       "\x1b[2m"
#define PLAIN     "\x1b[0m"

void row_table_init(struct row_table *table, struct cli_output *output)
{
    *table = (struct row_table){.output = output, .name_width_min = NAME_WIDTH_MIN};
    arena_init(&table->arena, KEPT_BYTES_MAX);
    buffer_init(&table->line, LINE_BYTES_MAX);
}

void row_table_deinit(struct row_table *table)
{
    arena_deinit(&table->arena);
    buffer_deinit(&table->line);
}

/* Widths ------------------------------------------------------------------------------------ */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t width_of(struct row_table *table, struct str text)
{
    buffer_clear(&table->line);
    return terminal_text_append(&table->line, text, NAME_WIDTH_MAX);
}

/* What the kept rows would like. */
static struct row_table_widths wanted_widths(struct row_table *table)
{
    struct row_table_widths wanted = {.time = TIMESTAMP_TEXT_BYTES,
                                      .user = table->name_width_min,
                                      .action = table->name_width_min,
                                      .id = ID_WIDTH,
                                      .metadata = UNBOUNDED};
    for (size_t i = 0; i < table->kept_count; i++) {
        wanted.user = larger(wanted.user, width_of(table, table->kept[i].user_id));
        wanted.action = larger(wanted.action, width_of(table, table->kept[i].action));
    }
    return wanted;
}

/* What of it has room. A terminal that is narrower than any table gets lines that are cut. */
static struct row_table_widths fit_widths(struct row_table_widths wanted, size_t columns)
{
    struct row_table_widths fit = wanted;
    fit.time = columns < LONG_TIME_COLUMNS ? SHORT_TIME_WIDTH : wanted.time;
    size_t left = columns > fit.time + 2 * GAP ? columns - fit.time - 2 * GAP : 2;
    size_t share = smaller(larger(columns / 4, NAME_WIDTH_MIN), left / 2);
    fit.user = smaller(wanted.user, share);
    fit.action = smaller(wanted.action, share);
    fit.id = columns < ID_COLUMNS ? 0 : wanted.id;
    size_t used = fit.time + GAP + fit.user + GAP + fit.action + (fit.id == 0 ? 0 : GAP + fit.id);
    fit.metadata = columns >= used + GAP + METADATA_WIDTH_MIN ? columns - used - GAP : 0;
    return fit;
}

/* Lines ------------------------------------------------------------------------------------- */

static void pad(struct buffer *line, size_t used, size_t width)
{
    buffer_append_format(line, "%*s", (int)(width + GAP - used), "");
}

static void append_cell(struct row_table *table, struct str text, size_t width)
{
    bool cuts = table->output->columns > 0;
    size_t used = terminal_text_append(&table->line, text, cuts ? width : UNBOUNDED);
    pad(&table->line, smaller(used, width), width);
}

static void append_time(struct row_table *table, struct str time)
{
    if (table->output->colours) {
        buffer_append_literal(&table->line, DIM);
    }
    buffer_append_str(&table->line, time);
    if (table->output->colours) {
        buffer_append_literal(&table->line, PLAIN);
    }
    pad(&table->line, time.len, table->widths.time);
}

static struct str format_time(const struct row_table *table, int64_t timestamp_ms,
                              char out_text[TIMESTAMP_TEXT_BYTES])
{
    timestamp_format(timestamp_ms, out_text);
    if (table->widths.time == TIMESTAMP_TEXT_BYTES) {
        return (struct str){out_text, TIMESTAMP_TEXT_BYTES};
    }
    out_text[sizeof "2026-01-14" - 1] = ' ';
    return (struct str){out_text + sizeof "2026-" - 1, SHORT_TIME_WIDTH};
}

static void strip(struct buffer *line)
{
    while (line->len > 0 && line->data[line->len - 1] == ' ') {
        line->len--;
    }
}

static enum status print_line(struct row_table *table, struct error *err)
{
    struct buffer *line = &table->line;
    buffer_append_char(line, '\n');
    return line->failed == STATUS_OK
               ? cli_output_write_shown(table->output, buffer_str(line), err)
               : error_set(err, line->failed, 0, "there is no memory for a row");
}

static void append_cells(struct row_table *table, const struct activity *activity)
{
    const struct row_table_widths *widths = &table->widths;
    append_cell(table, activity->user_id, widths->user);
    append_cell(table, activity->action, widths->action);
    if (widths->id > 0) {
        append_cell(table, activity->id, widths->id);
    }
    if (widths->metadata > 0) {
        terminal_text_append(&table->line, activity->metadata, widths->metadata);
    }
    strip(&table->line);
}

static enum status print_header(struct row_table *table, struct error *err)
{
    static const struct activity names = {.id = {"ID", 2},
                                          .user_id = {"USER", 4},
                                          .action = {"ACTION", 6},
                                          .metadata = {"METADATA", 8}};
    buffer_clear(&table->line);
    if (table->output->colours) {
        buffer_append_literal(&table->line, BOLD);
    }
    append_cell(table, STR("TIME"), table->widths.time);
    append_cells(table, &names);
    if (table->output->colours) {
        buffer_append_literal(&table->line, PLAIN);
    }
    return print_line(table, err);
}

static enum status print_row(struct row_table *table, const struct activity *activity,
                             struct error *err)
{
    char text[TIMESTAMP_TEXT_BYTES];
    buffer_clear(&table->line);
    append_time(table, format_time(table, activity->timestamp_ms, text));
    append_cells(table, activity);
    return print_line(table, err);
}

/* Rows -------------------------------------------------------------------------------------- */

enum status row_table_flush(struct row_table *table, struct error *err)
{
    if (table->begun) {
        return STATUS_OK;
    }
    size_t columns = table->output->columns;
    table->begun = true;
    table->widths = wanted_widths(table);
    if (columns > 0) {
        table->widths = fit_widths(table->widths, columns);
    }
    enum status status = print_header(table, err);
    for (size_t i = 0; status == STATUS_OK && i < table->kept_count; i++) {
        status = print_row(table, &table->kept[i], err);
    }
    arena_reset(&table->arena);
    return status;
}

enum status row_table_add(struct row_table *table, const struct activity *activity,
                          struct error *err)
{
    if (!table->begun && table->kept_count < ROW_TABLE_KEPT_MAX &&
        activity_copy(&table->arena, activity, &table->kept[table->kept_count])) {
        table->kept_count++;
        return STATUS_OK;
    }
    enum status status = row_table_flush(table, err);
    return status == STATUS_OK ? print_row(table, activity, err) : status;
}
