#include "infrastructure/refusal_list_local/refusal_list_local.h"

#include "application/refusal_subject.h"
#include "base/assert.h"
#include "infrastructure/refusal_list_local/shelf.h"

#include <stdio.h>
#include <stdlib.h>

enum { FILES_IN_A_FULL_LIST = 8 };

struct refusal_list_local {
    struct refusal_list list;
    struct shelf shelf;
};

static struct shelf *shelf_of(struct refusal_list *list)
{
    return &CONTAINER_OF(list, struct refusal_list_local, list)->shelf;
}

static enum status no_such_entry(struct error *err)
{
    return error_set(err, STATUS_NOT_FOUND, 0, "there is no refused activity with this id");
}

/* --- adding --- */

static int compare_positions(const void *a, const void *b)
{
    const struct refusal *left = *(const struct refusal *const *)a;
    const struct refusal *right = *(const struct refusal *const *)b;
    if (left->position.partition != right->position.partition) {
        return left->position.partition > right->position.partition ? 1 : -1;
    }
    if (left->position.offset != right->position.offset) {
        return left->position.offset > right->position.offset ? 1 : -1;
    }
    return (left > right) - (left < right); /* the first of the same */
}

static bool is_listed(struct shelf *shelf, struct uuid log_id, struct position position)
{
    pthread_mutex_lock(&shelf->mutex);
    bool listed = refusal_index_find(&shelf->index, log_id, position) != NULL;
    pthread_mutex_unlock(&shelf->mutex);
    return listed;
}

static bool fits(const struct shelf *shelf, const struct refusal *refusal)
{
    size_t length = record_length(refusal);
    return length > 0 && length + REFUSAL_ITEM_BYTES <= shelf->config.bytes_max;
}

/* Those that are to be written, each position once, as records. Returns how many. */
static size_t choose(struct shelf *shelf, struct uuid log_id, const struct refusal **sorted,
                     size_t count, struct record *out_records)
{
    int64_t now_ms = clock_wall_ms(shelf->config.clock);
    size_t chosen = 0;
    for (size_t i = 0; i < count; i++) {
        struct position position = sorted[i]->position;
        bool again = i > 0 && sorted[i - 1]->position.partition == position.partition &&
                     sorted[i - 1]->position.offset == position.offset;
        if (!again && fits(shelf, sorted[i]) && !is_listed(shelf, log_id, position)) {
            out_records[chosen++] =
                (struct record){.log_id = log_id, .refusal = *sorted[i], .refused_at_ms = now_ms};
        }
    }
    return chosen;
}

static enum status write_all(struct shelf *shelf, const struct record *records, size_t count,
                             struct error *err)
{
    enum status status = STATUS_OK;
    size_t done = 0;
    while (status == STATUS_OK && done < count) {
        size_t written = 0;
        status = shelf_write_group(shelf, records + done, count - done, &written, err);
        done += written;
    }
    return status;
}

/* Counted when all others are safe, since a failed add comes again. */
static void count_misfits(struct shelf *shelf, const struct refusal *refusals, size_t count)
{
    pthread_mutex_lock(&shelf->mutex);
    for (size_t i = 0; i < count; i++) {
        shelf->dropped += !fits(shelf, &refusals[i]);
    }
    pthread_mutex_unlock(&shelf->mutex);
}

static enum status local_add(struct refusal_list *list, struct uuid log_id,
                             const struct refusal *refusals, size_t count, struct error *err)
{
    struct shelf *shelf = shelf_of(list);
    const struct refusal **sorted = calloc(count, sizeof(const struct refusal *));
    struct record *records = calloc(count, sizeof *records);
    enum status status;
    if (sorted == NULL || records == NULL) {
        status = shelf_no_memory(err);
    } else {
        for (size_t i = 0; i < count; i++) {
            sorted[i] = &refusals[i];
        }
        qsort(sorted, count, sizeof(const struct refusal *), compare_positions);
        pthread_mutex_lock(&shelf->writing);
        size_t chosen = choose(shelf, log_id, sorted, count, records);
        status = write_all(shelf, records, chosen, err);
        pthread_mutex_unlock(&shelf->writing);
    }
    if (status == STATUS_OK) {
        count_misfits(shelf, refusals, count);
    }
    free(records);
    free(sorted);
    return status;
}

/* --- removing --- */

