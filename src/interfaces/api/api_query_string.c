#include "interfaces/api/api_query_string.h"

#include "base/assert.h"
#include "base/digits.h"
#include "base/utf8.h"
#include "interfaces/api/api_filter_parameters.h"

#include <stdio.h>

static bool decode_escape(struct str text, size_t at, char *out_char)
{
    unsigned high;
    unsigned low;
    if (text.len - at < 3 || !digits_parse_hex(text.data[at + 1], &high) ||
        !digits_parse_hex(text.data[at + 2], &low)) {
        return false;
    }
    *out_char = (char)(high << 4 | low);
    return true;
}

enum status api_percent_decode(struct str text, bool plus_is_space, struct arena *arena,
                               struct str *out_text)
{
    char *decoded = arena_allocate(arena, text.len + 1);
    if (decoded == NULL) {
        return STATUS_NO_MEMORY;
    }
    size_t len = 0;
    for (size_t at = 0; at < text.len; len++) {
        if (text.data[at] == '%') {
            if (!decode_escape(text, at, &decoded[len])) {
                return STATUS_INVALID;
            }
            at += 3;
        } else {
            decoded[len] = plus_is_space && text.data[at] == '+' ? ' ' : text.data[at];
            at++;
        }
    }
    struct str result = {decoded, len};
    size_t code_points;
    if (memchr(decoded, '\0', len) != NULL || !utf8_count(result, &code_points)) {
        return STATUS_INVALID;
    }
    *out_text = result;
    return STATUS_OK;
}

/* Parameters of the list --------------------------------------------------------------------- */

static enum status read_limit(struct str value, int max, size_t *out_limit, struct error *err)
{
    unsigned long long limit;
    if (!str_parse_u64(value, (unsigned long long)max, &limit) || limit == 0) {
        return error_set(err, STATUS_INVALID, 0, "limit must be a number from 1 to %d", max);
    }
    *out_limit = (size_t)limit;
    return STATUS_OK;
}

static enum status read_list_limit(const struct api_parameter_target *target, struct str value,
                                   struct error *err)
{
    return read_limit(value, FIND_LIMIT_MAX, &target->find->limit, err);
}

static enum status read_page(const struct api_parameter_target *target, struct str value,
                             struct error *err)
{
    unsigned long long page;
    if (!str_parse_u64(value, UINT32_MAX, &page) || page == 0) {
        return error_set(err, STATUS_INVALID, 0, "page must be a number from 1 up");
    }
    target->find->page = (size_t)page;
    return STATUS_OK;
}

static enum status read_cursor(const struct api_parameter_target *target, struct str value,
                               struct error *err)
{
    (void)err; /* an empty or wrong cursor is told by who decodes it */
    target->find->cursor = value;
    return STATUS_OK;
}

static enum status read_order(const struct api_parameter_target *target, struct str value,
                              struct error *err)
{
    if (str_equal(value, STR("asc"))) {
        target->find->order = ORDER_OLDEST_FIRST;
    } else if (str_equal(value, STR("desc"))) {
        target->find->order = ORDER_NEWEST_FIRST;
    } else {
        return error_set(err, STATUS_INVALID, 0,
                         "order must be asc (oldest first) or desc (newest first)");
    }
    return STATUS_OK;
}

static enum status read_after(const struct api_parameter_target *target, struct str value,
                              struct error *err)
{
    (void)err; /* likewise */
    *target->after = value;
    return STATUS_OK;
}

static enum status read_count(const struct api_parameter_target *target, struct str value,
                              struct error *err)
{
    bool counts = str_equal(value, STR("true"));
    if (!counts && !str_equal(value, STR("false"))) {
        return error_set(err, STATUS_INVALID, 0, "count must be true or false");
    }
    target->find->counts = counts;
    return STATUS_OK;
}

static const struct api_parameter list_parameters[] = {
    {{"limit", 5}, false, read_list_limit}, {{"page", 4}, false, read_page},
    {{"cursor", 6}, false, read_cursor},    {{"order", 5}, false, read_order},
    {{"count", 5}, false, read_count},      {{"after", 5}, false, read_after},
};

static const struct api_parameter one_parameters[] = {
    {{"after", 5}, false, read_after},
};

/* Parameters of an export -------------------------------------------------------------------- */

static enum status read_format(const struct api_parameter_target *target, struct str value,
                               struct error *err)
{
    *target->csv = str_equal(value, STR("csv"));
    return *target->csv || str_equal(value, STR("ndjson"))
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0, "format must be ndjson or csv");
}

static const struct api_parameter export_parameters[] = {
    {{"format", 6}, false, read_format},
    {{"order", 5}, false, read_order},
};

