#include "infrastructure/activity_store_local/head.h"

#include "base/assert.h"
#include "infrastructure/activity_store_local/dictionary.h"
#include "infrastructure/activity_store_local/keyed_sort.h"

#include <stdlib.h>
#include <string.h>

enum {
    PLACES_IN_CHUNK = 4096,
    AHEAD_ROWS = 32,
    STEP_ROWS = 12, /* between the steps in which a row is fetched */
    CACHE_LINE_BYTES = 64,
    TEXTS_FETCHED_BYTES = 4 * CACHE_LINE_BYTES,
    HEAD_LEVEL = 1, /* of the compression: a head is written again soon, when parts are merged */
    HEAD_SAMPLES_SHARE = 6 /* for the same reason it is sampled less than a merged part */
};

#define HEAD_BYTES_MAX ((uint64_t)64 << 20)

/* Where in which log a row stood; of one taken once more, the how manieth of them it is. */
struct head_place {
    int64_t offset;
    uint32_t source;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for recent activities");
}

enum status head_new(const struct random *random, struct head **out_head, struct error *err)
{
    struct head *head = calloc(1, sizeof *head);
    if (head == NULL) {
        return no_memory(err);
    }
    enum status status = shared_table_init(&head->shared, 0, random, err);
    if (status != STATUS_OK) {
        free(head);
        return status;
    }
    head->shared.table.pool.keeps_texts = true; /* rows go all at once, with the head */
    atomic_init(&head->references, 1);
    coverage_init(&head->covered);
    head->id_times = (struct part_range){.first_ms = INT64_MAX, .last_ms = INT64_MIN};
    head->again_source = HEAD_NO_SOURCE;
    *out_head = head;
    return STATUS_OK;
}

struct head *head_ref(struct head *head)
{
    atomic_fetch_add_explicit(&head->references, 1, memory_order_relaxed);
    return head;
}

void head_unref(struct head *head)
{
    if (head == NULL || atomic_fetch_sub_explicit(&head->references, 1, memory_order_acq_rel) > 1) {
        return;
    }
    shared_table_deinit(&head->shared);
    for (uint32_t i = 0; i < head->place_chunks; i++) {
        free(head->places[i]);
    }
    free(head->places);
    free(head->sources);
    coverage_deinit(&head->covered);
    free(head);
}

bool head_is_full(struct head *head, uint64_t rows_max)
{
    struct table_size size = shared_table_size(&head->shared);
    return size.rows >= rows_max || size.bytes >= HEAD_BYTES_MAX;
}

/* Putting ----------------------------------------------------------------------------------- */

/* Room for the places of rows below `rows`. */
static bool reserve_places(struct head *head, uint64_t rows)
{
    uint32_t chunks = (uint32_t)((rows + PLACES_IN_CHUNK - 1) / PLACES_IN_CHUNK);
    if (chunks <= head->place_chunks) {
        return true;
    }
    struct head_place **places = realloc(head->places, chunks * sizeof *places);
    if (places == NULL) {
        return false;
    }
    head->places = places;
    while (head->place_chunks < chunks) {
        places[head->place_chunks] = malloc(PLACES_IN_CHUNK * sizeof **places);
        if (places[head->place_chunks] == NULL) {
            return false;
        }
        head->place_chunks++;
    }
    return true;
}

static struct head_place *place_of(const struct head *head, uint32_t row)
{
    return &head->places[row / PLACES_IN_CHUNK][row % PLACES_IN_CHUNK];
}

/* The number of a log's partition, or source_count. Neighbouring rows mostly share theirs. */
static uint32_t find_source(struct head *head, struct uuid log_id, int32_t partition)
{
    uint32_t at = head->source_last;
    for (uint32_t i = 0; i < head->source_count; i++) {
        const struct part_source *source = &head->sources[at];
        if (source->partition == partition && uuid_equal(source->log_id, log_id)) {
            head->source_last = at;
            return at;
        }
        at = at + 1 == head->source_count ? 0 : at + 1;
    }
    return head->source_count;
}

static enum status add_source(struct head *head, const struct part_source *source)
{
    if (head->source_count == PART_SOURCES_MAX) {
        return STATUS_TOO_LARGE;
    }
    struct part_source *sources =
        realloc(head->sources, (head->source_count + 1) * sizeof *sources);
    if (sources == NULL) {
        return STATUS_NO_MEMORY;
    }
    head->sources = sources;
    sources[head->source_count++] = *source;
    return STATUS_OK;
}

/* The source of a position whose partition the head expects. */
static uint32_t known_source(struct head *head, struct uuid log_id, const struct position *position)
{
    uint32_t source = find_source(head, log_id, position->partition);
    ASSERT(source < head->source_count);
    return source;
}

/* The source of rows taken once more, if the batch may have one. No partition is negative: it is
 * not found among those of logs. */
