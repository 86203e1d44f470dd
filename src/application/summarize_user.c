#include "application/summarize_user.h"

#include "application/session_walk.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/timestamp.h"

enum { WINDOW_ACTIVITIES_DEFAULT = 50000, ACTIONS_COUNTED_MAX = 1000000 };

/* In place of an activity's id in a cursor, which has the begin of a session as its time. */
static const struct str cursor_id = {"session", 7};

/* So that no cursor of a list of the same user is taken for one of its sessions. */
#define CURSOR_HASH_MASK UINT64_C(0x5e55105e55105e55)

void summarize_user_init(struct summarize_user *summarizer,
                         const struct summarize_user_config *config)
{
    summarizer->config = *config;
    if (summarizer->config.window_activities == 0) {
        summarizer->config.window_activities = WINDOW_ACTIVITIES_DEFAULT;
    }
}

static uint64_t hash_of(const struct activity_filter *filter)
{
    return activity_filter_hash(filter) ^ CURSOR_HASH_MASK;
}

static enum status read_cursor(const struct summarize_user_question *question,
                               const struct activity_filter *filter, int64_t *out_before_ms,
                               struct error *err)
{
    struct activity_cursor cursor;
    *out_before_ms = INT64_MAX;
    if (question->cursor.data == NULL) {
        return STATUS_OK;
    }
    enum status status = activity_cursor_decode(question->cursor, &cursor, err);
    if (status != STATUS_OK) {
        return status;
    }
    struct str id = {cursor.id, cursor.id_len};
    if (cursor.filter_hash != hash_of(filter) || cursor.order != ORDER_NEWEST_FIRST ||
        !str_equal(id, cursor_id)) {
        return error_set(err, STATUS_INVALID, 0,
                         "this cursor belongs to another user or another question; repeat what it "
                         "was answered for, or begin without it");
    }
    *out_before_ms = cursor.timestamp_ms;
    return STATUS_OK;
}

static void write_cursor(const struct user_summary *summary, const struct activity_filter *filter,
                         struct buffer *out_text)
{
    struct activity_cursor cursor = {
        .order = ORDER_NEWEST_FIRST,
        .filter_hash = hash_of(filter),
        .timestamp_ms = summary->sessions[summary->sessions_shown - 1].begin_ms,
        .id_len = cursor_id.len,
    };
    memcpy(cursor.id, cursor_id.data, cursor_id.len);
    activity_cursor_encode(&cursor, out_text);
}

/* Keeps the sessions that are shown. */
struct gathering {
    struct session_listener listener;
    struct user_summary *summary;
    int64_t before_ms; /* sessions that began before */
    size_t limit;
    bool more;
};

static void gather(struct session_listener *listener, const struct user_session *session)
{
    struct gathering *gathering = CONTAINER_OF(listener, struct gathering, listener);
    struct user_summary *summary = gathering->summary;
    if (summary->session_count == 0) {
        summary->last_seen_ms = session->end_ms;
    }
    summary->first_seen_ms = session->begin_ms;
    summary->activities += session->activities;
    summary->session_count++;
    if (session->begin_ms >= gathering->before_ms) {
        return;
    }
    if (summary->sessions_shown == gathering->limit) {
        gathering->more = true;
        return;
    }
    summary->sessions[summary->sessions_shown++] = *session;
}

static enum status count_actions(const struct session_walk_request *request, struct arena *arena,
                                 struct activity_tally *out_actions, struct error *err)
{
    const struct activity_tally_request tally = {
        .filter = request->filter,
        .grouping = GROUP_BY_ACTION,
        .limit = SUMMARY_ACTIONS_MAX,
        .groups_max = ACTIONS_COUNTED_MAX,
        .deadline_ns = request->deadline_ns,
    };
    return activity_store_tally(request->store, &tally, arena, out_actions, err);
}

static enum status fill(const struct session_walk_request *request, struct gathering *gathering,
                        struct arena *arena, struct error *err)
{
    struct user_summary *summary = gathering->summary;
    summary->sessions = arena_allocate(arena, gathering->limit * sizeof *summary->sessions);
    if (summary->sessions == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for so many sessions");
    }
    enum status status = session_walk_run(request, &gathering->listener, err);
    if (status == STATUS_OK && summary->session_count == 0) {
        return error_set(err, STATUS_NOT_FOUND, 0, "there are no activities of this user");
    }
    return status == STATUS_OK ? count_actions(request, arena, &summary->actions, err) : status;
}

enum status summarize_user_run(const struct summarize_user *summarizer,
                               const struct summarize_user_question *question, struct arena *arena,
                               struct user_summary *out_summary, struct error *err)
{
    ASSERT(question->limit >= 1 && question->limit <= SUMMARY_SESSIONS_MAX);
    const struct summarize_user_config *config = &summarizer->config;
    struct session_walk_request request = {
        .store = config->store,
        .filter = activity_filter_all(),
        .window_activities = config->window_activities,
        .gap_ms = SUMMARY_SESSION_GAP_MINUTES * MS_PER_MINUTE,
        .deadline_ns =
            question->asked_ns + (uint64_t)config->deadline_ms * NANOSECONDS_PER_MILLISECOND,
    };
    struct user_summary summary = {.next_cursor = out_summary->next_cursor};
    struct gathering gathering = {
        .listener.heard = gather, .summary = &summary, .limit = question->limit};
    request.filter.user_ids.items = &question->user_id;
    request.filter.user_ids.count = 1;
    enum status status = read_cursor(question, &request.filter, &gathering.before_ms, err);
    if (status == STATUS_OK) {
        status = fill(&request, &gathering, arena, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (gathering.more) {
        write_cursor(&summary, &request.filter, &summary.next_cursor);
    }
    *out_summary = summary;
    return summary.next_cursor.failed == STATUS_OK
               ? STATUS_OK
               : error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the cursor");
}