/* The position that an id names, if it is listed. */
static bool find_listed(struct shelf *shelf, struct str id, struct uuid *out_log_id,
                        struct position *out_position)
{
    pthread_mutex_lock(&shelf->mutex);
    const struct refusal_item *item = refusal_index_find_id(&shelf->index, id);
    if (item != NULL) {
        *out_log_id = item->log_id;
        *out_position = item->position;
    }
    pthread_mutex_unlock(&shelf->mutex);
    return item != NULL;
}

static enum status local_remove(struct refusal_list *list, struct str id, struct error *err)
{
    struct shelf *shelf = shelf_of(list);
    struct uuid log_id;
    struct position position;
    if (!find_listed(shelf, id, &log_id, &position)) {
        return no_such_entry(err);
    }
    pthread_mutex_lock(&shelf->writing);
    const struct record removal = {.log_id = log_id, .refusal.position = position, .removes = true};
    size_t removed = 0;
    enum status status = shelf_write_removals(shelf, &removal, 1, &removed, err);
    if (status == STATUS_OK) {
        shelf_remove_emptied(shelf);
    }
    pthread_mutex_unlock(&shelf->writing);
    /* Somebody else was first, or its file was dropped meanwhile. */
    return status == STATUS_OK && removed == 0 ? no_such_entry(err) : status;
}

/* --- asking, under the mutex --- */

/* NOT_FOUND: its record does not hold any more. */
static enum status read_entry(const struct shelf_entry *entry, struct arena *arena,
                              struct refusal_entry *out_entry, struct error *err)
{
    char id[REFUSAL_ID_BYTES];
    refusal_entry_write_id(entry->item.log_id, entry->item.position, id);
    struct str id_copy = arena_copy_str(arena, str_from(id));
    uint8_t *bytes = arena_allocate(arena, entry->bytes);
    if (bytes == NULL || id_copy.data == NULL) {
        return shelf_no_memory(err);
    }
    struct iovec into = {.iov_base = bytes, .iov_len = entry->bytes};
    size_t len = 0;
    enum status status = disk_file_read(entry->file->handle, entry->at, into, &len, err);
    struct record_place place = {entry->file->number, entry->at};
    struct record record;
    if (status == STATUS_OK &&
        (len != entry->bytes || !record_decode(bytes, len, place, &record))) {
        status = error_set(err, STATUS_NOT_FOUND, 0, "this refused activity is damaged");
    }
    if (status == STATUS_OK) {
        *out_entry = (struct refusal_entry){.id = id_copy,
                                            .log_id = record.log_id,
                                            .refusal = record.refusal,
                                            .refused_at_ms = record.refused_at_ms};
    }
    return status;
}

static void lose(struct shelf *shelf, struct shelf_entry *entry)
{
    log_write(shelf->config.logger, LOG_WARNING,
              "the refused list is damaged: what stood there is lost",
              LOG_FIELDS(log_text("folder", str_from(shelf->directory)),
                         log_number("file", (int64_t)entry->file->number),
                         log_number("from", (int64_t)entry->at),
                         log_number("to", (int64_t)(entry->at + entry->bytes))));
    shelf_forget(shelf, entry);
}

/* A walk downward over one user's entries, or anybody's. */
struct search {
    struct shelf *shelf;
    struct str user_id; /* {NULL, 0}: anybody's */
    uint64_t signature;
    size_t at;            /* what stands below is not looked at yet */
    struct arena scratch; /* has the entry that was read last */
};

enum { SCRATCH_BYTES_MAX = INT32_MAX }; /* more than any record has */

static void search_begin(struct search *search, struct shelf *shelf, struct str user_id, size_t at)
{
    *search =
        (struct search){.shelf = shelf,
                        .user_id = user_id,
                        .signature = user_id.data == NULL ? 0 : refusal_signature_of_user(user_id),
                        .at = at};
    arena_init(&search->scratch, SCRATCH_BYTES_MAX);
}

static void search_end(struct search *search)
{
    arena_deinit(&search->scratch);
}

/* The next one that has the signature; NULL: there is none further down. */
static struct shelf_entry *next_candidate(struct search *search)
{
    while (search->at > 0) {
        struct refusal_item *item = refusal_index_at(&search->shelf->index, --search->at);
        if (refusal_signature_may_be(item->signature, search->signature)) {
            return shelf_entry_of(item);
        }
    }
    return NULL;
}

