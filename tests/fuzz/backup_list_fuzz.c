/*
 * The list of files in a backup, which somebody else may have written: a text is refused in words,
 * or it names only files of a data folder and is what would be written for them.
 */
#include "base/assert.h"
#include "fuzz.h"
#include "infrastructure/folder_backup/backup_marker.h"
#include "infrastructure/folder_backup/backup_names.h"

enum { TEXT_BYTES_MAX = 1 << 20 };

static void expect_written_alike(const struct backup_list *list, struct str text)
{
    struct buffer again;
    buffer_init(&again, TEXT_BYTES_MAX);
    backup_list_append(list, &again);
    ASSERT(str_equal(buffer_str(&again), text));
    buffer_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct backup_list list;
    struct error err = {0};
    struct str text = {(const char *)data, size};
    enum status status = backup_list_parse(text, &list, &err);
    if (status != STATUS_OK) {
        ASSERT((status == STATUS_INVALID || status == STATUS_CORRUPT) && err.status == status);
        fuzz_expect_text(err.message);
        return 0;
    }
    for (size_t i = 0; i < list.count; i++) {
        ASSERT(backup_care_of_path(list.entries[i].name) == BACKUP_TAKES);
    }
    expect_written_alike(&list, text);
    backup_list_deinit(&list);
    return 0;
}