/* Parameters of counts ----------------------------------------------------------------------- */

static enum status read_by(const struct api_parameter_target *target, struct str value,
                           struct error *err)
{
    return count_grouping_read(value, &target->count->grouping, err);
}

static enum status read_interval(const struct api_parameter_target *target, struct str value,
                                 struct error *err)
{
    return count_grouping_read_interval(value, &target->count->grouping, err);
}

static enum status read_count_limit(const struct api_parameter_target *target, struct str value,
                                    struct error *err)
{
    return read_limit(value, COUNT_LIMIT_MAX, &target->count->limit, err);
}

static const struct api_parameter stats_parameters[] = {
    {{"by", 2}, false, read_by},
    {{"interval", 8}, false, read_interval},
    {{"limit", 5}, false, read_count_limit},
    {{"after", 5}, false, read_after},
};

/* Parameters of the refused list -------------------------------------------------------------- */

static enum status read_refusals_limit(const struct api_parameter_target *target, struct str value,
                                       struct error *err)
{
    return read_limit(value, LIST_REFUSALS_LIMIT_MAX, &target->refusals->limit, err);
}

static enum status read_refusals_cursor(const struct api_parameter_target *target, struct str value,
                                        struct error *err)
{
    (void)err;
    target->refusals->cursor = value;
    return STATUS_OK;
}

static const struct api_parameter refused_parameters[] = {
    {{"limit", 5}, false, read_refusals_limit},
    {{"cursor", 6}, false, read_refusals_cursor},
};

/* Parameters of one user's summary ------------------------------------------------------------ */

static enum status read_summary_limit(const struct api_parameter_target *target, struct str value,
                                      struct error *err)
{
    return read_limit(value, SUMMARY_SESSIONS_MAX, &target->summary->limit, err);
}

static enum status read_summary_cursor(const struct api_parameter_target *target, struct str value,
                                       struct error *err)
{
    (void)err;
    target->summary->cursor = value;
    return STATUS_OK;
}

static enum status read_summary_user(const struct api_parameter_target *target, struct str value,
                                     struct error *err)
{
    (void)err; /* one without a name is told when all was read */
    target->summary->user_id = value;
    return STATUS_OK;
}

/* The user last, who may stand in the path. */
static const struct api_parameter summary_parameters[] = {
    {{"limit", 5}, false, read_summary_limit},
    {{"cursor", 6}, false, read_summary_cursor},
    {{"after", 5}, false, read_after},
    {{"userId", 6}, false, read_summary_user},
};

/* Parameters of all about one user ------------------------------------------------------------ */

static enum status read_lines_format(const struct api_parameter_target *target, struct str value,
                                     struct error *err)
{
    (void)target;
    return str_equal(value, STR("ndjson"))
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0,
                           "format must be ndjson: what was refused has no columns");
}

/* The user last, likewise. */
static const struct api_parameter user_export_parameters[] = {
    {{"format", 6}, false, read_lines_format},
    {{"userId", 6}, false, read_summary_user},
};

/* Reading ------------------------------------------------------------------------------------ */

enum { PARAMETERS_MAX = 16 };

const struct api_parameter_set api_list_parameters = {
    .own = list_parameters, .own_count = ARRAY_LENGTH(list_parameters), .has_filter = true};
const struct api_parameter_set api_timeline_parameters = {.own = list_parameters,
                                                          .own_count =
                                                              ARRAY_LENGTH(list_parameters),
                                                          .has_filter = true,
                                                          .user_in_path = true};
const struct api_parameter_set api_export_parameters = {
    .own = export_parameters, .own_count = ARRAY_LENGTH(export_parameters), .has_filter = true};
const struct api_parameter_set api_one_parameters = {.own = one_parameters,
                                                     .own_count = ARRAY_LENGTH(one_parameters)};
const struct api_parameter_set api_stats_parameters = {
    .own = stats_parameters, .own_count = ARRAY_LENGTH(stats_parameters), .has_filter = true};
const struct api_parameter_set api_stream_parameters = {.has_filter = true, .has_no_times = true};
const struct api_parameter_set api_refused_parameters = {
    .own = refused_parameters, .own_count = ARRAY_LENGTH(refused_parameters)};

const struct api_parameter_set api_summary_parameters = {
    .own = summary_parameters, .own_count = ARRAY_LENGTH(summary_parameters) - 1};
const struct api_parameter_set api_summary_of_query_parameters = {
    .own = summary_parameters, .own_count = ARRAY_LENGTH(summary_parameters)};

