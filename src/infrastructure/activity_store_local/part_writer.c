#include "infrastructure/activity_store_local/part_writer.h"

#include "base/assert.h"
#include "base/timestamp.h"
#include "domain/activity_id.h"
#include "infrastructure/activity_store_local/ids.h"
#include "infrastructure/activity_store_local/names.h"

#include <endian.h>
#include <stdlib.h>

/* Metadata of a page, which may have a MiB for each row: plain, split and packed. */
#define SCRATCH_BYTES_MAX ((size_t)2 << 30)

#define META_BYTES_MAX ((size_t)256 << 20) /* footer or directory */

/* A part on its way to the disk. */
struct writing {
    const struct part_input *input;
    struct run_output output;
    struct page_codec *codec;
    struct arena scratch;
    struct part_footer footer;
    struct part_directory directory;
    uint32_t *users;           /* of each row */
    struct keyed *ids;         /* the hash of the id of each row */
    uint32_t *hour_capacities; /* of each action */
    struct page_row rows[PAGE_ROWS];
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to write a part");
}

static void *zeroed(uint32_t count, size_t size)
{
    return calloc(count == 0 ? 1 : count, size);
}

static enum status writing_init(struct writing *writing, const struct part_input *input,
                                struct disk_file *file, const struct part_name *name)
{
    *writing = (struct writing){.input = input};
    run_output_init(&writing->output, file, run_seed(name->store_id, name->number));
    arena_init(&writing->scratch, SCRATCH_BYTES_MAX);
    writing->footer = (struct part_footer){
        .row_count = input->row_count,
        .user_count = input->user_count,
        .timestamps = {INT64_MAX, INT64_MIN},
        .received = {INT64_MAX, INT64_MIN},
        .id_times = {INT64_MAX, INT64_MIN},
        .action_count = input->action_count,
        .actions = zeroed(input->action_count, sizeof(struct part_action)),
        .sources = (struct part_source *)input->sources,
        .source_count = input->source_count,
    };
    writing->directory = (struct part_directory){
        .pages = zeroed(page_count_of(input->row_count), sizeof(struct part_page)),
        .names = zeroed(name_block_count(input->user_count), sizeof(struct part_names)),
    };
    writing->users = zeroed(input->row_count, sizeof *writing->users);
    writing->ids = zeroed(input->row_count, sizeof *writing->ids);
    writing->hour_capacities = zeroed(input->action_count, sizeof(uint32_t));
    bool complete = writing->footer.actions != NULL && writing->directory.pages != NULL &&
                    writing->directory.names != NULL && writing->users != NULL &&
                    writing->ids != NULL && writing->hour_capacities != NULL;
    if (!complete) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < input->action_count; i++) {
        writing->footer.actions[i].text = input->actions[i];
    }
    return input->dictionary.len == 0
               ? STATUS_OK
               : page_codec_new(input->dictionary, input->level, &writing->codec);
}

static void writing_deinit(struct writing *writing)
{
    for (uint32_t i = 0; writing->footer.actions != NULL && i < writing->footer.action_count; i++) {
        free(writing->footer.actions[i].hours);
    }
    free(writing->footer.actions);
    free(writing->directory.pages);
    free(writing->directory.names);
    free(writing->users);
    free(writing->ids);
    free(writing->hour_capacities);
    page_codec_free(writing->codec);
    arena_deinit(&writing->scratch);
    run_output_deinit(&writing->output);
}

/* Pages ------------------------------------------------------------------------------------- */

static void widen(struct part_range *range, int64_t ms)
{
    range->first_ms = ms < range->first_ms ? ms : range->first_ms;
    range->last_ms = ms > range->last_ms ? ms : range->last_ms;
}

/* Rows come in the order of time, so an hour that is not the last one of its action is a new one.
 */
static bool count_hour(struct writing *writing, uint32_t number, int64_t timestamp_ms)
{
    struct part_action *action = &writing->footer.actions[number];
    uint32_t hour = (uint32_t)(timestamp_ms / MS_PER_HOUR);
    action->count++;
    if (action->hour_count > 0 && action->hours[action->hour_count - 1].hour == hour) {
        action->hours[action->hour_count - 1].count++;
        return true;
    }
    uint32_t *capacity = &writing->hour_capacities[number];
    if (action->hour_count == *capacity) {
        uint32_t wanted = *capacity == 0 ? 4 : *capacity * 2;
        struct part_hour *hours = realloc(action->hours, wanted * sizeof *hours);
        if (hours == NULL) {
            return false;
        }
        action->hours = hours;
        *capacity = wanted;
    }
    action->hours[action->hour_count++] = (struct part_hour){.hour = hour, .count = 1};
    return true;
}

