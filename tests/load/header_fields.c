#include "header_fields.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const own_names[] = {"Host",    "Content-Type", "Content-Length",
                                        "Trailer", "Connection",   "Transfer-Encoding",
                                        "TE",      "Upgrade",      "Expect"};

// A token of RFC 9110, section 5.6.2.
static bool is_name(const char *name, size_t len)
{
    for (size_t at = 0; at < len; at++) {
        bool alphanumeric = (name[at] >= '0' && name[at] <= '9') ||
                            (name[at] >= 'A' && name[at] <= 'Z') ||
                            (name[at] >= 'a' && name[at] <= 'z');
        if (!alphanumeric && (name[at] == '\0' || strchr("!#$%&'*+-.^_`|~", name[at]) == NULL))
            return false;
    }
    return len > 0;
}

static bool is_own_name(const char *name, size_t len)
{
    for (size_t index = 0; index < sizeof own_names / sizeof *own_names; index++)
        if (strlen(own_names[index]) == len && strncasecmp(own_names[index], name, len) == 0)
            return true;
    return false;
}

static bool has_control_character(const char *text, size_t len)
{
    for (size_t at = 0; at < len; at++)
        if (((unsigned char)text[at] < 0x20 && text[at] != '\t') || text[at] == 0x7f)
            return true;
    return false;
}

const char *header_fields_add(struct header_fields *fields, const char *field, size_t len)
{
    const char *colon = memchr(field, ':', len);
    size_t name_len = colon != NULL ? (size_t)(colon - field) : 0;
    if (colon == NULL || !is_name(field, name_len))
        return "is not \"Name: value\"";
    if (is_own_name(field, name_len))
        return "is a field that the client writes itself";
    if (has_control_character(field, len))
        return "has an end of line or another control character";
    if (len + 2 > HEADER_FIELDS_BYTES_MAX - fields->len)
        return "makes the fields longer than 2048 bytes";
    memcpy(fields->text + fields->len, field, len);
    memcpy(fields->text + fields->len + len, "\r\n", 3);
    fields->len += len + 2;
    return NULL;
}

static void add_set(struct header_field_sets *sets, const char *path, const char *line, size_t len)
{
    // In powers of two: as many calls as a set of keys has digits.
    if ((sets->count & (sets->count - 1)) == 0)
        sets->sets = tool_reallocate(sets->sets, (sets->count > 0 ? 2 * (size_t)sets->count : 1) *
                                                     sizeof *sets->sets);
    struct header_fields *set = &sets->sets[sets->count];
    set->len = 0;
    const char *problem = header_fields_add(set, line, len);
    if (problem == NULL && ++sets->count > HEADER_FIELD_SETS_MAX)
        problem = "is one too many";
    if (problem != NULL)
        tool_fail(TOOL_USAGE, "%s: field %u %s", path, sets->count + (set->len == 0), problem);
}

void header_field_sets_read(const char *path, struct header_field_sets *out_sets)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t capacity = 0;
    if (file == NULL)
        tool_fail(TOOL_USAGE, "%s cannot be read: %s", path, strerror(errno));
    *out_sets = (struct header_field_sets){0};
    for (ssize_t len; (len = getline(&line, &capacity, file)) >= 0;) {
        if (len > 0 && line[len - 1] == '\n')
            len--;
        if (len > 0)
            add_set(out_sets, path, line, (size_t)len);
    }
    if (ferror(file) || out_sets->count == 0)
        tool_fail(TOOL_USAGE, "%s has no header fields", path);
    free(line);
    fclose(file);
}

void header_field_sets_deinit(struct header_field_sets *sets)
{
    free(sets->sets);
    *sets = (struct header_field_sets){0};
}

const char *header_field_sets_text(const struct header_field_sets *sets, uint32_t connection)
{
    return sets->count > 0 ? sets->sets[connection % sets->count].text : "";
}
