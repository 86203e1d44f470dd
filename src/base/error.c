#include "base/error.h"

#include "base/assert.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PATH_SHOWN_BYTES = 60 };

enum status error_set(struct error *err, enum status status, int cause, const char *format, ...)
{
    ASSERT(status != STATUS_OK);
    if (err == NULL) {
        return status;
    }
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    if (len >= (int)sizeof err->message) {
        utf8_trim(err->message);
    }
    err->status = status;
    err->cause = cause;
    return status;
}

static enum status status_of_cause(int cause)
{
    switch (cause) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return STATUS_NO_SPACE;
    case ENOMEM:
        return STATUS_NO_MEMORY;
    default:
        return STATUS_UNAVAILABLE;
    }
}

enum status error_set_system(struct error *err, int cause, const char *format, ...)
{
    char what[ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    char text[64];
    return error_set(err, status_of_cause(cause), cause, "%s: %s", what,
                     strerror_r(cause, text, sizeof text));
}

const char *error_path(const char *path)
{
    size_t len = strlen(path);
    const char *shown = len <= PATH_SHOWN_BYTES ? path : path + len - PATH_SHOWN_BYTES;
    while (((unsigned char)*shown & 0xc0u) == 0x80u && shown != path) {
        shown++; /* within a character */
    }
    return shown;
}
