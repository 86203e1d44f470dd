#include "application/count_grouping.h"

#include "base/timestamp.h"

enum { INTERVAL_DAYS_MAX = 365000 };

static const struct str metadata_prefix = {"metadata.", 9};

enum status count_grouping_read(struct str text, struct count_grouping *grouping, struct error *err)
{
    grouping->text = text;
    if (str_starts_with(text, metadata_prefix)) {
        grouping->kind = GROUP_BY_METADATA;
        struct str path = {text.data + metadata_prefix.len, text.len - metadata_prefix.len};
        return metadata_path_read(path, &grouping->path, err);
    }
    return activity_grouping_parse(text, &grouping->kind) && grouping->kind != GROUP_BY_METADATA
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0, "by must be " COUNT_GROUPINGS);
}

/* 0: there is no such unit. */
static int64_t unit_ms(char unit)
{
    switch (unit) {
    case 's':
        return MS_PER_SECOND;
    case 'm':
        return MS_PER_MINUTE;
    case 'h':
        return MS_PER_HOUR;
    case 'd':
        return MS_PER_DAY;
    default:
        return 0;
    }
}

enum status count_grouping_read_interval(struct str text, struct count_grouping *grouping,
                                         struct error *err)
{
    unsigned long long number = 0;
    struct str digits = {text.data, text.len == 0 ? 0 : text.len - 1};
    int64_t unit = text.len == 0 ? 0 : unit_ms(text.data[text.len - 1]);
    if (unit == 0 ||
        !str_parse_u64(digits, (unsigned long long)(INTERVAL_DAYS_MAX * MS_PER_DAY / unit),
                       &number) ||
        number == 0) {
        return error_set(err, STATUS_INVALID, 0,
                         "interval must be a number of seconds, minutes, hours or days such as "
                         "90s, 15m, 6h or 7d");
    }
    grouping->interval_ms = (int64_t)number * unit;
    return STATUS_OK;
}

enum status count_grouping_check(const struct count_grouping *grouping, struct error *err)
{
    if (grouping->kind == GROUPING_COUNT) {
        return error_set(err, STATUS_INVALID, 0, "by must be " COUNT_GROUPINGS);
    }
    bool needs_interval = grouping->kind == GROUP_BY_TIME;
    if (needs_interval == (grouping->interval_ms > 0)) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID, 0,
                     needs_interval ? "by=time needs an interval, such as interval=15m"
                                    : "interval is for by=time only");
}
