#include "activity_store_sql.h"

#include "base/assert.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum statement {
    STATEMENT_VERDICT,
    STATEMENT_INSERT,
    STATEMENT_GET,
    STATEMENT_ERASE,
    STATEMENT_BURY,
    STATEMENT_BEFORE,
    STATEMENT_FROM,
    STATEMENT_REMOVE,
    STATEMENT_COUNT
};

struct sql_store {
    sqlite3 *database;
    enum sql_fault fault;
    sqlite3_stmt *statements[STATEMENT_COUNT];
};

/* Texts are compared as bytes, which is what SQLite does unless told otherwise. */
static const char schema[] =
    "CREATE TABLE activities (id TEXT PRIMARY KEY, user TEXT, action TEXT, metadata TEXT,"
    "  time INTEGER, received INTEGER, log_offset INTEGER);"
    "CREATE INDEX in_order ON activities (time, id);"
    "CREATE TABLE erased (user TEXT PRIMARY KEY, before INTEGER);";

/* Parameters: 1 id, 2 user, 3 action, 4 metadata, 5 time, 6 received, 7 covered, 8 by how much the
 * time of an erasure is moved (0, but for a fault). A timestamp that the server filled in is the
 * time of receipt, and does not make another activity. */
static const char verdict_sql[] =
    "WITH gone (is_so) AS (SELECT EXISTS (SELECT 1 FROM erased WHERE user = ?2 AND ?6 < before + "
    "?8)), stored AS (SELECT * FROM activities WHERE id = ?1) "
    "SELECT CASE"
    "  WHEN ?7 AND ((SELECT is_so FROM gone) OR EXISTS (SELECT 1 FROM stored)) THEN 'redelivered'"
    "  WHEN (SELECT is_so FROM gone) THEN 'erased'"
    "  WHEN NOT EXISTS (SELECT 1 FROM stored) THEN 'stored'"
    "  WHEN EXISTS (SELECT 1 FROM stored WHERE user = ?2 AND action = ?3 AND metadata = ?4"
    "               AND (time = ?5 OR time = received OR ?5 = ?6)) THEN 'duplicate'"
    "  ELSE 'conflict' END";

static const char bury_sql[] = "INSERT INTO erased VALUES (?1, ?2) "
                               "ON CONFLICT DO UPDATE SET before = max(before, excluded.before)";

static const char *const texts[STATEMENT_COUNT] = {
    [STATEMENT_VERDICT] = verdict_sql,
    [STATEMENT_INSERT] = "INSERT INTO activities VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [STATEMENT_GET] =
        "SELECT id, user, action, metadata, time, received FROM activities WHERE id = ?1",
    [STATEMENT_ERASE] = "DELETE FROM activities WHERE user = ?1",
    [STATEMENT_BURY] = bury_sql,
    [STATEMENT_BEFORE] = "SELECT id FROM activities WHERE time < ?1",
    [STATEMENT_FROM] = "SELECT id FROM activities WHERE log_offset >= ?1",
    [STATEMENT_REMOVE] = "DELETE FROM activities WHERE id = ?1",
};

static void check(struct sql_store *store, bool fine)
{
    if (!fine) {
        fail_msg("SQLite: %s", sqlite3_errmsg(store->database));
    }
}

static void run(struct sql_store *store, const char *sql)
{
    check(store, sqlite3_exec(store->database, sql, NULL, NULL, NULL) == SQLITE_OK);
}

struct sql_store *sql_store_new(void)
{
    struct sql_store *store = calloc(1, sizeof *store);
    assert_non_null(store);
    check(store, sqlite3_open(":memory:", &store->database) == SQLITE_OK);
    run(store, schema);
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        check(store, sqlite3_prepare_v2(store->database, texts[i], -1, &store->statements[i],
                                        NULL) == SQLITE_OK);
    }
    return store;
}

void sql_store_free(struct sql_store *store)
{
    if (store == NULL) {
        return;
    }
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        sqlite3_finalize(store->statements[i]);
    }
    sqlite3_close(store->database);
    free(store);
}

void sql_store_begin(struct sql_store *store, enum sql_fault fault)
{
    run(store, "DELETE FROM activities; DELETE FROM erased");
    store->fault = fault;
}

