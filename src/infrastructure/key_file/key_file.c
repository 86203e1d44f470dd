#include "infrastructure/key_file/key_file.h"

#include "infrastructure/disk/small_file.h"

static enum status read_file(const char *path, struct buffer *out_text, struct error *err)
{
    return small_file_read(path, SMALL_FILE_OURS, out_text, err);
}

/* The message with the file's name in front. */
static enum status parse(const char *path, struct str text, struct key_list *out_list,
                         struct error *err)
{
    struct error wrong;
    enum status status = key_list_parse(text, out_list, &wrong);
    return status == STATUS_OK
               ? STATUS_OK
               : error_set(err, status, 0, "the keys file %.60s: %s", path, wrong.message);
}

enum status key_file_load(const char *path, struct key_list *out_list, struct error *err)
{
    struct buffer text;
    buffer_init(&text, KEY_FILE_BYTES_MAX);
    enum status status = read_file(path, &text, err);
    status = status == STATUS_OK ? parse(path, buffer_str(&text), out_list, err) : status;
    buffer_deinit(&text);
    return status;
}

/* What is in the file now, and what it says; both are empty without one. */
static enum status look(const char *path, struct buffer *text, struct key_list *out_list,
                        struct error *err)
{
    enum status status = read_file(path, text, err);
    if (status == STATUS_NOT_FOUND) {
        *out_list = (struct key_list){0};
        return STATUS_OK;
    }
    return status == STATUS_OK ? parse(path, buffer_str(text), out_list, err) : status;
}

static enum status replace(const char *path, const struct buffer *text, struct error *err)
{
    return text->failed == STATUS_OK
               ? small_file_replace(path, buffer_str(text), err)
               : error_set(err, STATUS_INVALID, 0, "the keys file %.60s would be too long", path);
}

/* --- adding --- */

static void append_header(struct buffer *text)
{
    buffer_append_literal(text, "# Keys of usertrail, one a line: name, scopes, users, time, id, "
                                "SHA-256 of the key.\n# Made by `usertrail keys create`; a running "
                                "server reads them again on SIGHUP.\n");
}

static enum status add(const char *path, const struct access_grant *grant, struct buffer *text,
                       char out_text[KEY_TEXT_BYTES + 1], struct error *err)
{
    struct key_list list;
    enum status status = look(path, text, &list, err);
    if (status != STATUS_OK) {
        return status;
    }
    bool is_there = key_list_find_name(&list, grant->name) != NULL;
    bool is_full = list.count == KEYS_MAX;
    key_list_deinit(&list);
    if (is_there || is_full) {
        return error_set(err, is_there ? STATUS_DUPLICATE : STATUS_NO_SPACE, 0,
                         is_there ? "there is a key of that name already" : "the file is full");
    }
    struct key_entry entry = {.grant = *grant, .created_at_ms = clock_wall_ms(&clock_system)};
    if (key_make(&random_system, &entry, out_text) != STATUS_OK) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for a key");
    }
    if (text->len == 0) {
        append_header(text);
    } else if (text->data[text->len - 1] != '\n') {
        buffer_append_char(text, '\n');
    }
    key_entry_append(&entry, text);
    return replace(path, text, err);
}

enum status key_file_create(const char *path, const struct access_grant *grant,
                            char out_text[KEY_TEXT_BYTES + 1], struct error *err)
{
    int lock;
    struct buffer text;
    enum status status = small_file_lock(path, &lock, err);
    if (status != STATUS_OK) {
        return status;
    }
    buffer_init(&text, KEY_FILE_BYTES_MAX);
    status = add(path, grant, &text, out_text, err);
    buffer_deinit(&text);
    small_file_unlock(lock);
    return status;
}

/* --- taking out --- */

static void copy_without(struct str text, size_t line, struct buffer *out_text)
{
    for (size_t number = 1; text.data != NULL; number++) {
        struct str one = str_split(&text, '\n');
        if (number != line) {
            buffer_append_str(out_text, one);
            buffer_append_str(out_text, text.data == NULL ? STR("") : STR("\n"));
        }
    }
}

static enum status remove_name(const char *path, struct str name, struct buffer *rest,
                               struct error *err)
{
    struct key_list list;
    struct buffer text;
    buffer_init(&text, KEY_FILE_BYTES_MAX);
    enum status status = look(path, &text, &list, err);
    if (status == STATUS_OK) {
        const struct key_entry *entry = key_list_find_name(&list, name);
        if (entry == NULL) {
            status =
                error_set(err, STATUS_NOT_FOUND, 0, "there is no key named %.*s", STR_FORMAT(name));
        } else {
            copy_without(buffer_str(&text), entry->line, rest);
        }
        key_list_deinit(&list);
    }
    buffer_deinit(&text);
    return status;
}

enum status key_file_revoke(const char *path, struct str name, struct error *err)
{
    int lock;
    struct buffer rest;
    enum status status = small_file_lock(path, &lock, err);
    if (status != STATUS_OK) {
        return status;
    }
    buffer_init(&rest, KEY_FILE_BYTES_MAX);
    status = remove_name(path, name, &rest, err);
    status = status == STATUS_OK ? replace(path, &rest, err) : status;
    buffer_deinit(&rest);
    small_file_unlock(lock);
    return status;
}
