#include "interfaces/cli/event_stream.h"

enum { LINE_BYTES_MAX = 64 << 20, ID_BYTES_MAX = 1 << 20, NAME_BYTES_MAX = 256 };

#define RETRY_MS_MAX 3600000u

void event_stream_init(struct event_stream *stream, uint64_t retry_ms, event_stream_visit *visit,
                       void *context)
{
    *stream = (struct event_stream){.visit = visit, .context = context, .retry_ms = retry_ms};
    buffer_init(&stream->last_id, ID_BYTES_MAX);
    buffer_init(&stream->id, ID_BYTES_MAX);
    buffer_init(&stream->line, LINE_BYTES_MAX);
    buffer_init(&stream->name, NAME_BYTES_MAX);
    buffer_init(&stream->data, LINE_BYTES_MAX);
}

void event_stream_deinit(struct event_stream *stream)
{
    buffer_deinit(&stream->last_id);
    buffer_deinit(&stream->id);
    buffer_deinit(&stream->line);
    buffer_deinit(&stream->name);
    buffer_deinit(&stream->data);
}

static void forget_event(struct event_stream *stream)
{
    buffer_clear(&stream->name);
    buffer_clear(&stream->data);
    stream->has_data = false;
}

void event_stream_restart(struct event_stream *stream)
{
    forget_event(stream);
    buffer_clear(&stream->line);
    buffer_clear(&stream->id);
    buffer_append_str(&stream->id, buffer_str(&stream->last_id));
    stream->after_carriage_return = false;
}

/* An event without data is none, but may move the place. */
static enum status end_event(struct event_stream *stream, struct error *err)
{
    struct str name = stream->name.len == 0 ? STR("message") : buffer_str(&stream->name);
    const struct stream_event event = {.name = name, .data = buffer_str(&stream->data)};
    enum status status = stream->has_data ? stream->visit(stream->context, &event, err) : STATUS_OK;
    if (status == STATUS_OK) {
        buffer_clear(&stream->last_id);
        buffer_append_str(&stream->last_id, buffer_str(&stream->id));
    }
    forget_event(stream);
    return status;
}

static void take_field(struct event_stream *stream, struct str name, struct str value)
{
    unsigned long long retry_ms;
    if (str_equal(name, STR("data"))) {
        buffer_append(&stream->data, "\n", stream->has_data);
        buffer_append_str(&stream->data, value);
        stream->has_data = true;
    } else if (str_equal(name, STR("event"))) {
        buffer_clear(&stream->name);
        buffer_append_str(&stream->name, value);
    } else if (str_equal(name, STR("id")) &&
               (value.len == 0 || memchr(value.data, '\0', value.len) == NULL)) {
        buffer_clear(&stream->id);
        buffer_append_str(&stream->id, value);
    } else if (str_equal(name, STR("retry")) && str_parse_u64(value, RETRY_MS_MAX, &retry_ms)) {
        stream->retry_ms = retry_ms;
    }
}

/* The line is complete. One that begins with a colon is a comment. */
static enum status take_line(struct event_stream *stream, struct error *err)
{
    struct str value = buffer_str(&stream->line);
    enum status status = STATUS_OK;
    if (value.len == 0) {
        status = end_event(stream, err);
    } else {
        struct str name = str_split(&value, ':');
        bool spaced = value.len > 0 && value.data[0] == ' ';
        struct str text =
            value.data == NULL ? STR("") : (struct str){value.data + spaced, value.len - spaced};
        take_field(stream, name, text);
    }
    buffer_clear(&stream->line);
    return status;
}

static enum status check_memory(const struct event_stream *stream, struct error *err)
{
    const struct buffer *all[] = {&stream->last_id, &stream->id, &stream->line, &stream->name,
                                  &stream->data};
    for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
        if (all[i]->failed != STATUS_OK) {
            return error_set(err, all[i]->failed, 0, "the stream says something too large");
        }
    }
    return STATUS_OK;
}

/* Up to the next end of a line, which is LF, CR or both. */
static size_t find_end(struct str piece)
{
    size_t at = 0;
    while (at < piece.len && piece.data[at] != '\n' && piece.data[at] != '\r') {
        at++;
    }
    return at;
}

enum status event_stream_take(struct event_stream *stream, struct str piece, struct error *err)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && piece.len > 0) {
        bool is_second = stream->after_carriage_return && piece.data[0] == '\n';
        size_t end = is_second ? 0 : find_end(piece);
        stream->after_carriage_return = false;
        buffer_append(&stream->line, piece.data, end);
        if (end < piece.len && !is_second) {
            stream->after_carriage_return = piece.data[end] == '\r';
            status = take_line(stream, err);
        }
        size_t used = end + (end < piece.len);
        piece = (struct str){piece.data + used, piece.len - used};
        status = status == STATUS_OK ? check_memory(stream, err) : status;
    }
    return status;
}