static sqlite3_stmt *begin(struct sql_store *store, enum statement which)
{
    sqlite3_stmt *statement = store->statements[which];
    sqlite3_reset(statement);
    return statement;
}

static bool next(struct sql_store *store, sqlite3_stmt *statement)
{
    int result = sqlite3_step(statement);
    check(store, result == SQLITE_ROW || result == SQLITE_DONE);
    return result == SQLITE_ROW;
}

static void finish(struct sql_store *store, sqlite3_stmt *statement)
{
    check(store, !next(store, statement));
    sqlite3_reset(statement);
}

static void bind_text(struct sql_store *store, sqlite3_stmt *statement, int at, struct str text)
{
    check(store, sqlite3_bind_text(statement, at, text.data, (int)text.len, SQLITE_TRANSIENT) ==
                     SQLITE_OK);
}

static void bind_number(struct sql_store *store, sqlite3_stmt *statement, int at, int64_t number)
{
    check(store, sqlite3_bind_int64(statement, at, number) == SQLITE_OK);
}

static void bind_activity(struct sql_store *store, sqlite3_stmt *statement,
                          const struct activity *activity)
{
    bind_text(store, statement, 1, activity->id);
    bind_text(store, statement, 2, activity->user_id);
    bind_text(store, statement, 3, activity->action);
    bind_text(store, statement, 4, activity->metadata);
    bind_number(store, statement, 5, activity->timestamp_ms);
    bind_number(store, statement, 6, activity->received_at_ms);
}

/* Putting ----------------------------------------------------------------------------------- */

static enum verdict verdict_of(const char *word)
{
    static const char *const words[VERDICT_COUNT] = {
        [VERDICT_STORED] = "stored",     [VERDICT_DUPLICATE] = "duplicate",
        [VERDICT_CONFLICT] = "conflict", [VERDICT_REDELIVERED] = "redelivered",
        [VERDICT_ERASED] = "erased",
    };
    int verdict = 0;
    while (verdict < VERDICT_COUNT && strcmp(words[verdict], word) != 0) {
        verdict++;
    }
    ASSERT(verdict < VERDICT_COUNT);
    return (enum verdict)verdict;
}

enum verdict sql_store_put(struct sql_store *store, const struct activity *activity, int64_t offset,
                           bool covered)
{
    sqlite3_stmt *statement = begin(store, STATEMENT_VERDICT);
    bind_activity(store, statement, activity);
    bind_number(store, statement, 7, covered);
    bind_number(store, statement, 8, store->fault == SQL_ERASED_INCLUSIVE);
    check(store, next(store, statement));
    enum verdict verdict = verdict_of((const char *)sqlite3_column_text(statement, 0));
    sqlite3_reset(statement);
    if (verdict == VERDICT_STORED) {
        statement = begin(store, STATEMENT_INSERT);
        bind_activity(store, statement, activity);
        bind_number(store, statement, 7, offset);
        finish(store, statement);
    }
    return verdict;
}

/* Asking ------------------------------------------------------------------------------------ */

static struct str column_text(sqlite3_stmt *statement, int column, struct arena *arena)
{
    struct str text = {(const char *)sqlite3_column_text(statement, column),
                       (size_t)sqlite3_column_bytes(statement, column)};
    struct str copy = arena_copy_str(arena, text);
    ASSERT(copy.data != NULL);
    return copy;
}

static struct activity column_activity(sqlite3_stmt *statement, struct arena *arena)
{
    return (struct activity){
        .id = column_text(statement, 0, arena),
        .user_id = column_text(statement, 1, arena),
        .action = column_text(statement, 2, arena),
        .metadata = column_text(statement, 3, arena),
        .timestamp_ms = sqlite3_column_int64(statement, 4),
        .received_at_ms = sqlite3_column_int64(statement, 5),
    };
}

/* `condition` ends where the values begin: "user IN". */
static void append_list(sqlite3_str *sql, const char *condition, const struct name_list *names)
{
    for (size_t i = 0; i < names->count; i++) {
        sqlite3_str_appendf(sql, i == 0 ? " AND %s (%.*Q" : "%.0s, %.*Q", condition,
                            (int)names->items[i].len, names->items[i].data);
    }
    sqlite3_str_appendall(sql, names->count == 0 ? "" : ")");
}