/* Reads it into the scratch, where its texts lie until the next one: of those that have the
 * signature some are not wanted, and those must not take the memory of a page. What is damaged is
 * not wanted either, and gone from then on. */
static enum status read_candidate(struct search *search, struct shelf_entry *candidate,
                                  struct refusal_entry *out_entry, bool *out_wanted,
                                  struct error *err)
{
    bool anybodys = search->user_id.data == NULL;
    arena_reset(&search->scratch);
    enum status status = read_entry(candidate, &search->scratch, out_entry, err);
    *out_wanted = status == STATUS_OK && anybodys;
    if (status == STATUS_NOT_FOUND) {
        lose(search->shelf, candidate);
        return STATUS_OK;
    }
    if (status == STATUS_OK && !anybodys &&
        refusal_is_of(&out_entry->refusal, search->user_id, out_wanted) != STATUS_OK) {
        return shelf_no_memory(err);
    }
    return status;
}

/* Until one more would pass the maximum; whether that one is wanted is not asked any more. */
static enum status fill_page(struct search *search, const struct refusal_page_request *request,
                             struct arena *arena, struct refusal_page *page, struct error *err)
{
    enum status status = STATUS_OK;
    size_t bytes = 0;
    while (status == STATUS_OK && page->count < request->limit) {
        struct shelf_entry *candidate = next_candidate(search);
        struct refusal_entry entry;
        bool wanted = false;
        if (candidate == NULL) {
            break;
        }
        if (page->count > 0 && bytes + candidate->bytes > request->bytes_max) {
            page->more = true;
            return STATUS_OK;
        }
        status = read_candidate(search, candidate, &entry, &wanted, err);
        if (wanted && !refusal_entry_copy(arena, &entry, &page->entries[page->count])) {
            return shelf_no_memory(err);
        }
        bytes += wanted ? candidate->bytes : 0;
        page->count += wanted;
    }
    page->more = search->at > 0;
    return status;
}

static enum status read_down(struct shelf *shelf, const struct refusal_page_request *request,
                             struct arena *arena, struct refusal_page *page, struct error *err)
{
    struct search search;
    search_begin(&search, shelf, request->user_id,
                 refusal_index_below(&shelf->index, request->after));
    enum status status = fill_page(&search, request, arena, page, err);
    search_end(&search);
    return status;
}

static enum status local_find(struct refusal_list *list, const struct refusal_page_request *request,
                              struct arena *arena, struct refusal_page *out_page, struct error *err)
{
    struct shelf *shelf = shelf_of(list);
    struct refusal_page page = {0};
    pthread_mutex_lock(&shelf->mutex);
    size_t most = request->limit < shelf->index.count ? request->limit : shelf->index.count;
    page.entries = arena_allocate(arena, (most + 1) * sizeof *page.entries);
    enum status status =
        page.entries == NULL ? shelf_no_memory(err) : read_down(shelf, request, arena, &page, err);
    pthread_mutex_unlock(&shelf->mutex);
    if (status == STATUS_OK) {
        *out_page = page;
    }
    return status;
}

static enum status local_get(struct refusal_list *list, struct str id, struct arena *arena,
                             struct refusal_entry *out_entry, struct error *err)
{
    struct shelf *shelf = shelf_of(list);
    enum status status;
    pthread_mutex_lock(&shelf->mutex);
    struct refusal_item *item = refusal_index_find_id(&shelf->index, id);
    if (item == NULL) {
        status = no_such_entry(err);
    } else {
        status = read_entry(shelf_entry_of(item), arena, out_entry, err);
        if (status == STATUS_NOT_FOUND) {
            lose(shelf, shelf_entry_of(item));
        }
    }
    pthread_mutex_unlock(&shelf->mutex);
    return status;
}

/* --- forgetting --- */

enum { FORGOTTEN_AT_ONCE = 1024 };

struct forgetting {
    struct search search;
    struct record removals[FORGOTTEN_AT_ONCE]; /* that are to be written next */
    size_t count;
    uint64_t forgotten;
};

