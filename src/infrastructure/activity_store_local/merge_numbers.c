#include "infrastructure/activity_store_local/merge_numbers.h"

#include "base/assert.h"

#include <stdlib.h>

/* Enough for the longest texts of as many users as a part can have rows. */
#define TEXT_BYTES_MAX ((size_t)PART_ROWS_MAX * (NAME_BYTES_MAX + 64))

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to merge parts");
}

enum status merge_corrupt(const struct part *part, const char *what, struct error *err)
{
    return error_set(err, STATUS_CORRUPT, 0, "part %llu: %s",
                     (unsigned long long)part_name(part)->number, what);
}

enum status merge_of_part(const struct part *part, enum status status, struct error *err)
{
    struct str front = STR("part ");
    if (status != STATUS_CORRUPT || err == NULL || str_starts_with(str_from(err->message), front)) {
        return status;
    }
    struct error said = *err;
    return merge_corrupt(part, said.message, err);
}

enum status merge_check_cancel(const struct merge_inputs *inputs, struct error *err)
{
    return atomic_load_explicit(inputs->cancel, memory_order_relaxed)
               ? error_set(err, STATUS_BUSY, 0, "the merge was cancelled")
               : STATUS_OK;
}

/* Inputs ------------------------------------------------------------------------------------ */

/* An array in which nothing has a number yet. */
static uint32_t *new_numbers(uint32_t count)
{
    uint32_t *numbers = malloc(((size_t)count + 1) * sizeof *numbers);
    for (uint32_t i = 0; numbers != NULL && i < count; i++) {
        numbers[i] = MERGE_LEFT_OUT;
    }
    return numbers;
}

static enum status input_init(struct merge_input *input, const struct merge_part *part,
                              struct error *err)
{
    const struct part_footer *footer = part_footer(part->part);
    *input = (struct merge_input){.part = part->part, .hidden = part->hidden};
    input->users = new_numbers(footer->user_count);
    input->actions = new_numbers(footer->action_count);
    input->sources = new_numbers(footer->source_count);
    if (input->users == NULL || input->actions == NULL || input->sources == NULL) {
        return no_memory(err);
    }
    return part_view_new(part->part, &input->view, err);
}

enum status merge_inputs_init(struct merge_inputs *inputs, const struct merge_job *job,
                              struct error *err)
{
    uint64_t row_count = merge_row_count(job->parts, job->count);
    ASSERT(job->count >= 1 && job->count <= MERGE_PARTS_MAX);
    ASSERT(row_count >= 1 && row_count <= PART_ROWS_MAX);
    *inputs = (struct merge_inputs){.row_count = (uint32_t)row_count, .cancel = job->cancel};
    enum status status = STATUS_OK;
    while (status == STATUS_OK && inputs->count < job->count) {
        struct merge_input *input = &inputs->items[inputs->count];
        status = input_init(input, &job->parts[inputs->count], err);
        inputs->count++;
    }
    return status;
}

void merge_inputs_deinit(struct merge_inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++) {
        struct merge_input *input = &inputs->items[i];
        part_view_free(input->view);
        free(input->users);
        free(input->actions);
        free(input->sources);
    }
}

/* Texts ------------------------------------------------------------------------------------- */

/* The texts of one part that go into the new one, in byte order, and which of them is next. */
struct text_input {
    struct merge_input *input;
    uint32_t *numbers;         /* of the input, to be filled */
    const uint32_t *rows_left; /* of each action */
    struct part_users all_users;
    uint32_t number; /* of the next text in its part */
    struct str text;
    bool ended;
};

/* Moves on to the next text that goes into the new part. */
typedef enum status text_step(struct text_input *input, struct error *err);

struct text_merge {
    struct text_input inputs[MERGE_PARTS_MAX];
    size_t count;
    text_step *step;
    struct arena *arena;
    struct str *texts; /* each once */
    uint32_t text_count;
    uint32_t text_max;
};

static enum status next_user(struct text_input *input, struct error *err)
{
    enum status status = STATUS_OK;
    do {
        input->number = input->all_users.next;
        status = part_users_next(&input->all_users, &input->text, err);
    } while (status == STATUS_OK && hidden_users_contain(input->input->hidden, input->number));
    input->ended = status == STATUS_NOT_FOUND;
    return input->ended ? STATUS_OK : merge_of_part(input->input->part, status, err);
}

/* The number is that of the action before, and begins in front of the first. */
static enum status next_action(struct text_input *input, struct error *err)
{
    const struct part_footer *footer = part_footer(input->input->part);
    (void)err;
    do {
        input->number++;
    } while (input->number < footer->action_count && input->rows_left[input->number] == 0);
    input->ended = input->number == footer->action_count;
    if (!input->ended) {
        input->text = footer->actions[input->number].text;
    }
    return STATUS_OK;
}

