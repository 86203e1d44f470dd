#include "infrastructure/activity_store_local/merge.h"

#include "infrastructure/activity_store_local/dictionary.h"
#include "infrastructure/activity_store_local/merge_numbers.h"

#include <stdlib.h>

#define PAGE_TEXT_BYTES_MAX ((size_t)PAGE_ROWS << 21) /* metadata is at most 1 MiB a row */

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to merge parts");
}

static uint64_t rows_left(const struct merge_part *part)
{
    uint64_t hidden = hidden_users_rows(part->hidden);
    uint64_t all = part_footer(part->part)->row_count;
    return hidden < all ? all - hidden : 0;
}

uint64_t merge_row_count(const struct merge_part *parts, size_t count)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        rows += rows_left(&parts[i]);
    }
    return rows;
}

/* The dictionary ---------------------------------------------------------------------------- */

/* A user who is hidden must not live on in the dictionary either. */
static enum status sample_block(struct merge_input *input, uint32_t first,
                                struct dictionary_samples *samples, struct error *err)
{
    uint32_t left = part_footer(input->part)->row_count - first;
    uint32_t end = first + (left < PAGE_BLOCK_ROWS ? left : PAGE_BLOCK_ROWS);
    enum status status = STATUS_OK;
    dictionary_samples_begin(samples);
    for (uint32_t row = first; status == STATUS_OK && row < end; row++) {
        struct part_numbered_row found;
        status = part_view_numbered_row(input->view, row, &found, err);
        if (status == STATUS_OK && input->users[found.user] != MERGE_LEFT_OUT) {
            dictionary_samples_add(samples, found.activity.metadata);
        }
    }
    return merge_of_part(input->part, status, err);
}

static uint32_t block_count_of(const struct merge_input *input)
{
    return (part_footer(input->part)->row_count + PAGE_BLOCK_ROWS - 1) / PAGE_BLOCK_ROWS;
}

/* Blocks of the parts stand for those of the new part, in which their rows will be mixed: what
 * repeats is the same in both. */
static enum status take_samples(struct merge_inputs *inputs, struct dictionary_samples *samples,
                                struct error *err)
{
    enum status status = STATUS_OK;
    uint32_t blocks = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        blocks += block_count_of(&inputs->items[i]);
    }
    uint32_t between = dictionary_blocks_between(blocks);
    uint32_t next = 0; /* block, counted over all parts */
    uint32_t before = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        struct merge_input *input = &inputs->items[i];
        uint32_t end = before + block_count_of(input);
        for (; status == STATUS_OK && next < end; next += between) {
            status = sample_block(input, (next - before) * PAGE_BLOCK_ROWS, samples, err);
        }
        before = end;
    }
    return status;
}

static enum status make_dictionary(struct merge_inputs *inputs, struct buffer *out_dictionary,
                                   struct error *err)
{
    if (inputs->row_count < DICTIONARY_ROWS_MIN) {
        return STATUS_OK;
    }
    struct dictionary_samples samples;
    dictionary_samples_init(&samples);
    enum status status = take_samples(inputs, &samples, err);
    if (status == STATUS_OK) {
        dictionary_train(&samples, out_dictionary);
    }
    dictionary_samples_deinit(&samples);
    return status;
}

/* Rows -------------------------------------------------------------------------------------- */

/* The rows of one part, in order, and which of them is next. */
struct row_input {
    struct merge_input *input;
    uint32_t row; /* behind the next one */
    struct part_row_apart next;
};

/* Rows that were handed out, as many as the writer may still look at. */
struct given_rows {
    struct arena texts;
    struct activity activities[PAGE_ROWS];
    struct metadata_piece pieces[PAGE_ROWS];
    struct uuid uuids[PAGE_ROWS];
};

/* Says of each user or action whether a row of it came by. */
struct seen {
    uint64_t *bits;
    uint32_t missing;
};

struct row_merge {
    struct merge_inputs *inputs;
    struct row_input rows[MERGE_PARTS_MAX];
    struct row_input *open[MERGE_PARTS_MAX]; /* those that have a row left */
    size_t open_count;
    struct given_rows given[2]; /* in turn */
    uint32_t given_count;
    struct seen users;
    struct seen actions;
};

static bool seen_init(struct seen *seen, uint32_t count)
{
    seen->bits = calloc((size_t)count / 64 + 1, sizeof *seen->bits);
    seen->missing = count;
    return seen->bits != NULL;
}

static void seen_mark(struct seen *seen, uint32_t number)
{
    uint64_t bit = UINT64_C(1) << number % 64;
    seen->missing -= (seen->bits[number / 64] & bit) == 0;
    seen->bits[number / 64] |= bit;
}