const struct api_parameter_set api_user_export_parameters = {
    .own = user_export_parameters, .own_count = ARRAY_LENGTH(user_export_parameters) - 1};
const struct api_parameter_set api_user_export_of_query_parameters = {
    .own = user_export_parameters, .own_count = ARRAY_LENGTH(user_export_parameters)};

/* Which parameters there are, what they fill, and which appeared already. */
struct query_reading {
    const struct api_parameter_set *set;
    const struct api_parameter_target *target;
    struct arena *arena;
    bool seen[PARAMETERS_MAX];
};

enum { NAME_SHOWN_MAX = 48 };

struct str api_query_shown(struct str name)
{
    struct str rest = {name.data, name.len > NAME_SHOWN_MAX ? NAME_SHOWN_MAX : name.len};
    uint32_t code_point;
    while (rest.len > 0 && utf8_next(&rest, &code_point)) {
    }
    return (struct str){name.data, (size_t)(rest.data - name.data)};
}

/* Single names, which handlers look for themselves. */
static const struct api_parameter user_parameters[] = {{{"userId", 6}, false, NULL}};
static const struct api_parameter post_parameters[] = {{{"dry_run", 7}, false, NULL}};
static const struct api_parameter verbose_parameters[] = {{{"verbose", 7}, false, NULL}};

const struct api_parameter_set api_user_parameters = {.own = user_parameters,
                                                      .own_count = ARRAY_LENGTH(user_parameters)};
const struct api_parameter_set api_post_parameters = {.own = post_parameters,
                                                      .own_count = ARRAY_LENGTH(post_parameters)};
const struct api_parameter_set api_verbose_parameters = {
    .own = verbose_parameters, .own_count = ARRAY_LENGTH(verbose_parameters)};

const struct api_parameter *api_parameter_at(const struct api_parameter_set *set, size_t index)
{
    size_t of_filter = api_filter_parameter_count(set);
    if (index < of_filter) {
        return api_filter_parameter_at(set, index);
    }
    index -= of_filter;
    return index < set->own_count ? &set->own[index] : NULL;
}

enum { NAMES_BYTES_MAX = 128 };

/* Returns the new length; a name that does not fit is left out: the document has them all. */
static size_t list_name(char text[NAMES_BYTES_MAX], size_t len, struct str name)
{
    size_t room = NAMES_BYTES_MAX - len;
    int written = snprintf(text + len, room, "%s%.*s", len == 0 ? "" : ", ", STR_FORMAT(name));
    return written >= 0 && (size_t)written < room ? len + (size_t)written : len;
}

/* "userId, action, limit", for people, and of those with a "not." in front only that there are
 * such. */
static struct str list_names(const struct api_parameter_set *set, char text[NAMES_BYTES_MAX])
{
    size_t len = 0;
    size_t of_filter = api_filter_parameter_count(set);
    const struct api_parameter *parameter;
    for (size_t i = 0; (parameter = api_parameter_at(set, i)) != NULL; i++) {
        len =
            api_filter_parameter_excludes(parameter) ? len : list_name(text, len, parameter->name);
        if (i + 1 == of_filter) {
            len = list_name(text, len, STR("metadata.<path>"));
            len = list_name(text, len, STR("not.<field>"));
        }
    }
    return (struct str){text, len};
}

static enum status refuse_name(const struct api_parameter_set *set, struct str name,
                               struct error *err)
{
    char names[NAMES_BYTES_MAX];
    return error_set(err, STATUS_INVALID, 0, "the parameter %.*s is not known; there are %.*s",
                     STR_FORMAT(api_query_shown(name)), STR_FORMAT(list_names(set, names)));
}

static enum status read_value(struct query_reading *reading, struct str name, struct str value,
                              struct error *err)
{
    if (reading->set->has_filter) {
        enum status status = api_filter_read_metadata(reading->target, name, value, err);
        if (status != STATUS_NOT_FOUND) {
            return status;
        }
    }
    size_t index = 0;
    const struct api_parameter *parameter = api_parameter_at(reading->set, index);
    while (parameter != NULL && !str_equal(parameter->name, name)) {
        parameter = api_parameter_at(reading->set, ++index);
    }
    if (parameter == NULL) {
        return refuse_name(reading->set, name, err);
    }
    if (reading->seen[index] && !parameter->repeatable) {
        return error_set(err, STATUS_INVALID, 0, "the parameter %.*s may appear once only",
                         STR_FORMAT(name));
    }
    reading->seen[index] = true;
    return parameter->read(reading->target, value, err);
}

