#include "interfaces/cli/group_output.h"

#include "application/activity_csv.h"
#include "application/count_activities.h"
#include "base/timestamp.h"
#include "interfaces/cli/terminal.h"

enum {
    KEY_WIDTH_MAX = 40,
    BAR_WIDTH_MAX = 40,
    BAR_WIDTH_MIN = 8, /* rather than that, keys become shorter */
    GAPS = 4,          /* between key, count and bar */
    LINES_BYTES_MAX = 1 << 30
};

/* Table ------------------------------------------------------------------------------------- */

struct widths {
    size_t key;
    size_t bar;
    int count;
};

static struct str key_of(const struct activity_group *group, char out_text[TIMESTAMP_TEXT_BYTES])
{
    if (group->name.data != NULL) {
        return group->name;
    }
    timestamp_format(group->start_ms, out_text);
    return (struct str){out_text, TIMESTAMP_TEXT_BYTES};
}

static uint64_t largest_count(const struct activity_tally *tally)
{
    uint64_t largest = 0;
    for (size_t i = 0; i < tally->count; i++) {
        largest = tally->groups[i].count > largest ? tally->groups[i].count : largest;
    }
    return largest;
}

static size_t widest_key(const struct activity_tally *tally, size_t width_max,
                         struct buffer *scratch)
{
    char text[TIMESTAMP_TEXT_BYTES];
    size_t widest = 0;
    for (size_t i = 0; i < tally->count; i++) {
        size_t width = terminal_text_append(scratch, key_of(&tally->groups[i], text), width_max);
        widest = width > widest ? width : widest;
        buffer_clear(scratch);
    }
    return widest;
}

static size_t between(size_t value, size_t min, size_t max)
{
    size_t at_least = value < min ? min : value;
    return at_least < max ? at_least : max;
}

/* Where nobody knows how wide a line may be, keys and bars are as wide as they ever are. */
static struct widths choose_widths(const struct activity_tally *tally, size_t columns,
                                   struct buffer *scratch)
{
    int digits = snprintf(NULL, 0, "%llu", (unsigned long long)largest_count(tally));
    size_t taken = (size_t)digits + GAPS;
    struct widths widths = {.key = KEY_WIDTH_MAX, .bar = BAR_WIDTH_MAX, .count = digits};
    if (columns > 0) {
        size_t left = columns > taken + BAR_WIDTH_MIN ? columns - taken - BAR_WIDTH_MIN : 1;
        widths.key = between(left, 1, KEY_WIDTH_MAX);
    }
    widths.key = widest_key(tally, widths.key, scratch);
    if (columns > 0) {
        size_t left = columns > taken + widths.key ? columns - taken - widths.key : 1;
        widths.bar = between(left, 1, BAR_WIDTH_MAX);
    }
    return widths;
}

/* Key, count, and a bar that is the longer the nearer the count is to the largest. */
static void append_table(struct buffer *lines, const struct activity_tally *tally, size_t columns)
{
    char text[TIMESTAMP_TEXT_BYTES];
    uint64_t largest = largest_count(tally);
    struct widths widths = choose_widths(tally, columns, lines);
    for (size_t i = 0; i < tally->count; i++) {
        const struct activity_group *group = &tally->groups[i];
        size_t width = terminal_text_append(lines, key_of(group, text), widths.key);
        buffer_append_format(lines, "%*s  %*llu  ", (int)(widths.key - width), "", widths.count,
                             (unsigned long long)group->count);
        size_t bar = (size_t)((double)group->count / (double)largest * (double)widths.bar);
        for (size_t cell = 0; cell == 0 || cell < bar; cell++) {
            buffer_append_literal(lines, "\xe2\x96\x88"); /* a full block */
        }
        buffer_append_char(lines, '\n');
    }
}

/* Other formats ----------------------------------------------------------------------------- */

static void append_json_lines(struct buffer *lines, const struct activity_tally *tally)
{
    for (size_t i = 0; i < tally->count; i++) {
        count_activities_append_json(lines, &tally->groups[i]);
        buffer_append_char(lines, '\n');
    }
}

static void append_json_array(struct buffer *lines, const struct activity_tally *tally)
{
    for (size_t i = 0; i < tally->count; i++) {
        buffer_append_str(lines, i == 0 ? STR("[\n") : STR(",\n"));
        count_activities_append_json(lines, &tally->groups[i]);
    }
    buffer_append_str(lines, tally->count == 0 ? STR("[]\n") : STR("\n]\n"));
}

static void append_csv(struct buffer *lines, const struct activity_tally *tally)
{
    char text[TIMESTAMP_TEXT_BYTES];
    buffer_append_literal(lines, "key,count\r\n");
    for (size_t i = 0; i < tally->count; i++) {
        activity_csv_append_field(lines, key_of(&tally->groups[i], text));
        buffer_append_format(lines, ",%llu\r\n", (unsigned long long)tally->groups[i].count);
    }
}

/* A line for each group, whatever the format; the table is made for eyes already. */
enum status group_output_write(struct cli_output *output, enum row_format format,
                               const struct activity_tally *tally, struct error *err)
{
    struct buffer lines;
    enum row_format chosen = row_format_choose(format, output->is_terminal);
    buffer_init(&lines, LINES_BYTES_MAX);
    if (chosen == ROW_FORMAT_TABLE) {
        append_table(&lines, tally, output->columns);
    } else if (chosen == ROW_FORMAT_JSON) {
        append_json_array(&lines, tally);
    } else if (chosen == ROW_FORMAT_CSV) {
        append_csv(&lines, tally);
    } else {
        append_json_lines(&lines, tally);
    }
    enum status status = lines.failed;
    if (status != STATUS_OK) {
        error_set(err, status, 0, "there is no memory for so many lines");
    } else {
        status = chosen == ROW_FORMAT_TABLE
                     ? cli_output_write_shown(output, buffer_str(&lines), err)
                     : cli_output_write(output, buffer_str(&lines), err);
    }
    buffer_deinit(&lines);
    return status == STATUS_OK ? cli_output_flush(output, err) : status;
}