static enum status expect_again(struct head *head, const struct activity_batch *batch)
{
    const struct part_source source = {.partition = -1};
    for (size_t i = 0; head->again_source == HEAD_NO_SOURCE && i < batch->count; i++) {
        const struct position *position = &batch->rows[i].position;
        uint32_t known = known_source(head, batch->log_id, position);
        if (position->offset < head->sources[known].begin) {
            enum status status = add_source(head, &source);
            if (status != STATUS_OK) {
                return status;
            }
            head->again_source = head->source_count - 1;
        }
    }
    return STATUS_OK;
}

/* The partitions that the batch reaches, each as a source of the head that begins where the batch
 * does. One that no row comes of is harmless. */
static enum status expect_sources(struct head *head, const struct activity_batch *batch,
                                  const struct position_set *covered)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < batch->next->count; i++) {
        const struct position *next = &batch->next->items[i];
        struct part_source source = {.log_id = batch->log_id, .partition = next->partition};
        source.begin = source.end = position_set_get(covered, next->partition);
        if (find_source(head, batch->log_id, next->partition) == head->source_count) {
            status = add_source(head, &source);
        }
    }
    return status == STATUS_OK ? expect_again(head, batch) : status;
}

bool head_may_hold_id(const struct head *head, const struct id_key *id)
{
    const struct part_range *times = &head->id_times;
    return id->time_ms == 0 || (times->first_ms <= id->time_ms && id->time_ms <= times->last_ms);
}

void head_expect_id(struct head *head, const struct id_key *id)
{
    int64_t time_ms = id->time_ms;
    if (time_ms == 0) {
        return;
    }
    if (time_ms < head->id_times.first_ms) {
        head->id_times.first_ms = time_ms;
    }
    if (time_ms > head->id_times.last_ms) {
        head->id_times.last_ms = time_ms;
    }
}

/* Cannot fail any more: the rows are in the table. */
static void keep_places(struct head *head, const struct activity_batch *batch,
                        const struct table_outcome *outcomes)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct position *position = &batch->rows[i].position;
        if (outcomes[i].verdict != VERDICT_STORED) {
            continue;
        }
        struct head_place place = {position->offset, known_source(head, batch->log_id, position)};
        if (place.offset < head->sources[place.source].begin) {
            place = (struct head_place){head->again_count++, head->again_source};
        }
        *place_of(head, outcomes[i].row) = place;
    }
    for (size_t i = 0; i < batch->next->count; i++) {
        const struct position *next = &batch->next->items[i];
        struct part_source *source =
            &head->sources[find_source(head, batch->log_id, next->partition)];
        source->end = source->end < next->offset ? next->offset : source->end;
    }
}

enum status head_put(struct head *head, struct table_putter *putter,
                     const struct activity_batch *batch, const struct table_knowledge *knowledge,
                     const struct table_outcome **out_outcomes)
{
    /* Only this thread takes new numbers for rows; others can but set some free. */
    uint64_t rows = (uint64_t)head->shared.table.rows.used + batch->count;
    if (!reserve_places(head, rows)) {
        return STATUS_NO_MEMORY;
    }
    enum status status = expect_sources(head, batch, knowledge->covered);
    if (status == STATUS_OK) {
        status = shared_table_put(&head->shared, putter, batch, knowledge, out_outcomes);
    }
    if (status == STATUS_OK) {
        keep_places(head, batch, *out_outcomes);
    }
    return status;
}

/* Writing ----------------------------------------------------------------------------------- */

/* Names of the table, numbered as in the part. */
struct numbering {
    struct str *texts; /* in byte order */
    uint32_t *numbers; /* by the name's number in the table */
    uint32_t count;
};

struct head_writing {
    const struct head *head;
    struct numbering users;
    struct numbering actions;
    struct buffer dictionary;
    struct memory_place place;    /* of the row behind those that wait */
    uint32_t waiting[AHEAD_ROWS]; /* rows to come, being fetched from memory */
    size_t fetched;               /* so far */
    /* The rows handed over last; page_write still looks at them. */
    struct activity activities[2 * PAGE_ROWS];
    char ids[2 * PAGE_ROWS][UUID_TEXT_BYTES];
    size_t handed_over;
    const struct random *random;
    struct sha256 sha256;
    struct leaf_list leaves; /* by row of the table, until all are there */
};

static void numbering_deinit(struct numbering *numbering)
{
    free(numbering->texts);
    free(numbering->numbers);
}

/* Names on their way into their order. */
struct naming {
    struct keyed *names; /* those that rows carry; a table also knows users only for erasure */
    struct str *texts;   /* of all, by their number in the table */
};

