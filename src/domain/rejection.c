#include "domain/rejection.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

static void add(struct rejection *rejection, const char *pointer, const char *format,
                va_list arguments)
{
    if (rejection->count == REJECTION_FAULTS_MAX) {
        return;
    }
    struct rejection_fault *fault = &rejection->faults[rejection->count++];
    snprintf(fault->pointer, sizeof fault->pointer, "%s", pointer);
    vsnprintf(fault->detail, sizeof fault->detail, format, arguments);
    utf8_trim(fault->pointer);
    utf8_trim(fault->detail);
}

void rejection_add(struct rejection *rejection, const char *pointer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(rejection, pointer, format, arguments);
    va_end(arguments);
}

/* RFC 6901 section 3: "~" is written "~0" and "/" is written "~1". */
void rejection_pointer_append(char pointer[REJECTION_POINTER_BYTES], struct str member)
{
    size_t used = strlen(pointer);
    if (used + 2 < REJECTION_POINTER_BYTES) {
        pointer[used++] = '/';
    }
    for (size_t i = 0; i < member.len && used + 3 < REJECTION_POINTER_BYTES; i++) {
        char c = member.data[i];
        if (c == '~' || c == '/') {
            pointer[used++] = '~';
            pointer[used++] = c == '~' ? '0' : '1';
        } else if (c != '\0') {
            pointer[used++] = c;
        }
    }
    pointer[used] = '\0';
}

void rejection_add_member(struct rejection *rejection, const char *parent, struct str member,
                          const char *format, ...)
{
    char pointer[REJECTION_POINTER_BYTES];
    snprintf(pointer, sizeof pointer, "%s", parent);
    rejection_pointer_append(pointer, member);
    va_list arguments;
    va_start(arguments, format);
    add(rejection, pointer, format, arguments);
    va_end(arguments);
}
