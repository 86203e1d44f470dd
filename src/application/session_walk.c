#include "application/session_walk.h"

#include "base/assert.h"
#include "base/timestamp.h"

#define ARENA_BYTES_MAX ((size_t)48 << 20)

enum { GROUPS_MAX = 1000000, LEVELS = 3 };

/* How long the stretches are whose counts say where windows end. Of the first there are 98,000 in
 * all of time. */
static const int64_t level_intervals_ms[LEVELS] = {30 * MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE};

struct session_walk {
    const struct session_walk_request *request;
    struct session_listener *listener;
    struct user_session session; /* the one that is being gone through; without activities: none */
};

/* A stretch of time. */
struct stretch {
    int64_t from_ms;
    int64_t to_ms;
};

/* The counts of a stretch, and where they live. */
struct counted {
    struct arena arena;
    struct activity_tally tally;
};

/* The caller gives the arena back in any case. */
static enum status count(const struct session_walk *walk, struct stretch stretch,
                         int64_t interval_ms, struct counted *out_counted, struct error *err)
{
    arena_init(&out_counted->arena, ARENA_BYTES_MAX);
    out_counted->tally = (struct activity_tally){0};
    struct activity_tally_request request = {
        .filter = walk->request->filter,
        .grouping = GROUP_BY_TIME,
        .interval_ms = interval_ms,
        .limit = GROUPS_MAX,
        .groups_max = GROUPS_MAX,
        .deadline_ns = walk->request->deadline_ns,
    };
    request.filter.from_ms = stretch.from_ms;
    request.filter.to_ms = stretch.to_ms;
    return activity_store_tally(walk->request->store, &request, &out_counted->arena,
                                &out_counted->tally, err);
}

/* Sessions ----------------------------------------------------------------------------------- */

static void end_session(struct session_walk *walk)
{
    if (walk->session.activities > 0) {
        walk->listener->heard(walk->listener, &walk->session);
    }
    walk->session.activities = 0;
}

/* Activities at one time, before all that were gone through. */
static void take(struct session_walk *walk, int64_t time_ms, uint64_t activities)
{
    struct user_session *session = &walk->session;
    if (session->activities > 0 && session->begin_ms - time_ms >= walk->request->gap_ms) {
        end_session(walk);
    }
    if (session->activities == 0) {
        session->end_ms = time_ms;
    }
    session->begin_ms = time_ms;
    session->activities += activities;
}

static enum status walk_window(struct session_walk *walk, struct stretch window, struct error *err)
{
    struct counted counted;
    enum status status = count(walk, window, 1, &counted, err);
    for (size_t i = counted.tally.count; i > 0; i--) {
        const struct activity_group *group = &counted.tally.groups[i - 1];
        take(walk, group->start_ms, group->count);
    }
    arena_deinit(&counted.arena);
    return status;
}

/* Windows ------------------------------------------------------------------------------------ */

static enum status walk_stretch(struct session_walk *walk, struct stretch stretch, int level,
                                struct error *err);

/* Goes from the latest group to the first. Each window ends where the one behind it begins, so that
 * nothing falls between two, whatever arrives meanwhile. */
static enum status walk_groups(struct session_walk *walk, const struct activity_tally *tally,
                               struct stretch stretch, int level, struct error *err)
{
    uint64_t most = walk->request->window_activities;
    struct stretch window = {stretch.to_ms, stretch.to_ms};
    uint64_t sum = 0;
    enum status status = STATUS_OK;
    for (size_t i = tally->count; i > 0 && status == STATUS_OK; i--) {
        const struct activity_group *group = &tally->groups[i - 1];
        if (sum > 0 && sum + group->count > most) {
            status = walk_window(walk, window, err);
            window.to_ms = window.from_ms;
            sum = 0;
        }
        window.from_ms = i == 1 ? stretch.from_ms : group->start_ms;
        sum += group->count;
        if (status == STATUS_OK && sum > most) {
            status = walk_stretch(walk, window, level + 1, err);
            window.to_ms = window.from_ms;
            sum = 0;
        }
    }
    return status == STATUS_OK && sum > 0 ? walk_window(walk, window, err) : status;
}

/* With more activities than go into a window. */
static enum status walk_stretch(struct session_walk *walk, struct stretch stretch, int level,
                                struct error *err)
{
    struct counted counted;
    if (level == LEVELS) {
        return walk_window(walk, stretch, err);
    }
    enum status status = count(walk, stretch, level_intervals_ms[level], &counted, err);
    if (status == STATUS_OK) {
        status = walk_groups(walk, &counted.tally, stretch, level, err);
    }
    arena_deinit(&counted.arena);
    return status;
}

enum status session_walk_run(const struct session_walk_request *request,
                             struct session_listener *listener, struct error *err)
{
    struct session_walk walk = {.request = request, .listener = listener};
    const struct stretch all = {TIMESTAMP_MS_MIN, TIMESTAMP_MS_MAX + 1};
    uint64_t activities = 0;
    ASSERT(request->window_activities >= 1 && request->gap_ms >= 1);
    enum status status = activity_store_count(request->store, &request->filter,
                                              request->deadline_ns, &activities, err);
    if (status != STATUS_OK || activities == 0) {
        return status;
    }
    status = activities <= request->window_activities ? walk_window(&walk, all, err)
                                                      : walk_stretch(&walk, all, 0, err);
    if (status == STATUS_OK) {
        end_session(&walk);
    }
    return status;
}
