#include "infrastructure/activity_store_local/part_sample.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

const struct part_name sample_name = {
    .store_id = {{0x01, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0x47, 0xe8, 0x89, 0x0a, 1, 2, 3, 4, 5, 6}},
    .number = 7,
};

#define SAMPLE_MS INT64_C(1700000000000)

static struct str text(struct sample *sample, const char *terminated)
{
    struct str copy = arena_copy_str(&sample->arena, str_from(terminated));
    ASSERT(copy.data != NULL);
    return copy;
}

/* A UUIDv7 of about the row's time, another UUID, a short text or one as long as may be. */
static struct str make_id(struct sample *sample, const struct random *random, uint32_t row,
                          int64_t ms)
{
    char id[160];
    struct uuid uuid = uuid_make_random(random);
    uint64_t kind = random_below(random, 10);
    if (kind < 8) {
        uuid_format(uuid, id);
        id[UUID_TEXT_BYTES] = '\0';
        if (kind < 7) {
            uint64_t at = (uint64_t)(ms + (int64_t)random_below(random, 4000) - 2000);
            for (int i = 0; i < 6; i++) {
                uuid.bytes[i] = (uint8_t)(at >> (40 - 8 * i));
            }
            uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x70);
            uuid_format(uuid, id);
        }
    } else if (kind == 8) {
        snprintf(id, sizeof id, "row-%u", row);
    } else {
        snprintf(id, sizeof id, "%0128u", row);
    }
    return text(sample, id);
}

static struct str make_metadata(struct sample *sample, const struct random *random)
{
    char json[4096];
    uint64_t kind = random_below(random, 20);
    if (kind == 0) {
        return text(sample, "{}");
    }
    int len =
        snprintf(json, sizeof json, "{\"path\":\"/products/%u\",\"sessionId\":\"%016llx\"",
                 (unsigned)random_below(random, 1000), (unsigned long long)random_u64(random));
    if (kind == 1) {
        len += snprintf(json + len, sizeof json - (size_t)len, ",\"note\":\"%03000u\"", 1u);
    }
    snprintf(json + len, sizeof json - (size_t)len, "}");
    return text(sample, json);
}

static int compare_rows(const void *a, const void *b)
{
    const struct sample_row *left = a;
    const struct sample_row *right = b;
    return activity_key_compare(activity_key_of(&left->activity),
                                activity_key_of(&right->activity));
}

static int compare_texts(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* The texts that rows carry, each once, in byte order, and the place of each row's own. */
static uint32_t number_texts(struct sample *sample, struct str *out_texts, uint32_t most,
                             struct str (*text_of)(const struct sample_row *row),
                             void (*set_number)(struct sample_row *row, uint32_t number))
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < sample->row_count; i++) {
        struct str wanted = text_of(&sample->rows[i]);
        uint32_t at = 0;
        while (at < count && !str_equal(out_texts[at], wanted)) {
            at++;
        }
        if (at == count) {
            ASSERT(count < most);
            out_texts[count++] = wanted;
        }
    }
    qsort(out_texts, count, sizeof *out_texts, compare_texts);
    for (uint32_t i = 0; i < sample->row_count; i++) {
        struct str wanted = text_of(&sample->rows[i]);
        struct str *found = bsearch(&wanted, out_texts, count, sizeof *out_texts, compare_texts);
        set_number(&sample->rows[i], (uint32_t)(found - out_texts));
    }
    return count;
}

static struct str user_of(const struct sample_row *row)
{
    return row->activity.user_id;
}

static void set_user(struct sample_row *row, uint32_t number)
{
    row->user = number;
}

static struct str action_of(const struct sample_row *row)
{
    return row->activity.action;
}

static void set_action(struct sample_row *row, uint32_t number)
{
    row->action = number;
}

static void make_row(struct sample *sample, const struct random *random, uint32_t row)
{
    struct sample_row *made = &sample->rows[row];
    char name[64];
    /* A tenth of the rows is one user's, so that its list is long. */
    uint64_t user = random_below(random, 10) == 0 ? 0 : random_below(random, SAMPLE_USERS);
    snprintf(name, sizeof name, "user-%llu%s", (unsigned long long)user,
             user % 17 == 3 ? "-\xc3\xa9\xe2\x82\xac" : "");
    made->activity.user_id = text(sample, name);
    snprintf(name, sizeof name, "ACTION_%llu",
             (unsigned long long)random_below(random, SAMPLE_ACTIONS));
    made->activity.action = text(sample, name);
    /* Many rows have a timestamp in common, a few lie far away. */
    made->activity.timestamp_ms = SAMPLE_MS + (int64_t)random_below(random, 1 + row) * 7;
    if (random_below(random, 500) == 0) {
        made->activity.timestamp_ms = (int64_t)random_below(random, 100000);
    }
    made->activity.id = make_id(sample, random, row, made->activity.timestamp_ms);
    made->activity.metadata = make_metadata(sample, random);
    made->activity.received_at_ms = SAMPLE_MS + (int64_t)random_below(random, 100000);
    made->source = (uint32_t)random_below(random, 2);
    made->offset = 1000 + (int64_t)row;
    struct uuid uuid;
    bool is_uuid_7 = uuid_parse(made->activity.id, &uuid) && uuid_is_version_7(uuid);
    made->salt = is_uuid_7 ? 0 : (row + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

void sample_init(struct sample *sample, uint64_t seed, uint32_t row_count)
{
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, seed);
    ASSERT(row_count >= 1 && row_count <= SAMPLE_ROWS_MAX);
    *sample = (struct sample){.row_count = row_count};
    arena_init(&sample->arena, (size_t)256 << 20);
    sample->rows = calloc(row_count, sizeof *sample->rows);
    ASSERT(sample->rows != NULL);
    for (uint32_t row = 0; row < row_count; row++) {
        make_row(sample, &random, row);
    }
    qsort(sample->rows, row_count, sizeof *sample->rows, compare_rows);
    sample->user_count = number_texts(sample, sample->users, SAMPLE_USERS, user_of, set_user);
    sample->action_count =
        number_texts(sample, sample->actions, SAMPLE_ACTIONS, action_of, set_action);
    for (int i = 0; i < 2; i++) {
        sample->sources[i] = (struct part_source){
            .log_id = {{(uint8_t)i}}, .partition = i, .begin = 1000, .end = 1000 + row_count};
    }
}

void sample_deinit(struct sample *sample)
{
    free(sample->rows);
    arena_deinit(&sample->arena);
}

static enum status next_row(void *context, struct page_row *out_row, struct error *err)
{
    struct sample *sample = context;
    (void)err;
    ASSERT(sample->next < sample->row_count);
    const struct sample_row *row = &sample->rows[sample->next++];
    *out_row = (struct page_row){.activity = &row->activity,
                                 .user = row->user,
                                 .action = row->action,
                                 .source = row->source,
                                 .offset = row->offset,
                                 .salt = row->salt};
    return STATUS_OK;
}

enum status sample_write(struct sample *sample, struct disk *disk, struct str dictionary,
                         struct error *err)
{
    const struct part_input input = {
        .users = sample->users,
        .user_count = sample->user_count,
        .actions = sample->actions,
        .action_count = sample->action_count,
        .sources = sample->sources,
        .source_count = 2,
        .row_count = sample->row_count,
        .dictionary = dictionary,
        .level = 1,
        .next = next_row,
        .context = sample,
    };
    sample->next = 0;
    return part_write(disk, SAMPLE_PATH, &sample_name, &input, err);
}
