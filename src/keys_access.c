#include "keys_access.h"

#include "infrastructure/key_file/key_file.h"

static enum status create(const char *path, const struct access_grant *grant,
                          char out_key[KEYS_TEXT_BYTES], struct error *err)
{
    _Static_assert((int)KEYS_TEXT_BYTES > (int)KEY_TEXT_BYTES, "a key fits");
    return key_file_create(path, grant, out_key, err);
}

static enum status list(const char *path, keys_visit *visit, void *context, struct error *err)
{
    struct key_list keys;
    enum status status = key_file_load(path, &keys, err);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < keys.count; i++) {
        const struct key_entry *entry = &keys.entries[i];
        visit(&(struct keys_entry){&entry->grant, entry->created_at_ms, entry->id}, context);
    }
    key_list_deinit(&keys);
    return STATUS_OK;
}

static const struct keys_access access = {create, list, key_file_revoke};

const struct keys_access *keys_access(void)
{
    return &access;
}
