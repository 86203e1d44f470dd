/*
 * The files that are read again while a service runs: keys, and denied actions. A text is refused
 * in words, or what was read is written as a text that says the same.
 */
#include "base/assert.h"
#include "domain/denied_actions.h"
#include "fuzz.h"
#include "infrastructure/key_file/key_list.h"

#include <stdlib.h>

enum { TEXT_BYTES_MAX = 64 << 20 };

static void expect_same(const struct key_entry *entry, const struct key_entry *again)
{
    ASSERT(again != NULL && again->id == entry->id);
    ASSERT(again->created_at_ms == entry->created_at_ms);
    ASSERT(again->grant.scopes == entry->grant.scopes);
    ASSERT(again->grant.user_count == entry->grant.user_count);
    ASSERT(memcmp(again->hash, entry->hash, sizeof entry->hash) == 0);
    for (size_t i = 0; i < entry->grant.user_count; i++) {
        ASSERT(access_grant_covers_user(&again->grant, entry->grant.users[i]));
    }
}

static void expect_written_alike(const struct key_list *list)
{
    struct buffer text;
    struct key_list again;
    struct error err;
    buffer_init(&text, TEXT_BYTES_MAX);
    for (size_t i = 0; i < list->count; i++) {
        key_entry_append(&list->entries[i], &text);
    }
    enum status status = key_list_parse(buffer_str(&text), &again, &err);
    ASSERT(status == STATUS_OK && again.count == list->count);
    for (size_t i = 0; i < list->count; i++) {
        expect_same(&list->entries[i], key_list_find_name(&again, list->entries[i].grant.name));
    }
    key_list_deinit(&again);
    buffer_deinit(&text);
}

static void read_keys(struct str text)
{
    struct key_list list;
    struct error err = {0};
    enum status status = key_list_parse(text, &list, &err);
    if (status == STATUS_OK) {
        expect_written_alike(&list);
        key_list_deinit(&list);
    } else {
        ASSERT(status == STATUS_INVALID && err.status == STATUS_INVALID);
        fuzz_expect_text(err.message);
    }
}

/* Each line that says something denies itself. */
static void read_denied(struct str text)
{
    struct denied_actions *denied = NULL;
    struct error err = {0};
    enum status status = denied_actions_parse(text, &denied, &err);
    if (status != STATUS_OK) {
        ASSERT(status == STATUS_INVALID && err.status == STATUS_INVALID);
        fuzz_expect_text(err.message);
        return;
    }
    size_t said = 0;
    while (text.data != NULL) {
        struct str line = str_split(&text, '\n');
        line.len -= line.len > 0 && line.data[line.len - 1] == '\r';
        line = str_trim(line);
        if (line.len > 0 && line.data[0] != '#') {
            said++;
            ASSERT(denied_actions_match(denied, line));
        }
    }
    ASSERT(said == denied_actions_count(denied));
    denied_actions_free(denied);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t id;
    char *text = fuzz_copy(data, size, 0);
    read_keys((struct str){text, size});
    read_denied((struct str){text, size});
    bool is_key = key_parse_id((struct str){text, size}, &id);
    ASSERT(is_key ? size == KEY_TEXT_BYTES : id == 0);
    free(text);
    return 0;
}
