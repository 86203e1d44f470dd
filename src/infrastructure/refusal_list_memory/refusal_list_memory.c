#include "infrastructure/refusal_list_memory/refusal_list_memory.h"

#include "application/refusal_subject.h"
#include "base/assert.h"
#include "infrastructure/refusal_index/refusal_index.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* An entry and, behind it, its texts. */
struct block {
    struct refusal_item item;
    struct block *newer; /* in the order of coming */
    struct block *older;
    size_t bytes;
    struct refusal refusal;
    char texts[];
};

struct refusal_list_memory {
    struct refusal_list list;
    struct refusal_list_memory_config config;

    pthread_mutex_t mutex; /* guards everything below */
    struct refusal_index index;
    struct block *oldest;
    struct block *newest;
    uint64_t bytes;
    uint64_t dropped;
};

static struct refusal_list_memory *memory_of(struct refusal_list *list)
{
    return CONTAINER_OF(list, struct refusal_list_memory, list);
}

static struct block *block_of(struct refusal_item *item)
{
    return CONTAINER_OF(item, struct block, item);
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for refused activities");
}

static enum status no_such_entry(struct error *err)
{
    return error_set(err, STATUS_NOT_FOUND, 0, "there is no refused activity with this id");
}

/* --- adding --- */

/* An absent text stays absent. */
static struct str copy_text(char **at, struct str text)
{
    struct str copy = {text.data == NULL ? NULL : *at, text.len};
    if (text.data != NULL && text.len > 0) {
        memcpy(*at, text.data, text.len);
    }
    *at += text.len;
    return copy;
}

static struct block *make_block(const struct refusal *refusal)
{
    size_t texts = refusal->key.len + refusal->raw.len + refusal->reason.len;
    struct block *block = malloc(sizeof *block + texts);
    if (block != NULL) {
        char *at = block->texts;
        *block = (struct block){.item.position = refusal->position,
                                .bytes = texts + REFUSAL_ITEM_BYTES + sizeof *block,
                                .refusal = *refusal};
        block->refusal.key = copy_text(&at, refusal->key);
        block->refusal.raw = copy_text(&at, refusal->raw);
        block->refusal.reason = copy_text(&at, refusal->reason);
    }
    return block;
}

static void free_blocks(struct refusal_item **items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(block_of(items[i]));
    }
}

/* Copies what is to come in, all of it or nothing. */
static enum status copy_all(struct uuid log_id, int64_t now_ms, const struct refusal *refusals,
                            size_t count, struct refusal_item **out_items)
{
    for (size_t i = 0; i < count; i++) {
        struct block *block = make_block(&refusals[i]);
        if (block == NULL) {
            free_blocks(out_items, i);
            return STATUS_NO_MEMORY;
        }
        block->item.log_id = log_id;
        block->item.refused_at_ms = now_ms;
        block->item.signature = refusal_signature(&block->refusal);
        out_items[i] = &block->item;
    }
    return STATUS_OK;
}

/* Under the lock. */
static void take_out(struct refusal_list_memory *memory, struct block *block)
{
    *(block->older == NULL ? &memory->oldest : &block->older->newer) = block->newer;
    *(block->newer == NULL ? &memory->newest : &block->newer->older) = block->older;
    refusal_index_remove(&memory->index, &block->item);
    memory->bytes -= block->bytes;
    free(block);
}

static void drop_oldest(struct refusal_list_memory *memory)
{
    while (memory->bytes > memory->config.bytes_max) {
        take_out(memory, memory->oldest);
        memory->dropped++;
    }
}

/* Returns how many came in, as the index says; under the lock. */
static size_t take_in(struct refusal_list_memory *memory, struct refusal_item **items, size_t count)
{
    size_t added = refusal_index_add(&memory->index, items, count);
    for (size_t i = 0; i < added; i++) {
        struct block *block = block_of(items[i]);
        *(memory->oldest == NULL ? &memory->oldest : &memory->newest->newer) = block;
        block->older = memory->newest;
        memory->newest = block;
        memory->bytes += block->bytes;
    }
    drop_oldest(memory);
    return added;
}