static void find_names(const struct memory_names *names, struct naming *naming,
                       struct numbering *numbering)
{
    for (uint32_t i = 0; i < names->used; i++) {
        const struct memory_name *name = memory_names_at(names, i);
        if (name->text != NULL && name->list.count > 0) {
            naming->texts[i] = memory_names_text(names, i);
            naming->names[numbering->count++].value = i;
        }
    }
}

static void number_found(const struct naming *naming, struct numbering *numbering)
{
    keyed_sort_by_text(naming->names, numbering->count, naming->texts);
    for (uint32_t i = 0; i < numbering->count; i++) {
        uint32_t name = naming->names[i].value;
        numbering->texts[i] = naming->texts[name];
        numbering->numbers[name] = i;
    }
}

static enum status number_names(const struct memory_names *names, struct numbering *numbering)
{
    size_t room = (size_t)names->used + 1;
    struct naming naming = {.names = malloc(room * sizeof *naming.names),
                            .texts = malloc(room * sizeof *naming.texts)};
    numbering->texts = malloc(room * sizeof *numbering->texts);
    numbering->numbers = calloc(room, sizeof *numbering->numbers);
    bool complete = naming.names != NULL && naming.texts != NULL && numbering->texts != NULL &&
                    numbering->numbers != NULL;
    if (complete) {
        find_names(names, &naming, numbering);
        number_found(&naming, numbering);
    }
    free(naming.names);
    free(naming.texts);
    return complete ? STATUS_OK : STATUS_NO_MEMORY;
}

/* The cache lines of texts of common length; it does not matter where none are. */
static void fetch_texts(const struct memory_texts *texts)
{
    for (size_t at = 0; at < TEXTS_FETCHED_BYTES; at += CACHE_LINE_BYTES) {
        __builtin_prefetch((const char *)texts + at);
    }
}

/* Rows lie in memory in the order in which they came, what they point to anywhere: all of it is
 * fetched before it is needed, in three steps, since each says where the next one finds something.
 */
static void fetch_ahead(struct head_writing *writing)
{
    const struct memory_table *table = &writing->head->shared.table;
    size_t wanted = writing->handed_over + AHEAD_ROWS;
    while (writing->fetched < wanted && writing->fetched < table->rows.live) {
        size_t at = writing->fetched++;
        uint32_t row = memory_list_row(&table->all, writing->place);
        writing->place = memory_list_next(&table->all, writing->place);
        writing->waiting[at % AHEAD_ROWS] = row;
        __builtin_prefetch(memory_rows_at(&table->rows, row));
        if (at >= STEP_ROWS) {
            uint32_t before = writing->waiting[(at - STEP_ROWS) % AHEAD_ROWS];
            const struct memory_row *record = memory_rows_at(&table->rows, before);
            fetch_texts(record->texts);
            __builtin_prefetch(memory_names_at(&table->users, record->user));
            __builtin_prefetch(&writing->users.numbers[record->user]);
        }
        if (at >= 2 * STEP_ROWS) {
            uint32_t before = writing->waiting[(at - 2 * STEP_ROWS) % AHEAD_ROWS];
            uint32_t user = memory_rows_at(&table->rows, before)->user;
            __builtin_prefetch(memory_names_at(&table->users, user)->text);
        }
    }
}

/* No part had its number before, nor will another, even where this one does not come to be. */
static void place_again(struct head *head, const struct part_name *name)
{
    if (head->again_source != HEAD_NO_SOURCE) {
        int64_t begin = (int64_t)(name->number << 32);
        head->sources[head->again_source] = (struct part_source){
            .log_id = name->store_id, .begin = begin, .end = begin + head->again_count};
    }
}

static int64_t offset_of(const struct head *head, const struct head_place *place)
{
    return place->source == head->again_source ? head->sources[place->source].begin + place->offset
                                               : place->offset;
}

/* The leaf of a row that is handed over, while its texts are at hand. */
static enum status keep_leaf(struct head_writing *writing, uint32_t row,
                             const struct page_row *handed)
{
    const struct part_row found = {
        .activity = *handed->activity, .offset = handed->offset, .salt = handed->salt};
    return placed_leaf_make(&writing->sha256, &found, &writing->head->sources[handed->source],
                            &writing->leaves.leaves[row]);
}

static enum status next_row(void *context, struct page_row *out_row, struct error *err)
{
    struct head_writing *writing = context;
    const struct memory_table *table = &writing->head->shared.table;
    fetch_ahead(writing);
    uint32_t row = writing->waiting[writing->handed_over % AHEAD_ROWS];
    size_t slot = writing->handed_over++ % (2 * PAGE_ROWS);
    const struct memory_row *record = memory_rows_at(&table->rows, row);
    const struct head_place *place = place_of(writing->head, row);
    writing->activities[slot] = memory_table_view(table, row, writing->ids[slot]);
    *out_row = (struct page_row){.activity = &writing->activities[slot],
                                 .uuid = memory_row_has_uuid(record) ? &record->id : NULL,
                                 .user = writing->users.numbers[record->user],
                                 .action = writing->actions.numbers[record->action],
                                 .source = place->source,
                                 .offset = offset_of(writing->head, place)};
    if (!memory_row_has_uuid(record) || !uuid_is_version_7(record->id)) {
        out_row->salt = 1 + random_below(writing->random, UINT64_MAX);
    }
    return keep_leaf(writing, row, out_row) == STATUS_OK ? STATUS_OK : no_memory(err);
}

