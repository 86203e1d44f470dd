#include "interfaces/cli/row_format.h"

#include <string.h>

static const char *const names[] = {[ROW_FORMAT_TABLE] = "table",
                                    [ROW_FORMAT_JSON] = "json",
                                    [ROW_FORMAT_CSV] = "csv",
                                    [ROW_FORMAT_NDJSON] = "ndjson"};

enum status row_format_read(const char *value, enum row_format *out_format, struct error *err)
{
    for (size_t i = ROW_FORMAT_TABLE; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(value, names[i]) == 0) {
            *out_format = (enum row_format)i;
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_INVALID, 0, "--format must be table, json, csv or ndjson");
}

enum row_format row_format_choose(enum row_format format, bool is_terminal)
{
    if (format != ROW_FORMAT_USUAL) {
        return format;
    }
    return is_terminal ? ROW_FORMAT_TABLE : ROW_FORMAT_NDJSON;
}
