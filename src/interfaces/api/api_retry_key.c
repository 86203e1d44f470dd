#include "interfaces/api/api_retry_key.h"

#include "base/arena.h"

static enum status invalid(struct error *err)
{
    return error_set(err, STATUS_INVALID, 0,
                     "Idempotency-Key must be there once, a text of 1 to %d visible ASCII "
                     "characters and spaces in double quotes, such as \"8e03978e\"",
                     API_RETRY_KEY_BYTES_MAX);
}

/* Between the quotes only a quote and a backslash are escaped, and nothing else may be. False when
 * this is no such text. */
static bool unescape(struct str quoted, char out_key[API_RETRY_KEY_BYTES_MAX], size_t *out_len)
{
    size_t len = 0;
    for (size_t at = 0; at < quoted.len; at++) {
        char c = quoted.data[at];
        if (c == '\\') {
            at++;
            c = at < quoted.len ? quoted.data[at] : '\0';
            if (c != '"' && c != '\\') {
                return false;
            }
        } else if (c == '"' || c < ' ' || c > '~') {
            return false;
        }
        if (len == API_RETRY_KEY_BYTES_MAX) {
            return false;
        }
        out_key[len++] = c;
    }
    *out_len = len;
    return len > 0;
}

static bool parse(struct str value, char out_key[API_RETRY_KEY_BYTES_MAX], size_t *out_len)
{
    if (value.len < 2 || value.data[0] != '"' || value.data[value.len - 1] != '"') {
        return false;
    }
    return unescape((struct str){value.data + 1, value.len - 2}, out_key, out_len);
}

enum status api_retry_key_read(const struct api_fields *fields, struct arena *arena,
                               struct str *out_key, struct error *err)
{
    char key[API_RETRY_KEY_BYTES_MAX];
    size_t len;
    size_t count;
    struct str value = api_fields_only(fields, API_FIELD_IDEMPOTENCY_KEY, &count);
    if (count == 0) {
        *out_key = (struct str){0};
        return STATUS_OK;
    }
    if (!parse(value, key, &len)) {
        return invalid(err);
    }
    *out_key = arena_copy_str(arena, (struct str){key, len});
    return out_key->data != NULL
               ? STATUS_OK
               : error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for this request now");
}
