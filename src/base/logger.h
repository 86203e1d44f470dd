#pragma once
/*
 * Structured log lines on a file descriptor: one JSON object a line for machines, aligned text for
 * people. A line is one write, so lines of several threads do not mix; message and values are
 * escaped (visible_text.h), so input can neither forge a line nor act on a terminal. Main, HTTP and
 * threads that have no caller (the worker, the log's own) write lines; everything else returns
 * errors. A line for which its reader has no room is dropped and counted (linesLost), so logging
 * never holds up who logs. Any thread.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

enum { LOG_LINE_BYTES_MAX = 4096 }; /* a longer line is cut and still well formed */

struct logger {
    const struct clock *clock;
    int descriptor;
    enum log_format format;
    bool colours;         /* of LOG_FORMAT_TEXT, for a terminal */
    enum log_level level; /* lines below are dropped */
};

struct log_field {
    const char *name;
    struct str text; /* when .data is NULL the number counts */
    int64_t number;
};

static inline struct log_field log_text(const char *name, struct str text)
{
    return (struct log_field){.name = name, .text = text.data == NULL ? STR("") : text};
}

static inline struct log_field log_number(const char *name, int64_t number)
{
    return (struct log_field){.name = name, .number = number};
}

/* As settings and lines name it. */
const char *log_level_name(enum log_level level);

/* The level may be changed while others write lines. */
static inline enum log_level logger_level(const struct logger *logger)
{
    return __atomic_load_n(&logger->level, __ATOMIC_RELAXED);
}

static inline void logger_set_level(struct logger *logger, enum log_level level)
{
    __atomic_store_n(&logger->level, level, __ATOMIC_RELAXED);
}

/* Whether a line of this level is written, for who would do work for it. */
static inline bool log_is_on(const struct logger *logger, enum log_level level)
{
    return level >= logger_level(logger);
}

/* log_write(logger, LOG_INFO, "segment rolled", LOG_FIELDS(log_number("segment", 7))) */
#define LOG_FIELDS(...)                                                                            \
    (const struct log_field[]){__VA_ARGS__}, ARRAY_LENGTH(((const struct log_field[]){__VA_ARGS__}))
#define LOG_NO_FIELDS NULL, 0

void log_write(const struct logger *logger, enum log_level level, const char *message,
               const struct log_field *fields, size_t field_count);

/* One line for one failure: the message, the error's words, its status and cause. */
void log_error(const struct logger *logger, const char *message, const struct error *err);