static enum status add_copies(struct refusal_list_memory *memory, struct refusal_item **items,
                              size_t count)
{
    size_t added = 0;
    pthread_mutex_lock(&memory->mutex);
    enum status status = refusal_index_reserve(&memory->index, count);
    if (status == STATUS_OK) {
        added = take_in(memory, items, count);
    }
    pthread_mutex_unlock(&memory->mutex);
    free_blocks(items + added, count - added);
    return status;
}

static enum status memory_add(struct refusal_list *list, struct uuid log_id,
                              const struct refusal *refusals, size_t count, struct error *err)
{
    struct refusal_list_memory *memory = memory_of(list);
    struct refusal_item **items = calloc(count, sizeof(struct refusal_item *));
    enum status status = STATUS_NO_MEMORY;
    if (items != NULL) {
        int64_t now_ms = clock_wall_ms(memory->config.clock);
        status = copy_all(log_id, now_ms, refusals, count, items);
    }
    if (status == STATUS_OK) {
        status = add_copies(memory, items, count);
    }
    free(items);
    return status == STATUS_OK ? status : no_memory(err);
}

/* --- asking --- */

/* False: it does not fit the arena. */
static bool write_entry(const struct block *block, struct arena *arena,
                        struct refusal_entry *out_entry)
{
    char id[REFUSAL_ID_BYTES];
    refusal_entry_write_id(block->item.log_id, block->item.position, id);
    const struct refusal_entry entry = {.id = str_from(id),
                                        .log_id = block->item.log_id,
                                        .refusal = block->refusal,
                                        .refused_at_ms = block->item.refused_at_ms};
    return refusal_entry_copy(arena, &entry, out_entry);
}

static size_t text_bytes(const struct refusal *refusal)
{
    return refusal->key.len + refusal->raw.len + refusal->reason.len;
}

/* Of anybody when `user_id` is absent. */
static enum status is_of(const struct block *block, struct str user_id, uint64_t signature,
                         bool *out_is_of)
{
    *out_is_of = refusal_signature_may_be(block->item.signature, signature);
    return *out_is_of && user_id.data != NULL ? refusal_is_of(&block->refusal, user_id, out_is_of)
                                              : STATUS_OK;
}

/* The entries below a place, downward, that make a page; under the lock. */
static enum status read_down(struct refusal_list_memory *memory,
                             const struct refusal_page_request *request, struct arena *arena,
                             size_t at, struct refusal_page *page)
{
    struct str user_id = request->user_id;
    uint64_t signature = user_id.data == NULL ? 0 : refusal_signature_of_user(user_id);
    enum status status = STATUS_OK;
    size_t bytes = 0;
    for (; status == STATUS_OK && at > 0 && page->count < request->limit; at--) {
        const struct block *block = block_of(refusal_index_at(&memory->index, at - 1));
        bool wanted;
        status = is_of(block, user_id, signature, &wanted);
        if (status != STATUS_OK || !wanted) {
            continue;
        }
        bytes += text_bytes(&block->refusal);
        if (page->count > 0 && bytes > request->bytes_max) {
            break;
        }
        if (write_entry(block, arena, &page->entries[page->count])) {
            page->count++;
        } else {
            status = STATUS_NO_MEMORY;
        }
    }
    page->more = at > 0;
    return status;
}

static enum status fill_page(struct refusal_list_memory *memory,
                             const struct refusal_page_request *request, struct arena *arena,
                             struct refusal_page *out_page)
{
    struct refusal_page page = {0};
    size_t below = refusal_index_below(&memory->index, request->after);
    size_t most = request->limit < below ? request->limit : below;
    page.entries = arena_allocate(arena, (most + 1) * sizeof *page.entries);
    enum status status =
        page.entries == NULL ? STATUS_NO_MEMORY : read_down(memory, request, arena, below, &page);
    if (status == STATUS_OK) {
        *out_page = page;
    }
    return status;
}

