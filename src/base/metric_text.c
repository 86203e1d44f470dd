#include "base/metric_text.h"

#include "base/assert.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

enum { SECONDS_BYTES = 32 };

static const char *const type_names[] = {
    [METRIC_COUNTER] = "counter",
    [METRIC_GAUGE] = "gauge",
    [METRIC_HISTOGRAM] = "histogram",
};

/* Names --------------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name(const char *name)
{
    bool fine = is_letter(name[0]);
    for (const char *at = name; *at != '\0'; at++) {
        fine = fine && (is_letter(*at) || (*at >= '0' && *at <= '9'));
    }
    return fine;
}

static bool ends_in_total(const char *name)
{
    struct str text = str_from(name);
    struct str end = STR("_total");
    return text.len > end.len &&
           str_equal((struct str){text.data + text.len - end.len, end.len}, end);
}

/* Texts --------------------------------------------------------------------------------------- */

/* Quotes are escaped in values of labels only. */
static void append_escaped(struct buffer *buffer, struct str text, bool in_quotes)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '\n') {
            buffer_append_literal(buffer, "\\n");
            continue;
        }
        if (c == '\\' || (c == '"' && in_quotes)) {
            buffer_append_char(buffer, '\\');
        }
        buffer_append_char(buffer, c);
    }
}

static void append_label(struct buffer *buffer, const char *name, struct str value)
{
    ASSERT(is_name(name));
    buffer_append_str(buffer, str_from(name));
    buffer_append_literal(buffer, "=\"");
    append_escaped(buffer, value, true);
    buffer_append_char(buffer, '"');
}

/* Exactly, without zeros at the end: "0.005", "10". */
static struct str format_seconds(uint64_t ns, char out_text[SECONDS_BYTES])
{
    int len = snprintf(out_text, SECONDS_BYTES, "%" PRIu64 ".%09" PRIu64,
                       ns / NANOSECONDS_PER_SECOND, ns % NANOSECONDS_PER_SECOND);
    while (out_text[len - 1] == '0') {
        len--;
    }
    len -= out_text[len - 1] == '.';
    return (struct str){out_text, (size_t)len};
}

/* Families ------------------------------------------------------------------------------------ */

void metric_begin(struct metric_text *text, const struct metric *metric)
{
    struct buffer *buffer = text->buffer;
    ASSERT(is_name(metric->name));
    ASSERT(ends_in_total(metric->name) == (metric->type == METRIC_COUNTER));
    buffer_append_format(buffer, "# HELP %s ", metric->name);
    append_escaped(buffer, str_from(metric->help), false);
    buffer_append_format(buffer, "\n# TYPE %s %s\n", metric->name, type_names[metric->type]);
    text->open = metric;
}

/* Name and labels of a sample; `bound` is the label that buckets have beside the others, {NULL, 0}
 * for none. */
static void begin_sample(const struct metric_text *text, const char *suffix,
                         struct metric_labels labels, struct str bound)
{
    struct buffer *buffer = text->buffer;
    char separator = '{';
    buffer_append_str(buffer, str_from(text->open->name));
    buffer_append_str(buffer, str_from(suffix));
    for (size_t i = 0; i < labels.count; i++) {
        buffer_append_char(buffer, separator);
        append_label(buffer, labels.items[i].name, labels.items[i].value);
        separator = ',';
    }
    if (bound.data != NULL) {
        buffer_append_char(buffer, separator);
        append_label(buffer, "le", bound);
        separator = ',';
    }
    buffer_append_str(buffer, separator == ',' ? STR("} ") : STR(" "));
}

static const struct str no_bound = {NULL, 0};

static void add_number(struct metric_text *text, struct metric_labels labels, struct str number)
{
    ASSERT(text->open->type != METRIC_HISTOGRAM);
    begin_sample(text, "", labels, no_bound);
    buffer_append_str(text->buffer, number);
    buffer_append_char(text->buffer, '\n');
}

void metric_add(struct metric_text *text, struct metric_labels labels, uint64_t value)
{
    char digits[SECONDS_BYTES];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, value);
    add_number(text, labels, (struct str){digits, (size_t)len});
}

void metric_add_signed(struct metric_text *text, struct metric_labels labels, int64_t value)
{
    char digits[SECONDS_BYTES];
    ASSERT(text->open->type == METRIC_GAUGE);
    int len = snprintf(digits, sizeof digits, "%" PRId64, value);
    add_number(text, labels, (struct str){digits, (size_t)len});
}

void metric_add_seconds(struct metric_text *text, struct metric_labels labels, uint64_t ns)
{
    char digits[SECONDS_BYTES];
    add_number(text, labels, format_seconds(ns, digits));
}

/* Histograms ---------------------------------------------------------------------------------- */

static void add_bucket(struct metric_text *text, struct metric_labels labels, struct str bound,
                       uint64_t count)
{
    begin_sample(text, "_bucket", labels, bound);
    buffer_append_u64(text->buffer, count);
    buffer_append_char(text->buffer, '\n');
}

static void add_ends(struct metric_text *text, struct metric_labels labels, uint64_t sum_ns,
                     uint64_t count)
{
    char digits[SECONDS_BYTES];
    begin_sample(text, "_sum", labels, no_bound);
    buffer_append_str(text->buffer, format_seconds(sum_ns, digits));
    buffer_append_char(text->buffer, '\n');
    begin_sample(text, "_count", labels, no_bound);
    buffer_append_u64(text->buffer, count);
    buffer_append_char(text->buffer, '\n');
}

/* Buckets of the format count what is below them, too. */
void metric_add_histogram(struct metric_text *text, struct metric_labels labels,
                          const struct histogram_sums *sums)
{
    char digits[SECONDS_BYTES];
    uint64_t count = 0;
    ASSERT(text->open->type == METRIC_HISTOGRAM);
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        count += sums->counts[i];
        add_bucket(text, labels, format_seconds(sums->bounds->ns[i], digits), count);
    }
    count += sums->counts[HISTOGRAM_BOUNDS];
    add_bucket(text, labels, STR("+Inf"), count);
    add_ends(text, labels, sums->sum_ns, count);
}

void metric_tell(struct metric_text *text, const struct metric *metric, uint64_t value)
{
    metric_begin(text, metric);
    metric_add(text, METRIC_NO_LABELS, value);
}

void metric_tell_seconds(struct metric_text *text, const struct metric *metric, uint64_t ns)
{
    metric_begin(text, metric);
    metric_add_seconds(text, METRIC_NO_LABELS, ns);
}
