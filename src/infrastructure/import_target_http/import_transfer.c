#include "infrastructure/import_target_http/import_transfer.h"

#include "base/assert.h"
#include "infrastructure/import_target_http/import_pause.h"

enum {
    BODY_BYTES_MAX = IMPORT_BATCH_BYTES + IMPORT_LINE_BYTES_MAX + IMPORT_ROWS_MAX * 64 + 2,
    ANSWER_BYTES_MAX = 64 << 20 /* a problem of 8 faults for each row fits */
};

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct import_transfer *transfer = context;
    buffer_append(&transfer->answer, data, size * count);
    return transfer->answer.failed == STATUS_OK ? count : 0;
}

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    struct import_transfer *transfer = context;
    struct str value = {data, size * count};
    if (value.len >= 2 && value.data[value.len - 2] == '\r') {
        value.len -= 2;
    }
    struct str name = str_split(&value, ':');
    if (str_equal_ignoring_case(name, STR("Retry-After"))) {
        transfer->retry_after_ms = import_retry_after_ms(value);
    }
    return count;
}

static bool set_fixed(struct import_transfer *transfer, const struct import_transfer_config *config)
{
    CURL *curl = transfer->curl;
    CURLcode code = curl_easy_setopt(curl, CURLOPT_POST, 1L);
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_PRIVATE, transfer) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_URL, config->url) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)config->timeout_ms)
                            : code;
    return code == CURLE_OK && http_handle_set_up(curl, config->handle, config->headers);
}

enum status import_transfer_init(struct import_transfer *transfer,
                                 const struct import_transfer_config *config)
{
    *transfer = (struct import_transfer){.curl = curl_easy_init()};
    buffer_init(&transfer->body, BODY_BYTES_MAX);
    buffer_init(&transfer->answer, ANSWER_BYTES_MAX);
    return transfer->curl != NULL && set_fixed(transfer, config) ? STATUS_OK : STATUS_NO_MEMORY;
}

void import_transfer_deinit(struct import_transfer *transfer)
{
    curl_easy_cleanup(transfer->curl);
    buffer_deinit(&transfer->body);
    buffer_deinit(&transfer->answer);
    *transfer = (struct import_transfer){0};
}

/* The line as it was read; an id of ours becomes its first member. */
static void append_row(struct buffer *body, const struct import_row *row)
{
    struct str text = row->text;
    if (!row->id_is_ours) {
        buffer_append_str(body, text);
        return;
    }
    const char *brace = memchr(text.data, '{', text.len);
    ASSERT(brace != NULL); /* the line is an object */
    size_t before = (size_t)(brace + 1 - text.data);
    buffer_append_literal(body, "{\"id\":\"");
    buffer_append_str(body, row->draft.activity.id);
    buffer_append_literal(body, "\",");
    buffer_append(body, text.data + before, text.len - before);
}

enum status import_transfer_prepare(struct import_transfer *transfer)
{
    struct buffer *body = &transfer->body;
    buffer_clear(body);
    for (size_t i = 0; i < transfer->count; i++) {
        buffer_append_char(body, i == 0 ? '[' : ',');
        append_row(body, &transfer->batch->rows[transfer->begin + i]);
    }
    buffer_append_char(body, ']');
    buffer_clear(&transfer->answer);
    transfer->retry_after_ms = 0;
    if (body->failed != STATUS_OK) {
        return body->failed;
    }
    CURLcode code = curl_easy_setopt(transfer->curl, CURLOPT_POSTFIELDS, body->data);
    if (code == CURLE_OK) {
        code = curl_easy_setopt(transfer->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
    }
    return code == CURLE_OK ? STATUS_OK : STATUS_NO_MEMORY;
}