static enum status read_pair(struct query_reading *reading, struct str pair, struct error *err)
{
    struct str raw_name = str_split(&pair, '=');
    struct str name;
    struct str value;
    enum status status = api_percent_decode(raw_name, true, reading->arena, &name);
    if (status == STATUS_OK) {
        status = api_percent_decode(pair, true, reading->arena, &value);
    }
    if (status == STATUS_INVALID) {
        return error_set(err, status, 0, "the parameter %.*s is not percent-encoded UTF-8",
                         STR_FORMAT(api_query_shown(raw_name)));
    }
    if (status != STATUS_OK) {
        return error_set(err, status, 0, "there is no memory for so long a query");
    }
    return read_value(reading, name, value, err);
}

/* Metadata has no index: something else must say which activities are looked at. Any parameter of
 * the filter does that asks for something; what is left of all without some is as good as all. */
static enum status check_metadata(const struct query_reading *reading, struct error *err)
{
    const struct activity_filter *filter = reading->target->filter;
    const struct count_activities_question *count = reading->target->count;
    bool groups = count != NULL && count->grouping.kind == GROUP_BY_METADATA;
    bool narrowed = filter == NULL || (!activity_filter_asks_metadata(filter) && !groups);
    /* A stream looks at every row anyway. */
    narrowed = narrowed || reading->set->user_in_path || reading->set->has_no_times;
    for (size_t i = 0; i < api_filter_parameter_count(reading->set) && !narrowed; i++) {
        const struct api_parameter *parameter = api_parameter_at(reading->set, i);
        narrowed = reading->seen[i] && !api_filter_parameter_excludes(parameter);
    }
    return narrowed ? STATUS_OK
                    : error_set(err, STATUS_INVALID, 0,
                                "metadata.<path> needs userId, action, from or to beside it, which "
                                "say in what activities it is looked for");
}

static enum status read_query(const struct api_parameter_set *set,
                              const struct api_parameter_target *target, struct str query,
                              struct arena *arena, struct error *err)
{
    struct query_reading reading = {.set = set, .target = target, .arena = arena};
    ASSERT(api_filter_parameter_count(set) + set->own_count <= PARAMETERS_MAX);
    if (target->filter != NULL) {
        api_filter_begin(target);
    }
    enum status status = STATUS_OK;
    while (status == STATUS_OK && query.data != NULL) {
        struct str pair = str_split(&query, '&');
        if (pair.len > 0) {
            status = read_pair(&reading, pair, err);
        }
    }
    return status == STATUS_OK ? check_metadata(&reading, err) : status;
}

static enum status read_list(const struct api_parameter_set *set, struct str query,
                             struct arena *arena, struct api_question *out_question,
                             struct error *err)
{
    struct find_activities_question *find = &out_question->find;
    *find =
        (struct find_activities_question){.order = ORDER_NEWEST_FIRST, .limit = FIND_LIMIT_DEFAULT};
    out_question->after = (struct str){0};
    const struct api_parameter_target target = {.filter = &find->filter,
                                                .texts = &out_question->texts,
                                                .after = &out_question->after,
                                                .find = find};
    return read_query(set, &target, query, arena, err);
}

enum status api_question_read(struct str query, struct arena *arena,
                              struct api_question *out_question, struct error *err)
{
    return read_list(&api_list_parameters, query, arena, out_question, err);
}

enum status api_timeline_question_read(struct str query, const struct str *user_id,
                                       struct arena *arena, struct api_question *out_question,
                                       struct error *err)
{
    const struct api_parameter_set *set =
        user_id == NULL ? &api_list_parameters : &api_timeline_parameters;
    struct activity_filter *filter = &out_question->find.filter;
    enum status status = read_list(set, query, arena, out_question, err);
    if (status == STATUS_OK && user_id != NULL) {
        out_question->texts.user_ids[filter->user_ids.count++] = *user_id;
    }
    return status != STATUS_OK || filter->user_ids.count == 1
               ? status
               : error_set(err, STATUS_INVALID, 0,
                           "name one user: GET /api/v1/users/activities?userId=...");
}

enum status api_export_question_read(struct str query, struct arena *arena,
                                     struct api_export_question *out_question, struct error *err)
{
    out_question->find = (struct find_activities_question){.order = ORDER_OLDEST_FIRST};
    out_question->csv = false;
    const struct api_parameter_target target = {.filter = &out_question->find.filter,
                                                .texts = &out_question->texts,
                                                .find = &out_question->find,
                                                .csv = &out_question->csv};
    return read_query(&api_export_parameters, &target, query, arena, err);
}