static bool note_row(struct writing *writing, uint32_t number, const struct page_row *row)
{
    const struct activity *activity = row->activity;
    int64_t id_time =
        row->uuid != NULL ? activity_id_time_ms(*row->uuid) : id_time_ms(activity->id);
    ASSERT(row->user < writing->input->user_count && row->action < writing->input->action_count);
    writing->users[number] = row->user;
    writing->ids[number] = (struct keyed){.key = id_hash(activity->id), .value = number};
    widen(&writing->footer.timestamps, activity->timestamp_ms);
    widen(&writing->footer.received, activity->received_at_ms);
    if (id_time != 0) {
        widen(&writing->footer.id_times, id_time);
    }
    return count_hour(writing, row->action, activity->timestamp_ms);
}

static enum status take_page(struct writing *writing, uint32_t first, uint32_t count,
                             struct error *err)
{
    struct part_page *page = &writing->directory.pages[writing->directory.page_count];
    for (uint32_t i = 0; i < count; i++) {
        enum status status = writing->input->next(writing->input->context, &writing->rows[i], err);
        if (status != STATUS_OK) {
            return status;
        }
        if (!note_row(writing, first + i, &writing->rows[i])) {
            return no_memory(err);
        }
        page->action_bits |= UINT64_C(1) << writing->rows[i].action % 64;
    }
    page->first_ms = writing->rows[0].activity->timestamp_ms;
    page->last_ms = writing->rows[count - 1].activity->timestamp_ms;
    arena_reset(&writing->scratch);
    struct page_writer writer = {&writing->output, writing->codec, &writing->scratch};
    enum status status = page_write(&writer, writing->rows, count, &page->place, err);
    writing->directory.page_count += status == STATUS_OK;
    return status;
}

static enum status write_pages(struct writing *writing, struct error *err)
{
    enum status status = STATUS_OK;
    for (uint32_t row = 0; status == STATUS_OK && row < writing->input->row_count;
         row += PAGE_ROWS) {
        uint32_t left = writing->input->row_count - row;
        status = take_page(writing, row, left < PAGE_ROWS ? left : PAGE_ROWS, err);
    }
    return status;
}

/* Users ------------------------------------------------------------------------------------- */

/* The rows of all users, one user behind the other. */
struct rows_by_user {
    uint32_t *ends; /* behind the last row of each user */
    uint32_t *rows;
    struct run_place *indexes; /* of long lists */
};

static void rows_by_user_deinit(struct rows_by_user *by_user)
{
    free(by_user->ends);
    free(by_user->rows);
    free(by_user->indexes);
}

/* A counting sort; rows of a user stay ascending. */
static enum status sort_by_user(const struct writing *writing, struct rows_by_user *by_user)
{
    uint32_t users = writing->input->user_count;
    uint32_t rows = writing->input->row_count;
    by_user->ends = zeroed(users, sizeof(uint32_t));
    by_user->rows = zeroed(rows, sizeof(uint32_t));
    by_user->indexes = zeroed(users, sizeof(struct run_place));
    if (by_user->ends == NULL || by_user->rows == NULL || by_user->indexes == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t row = 0; row < rows; row++) {
        by_user->ends[writing->users[row]]++;
    }
    uint32_t at = 0;
    for (uint32_t user = 0; user < users; user++) {
        uint32_t count = by_user->ends[user];
        by_user->ends[user] = at; /* where its next row goes */
        at += count;
    }
    for (uint32_t row = 0; row < rows; row++) {
        by_user->rows[by_user->ends[writing->users[row]]++] = row;
    }
    return STATUS_OK;
}

static struct rows_of_name rows_of(const struct writing *writing,
                                   const struct rows_by_user *by_user, uint32_t user)
{
    uint32_t from = user == 0 ? 0 : by_user->ends[user - 1];
    ASSERT(by_user->ends[user] > from);
    return (struct rows_of_name){.text = writing->input->users[user],
                                 .rows = by_user->rows + from,
                                 .count = by_user->ends[user] - from};
}

static enum status write_lists(struct writing *writing, const struct rows_by_user *by_user,
                               struct error *err)
{
    enum status status = STATUS_OK;
    for (uint32_t user = 0; status == STATUS_OK && user < writing->input->user_count; user++) {
        struct rows_of_name name = rows_of(writing, by_user, user);
        if (name.count > LIST_INLINE_ROWS) {
            status = list_write(&writing->output, &name, &by_user->indexes[user], err);
        }
    }
    return status;
}

static enum status write_names(struct writing *writing, const struct rows_by_user *by_user,
                               uint32_t first, struct error *err)
{
    uint32_t left = writing->input->user_count - first;
    uint32_t end = first + (left < NAMES_IN_BLOCK ? left : NAMES_IN_BLOCK);
    struct part_names *names = &writing->directory.names[first / NAMES_IN_BLOCK];
    struct name_block block;
    name_block_init(&block);
    for (uint32_t user = first; user < end; user++) {
        struct rows_of_name name = rows_of(writing, by_user, user);
        name_block_add(&block, &name, by_user->indexes[user]);
    }
    names->first = writing->input->users[first];
    enum status status = block.bytes.failed == STATUS_OK
                             ? run_output_write(&writing->output, block.bytes.data, block.bytes.len,
                                                &names->place, err)
                             : no_memory(err);
    name_block_deinit(&block);
    writing->directory.names_count += status == STATUS_OK;
    return status;
}

