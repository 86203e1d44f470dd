#include "base/logger.h"

#include "base/buffer.h"
#include "base/timestamp.h"
#include "base/visible_text.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

_Static_assert(LOG_LINE_BYTES_MAX <= PIPE_BUF, "a line is one write that never waits");

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARNING] = "warning",
    [LOG_ERROR] = "error",
};

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

/* How a terminal shows them (ECMA-48, SGR); NULL: as everything else. */
static const char *const level_colours[] = {
    [LOG_DEBUG] = "\x1b[2m",
    [LOG_INFO] = NULL,
    [LOG_WARNING] = "\x1b[33m",
    [LOG_ERROR] = "\x1b[1;31m",
};

#define DIM   "\x1b[2m"
#define PLAIN "\x1b[0m"

static void append_time(struct buffer *line, const struct logger *logger)
{
    char text[TIMESTAMP_TEXT_BYTES];
    timestamp_format(clock_wall_ms(logger->clock), text);
    buffer_append(line, text, sizeof text);
}

static void append_value(struct buffer *line, const struct log_field *field)
{
    if (field->text.data != NULL) {
        visible_text_append_string(line, field->text);
    } else {
        buffer_append_i64(line, field->number);
    }
}

static void append_json_member(struct buffer *line, const struct log_field *field)
{
    buffer_append_char(line, ',');
    visible_text_append_string(line, str_from(field->name));
    buffer_append_char(line, ':');
    append_value(line, field);
}

typedef void append_member(struct buffer *line, const struct log_field *field);

/* A member that would make the line too long is left out whole, so that the line stays JSON. */
static void append_bounded(struct buffer *line, const struct log_field *field,
                           append_member *append)
{
    size_t before = line->len;
    append(line, field);
    if (line->failed != STATUS_OK || line->len > LOG_LINE_BYTES_MAX - 2) {
        line->failed = STATUS_OK;
        line->len = before;
    }
}

static void append_json_line(struct buffer *line, const struct logger *logger, enum log_level level,
                             const char *message)
{
    buffer_append_literal(line, "{\"time\":\"");
    append_time(line, logger);
    buffer_append_literal(line, "\",\"level\":\"");
    buffer_append_str(line, str_from(level_names[level]));
    buffer_append_char(line, '"');
    append_bounded(line, &(struct log_field){.name = "message", .text = str_from(message)},
                   append_json_member);
}

static void append_text_member(struct buffer *line, const struct log_field *field)
{
    buffer_append_char(line, ' ');
    buffer_append_str(line, str_from(field->name));
    buffer_append_char(line, '=');
    append_value(line, field);
}

static void append_coloured_member(struct buffer *line, const struct log_field *field)
{
    buffer_append_literal(line, " " DIM);
    buffer_append_str(line, str_from(field->name));
    buffer_append_literal(line, "=" PLAIN);
    append_value(line, field);
}

/* As much of it as leaves room for what follows. */
static void append_text_message(struct buffer *line, const char *message)
{
    struct str rest = str_from(message);
    char escape[VISIBLE_ESCAPE_BYTES];
    while (rest.len > 0 && line->len < LOG_LINE_BYTES_MAX / 2) {
        buffer_append_str(line, visible_text_next(&rest, escape));
    }
}

static void append_text_line(struct buffer *line, const struct logger *logger, enum log_level level,
                             const char *message)
{
    const char *colour = logger->colours ? level_colours[level] : NULL;
    if (logger->colours) {
        buffer_append_literal(line, DIM);
    }
    append_time(line, logger);
    if (logger->colours) {
        buffer_append_literal(line, PLAIN);
    }
    buffer_append_format(line, " %s%-7s%s ", colour == NULL ? "" : colour, level_names[level],
                         colour == NULL ? "" : PLAIN);
    append_text_message(line, message);
}

static _Atomic uint64_t lines_lost;

/* A pipe that has room at all has room for PIPE_BUF bytes, which no line passes, so a write behind
 * this does not wait. */
static bool has_room(int descriptor)
{
    struct pollfd look = {.fd = descriptor, .events = POLLOUT};
    return poll(&look, 1, 0) == 1 && (look.revents & POLLOUT) != 0;
}

static bool write_all(int descriptor, struct str line)
{
    while (line.len > 0) {
        ssize_t written = write(descriptor, line.data, line.len);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        if (written > 0) {
            line.data += written;
            line.len -= (size_t)written;
        }
    }
    return true;
}

/* There is nowhere left to say that logging failed, so a failure drops the line. */
static void write_line(int descriptor, struct str line)
{
    /* One at a time: what one thread has seen room for, another must not take. */
    static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&writing);
    if (!has_room(descriptor) || !write_all(descriptor, line)) {
        atomic_fetch_add(&lines_lost, 1);
    }
    pthread_mutex_unlock(&writing);
}

void log_write(const struct logger *logger, enum log_level level, const char *message,
               const struct log_field *fields, size_t field_count)
{
    if (!log_is_on(logger, level)) {
        return;
    }
    bool json = logger->format == LOG_FORMAT_JSON;
    append_member *append = json              ? append_json_member
                            : logger->colours ? append_coloured_member
                                              : append_text_member;
    struct buffer line;
    buffer_init(&line, LOG_LINE_BYTES_MAX);
    if (json) {
        append_json_line(&line, logger, level, message);
    } else {
        append_text_line(&line, logger, level, message);
    }
    for (size_t i = 0; i < field_count; i++) {
        append_bounded(&line, &fields[i], append);
    }
    uint64_t lost = atomic_load(&lines_lost);
    if (lost > 0) {
        struct log_field field = log_number("linesLost", (int64_t)lost);
        append_bounded(&line, &field, append);
    }
    buffer_append_str(&line, json ? STR("}\n") : STR("\n"));
    write_line(logger->descriptor, buffer_str(&line));
    buffer_deinit(&line);
}

void log_error(const struct logger *logger, const char *message, const struct error *err)
{
    log_write(logger, LOG_ERROR, message,
              LOG_FIELDS(log_text("reason", str_from(err->message)),
                         log_text("status", str_from(status_name(err->status))),
                         log_number("errno", err->cause)));
}