enum status api_one_question_read(struct str query, struct arena *arena, struct str *out_after,
                                  struct error *err)
{
    *out_after = (struct str){0};
    const struct api_parameter_target target = {.after = out_after};
    return read_query(&api_one_parameters, &target, query, arena, err);
}

enum status api_stats_question_read(struct str query, struct arena *arena,
                                    struct api_stats_question *out_question, struct error *err)
{
    struct count_activities_question *count = &out_question->count;
    *count = (struct count_activities_question){.grouping.kind = GROUPING_COUNT,
                                                .limit = COUNT_LIMIT_DEFAULT};
    out_question->after = (struct str){0};
    const struct api_parameter_target target = {.filter = &count->filter,
                                                .texts = &out_question->texts,
                                                .after = &out_question->after,
                                                .count = count};
    enum status status = read_query(&api_stats_parameters, &target, query, arena, err);
    return status == STATUS_OK ? count_grouping_check(&count->grouping, err) : status;
}

enum status api_user_question_read(struct str query, bool by_query, struct arena *arena,
                                   struct api_user_question *out_question, struct error *err)
{
    struct summarize_user_question *summary = &out_question->summary;
    *out_question = (struct api_user_question){.summary.limit = SUMMARY_SESSIONS_DEFAULT};
    const struct api_parameter_target target = {.after = &out_question->after, .summary = summary};
    enum status status =
        read_query(by_query ? &api_summary_of_query_parameters : &api_summary_parameters, &target,
                   query, arena, err);
    if (status == STATUS_OK && by_query && summary->user_id.len == 0) {
        return error_set(err, STATUS_INVALID, 0, "name one user: GET /api/v1/users?userId=...");
    }
    return status;
}

enum status api_user_export_question_read(struct str query, bool by_query, struct arena *arena,
                                          struct str *out_user_id, struct error *err)
{
    struct summarize_user_question named = {.limit = 1};
    const struct api_parameter_target target = {.summary = &named};
    enum status status =
        read_query(by_query ? &api_user_export_of_query_parameters : &api_user_export_parameters,
                   &target, query, arena, err);
    if (status == STATUS_OK && by_query && named.user_id.len == 0) {
        return error_set(err, STATUS_INVALID, 0,
                         "name one user: GET /api/v1/users/export?userId=...");
    }
    *out_user_id = named.user_id;
    return status;
}

enum status api_stream_filter_read(struct str query, struct arena *arena,
                                   struct activity_filter *out_filter,
                                   struct api_filter_texts *texts, struct error *err)
{
    const struct api_parameter_target target = {.filter = out_filter, .texts = texts};
    return read_query(&api_stream_parameters, &target, query, arena, err);
}

enum status api_refused_question_read(struct str query, struct arena *arena,
                                      struct list_refusals_question *out_question,
                                      struct error *err)
{
    *out_question = (struct list_refusals_question){.limit = LIST_REFUSALS_LIMIT_DEFAULT};
    const struct api_parameter_target target = {.refusals = out_question};
    return read_query(&api_refused_parameters, &target, query, arena, err);
}

/* The next link ------------------------------------------------------------------------------ */

static bool ends_link(char c)
{
    return (unsigned char)c <= ' ' || (unsigned char)c >= 0x7f || strchr("<>\"\\`^{|}", c) != NULL;
}

static void append_escaped(struct buffer *out, struct str raw)
{
    for (size_t i = 0; i < raw.len; i++) {
        if (ends_link(raw.data[i])) {
            buffer_append_format(out, "%%%02X", (unsigned char)raw.data[i]);
        } else {
            buffer_append_char(out, raw.data[i]);
        }
    }
}

/* Whether a raw name means `wanted`, however much of it is percent-encoded. */
static bool decodes_to(struct str raw, struct str wanted)
{
    size_t at = 0;
    for (size_t i = 0; i < wanted.len; i++) {
        if (at == raw.len) {
            return false;
        }
        char c = raw.data[at];
        bool escaped = c == '%';
        if ((escaped && !decode_escape(raw, at, &c)) || c != wanted.data[i]) {
            return false;
        }
        at += escaped ? 3 : 1;
    }
    return at == raw.len;
}

void api_query_with_cursor(struct str query, struct str cursor, struct buffer *out_query)
{
    while (query.data != NULL) {
        struct str pair = str_split(&query, '&');
        struct str value = pair;
        struct str name = str_split(&value, '=');
        if (pair.len == 0 || decodes_to(name, STR("page")) || decodes_to(name, STR("cursor"))) {
            continue;
        }
        append_escaped(out_query, pair);
        buffer_append_char(out_query, '&');
    }
    buffer_append_literal(out_query, "cursor=");
    buffer_append_str(out_query, cursor);
}
