#include "application/activity_csv.h"

#include "base/timestamp.h"

/* What spreadsheets look at first; a tab and a CR are passed over by some of them. */
static bool begins_formula(struct str text)
{
    return text.len > 0 && memchr("=+-@\t\r", text.data[0], 6) != NULL;
}

static bool needs_quotes(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (memchr("\",\r\n", text.data[i], 4) != NULL) {
            return true;
        }
    }
    return false;
}

void activity_csv_append_field(struct buffer *out_line, struct str text)
{
    bool quoted = needs_quotes(text);
    buffer_append(out_line, "\"", quoted);
    buffer_append(out_line, "'", begins_formula(text));
    while (text.len > 0) {
        const char *quote = memchr(text.data, '"', text.len);
        size_t len = quote == NULL ? text.len : (size_t)(quote - text.data) + 1;
        buffer_append(out_line, text.data, len);
        buffer_append(out_line, "\"", quote != NULL); /* doubled */
        text = (struct str){text.data + len, text.len - len};
    }
    buffer_append(out_line, "\"", quoted);
}

void activity_csv_append(struct buffer *out_line, const struct activity *activity)
{
    char time[TIMESTAMP_TEXT_BYTES];
    timestamp_format(activity->timestamp_ms, time);
    activity_csv_append_field(out_line, activity->id);
    buffer_append_char(out_line, ',');
    activity_csv_append_field(out_line, activity->user_id);
    buffer_append_char(out_line, ',');
    activity_csv_append_field(out_line, activity->action);
    buffer_append_char(out_line, ',');
    buffer_append(out_line, time, sizeof time);
    buffer_append_char(out_line, ',');
    activity_csv_append_field(out_line, activity->metadata);
    buffer_append_literal(out_line, "\r\n");
}