/* Whether a value that json_each lists is the text, or what the text spells. */
static void append_equals(const struct sql_store *store, sqlite3_str *sql, const char *listed,
                          struct str text)
{
    const char *kinds = store->fault == SQL_METADATA_AS_TEXT ? "''" : "'integer', 'real'";
    int len = (int)text.len;
    sqlite3_str_appendf(sql, "((%s.type = 'text' AND %s.atom = %.*Q) OR ", listed, listed, len,
                        text.data);
    sqlite3_str_appendf(sql,
                        "(%s.type IN (%s) AND CASE WHEN json_valid(%.*Q) THEN"
                        " json_type(%.*Q) IN ('integer', 'real') END"
                        " AND %s.atom = CAST(%.*Q AS NUMERIC)) OR ",
                        listed, kinds, len, text.data, len, text.data, listed, len, text.data);
    sqlite3_str_appendf(sql, "(%s.type IN ('true', 'false', 'null') AND %s.type = %.*Q))", listed,
                        listed, len, text.data);
}

/* Members m0, m1, ... of the path, and o0, o1, ... the objects between them, which are elements of
 * an array or stand alone. */
static void append_path(const struct sql_store *store, sqlite3_str *sql,
                        const struct metadata_path *path)
{
    bool closed = store->fault == SQL_ARRAYS_CLOSED;
    sqlite3_str_appendall(sql, " EXISTS (SELECT 1 FROM json_each(activities.metadata) AS m0");
    for (size_t i = 1; i < path->member_count; i++) {
        sqlite3_str_appendf(sql,
                            ", json_each(CASE m%d.type WHEN '%s' THEN m%d.value WHEN 'object' THEN"
                            " json_array(json(m%d.value)) ELSE '[]' END) AS o%d,"
                            " json_each(CASE o%d.type WHEN 'object' THEN o%d.value ELSE '{}' END)"
                            " AS m%d",
                            (int)i - 1, closed ? "" : "array", (int)i - 1, (int)i - 1, (int)i - 1,
                            (int)i - 1, (int)i - 1, (int)i);
    }
    for (size_t i = 0; i < path->member_count; i++) {
        struct str key = metadata_path_member(path, i);
        sqlite3_str_appendf(sql, " %s m%d.key = %.*Q", i == 0 ? "WHERE" : "AND", (int)i,
                            (int)key.len, key.data);
    }
}

/* The last member is the text, or an array that has it as an element. */
static void append_value(const struct sql_store *store, sqlite3_str *sql, const char *last,
                         struct str text)
{
    sqlite3_str_appendall(sql, " OR ");
    append_equals(store, sql, last, text);
    sqlite3_str_appendf(sql,
                        " OR EXISTS (SELECT 1 FROM json_each(CASE %s.type WHEN '%s' THEN %s.value"
                        " ELSE '[]' END) AS element WHERE ",
                        last, store->fault == SQL_ARRAYS_CLOSED ? "" : "array", last);
    append_equals(store, sql, "element", text);
    sqlite3_str_appendall(sql, ")");
}

/* For each path, `junction` before that one of its values is there. */
static void append_metadata(const struct sql_store *store, sqlite3_str *sql, const char *junction,
                            const struct metadata_filter *metadata)
{
    for (size_t path = 0; metadata != NULL && path < metadata->path_count; path++) {
        char last[24];
        snprintf(last, sizeof last, "m%zu", metadata->paths[path].member_count - 1);
        sqlite3_str_appendall(sql, junction);
        append_path(store, sql, &metadata->paths[path]);
        sqlite3_str_appendall(sql, " AND (FALSE");
        for (size_t i = 0; i < metadata->value_count; i++) {
            if (metadata->values[i].path == path) {
                append_value(store, sql, last, metadata->values[i].text);
            }
        }
        sqlite3_str_appendall(sql, "))");
    }
}