/* Moves on to the next row that is not hidden; false in `out_found`: there is none. */
static enum status row_input_step(struct row_input *rows, bool *out_found, struct error *err)
{
    struct merge_input *input = rows->input;
    const struct part_footer *footer = part_footer(input->part);
    const struct page *page = NULL;
    *out_found = false;
    while (!*out_found && rows->row < footer->row_count) {
        enum status status = part_view_page(input->view, rows->row, &page, err);
        if (status != STATUS_OK) {
            return merge_of_part(input->part, status, err);
        }
        uint32_t user = page_user(page, rows->row % PAGE_ROWS);
        *out_found = user >= footer->user_count || input->users[user] != MERGE_LEFT_OUT;
        rows->row++;
    }
    return *out_found
               ? merge_of_part(input->part,
                               part_view_row_apart(input->view, rows->row - 1, &rows->next, err),
                               err)
               : STATUS_OK;
}

/* Where the row stands that comes first in the order of answers. */
static size_t first_open(const struct row_merge *merge)
{
    size_t first = 0;
    for (size_t i = 1; i < merge->open_count; i++) {
        const struct activity *best = &merge->open[first]->next.row.activity;
        const struct activity *other = &merge->open[i]->next.row.activity;
        if (other->timestamp_ms < best->timestamp_ms ||
            (other->timestamp_ms == best->timestamp_ms && str_compare(other->id, best->id) < 0)) {
            first = i;
        }
    }
    return first;
}

static struct str put(char **at, struct str text)
{
    struct str copy = {*at, text.len};
    if (text.len > 0) {
        memcpy(*at, text.data, text.len);
    }
    *at += text.len;
    return copy;
}

/* The texts of the row are those of its view, which will soon read on, so they are copied: the id,
 * and the metadata as it is or in its pieces. */
static enum status keep_activity(struct row_merge *merge, const struct row_input *from,
                                 struct page_row *row, struct error *err)
{
    uint32_t at = merge->given_count % PAGE_ROWS;
    struct given_rows *given = &merge->given[merge->given_count / PAGE_ROWS % 2];
    const struct activity *next = &from->next.row.activity;
    const struct metadata_piece *piece = &from->next.piece;
    size_t metadata_bytes = from->next.apart
                                ? piece->text.len + piece->numbers.len + piece->digits.len
                                : next->metadata.len;
    if (at == 0) {
        arena_reset(&given->texts);
    }
    char *texts = arena_allocate(&given->texts, next->id.len + metadata_bytes);
    if (texts == NULL) {
        return no_memory(err);
    }
    struct activity *kept = &given->activities[at];
    *kept = *next;
    kept->id = put(&texts, next->id);
    if (from->next.apart) {
        given->pieces[at] = (struct metadata_piece){.text = put(&texts, piece->text),
                                                    .numbers = put(&texts, piece->numbers),
                                                    .digits = put(&texts, piece->digits)};
    } else {
        kept->metadata = put(&texts, next->metadata);
    }
    row->activity = kept;
    row->piece = from->next.apart ? &given->pieces[at] : NULL;
    given->uuids[at] = from->next.row.uuid;
    row->uuid = from->next.row.has_uuid ? &given->uuids[at] : NULL;
    return STATUS_OK;
}

static enum status check_order(const struct row_merge *merge, const struct row_input *from,
                               struct error *err)
{
    if (merge->given_count == 0) {
        return STATUS_OK;
    }
    uint32_t last = merge->given_count - 1;
    const struct activity *before =
        &merge->given[last / PAGE_ROWS % 2].activities[last % PAGE_ROWS];
    return activity_key_compare(activity_key_of(before),
                                activity_key_of(&from->next.row.activity)) < 0
               ? STATUS_OK
               : merge_corrupt(from->input->part, "its rows are not in order", err);
}

/* A part whose pages and users say different things must not become a sound one without a word. */
static enum status check_end(const struct row_merge *merge, struct error *err)
{
    if (merge->open_count > 0) {
        return merge_corrupt(merge->open[0]->input->part, "users have other rows than it says",
                             err);
    }
    return merge->users.missing == 0 && merge->actions.missing == 0
               ? STATUS_OK
               : merge_corrupt(merge->inputs->items[0].part,
                               "it, or one merged with it, has users or actions without rows", err);
}