/* Those inputs whose text is the least of all; returns how many. */
static size_t least_inputs(struct text_merge *merge, struct text_input *out_inputs[MERGE_PARTS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < merge->count; i++) {
        struct text_input *input = &merge->inputs[i];
        int order = 0;
        if (input->ended) {
            continue;
        }
        if (count > 0) {
            order = str_compare(input->text, out_inputs[0]->text);
        }
        if (order <= 0) {
            count = order < 0 ? 0 : count;
            out_inputs[count++] = input;
        }
    }
    return count;
}

/* Gives the text the next number. */
static enum status take_text(struct text_merge *merge, const struct text_input *from,
                             struct error *err)
{
    if (merge->text_count > 0 &&
        str_compare(merge->texts[merge->text_count - 1], from->text) >= 0) {
        return merge_corrupt(from->input->part, "its users or actions are not in order", err);
    }
    if (merge->text_count == merge->text_max) {
        return merge_corrupt(from->input->part, "it has users or actions without rows", err);
    }
    struct str text = arena_copy_str(merge->arena, from->text);
    if (text.data == NULL) {
        return no_memory(err);
    }
    merge->texts[merge->text_count++] = text;
    return STATUS_OK;
}

static enum status merge_texts(struct text_merge *merge, struct error *err)
{
    struct text_input *least[MERGE_PARTS_MAX];
    size_t count = 0;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < merge->count; i++) {
        status = merge->step(&merge->inputs[i], err);
    }
    while (status == STATUS_OK && (count = least_inputs(merge, least)) > 0) {
        status = take_text(merge, least[0], err);
        for (size_t i = 0; status == STATUS_OK && i < count; i++) {
            least[i]->numbers[least[i]->number] = merge->text_count - 1;
            status = merge->step(least[i], err);
        }
    }
    return status;
}

/* There cannot be more texts than rows are left, nor more than the parts have. */
static struct str *new_texts(struct text_merge *merge, const struct merge_inputs *inputs,
                             uint64_t texts_of_all)
{
    merge->text_max = texts_of_all < inputs->row_count ? (uint32_t)texts_of_all : inputs->row_count;
    merge->texts = malloc(((size_t)merge->text_max + 1) * sizeof *merge->texts);
    return merge->texts;
}

static enum status number_users(struct merge_numbers *numbers, struct merge_inputs *inputs,
                                struct error *err)
{
    struct text_merge merge = {.count = inputs->count, .step = next_user, .arena = &numbers->arena};
    uint64_t texts = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        struct merge_input *input = &inputs->items[i];
        merge.inputs[i].input = input;
        merge.inputs[i].numbers = input->users;
        part_users_begin(&merge.inputs[i].all_users, input->view);
        texts += part_footer(input->part)->user_count;
    }
    numbers->users = new_texts(&merge, inputs, texts);
    if (numbers->users == NULL) {
        return no_memory(err);
    }
    enum status status = merge_texts(&merge, err);
    numbers->user_count = merge.text_count;
    return status;
}

/* Actions ----------------------------------------------------------------------------------- */

/* How many rows are left of each action of a part that has hidden users: only its pages know. */
static enum status count_left(const struct merge_inputs *inputs, const struct merge_input *input,
                              uint32_t *rows_left, struct error *err)
{
    const struct part_footer *footer = part_footer(input->part);
    const struct page *page = NULL;
    enum status status = STATUS_OK;
    for (uint32_t row = 0; status == STATUS_OK && row < footer->row_count; row++) {
        if (row % PAGE_ROWS == 0) {
            status = merge_check_cancel(inputs, err);
            if (status == STATUS_OK) {
                status = part_view_page(input->view, row, &page, err);
            }
            if (status != STATUS_OK) {
                return merge_of_part(input->part, status, err);
            }
        }
        uint32_t user = page_user(page, row % PAGE_ROWS);
        uint32_t action = page_action(page, row % PAGE_ROWS);
        if (user >= footer->user_count || action >= footer->action_count) {
            return merge_corrupt(input->part, "a row has a user or an action it does not know",
                                 err);
        }
        rows_left[action] += input->users[user] != MERGE_LEFT_OUT;
    }
    return status;
}

static enum status count_actions(const struct merge_inputs *inputs, const struct merge_input *input,
                                 uint32_t **out_rows_left, struct error *err)
{
    const struct part_footer *footer = part_footer(input->part);
    uint32_t *rows_left = calloc((size_t)footer->action_count + 1, sizeof *rows_left);
    if (rows_left == NULL) {
        return no_memory(err);
    }
    *out_rows_left = rows_left;
    if (hidden_users_rows(input->hidden) > 0) {
        return count_left(inputs, input, rows_left, err);
    }
    for (uint32_t i = 0; i < footer->action_count; i++) {
        rows_left[i] = footer->actions[i].count;
    }
    return STATUS_OK;
}

