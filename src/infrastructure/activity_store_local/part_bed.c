#include "infrastructure/activity_store_local/part_bed.h"

#include "base/assert.h"
#include "base/timestamp.h"
#include "infrastructure/activity_store_local/part_exclude.h"

#include <stdio.h>
#include <stdlib.h>

static int compare_rows(const void *a, const void *b)
{
    const struct sample_row *left = a;
    const struct sample_row *right = b;
    return activity_key_compare(activity_key_of(&left->activity),
                                activity_key_of(&right->activity));
}

static void crowd(struct sample *sample)
{
    for (uint32_t i = 0; i < sample->row_count; i++) {
        sample->rows[i].activity.timestamp_ms = 1700000000000 + sample->rows[i].offset % 3;
    }
    qsort(sample->rows, sample->row_count, sizeof *sample->rows, compare_rows);
}

static void gather_actions(struct sample *sample)
{
    for (uint32_t i = 0; i < sample->row_count; i++) {
        uint32_t action = i / GATHERED_ROWS % sample->action_count;
        sample->rows[i].action = action;
        sample->rows[i].activity.action = sample->actions[action];
    }
}

/* Rows from before 1971 stay where they are, before all others. */
static void spread(struct sample *sample)
{
    const int64_t begin_ms = 1700000000000;
    for (uint32_t i = 0; i < sample->row_count; i++) {
        int64_t *timestamp_ms = &sample->rows[i].activity.timestamp_ms;
        if (*timestamp_ms >= begin_ms) {
            *timestamp_ms = begin_ms + (*timestamp_ms - begin_ms) * 4000;
        }
    }
}

void bed_init(struct bed *bed, uint64_t seed, uint32_t row_count, enum bed_kind kind)
{
    const struct disk_simulated_options options = {.seed = seed};
    *bed = (struct bed){.disk = disk_simulated_new(&options)};
    ASSERT(bed->disk != NULL);
    sample_init(&bed->sample, seed, row_count);
    if (kind == CROWDED) {
        crowd(&bed->sample);
    } else if (kind == GATHERED) {
        gather_actions(&bed->sample);
    } else if (kind == SPREAD) {
        spread(&bed->sample);
    }
    enum status status = sample_write(&bed->sample, bed->disk, STR(""), NULL);
    if (status == STATUS_OK) {
        status = part_open(bed->disk, SAMPLE_PATH, &sample_name, &bed->part, NULL);
    }
    if (status == STATUS_OK) {
        status = part_view_new(bed->part, &bed->view, NULL);
    }
    ASSERT(status == STATUS_OK);
}

void bed_deinit(struct bed *bed)
{
    part_view_free(bed->view);
    part_close(bed->part);
    disk_simulated_free(bed->disk);
    sample_deinit(&bed->sample);
}

void bed_renew_view(struct bed *bed)
{
    part_view_free(bed->view);
    bed->view = NULL;
    enum status status = part_view_new(bed->part, &bed->view, NULL);
    ASSERT(status == STATUS_OK);
}

/* Asking ------------------------------------------------------------------------------------ */

void asking_init(struct asking *asking)
{
    *asking = (struct asking){.filter = activity_filter_all()};
    asking->filter.user_ids.items = asking->users;
    asking->filter.actions.items = asking->actions;
    asking->filter.excluded.user_ids.items = asking->excluded_users;
    asking->filter.excluded.actions.items = asking->excluded_actions;
    asking->question.filter = &asking->filter;
    asking->question.clock = &clock_system;
}

void asking_deinit(struct asking *asking)
{
    hidden_users_unref(asking->excluded);
    hidden_users_unref(asking->hidden);
    *asking = (struct asking){0};
}

uint32_t sample_frequent_user(const struct sample *sample)
{
    for (uint32_t i = 0; i < sample->user_count; i++) {
        if (str_equal(sample->users[i], STR("user-0"))) {
            return i;
        }
    }
    return 0;
}

static void ask_users(struct name_list *list, struct str *users, const struct sample *sample,
                      const struct random *random)
{
    static const char *const unknown[] = {"", "nobody", "user-", "user-99999", "zzz"};
    uint64_t count = random_below(random, 2) * random_below(random, ASKING_USERS_MAX + 1);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t kind = random_below(random, 6);
        struct str user = sample->users[random_below(random, sample->user_count)];
        if (kind == 0) {
            user = str_from(unknown[random_below(random, ARRAY_LENGTH(unknown))]);
        } else if (kind == 1) {
            user = sample->users[sample_frequent_user(sample)];
        }
        enum status status = name_list_add(list, users, ASKING_USERS_MAX, user);
        ASSERT(status == STATUS_OK);
    }
}

static void ask_actions(struct name_list *list, struct str *actions, const struct sample *sample,
                        const struct random *random)
{
    static const char *const unknown[] = {"", "ACTION_", "ACTION_1000", "zzz"};
    uint64_t count = random_below(random, 2) * random_below(random, ASKING_ACTIONS_MAX + 1);
    for (uint64_t i = 0; i < count; i++) {
        struct str action = sample->actions[random_below(random, sample->action_count)];
        if (random_below(random, 5) == 0) {
            action = str_from(unknown[random_below(random, ARRAY_LENGTH(unknown))]);
        }
        enum status status = name_list_add(list, actions, ASKING_ACTIONS_MAX, action);
        ASSERT(status == STATUS_OK);
    }
}

static const struct activity *any_activity(const struct sample *sample, const struct random *random)
{
    return &sample->rows[random_below(random, sample->row_count)].activity;
}