static enum status number_row(struct row_merge *merge, const struct row_input *from,
                              struct page_row *row, struct error *err)
{
    const struct merge_input *input = from->input;
    const struct part_numbered_row *next = &from->next.row;
    row->user = input->users[next->user];
    row->action = input->actions[next->action];
    row->source = input->sources[next->source];
    row->offset = next->offset;
    row->salt = next->salt;
    if (row->action == MERGE_LEFT_OUT) {
        return merge_corrupt(input->part, "a row has an action of which it has no rows", err);
    }
    seen_mark(&merge->users, row->user);
    seen_mark(&merge->actions, row->action);
    return keep_activity(merge, from, row, err);
}

/* Takes the first row of all; the one behind it is read, too, so that it is known what is open. */
static enum status take_row(struct row_merge *merge, struct page_row *out_row, struct error *err)
{
    size_t first = first_open(merge);
    struct row_input *from = merge->open[first];
    bool found = false;
    enum status status = check_order(merge, from, err);
    if (status == STATUS_OK) {
        status = number_row(merge, from, out_row, err);
    }
    if (status == STATUS_OK) {
        merge->given_count++;
        status = row_input_step(from, &found, err);
    }
    if (status == STATUS_OK && !found) {
        merge->open[first] = merge->open[--merge->open_count];
    }
    return status;
}

static enum status next_row(void *context, struct page_row *out_row, struct error *err)
{
    struct row_merge *merge = context;
    enum status status = STATUS_OK;
    if (merge->given_count % PAGE_ROWS == 0) {
        status = merge_check_cancel(merge->inputs, err);
    }
    if (status == STATUS_OK && merge->open_count == 0) {
        status = merge_corrupt(merge->inputs->items[0].part,
                               "it, or one merged with it, has fewer rows than it says", err);
    }
    if (status == STATUS_OK) {
        status = take_row(merge, out_row, err);
    }
    return status == STATUS_OK && merge->given_count == merge->inputs->row_count
               ? check_end(merge, err)
               : status;
}

static enum status row_merge_init(struct row_merge *merge, struct merge_inputs *inputs,
                                  const struct merge_numbers *numbers, struct error *err)
{
    *merge = (struct row_merge){.inputs = inputs};
    for (int i = 0; i < 2; i++) {
        arena_init(&merge->given[i].texts, PAGE_TEXT_BYTES_MAX);
    }
    if (!seen_init(&merge->users, numbers->user_count) ||
        !seen_init(&merge->actions, numbers->action_count)) {
        return no_memory(err);
    }
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < inputs->count; i++) {
        bool found = false;
        merge->rows[i].input = &inputs->items[i];
        status = row_input_step(&merge->rows[i], &found, err);
        if (found) {
            merge->open[merge->open_count++] = &merge->rows[i];
        }
    }
    return status;
}

static void row_merge_free(struct row_merge *merge)
{
    if (merge == NULL) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        arena_deinit(&merge->given[i].texts);
    }
    free(merge->users.bits);
    free(merge->actions.bits);
    free(merge);
}

/* All --------------------------------------------------------------------------------------- */

static enum status write_rows(const struct merge_job *job, struct merge_inputs *inputs,
                              const struct merge_numbers *numbers, struct str dictionary,
                              struct error *err)
{
    struct row_merge *merge = malloc(sizeof *merge);
    if (merge == NULL) {
        return no_memory(err);
    }
    const struct part_input input = {
        .users = numbers->users,
        .user_count = numbers->user_count,
        .actions = numbers->actions,
        .action_count = numbers->action_count,
        .sources = numbers->sources,
        .source_count = numbers->source_count,
        .row_count = inputs->row_count,
        .dictionary = dictionary,
        .level = job->level,
        .next = next_row,
        .context = merge,
    };
    enum status status = row_merge_init(merge, inputs, numbers, err);
    if (status == STATUS_OK) {
        status = part_write(job->disk, job->path, &job->name, &input, err);
    }
    row_merge_free(merge);
    return status;
}

static enum status merge_opened(const struct merge_job *job, struct merge_inputs *inputs,
                                struct error *err)
{
    struct merge_numbers numbers;
    struct buffer dictionary;
    buffer_init(&dictionary, DICTIONARY_BYTES);
    enum status status = merge_numbers_init(&numbers, inputs, err);
    if (status == STATUS_OK) {
        status = make_dictionary(inputs, &dictionary, err);
    }
    if (status == STATUS_OK) {
        status = write_rows(job, inputs, &numbers, buffer_str(&dictionary), err);
    }
    buffer_deinit(&dictionary);
    merge_numbers_deinit(&numbers);
    return status;
}

enum status merge_run(const struct merge_job *job, struct error *err)
{
    struct merge_inputs inputs;
    enum status status = merge_inputs_init(&inputs, job, err);
    if (status == STATUS_OK) {
        status = merge_opened(job, &inputs, err);
    }
    merge_inputs_deinit(&inputs);
    return status;
}
