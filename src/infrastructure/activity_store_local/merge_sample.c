#include "infrastructure/activity_store_local/merge_sample.h"

#include "base/assert.h"
#include "infrastructure/disk/disk_simulated.h"

#include <stdio.h>

const struct part_name merged_name = {.store_id = {{9, 8, 7}}, .number = 99};

void merge_sample_init(struct merge_sample *merge, uint64_t seed, uint32_t row_count,
                       uint32_t part_count)
{
    const struct disk_simulated_options options = {.seed = seed};
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, seed);
    *merge = (struct merge_sample){.seed = seed, .part_count = part_count};
    sample_init(&merge->sample, seed, row_count);
    merge->simulated = disk_simulated_new(&options);
    merge->disk = merge->simulated;
    ASSERT(merge->simulated != NULL && part_count <= MERGE_SAMPLE_PARTS_MAX);
    for (uint32_t row = 0; row < row_count; row++) {
        merge->part_of[row] = (uint8_t)random_below(&random, part_count);
    }
}

void merge_sample_deinit(struct merge_sample *merge)
{
    for (uint32_t i = 0; i < merge->part_count; i++) {
        part_close(merge->parts[i].part);
        hidden_users_unref(merge->hidden[i]);
    }
    disk_simulated_free(merge->simulated);
    sample_deinit(&merge->sample);
}

/* Writing ----------------------------------------------------------------------------------- */

/* One part on its way to the disk: what the sample numbers, numbered anew. */
struct dealt {
    const struct merge_sample *merge;
    uint32_t part;
    uint32_t next; /* row of the sample */
    uint32_t row_count;
    struct str users[SAMPLE_USERS];
    uint32_t user_numbers[SAMPLE_USERS];
    uint32_t user_count;
    struct str actions[SAMPLE_ACTIONS];
    uint32_t action_numbers[SAMPLE_ACTIONS];
    uint32_t action_count;
};

/* Odd parts know their sources in another order. */
static uint32_t source_number(uint32_t part, uint32_t source)
{
    return part % 2 == 0 ? source : MERGE_SAMPLE_SOURCES - 1 - source;
}

static enum status next_dealt(void *context, struct page_row *out_row, struct error *err)
{
    struct dealt *dealt = context;
    (void)err;
    while (dealt->merge->part_of[dealt->next] != dealt->part) {
        dealt->next++;
    }
    const struct sample_row *row = &dealt->merge->sample.rows[dealt->next++];
    *out_row = (struct page_row){.activity = &row->activity,
                                 .user = dealt->user_numbers[row->user],
                                 .action = dealt->action_numbers[row->action],
                                 .source = source_number(dealt->part, row->source),
                                 .offset = row->offset,
                                 .salt = row->salt};
    return STATUS_OK;
}

static void deal(struct dealt *dealt, const struct merge_sample *merge, uint32_t part)
{
    const struct sample *sample = &merge->sample;
    bool has_user[SAMPLE_USERS] = {false};
    bool has_action[SAMPLE_ACTIONS] = {false};
    *dealt = (struct dealt){.merge = merge, .part = part};
    for (uint32_t row = 0; row < sample->row_count; row++) {
        if (merge->part_of[row] == part) {
            has_user[sample->rows[row].user] = true;
            has_action[sample->rows[row].action] = true;
            dealt->row_count++;
        }
    }
    for (uint32_t user = 0; user < sample->user_count; user++) {
        dealt->user_numbers[user] = dealt->user_count;
        dealt->users[dealt->user_count] = sample->users[user];
        dealt->user_count += has_user[user];
    }
    for (uint32_t action = 0; action < sample->action_count; action++) {
        dealt->action_numbers[action] = dealt->action_count;
        dealt->actions[dealt->action_count] = sample->actions[action];
        dealt->action_count += has_action[action];
    }
}

/* Each part has a stretch of both logs of the sample, and of a third one, of which it has no row.
 */
static void fill_sources(const struct merge_sample *merge, uint32_t part,
                         struct part_source *out_sources)
{
    for (uint32_t i = 0; i < MERGE_SAMPLE_SOURCES; i++) {
        struct part_source *source = &out_sources[source_number(part, i)];
        *source = i < 2 ? merge->sample.sources[i] : (struct part_source){.log_id = {{7}}};
        source->begin = 100 - (int64_t)part;
        source->end = 10000 + (int64_t)part;
    }
}

static struct part *write_dealt(struct merge_sample *merge, struct dealt *dealt)
{
    struct part_source sources[MERGE_SAMPLE_SOURCES];
    struct part *part = NULL;
    char path[32];
    const struct part_name name = {.store_id = merged_name.store_id, .number = 10 + dealt->part};
    const struct part_input input = {
        .users = dealt->users,
        .user_count = dealt->user_count,
        .actions = dealt->actions,
        .action_count = dealt->action_count,
        .sources = sources,
        .source_count = MERGE_SAMPLE_SOURCES,
        .row_count = dealt->row_count,
        .dictionary = dealt->part % 2 == 0 ? STR("") : STR("{\"path\":\"/products/"),
        .level = 1,
        .next = next_dealt,
        .context = dealt,
    };
    snprintf(path, sizeof path, "%u.part", dealt->part);
    fill_sources(merge, dealt->part, sources);
    enum status written = part_write(merge->disk, path, &name, &input, NULL);
    ASSERT(written == STATUS_OK);
    enum status opened = part_open(merge->disk, path, &name, &part, NULL);
    ASSERT(opened == STATUS_OK);
    return part;
}

void merge_sample_write(struct merge_sample *merge)
{
    static struct dealt dealt;
    uint32_t written = 0;
    for (uint32_t i = 0; i < merge->part_count; i++) {
        deal(&dealt, merge, i);
        if (dealt.row_count == 0) {
            continue;
        }
        for (uint32_t row = 0; row < merge->sample.row_count; row++) {
            merge->part_of[row] = merge->part_of[row] == i ? (uint8_t)written : merge->part_of[row];
        }
        dealt.part = written;
        merge->parts[written++].part = write_dealt(merge, &dealt);
    }
    merge->part_count = written;
}

void merge_sample_hide(struct merge_sample *merge, uint32_t part, uint32_t user)
{
    CLEANUP(part_view_free) struct part_view *view = NULL;
    struct part_user found;
    enum status viewed = part_view_new(merge->parts[part].part, &view, NULL);
    ASSERT(viewed == STATUS_OK);
    if (merge->is_hidden[part][user] ||
        part_view_find_user(view, merge->sample.users[user], &found, NULL) != STATUS_OK) {
        return;
    }
    struct hidden_user hidden = {.number = found.number, .rows = found.found.count};
    struct hidden_users *before = merge->hidden[part];
    merge->hidden[part] = hidden_users_with(before, hidden);
    hidden_users_unref(before);
    ASSERT(merge->hidden[part] != NULL);
    merge->parts[part].hidden = merge->hidden[part];
    merge->is_hidden[part][user] = true;
}

enum status merge_sample_run(struct merge_sample *merge, struct error *err)
{
    const struct merge_job job = {
        .disk = merge->disk,
        .path = MERGED_PATH,
        .name = merged_name,
        .parts = merge->parts,
        .count = merge->part_count,
        .level = 1,
        .cancel = &merge->cancel,
    };
    return merge_run(&job, err);
}