/* As many as go at once. Whoever loses something meanwhile only has entries looked at twice. */
static enum status gather_wanted(struct forgetting *forgetting, struct error *err)
{
    struct search *search = &forgetting->search;
    struct shelf *shelf = search->shelf;
    enum status status = STATUS_OK;
    forgetting->count = 0;
    pthread_mutex_lock(&shelf->mutex);
    search->at = search->at < shelf->index.count ? search->at : shelf->index.count;
    while (status == STATUS_OK && forgetting->count < FORGOTTEN_AT_ONCE) {
        struct shelf_entry *candidate = next_candidate(search);
        struct refusal_entry entry;
        bool wanted = false;
        if (candidate == NULL) {
            break;
        }
        status = read_candidate(search, candidate, &entry, &wanted, err);
        if (wanted) {
            forgetting->removals[forgetting->count++] =
                (struct record){.log_id = candidate->item.log_id,
                                .refusal.position = candidate->item.position,
                                .removes = true};
        }
    }
    pthread_mutex_unlock(&shelf->mutex);
    return status;
}

/* Under `writing`, so that nothing is added meanwhile. */
static enum status forget_all(struct forgetting *forgetting, struct error *err)
{
    struct shelf *shelf = forgetting->search.shelf;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && forgetting->search.at > 0) {
        size_t removed = 0;
        status = gather_wanted(forgetting, err);
        if (status == STATUS_OK && forgetting->count > 0) {
            status =
                shelf_write_removals(shelf, forgetting->removals, forgetting->count, &removed, err);
        }
        forgetting->forgotten += removed;
    }
    shelf_sync_blanks(shelf);
    if (status == STATUS_OK) {
        shelf_remove_emptied(shelf);
    }
    return status;
}

static enum status local_forget(struct refusal_list *list, struct str user_id,
                                uint64_t *out_forgotten, struct error *err)
{
    struct forgetting *forgetting = malloc(sizeof *forgetting);
    if (forgetting == NULL) {
        return shelf_no_memory(err);
    }
    struct shelf *shelf = shelf_of(list);
    forgetting->forgotten = 0;
    search_begin(&forgetting->search, shelf, user_id, SIZE_MAX);
    pthread_mutex_lock(&shelf->writing);
    enum status status = forget_all(forgetting, err);
    pthread_mutex_unlock(&shelf->writing);
    if (status == STATUS_OK) {
        *out_forgotten = forgetting->forgotten;
    }
    search_end(&forgetting->search);
    free(forgetting);
    return status;
}

static void local_describe(struct refusal_list *list, struct refusal_list_state *out_state)
{
    struct shelf *shelf = shelf_of(list);
    pthread_mutex_lock(&shelf->mutex);
    *out_state = (struct refusal_list_state){.kind = "local",
                                             .listed = shelf->index.count,
                                             .bytes = shelf->bytes,
                                             .bytes_max = shelf->config.bytes_max,
                                             .dropped = shelf->dropped};
    pthread_mutex_unlock(&shelf->mutex);
}

static void local_free(struct refusal_list *list)
{
    struct refusal_list_local *local = CONTAINER_OF(list, struct refusal_list_local, list);
    shelf_close(&local->shelf);
    free(local);
}

static const struct refusal_list_operations local_operations = {
    .add = local_add,
    .find = local_find,
    .get = local_get,
    .remove = local_remove,
    .forget = local_forget,
    .describe = local_describe,
    .free = local_free,
};

enum status refusal_list_local_new(const struct refusal_list_local_config *config,
                                   struct refusal_list **out_list, struct error *err)
{
    ASSERT(config->bytes_max >= 1);
    if (strlen(config->directory) >= DISK_PATH_BYTES_MAX) {
        return error_set(err, STATUS_INVALID, 0, "a data folder has too long a path");
    }
    struct refusal_list_local *local = calloc(1, sizeof *local);
    if (local == NULL) {
        return shelf_no_memory(err);
    }
    struct shelf *shelf = &local->shelf;
    local->list.operations = &local_operations;
    shelf->config = *config;
    snprintf(shelf->directory, sizeof shelf->directory, "%s", config->directory);
    shelf->next_number = 1;
    shelf->file_cost_max = config->bytes_max / FILES_IN_A_FULL_LIST;
    refusal_index_init(&shelf->index);
    buffer_init(&shelf->group, UINT32_MAX);
    pthread_mutex_init(&shelf->mutex, NULL);
    pthread_mutex_init(&shelf->writing, NULL);
    enum status status = shelf_open(shelf, err);
    if (status != STATUS_OK) {
        local_free(&local->list);
        return status;
    }
    *out_list = &local->list;
    return STATUS_OK;
}