/* Times of rows, and just before and behind; now and then in the wrong order. */
static void ask_times(struct asking *asking, const struct sample *sample,
                      const struct random *random)
{
    int64_t near = (int64_t)random_below(random, 3) - 1;
    if (random_below(random, 3) == 0) {
        asking->filter.from_ms = any_activity(sample, random)->timestamp_ms + near;
    }
    if (random_below(random, 3) == 0) {
        asking->filter.to_ms = any_activity(sample, random)->timestamp_ms + near;
    }
}

/* The key of a row, one just beside, or one before or behind all. */
static void ask_after(struct asking *asking, const struct sample *sample,
                      const struct random *random)
{
    struct activity_key key = activity_key_of(any_activity(sample, random));
    memcpy(asking->id, key.id.data, key.id.len);
    key.id.data = asking->id;
    switch (random_below(random, 8)) {
    case 0:
        asking->id[key.id.len++] = '-';
        break;
    case 1:
        asking->id[key.id.len - 1]--;
        break;
    case 2:
        key.timestamp_ms++;
        break;
    case 3:
        key.timestamp_ms = TIMESTAMP_MS_MIN;
        break;
    case 4:
        key.timestamp_ms = TIMESTAMP_MS_MAX;
        break;
    default:
        break;
    }
    asking->after = key;
    asking->question.after = &asking->after;
}

uint32_t sample_rows_of_user(const struct sample *sample, uint32_t user)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < sample->row_count; i++) {
        count += sample->rows[i].user == user;
    }
    return count;
}

void asking_hide(struct asking *asking, const struct sample *sample, uint32_t user)
{
    if (hidden_users_contain(asking->hidden, user)) {
        return;
    }
    struct hidden_users *more = hidden_users_with(
        asking->hidden,
        (struct hidden_user){.number = user, .rows = sample_rows_of_user(sample, user)});
    ASSERT(more != NULL);
    hidden_users_unref(asking->hidden);
    asking->hidden = more;
    asking->question.hidden = more;
}

static void add_path(struct asked_paths *paths, const char *path)
{
    char *text = paths->texts[paths->filter.value_count];
    snprintf(text, sizeof paths->texts[0], "%s", path);
    enum status status = metadata_filter_add(&paths->filter, STR("path"), str_from(text), NULL);
    ASSERT(status == STATUS_OK);
}

static void add_paths(struct asked_paths *paths, const struct random *random)
{
    for (uint64_t left = 1 + random_below(random, ASKING_METADATA_MAX); left > 0; left--) {
        char path[24];
        snprintf(path, sizeof path, "/products/%u", (unsigned)random_below(random, 1000));
        add_path(paths, path);
    }
}

void asking_want_path(struct asking *asking, const char *path)
{
    add_path(&asking->metadata, path);
    asking->filter.metadata = &asking->metadata.filter;
}

static void ask_hidden(struct asking *asking, const struct sample *sample,
                       const struct random *random)
{
    uint64_t most = random_below(random, 3) == 0 ? ASKING_HIDDEN_MAX : 4;
    for (uint64_t left = random_below(random, most + 1); left > 0; left--) {
        asking_hide(asking, sample, (uint32_t)random_below(random, sample->user_count));
    }
    if (random_below(random, 2) == 0) {
        asking_hide(asking, sample, sample_frequent_user(sample));
    }
}

/* Behind ask_hidden, since users may be hidden already. */
static void ask_without(struct asking *asking, const struct bed *bed, const struct random *random)
{
    struct activity_exclusions *excluded = &asking->filter.excluded;
    ask_users(&excluded->user_ids, asking->excluded_users, &bed->sample, random);
    ask_actions(&excluded->actions, asking->excluded_actions, &bed->sample, random);
    enum status status = part_exclude_users(bed->view, &asking->question, &asking->excluded, NULL);
    ASSERT(status == STATUS_OK);
    if (random_below(random, 3) == 0) {
        add_paths(&asking->excluded_metadata, random);
        excluded->metadata = &asking->excluded_metadata.filter;
    }
}

void asking_init_any(struct asking *asking, const struct bed *bed, const struct random *random)
{
    const struct sample *sample = &bed->sample;
    asking_init(asking);
    asking->question.order = random_below(random, 2) == 0 ? ORDER_NEWEST_FIRST : ORDER_OLDEST_FIRST;
    ask_users(&asking->filter.user_ids, asking->users, sample, random);
    ask_actions(&asking->filter.actions, asking->actions, sample, random);
    ask_times(asking, sample, random);
    if (random_below(random, 2) == 0) {
        ask_after(asking, sample, random);
    }
    if (random_below(random, 3) == 0) {
        ask_hidden(asking, sample, random);
    }
    if (random_below(random, 3) == 0) {
        add_paths(&asking->metadata, random);
        asking->filter.metadata = &asking->metadata.filter;
    }
    if (random_below(random, 2) == 0) {
        ask_without(asking, bed, random);
    }
}

/* Answers ----------------------------------------------------------------------------------- */

static bool lies_behind(const struct part_question *question, struct activity_key key)
{
    if (question->after == NULL) {
        return true;
    }
    int order = activity_key_compare(key, *question->after);
    return question->order == ORDER_OLDEST_FIRST ? order > 0 : order < 0;
}

void answer_by_looking(const struct sample *sample, const struct part_question *question,
                       struct answer *out_answer)
{
    out_answer->count = 0;
    for (uint32_t i = 0; i < sample->row_count; i++) {
        uint32_t at = question->order == ORDER_OLDEST_FIRST ? i : sample->row_count - 1 - i;
        const struct sample_row *row = &sample->rows[at];
        if (activity_filter_matches(question->filter, &row->activity) &&
            !hidden_users_contain(question->hidden, row->user) &&
            lies_behind(question, activity_key_of(&row->activity))) {
            out_answer->rows[out_answer->count++] = at;
        }
    }
}