static void append_filter(const struct sql_store *store, sqlite3_str *sql,
                          const struct activity_filter *filter)
{
    sqlite3_str_appendf(sql, " FROM activities WHERE time >= %lld AND time %s %lld",
                        (long long)filter->from_ms, store->fault == SQL_TO_INCLUSIVE ? "<=" : "<",
                        (long long)filter->to_ms);
    const struct activity_exclusions *excluded = &filter->excluded;
    append_list(sql, "user IN", &filter->user_ids);
    append_list(sql, "action IN", &filter->actions);
    append_metadata(store, sql, " AND", filter->metadata);
    append_list(sql, "user NOT IN", &excluded->user_ids);
    append_list(sql, "action NOT IN", &excluded->actions);
    if (store->fault != SQL_EXCLUDED_KEPT) {
        append_metadata(store, sql, " AND NOT", excluded->metadata);
    }
}

/* Takes the text. */
static sqlite3_stmt *prepare(struct sql_store *store, sqlite3_str *sql)
{
    sqlite3_stmt *statement = NULL;
    char *text = sqlite3_str_finish(sql);
    check(store, text != NULL);
    check(store, sqlite3_prepare_v2(store->database, text, -1, &statement, NULL) == SQLITE_OK);
    sqlite3_free(text);
    return statement;
}

void sql_store_find(struct sql_store *store, const struct activity_page_request *request,
                    struct arena *arena, struct activity_page *out_page)
{
    bool newest = request->order == ORDER_NEWEST_FIRST;
    bool id_descends = newest != (store->fault == SQL_TIES_REVERSED);
    sqlite3_str *sql = sqlite3_str_new(store->database);
    sqlite3_str_appendall(sql, "SELECT id, user, action, metadata, time, received");
    append_filter(store, sql, &request->filter);
    if (request->after != NULL) {
        sqlite3_str_appendf(sql, " AND (time, id) %s%s (%lld, %.*Q)", newest ? "<" : ">",
                            store->fault == SQL_AFTER_INCLUSIVE ? "=" : "",
                            (long long)request->after->timestamp_ms, (int)request->after->id.len,
                            request->after->id.data);
    }
    sqlite3_str_appendf(sql, " ORDER BY time %s, id %s LIMIT %llu OFFSET %llu",
                        newest ? "DESC" : "ASC", id_descends ? "DESC" : "ASC",
                        (unsigned long long)request->limit + 1, (unsigned long long)request->skip);
    sqlite3_stmt *statement = prepare(store, sql);
    struct activity *rows = arena_allocate(arena, (request->limit + 1) * sizeof *rows);
    ASSERT(rows != NULL);
    size_t count = 0;
    while (next(store, statement)) {
        rows[count++] = column_activity(statement, arena);
    }
    sqlite3_finalize(statement);
    bool more = count > request->limit;
    *out_page = (struct activity_page){.rows = rows, .count = count - more, .more = more};
}

bool sql_store_get(struct sql_store *store, struct str id, struct arena *arena,
                   struct activity *out_activity)
{
    sqlite3_stmt *statement = begin(store, STATEMENT_GET);
    bind_text(store, statement, 1, id);
    bool found = next(store, statement);
    if (found) {
        *out_activity = column_activity(statement, arena);
    }
    sqlite3_reset(statement);
    return found;
}

uint64_t sql_store_count(struct sql_store *store, const struct activity_filter *filter)
{
    struct activity_filter asked = *filter;
    sqlite3_str *sql = sqlite3_str_new(store->database);
    if (store->fault == SQL_HOUR_FORGOTTEN) {
        asked.to_ms -= 3600 * 1000;
    }
    sqlite3_str_appendall(sql, "SELECT count(*)");
    append_filter(store, sql, &asked);
    sqlite3_stmt *statement = prepare(store, sql);
    check(store, next(store, statement));
    uint64_t count = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return count;
}