static enum status merge_actions(struct merge_numbers *numbers, struct merge_inputs *inputs,
                                 uint32_t *rows_left[MERGE_PARTS_MAX], struct error *err)
{
    struct text_merge merge = {
        .count = inputs->count, .step = next_action, .arena = &numbers->arena};
    uint64_t texts = 0;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < inputs->count; i++) {
        struct merge_input *input = &inputs->items[i];
        status = count_actions(inputs, input, &rows_left[i], err);
        merge.inputs[i] = (struct text_input){.input = input,
                                              .numbers = input->actions,
                                              .rows_left = rows_left[i],
                                              .number = UINT32_MAX};
        texts += part_footer(input->part)->action_count;
    }
    if (status != STATUS_OK) {
        return status;
    }
    numbers->actions = new_texts(&merge, inputs, texts);
    if (numbers->actions == NULL) {
        return no_memory(err);
    }
    status = merge_texts(&merge, err);
    numbers->action_count = merge.text_count;
    return status;
}

static enum status number_actions(struct merge_numbers *numbers, struct merge_inputs *inputs,
                                  struct error *err)
{
    uint32_t *rows_left[MERGE_PARTS_MAX] = {NULL};
    enum status status = merge_actions(numbers, inputs, rows_left, err);
    for (size_t i = 0; i < inputs->count; i++) {
        free(rows_left[i]);
    }
    if (status == STATUS_OK && numbers->action_count > PART_ACTIONS_MAX) {
        return error_set(err, STATUS_TOO_LARGE, 0, "a part may not have %u actions",
                         numbers->action_count);
    }
    return status;
}

/* Sources ----------------------------------------------------------------------------------- */

/* A source of a part and where its number in the new part goes. */
struct source_entry {
    struct part_source source;
    uint32_t *number;
};

static int compare_sources(const struct part_source *a, const struct part_source *b)
{
    int order = memcmp(a->log_id.bytes, b->log_id.bytes, UUID_BYTES);
    return order != 0 ? order : (a->partition > b->partition) - (a->partition < b->partition);
}

static int compare_entries(const void *a, const void *b)
{
    const struct source_entry *left = a;
    const struct source_entry *right = b;
    return compare_sources(&left->source, &right->source);
}

/* Sorted, so that those of the same log and partition are neighbours. */
static void fill_entries(struct source_entry *entries, const struct merge_inputs *inputs)
{
    size_t count = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        const struct merge_input *input = &inputs->items[i];
        const struct part_footer *footer = part_footer(input->part);
        for (uint32_t j = 0; j < footer->source_count; j++) {
            entries[count++] = (struct source_entry){footer->sources[j], &input->sources[j]};
        }
    }
    qsort(entries, count, sizeof *entries, compare_entries);
}

static void unite_sources(struct merge_numbers *numbers, const struct source_entry *entries,
                          size_t count)
{
    struct part_source *last = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct part_source *source = &entries[i].source;
        if (last == NULL || compare_sources(last, source) != 0) {
            last = &numbers->sources[numbers->source_count++];
            *last = *source;
        }
        last->begin = source->begin < last->begin ? source->begin : last->begin;
        last->end = source->end > last->end ? source->end : last->end;
        *entries[i].number = numbers->source_count - 1;
    }
}

static enum status number_sources(struct merge_numbers *numbers, struct merge_inputs *inputs,
                                  struct error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        count += part_footer(inputs->items[i].part)->source_count;
    }
    struct source_entry *entries = malloc((count + 1) * sizeof *entries);
    numbers->sources = malloc((count + 1) * sizeof *numbers->sources);
    if (entries == NULL || numbers->sources == NULL) {
        free(entries);
        return no_memory(err);
    }
    fill_entries(entries, inputs);
    unite_sources(numbers, entries, count);
    free(entries);
    return numbers->source_count <= PART_SOURCES_MAX
               ? STATUS_OK
               : error_set(err, STATUS_TOO_LARGE, 0, "a part may not have %u sources",
                           numbers->source_count);
}

/* All --------------------------------------------------------------------------------------- */

/* There is one, since rows are left. */
static const struct part *first_with_rows(const struct merge_inputs *inputs)
{
    size_t i = 0;
    while (i + 1 < inputs->count && part_footer(inputs->items[i].part)->row_count <=
                                        hidden_users_rows(inputs->items[i].hidden)) {
        i++;
    }
    return inputs->items[i].part;
}

enum status merge_numbers_init(struct merge_numbers *numbers, struct merge_inputs *inputs,
                               struct error *err)
{
    *numbers = (struct merge_numbers){.user_count = 0};
    arena_init(&numbers->arena, TEXT_BYTES_MAX);
    enum status status = number_sources(numbers, inputs, err);
    if (status == STATUS_OK) {
        status = number_users(numbers, inputs, err);
    }
    if (status == STATUS_OK) {
        status = number_actions(numbers, inputs, err);
    }
    bool unnamed = status == STATUS_OK && (numbers->user_count == 0 || numbers->action_count == 0);
    return unnamed ? merge_corrupt(first_with_rows(inputs), "its rows have no user or action", err)
                   : status;
}

void merge_numbers_deinit(struct merge_numbers *numbers)
{
    free(numbers->users);
    free(numbers->actions);
    free(numbers->sources);
    arena_deinit(&numbers->arena);
}