static enum status memory_find(struct refusal_list *list,
                               const struct refusal_page_request *request, struct arena *arena,
                               struct refusal_page *out_page, struct error *err)
{
    struct refusal_list_memory *memory = memory_of(list);
    pthread_mutex_lock(&memory->mutex);
    enum status status = fill_page(memory, request, arena, out_page);
    pthread_mutex_unlock(&memory->mutex);
    return status == STATUS_OK ? status : no_memory(err);
}

static enum status memory_get(struct refusal_list *list, struct str id, struct arena *arena,
                              struct refusal_entry *out_entry, struct error *err)
{
    struct refusal_list_memory *memory = memory_of(list);
    struct refusal_entry entry;
    pthread_mutex_lock(&memory->mutex);
    struct refusal_item *item = refusal_index_find_id(&memory->index, id);
    bool fits = item != NULL && write_entry(block_of(item), arena, &entry);
    pthread_mutex_unlock(&memory->mutex);
    if (item == NULL) {
        return no_such_entry(err);
    }
    if (!fits) {
        return no_memory(err);
    }
    *out_entry = entry;
    return STATUS_OK;
}

static enum status memory_remove(struct refusal_list *list, struct str id, struct error *err)
{
    struct refusal_list_memory *memory = memory_of(list);
    pthread_mutex_lock(&memory->mutex);
    struct refusal_item *item = refusal_index_find_id(&memory->index, id);
    if (item != NULL) {
        take_out(memory, block_of(item));
    }
    pthread_mutex_unlock(&memory->mutex);
    return item != NULL ? STATUS_OK : no_such_entry(err);
}

static enum status memory_forget(struct refusal_list *list, struct str user_id,
                                 uint64_t *out_forgotten, struct error *err)
{
    struct refusal_list_memory *memory = memory_of(list);
    uint64_t signature = refusal_signature_of_user(user_id);
    uint64_t forgotten = 0;
    enum status status = STATUS_OK;
    pthread_mutex_lock(&memory->mutex);
    for (size_t at = memory->index.count; status == STATUS_OK && at > 0; at--) {
        struct block *block = block_of(refusal_index_at(&memory->index, at - 1));
        bool doomed;
        status = is_of(block, user_id, signature, &doomed);
        if (status == STATUS_OK && doomed) {
            take_out(memory, block);
            forgotten++;
        }
    }
    pthread_mutex_unlock(&memory->mutex);
    if (status != STATUS_OK) {
        return no_memory(err);
    }
    *out_forgotten = forgotten;
    return STATUS_OK;
}

static void memory_describe(struct refusal_list *list, struct refusal_list_state *out_state)
{
    struct refusal_list_memory *memory = memory_of(list);
    pthread_mutex_lock(&memory->mutex);
    *out_state = (struct refusal_list_state){.kind = "memory",
                                             .listed = memory->index.count,
                                             .bytes = memory->bytes,
                                             .bytes_max = memory->config.bytes_max,
                                             .dropped = memory->dropped};
    pthread_mutex_unlock(&memory->mutex);
}

static void memory_free(struct refusal_list *list)
{
    struct refusal_list_memory *memory = memory_of(list);
    while (memory->oldest != NULL) {
        struct block *newer = memory->oldest->newer;
        free(memory->oldest);
        memory->oldest = newer;
    }
    refusal_index_deinit(&memory->index);
    pthread_mutex_destroy(&memory->mutex);
    free(memory);
}

static const struct refusal_list_operations memory_operations = {
    .add = memory_add,
    .find = memory_find,
    .get = memory_get,
    .remove = memory_remove,
    .forget = memory_forget,
    .describe = memory_describe,
    .free = memory_free,
};

enum status refusal_list_memory_new(const struct refusal_list_memory_config *config,
                                    struct refusal_list **out_list, struct error *err)
{
    ASSERT(config->bytes_max >= 1);
    struct refusal_list_memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL) {
        return no_memory(err);
    }
    memory->list.operations = &memory_operations;
    memory->config = *config;
    refusal_index_init(&memory->index);
    pthread_mutex_init(&memory->mutex, NULL);
    *out_list = &memory->list;
    return STATUS_OK;
}