/* The groups of a tally, the key first, then the count. */
static sqlite3_stmt *prepare_tally(struct sql_store *store,
                                   const struct activity_tally_request *request)
{
    static const char *const keys[GROUPING_COUNT] = {
        [GROUP_BY_ACTION] = "action",
        [GROUP_BY_USER] = "user",
        [GROUP_BY_HOUR] = "time / 3600000 * 3600000",
        [GROUP_BY_DAY] = "time / 86400000 * 86400000",
        [GROUP_BY_MINUTE] = "time / 60000 * 60000",
    };
    bool by_count =
        !activity_grouping_is_by_time(request->grouping) && store->fault != SQL_GROUPS_BY_NAME;
    sqlite3_str *sql = sqlite3_str_new(store->database);
    if (request->grouping == GROUP_BY_TIME) {
        sqlite3_str_appendf(sql, "SELECT time / %lld * %lld, count(*)", request->interval_ms,
                            request->interval_ms);
    } else {
        sqlite3_str_appendf(sql, "SELECT %s, count(*)", keys[request->grouping]);
    }
    append_filter(store, sql, &request->filter);
    sqlite3_str_appendf(sql, " GROUP BY 1 ORDER BY %s", by_count ? "2 DESC, 1" : "1");
    return prepare(store, sql);
}

bool sql_store_tally(struct sql_store *store, const struct activity_tally_request *request,
                     struct arena *arena, struct activity_tally *out_tally)
{
    sqlite3_stmt *statement = prepare_tally(store, request);
    struct activity_tally tally = {0};
    tally.groups = arena_allocate(arena, request->limit * sizeof *tally.groups);
    ASSERT(tally.groups != NULL);
    size_t groups = 0;
    for (; next(store, statement); groups++) {
        if (groups >= request->limit) {
            continue;
        }
        struct activity_group *group = &tally.groups[tally.count++];
        *group = (struct activity_group){.count = (uint64_t)sqlite3_column_int64(statement, 1)};
        if (activity_grouping_is_by_time(request->grouping)) {
            group->start_ms = sqlite3_column_int64(statement, 0);
        } else {
            group->name = column_text(statement, 0, arena);
        }
    }
    sqlite3_finalize(statement);
    tally.more = groups > request->limit;
    *out_tally = tally;
    return groups <= request->groups_max;
}

/* Removing ---------------------------------------------------------------------------------- */

uint64_t sql_store_erase(struct sql_store *store, struct str user_id, int64_t erased_at_ms)
{
    sqlite3_stmt *statement = begin(store, STATEMENT_ERASE);
    bind_text(store, statement, 1, user_id);
    finish(store, statement);
    uint64_t erased = (uint64_t)sqlite3_changes(store->database);
    statement = begin(store, STATEMENT_BURY);
    bind_text(store, statement, 1, user_id);
    bind_number(store, statement, 2, erased_at_ms);
    finish(store, statement);
    return erased;
}

static uint64_t forget(struct sql_store *store, enum statement which, int64_t border,
                       sql_is_there *is_there, void *context)
{
    uint64_t gone = 0;
    struct arena arena;
    arena_init(&arena, (size_t)16 << 20);
    sqlite3_stmt *statement = begin(store, which);
    bind_number(store, statement, 1, border);
    /* Removing what a statement still walks over is undefined in SQL, so the ids come first. */
    struct id {
        struct str text;
        struct id *before;
    } *newest = NULL;
    while (next(store, statement)) {
        struct id *id = arena_allocate(&arena, sizeof *id);
        ASSERT(id != NULL);
        *id = (struct id){.text = column_text(statement, 0, &arena), .before = newest};
        newest = id;
    }
    sqlite3_reset(statement);
    for (; newest != NULL; newest = newest->before) {
        if (!is_there(context, newest->text)) {
            statement = begin(store, STATEMENT_REMOVE);
            bind_text(store, statement, 1, newest->text);
            finish(store, statement);
            gone++;
        }
    }
    arena_deinit(&arena);
    return gone;
}

uint64_t sql_store_forget_before(struct sql_store *store, int64_t before_ms, sql_is_there *is_there,
                                 void *context)
{
    return forget(store, STATEMENT_BEFORE, before_ms, is_there, context);
}

uint64_t sql_store_forget_from(struct sql_store *store, int64_t offset, sql_is_there *is_there,
                               void *context)
{
    return forget(store, STATEMENT_FROM, offset, is_there, context);
}