static enum status write_users(struct writing *writing, struct error *err)
{
    struct rows_by_user by_user = {0};
    enum status status = sort_by_user(writing, &by_user);
    if (status != STATUS_OK) {
        status = no_memory(err);
    }
    if (status == STATUS_OK) {
        status = write_lists(writing, &by_user, err);
    }
    for (uint32_t user = 0; status == STATUS_OK && user < writing->input->user_count;
         user += NAMES_IN_BLOCK) {
        status = write_names(writing, &by_user, user, err);
    }
    rows_by_user_deinit(&by_user);
    return status;
}

/* What is behind the users ------------------------------------------------------------------- */

static enum status write_filter(struct writing *writing, struct error *err)
{
    size_t bytes = id_filter_bytes(writing->input->row_count);
    uint8_t *filter = calloc(1, bytes);
    if (filter == NULL) {
        return no_memory(err);
    }
    for (uint32_t i = 0; i < writing->input->row_count; i++) {
        id_filter_add(filter, bytes, writing->ids[i].key);
    }
    enum status status =
        run_output_write(&writing->output, filter, bytes, &writing->footer.filter, err);
    free(filter);
    return status;
}

static enum status write_ids(struct writing *writing, struct error *err)
{
    uint32_t count = writing->input->row_count;
    uint32_t *firsts = zeroed(id_run_count(count), sizeof *firsts);
    if (firsts == NULL) {
        return no_memory(err);
    }
    enum status status = id_index_write(&writing->output, &(struct id_entries){writing->ids, count},
                                        &writing->footer.ids, firsts, err);
    for (uint32_t i = 0; i < id_run_count(count); i++) {
        firsts[i] = htole32(firsts[i]);
    }
    if (status == STATUS_OK) {
        status = run_output_write(&writing->output, firsts, id_run_count(count) * sizeof *firsts,
                                  &writing->footer.id_firsts, err);
    }
    free(firsts);
    return status;
}

static enum status write_bytes(struct writing *writing, const struct buffer *bytes,
                               struct run_place *out_place, struct error *err)
{
    return bytes->failed == STATUS_OK
               ? run_output_write(&writing->output, bytes->data, bytes->len, out_place, err)
               : no_memory(err);
}

static enum status write_end(struct writing *writing, struct error *err)
{
    struct part_trailer trailer;
    struct buffer bytes;
    buffer_init(&bytes, META_BYTES_MAX);
    part_directory_encode(&writing->directory, &bytes);
    enum status status = write_bytes(writing, &bytes, &writing->footer.directory, err);
    if (status == STATUS_OK) {
        buffer_clear(&bytes);
        part_footer_encode(&writing->footer, &bytes);
        status = write_bytes(writing, &bytes, &trailer.footer, err);
    }
    buffer_deinit(&bytes);
    if (status == STATUS_OK) {
        uint8_t encoded[PART_TRAILER_BYTES];
        part_trailer_encode(&trailer, writing->output.seed, encoded);
        status = run_output_put(&writing->output, encoded, sizeof encoded, err);
    }
    return status == STATUS_OK ? run_output_flush(&writing->output, err) : status;
}

static enum status write_all(struct writing *writing, const struct part_name *name,
                             struct error *err)
{
    uint8_t header[PART_HEADER_BYTES];
    part_header_encode(name->store_id, name->number, header);
    enum status status = run_output_put(&writing->output, header, sizeof header, err);
    if (status == STATUS_OK) {
        status = write_pages(writing, err);
    }
    if (status == STATUS_OK) {
        status = write_users(writing, err);
    }
    if (status == STATUS_OK) {
        status = write_filter(writing, err);
    }
    if (status == STATUS_OK) {
        status = write_ids(writing, err);
    }
    if (status == STATUS_OK && writing->input->dictionary.len > 0) {
        status = run_output_write(&writing->output, writing->input->dictionary.data,
                                  writing->input->dictionary.len, &writing->footer.dictionary, err);
    }
    return status == STATUS_OK ? write_end(writing, err) : status;
}

enum status part_write(struct disk *disk, const char *path, const struct part_name *name,
                       const struct part_input *input, struct error *err)
{
    ASSERT(input->row_count >= 1 && input->row_count <= PART_ROWS_MAX && input->user_count >= 1 &&
           input->action_count >= 1 && input->action_count <= PART_ACTIONS_MAX);
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    enum status status = disk_open(disk, path, DISK_MAKE, &file, err);
    if (status != STATUS_OK) {
        return status;
    }
    struct writing *writing = malloc(sizeof *writing);
    if (writing == NULL) {
        return no_memory(err);
    }
    status = writing_init(writing, input, file, name);
    status = status == STATUS_OK ? write_all(writing, name, err) : no_memory(err);
    writing_deinit(writing);
    free(writing);
    return status == STATUS_OK ? disk_file_sync(file, err) : status;
}