/* Trained for each head anew, so that what a user left in a dictionary goes with the parts that the
 * user's rows are in. */
static void train(const struct memory_table *table, struct buffer *out_dictionary)
{
    uint32_t blocks = table->rows.live / PAGE_BLOCK_ROWS;
    uint32_t between = dictionary_blocks_between(blocks) * HEAD_SAMPLES_SHARE;
    struct dictionary_samples samples;
    dictionary_samples_init(&samples);
    for (uint32_t block = 0; block < blocks; block += between) {
        struct memory_place place = memory_list_forward(&table->all, memory_list_begin(&table->all),
                                                        (uint64_t)block * PAGE_BLOCK_ROWS);
        dictionary_samples_begin(&samples);
        for (int i = 0; i < PAGE_BLOCK_ROWS; i++) {
            uint32_t row = memory_list_row(&table->all, place);
            dictionary_samples_add(&samples,
                                   memory_row_metadata(memory_rows_at(&table->rows, row)));
            place = memory_list_next(&table->all, place);
        }
    }
    dictionary_train(&samples, out_dictionary);
    dictionary_samples_deinit(&samples);
}

/* Rows mostly have their numbers in the order in which they came, so that leaves need no sorting
 * once those of rows that are gone were left out. */
static enum status make_root(struct head_writing *writing, uint8_t out_root[SHA256_BYTES])
{
    const struct memory_rows *rows = &writing->head->shared.table.rows;
    struct leaf_list *list = &writing->leaves;
    for (uint32_t row = 0; row < rows->used; row++) {
        if (memory_rows_is_live(rows, row)) {
            if (list->count != row) {
                list->leaves[list->count] = list->leaves[row];
            }
            list->count++;
        }
    }
    ASSERT(list->count == rows->live);
    leaf_list_sort(list);
    return leaf_list_root(list, &writing->sha256, out_root);
}

static enum status write_part(struct head_writing *writing, const struct head_output *output,
                              struct error *err)
{
    const struct head *head = writing->head;
    const struct memory_table *table = &head->shared.table;
    enum status status = number_names(&table->users, &writing->users);
    if (status == STATUS_OK) {
        status = number_names(&table->actions, &writing->actions);
    }
    if (status != STATUS_OK) {
        return no_memory(err);
    }
    if (table->rows.live >= DICTIONARY_ROWS_MIN) {
        train(table, &writing->dictionary);
    }
    const struct part_input input = {
        .users = writing->users.texts,
        .user_count = writing->users.count,
        .actions = writing->actions.texts,
        .action_count = writing->actions.count,
        .sources = head->sources,
        .source_count = head->source_count,
        .row_count = table->rows.live,
        .dictionary = buffer_str(&writing->dictionary),
        .level = HEAD_LEVEL,
        .next = next_row,
        .context = writing,
    };
    writing->place = memory_list_begin(&table->all);
    return part_write(output->disk, output->path, &output->name, &input, err);
}

static enum status writing_init(struct head_writing *writing, const struct head *head,
                                const struct head_output *output)
{
    writing->head = head;
    writing->random = output->random;
    buffer_init(&writing->dictionary, DICTIONARY_BYTES);
    enum status status = sha256_init(&writing->sha256);
    return status == STATUS_OK ? leaf_list_reserve(&writing->leaves, head->shared.table.rows.used)
                               : status;
}

enum status head_write(struct head *head, const struct head_output *output,
                       uint8_t out_root[SHA256_BYTES], struct error *err)
{
    struct head_writing *writing = calloc(1, sizeof *writing);
    if (writing == NULL) {
        return no_memory(err);
    }
    place_again(head, &output->name);
    enum status status =
        writing_init(writing, head, output) == STATUS_OK ? STATUS_OK : no_memory(err);
    if (status == STATUS_OK) {
        status = write_part(writing, output, err);
    }
    if (status == STATUS_OK && make_root(writing, out_root) != STATUS_OK) {
        status = no_memory(err);
    }
    numbering_deinit(&writing->users);
    numbering_deinit(&writing->actions);
    buffer_deinit(&writing->dictionary);
    sha256_deinit(&writing->sha256);
    leaf_list_deinit(&writing->leaves);
    free(writing);
    return status;
}
