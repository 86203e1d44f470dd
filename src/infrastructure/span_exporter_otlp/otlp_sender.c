#include "infrastructure/span_exporter_otlp/otlp_sender.h"

#include "base/clock.h"
#include "infrastructure/http_client/http_handle.h"
#include "infrastructure/span_exporter_otlp/otlp_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    ANSWER_BYTES_MAX = 16 * 1024, /* more of it is heard and forgotten */
    PACKED_BYTES_MAX = 16 << 20,
    RETRY_AFTER_S_MAX = 3600,
    FIELD_BYTES_MAX = 2 * OTLP_LIST_TEXT_BYTES_MAX,
    GZIP_WINDOW_BITS = 15 + 16 /* as zlib wants it for gzip's header */
};

/* In place of the address, which may hold a name and a password. */
static const char called[] = "the collector of spans";

struct otlp_sender {
    CURL *curl;
    struct curl_slist *fields;
    struct buffer answer;
    struct buffer packed;
    uint64_t retry_after_ms;
    unsigned timeout_ms;
    bool compresses;
    _Atomic uint64_t end_at_ns; /* UINT64_MAX: never */
};

/* --- what the collector says --- */

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct otlp_sender *sender = context;
    size_t len = size * count;
    size_t room = ANSWER_BYTES_MAX - sender->answer.len;
    buffer_append(&sender->answer, data, len < room ? len : room);
    return len;
}

/* A date counts as nothing: the pause grows by itself. */
static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    struct otlp_sender *sender = context;
    struct str value = {data, size * count};
    unsigned long long seconds;
    while (value.len > 0 &&
           (value.data[value.len - 1] == '\n' || value.data[value.len - 1] == '\r')) {
        value.len--;
    }
    struct str name = str_split(&value, ':');
    if (value.data != NULL && str_equal_ignoring_case(name, STR("Retry-After")) &&
        str_parse_u64(str_trim(value), RETRY_AFTER_S_MAX, &seconds)) {
        sender->retry_after_ms = seconds * MILLISECONDS_PER_SECOND;
    }
    return size * count;
}

static int look(void *context, curl_off_t to_come, curl_off_t came, curl_off_t to_go,
                curl_off_t went)
{
    const struct otlp_sender *sender = context;
    (void)to_come;
    (void)came;
    (void)to_go;
    (void)went;
    return clock_monotonic_ns(&clock_system) >= atomic_load(&sender->end_at_ns);
}

/* {"partialSuccess":{"rejectedSpans":"3"}}: the one number of an answer that counts here, which is
 * a text in this notation and a bare number where somebody took it literally. */
static uint64_t count_rejected(const struct buffer *answer)
{
    static const char name[] = "\"rejectedSpans\"";
    const char *at =
        answer->len == 0 ? NULL : memmem(answer->data, answer->len, name, sizeof name - 1);
    uint64_t count = 0;
    if (at == NULL) {
        return 0;
    }
    const char *end = answer->data + answer->len;
    for (at += sizeof name - 1; at < end && strchr(" \t\r\n:\"", *at) != NULL && *at != '\0';
         at++) {
    }
    for (; at < end && *at >= '0' && *at <= '9' && count < UINT32_MAX; at++) {
        count = count * 10 + (uint64_t)(*at - '0');
    }
    return count;
}

static bool may_pass(long code)
{
    return code == 429 || code == 502 || code == 503 || code == 504;
}

static void tell_code(long code, struct error *err)
{
    enum status status = may_pass(code) ? STATUS_BUSY : STATUS_INVALID;
    status = error_set(err, status, 0, "%s answers %ld", called, code);
    (void)status;
}

static void conclude(struct otlp_sender *sender, CURLcode result, struct otlp_answer *out_answer)
{
    long code = 0;
    struct otlp_answer answer = {.outcome = OTLP_LATER, .retry_after_ms = sender->retry_after_ms};
    if (http_handle_translate(result, called, &answer.why) == STATUS_OK) {
        curl_easy_getinfo(sender->curl, CURLINFO_RESPONSE_CODE, &code);
        bool taken = code >= 200 && code < 300;
        if (!taken) {
            tell_code(code, &answer.why);
        }
        answer.outcome = taken ? OTLP_TAKEN : may_pass(code) ? OTLP_LATER : OTLP_REJECTED;
        answer.rejected = taken ? count_rejected(&sender->answer) : 0;
    }
    *out_answer = answer;
}

/* --- sending --- */

static void give_up(enum status status, struct otlp_answer *out_answer)
{
    struct otlp_answer answer = {.outcome = OTLP_REJECTED};
    status = error_set(&answer.why, status, 0, "there is no memory for spans to be sent");
    (void)status;
    *out_answer = answer;
}

/* Into `packed`. */
static enum status compress_body(struct otlp_sender *sender, struct str body)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)body.data, .avail_in = (uInt)body.len};
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW_BITS, MAX_MEM_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        return STATUS_NO_MEMORY;
    }
    size_t bound = deflateBound(&stream, (uLong)body.len);
    buffer_clear(&sender->packed);
    enum status status = buffer_reserve(&sender->packed, bound);
    if (status == STATUS_OK) {
        stream.next_out = (Bytef *)sender->packed.data;
        stream.avail_out = (uInt)bound;
        status = deflate(&stream, Z_FINISH) == Z_STREAM_END ? STATUS_OK : STATUS_NO_MEMORY;
        sender->packed.len = (size_t)stream.total_out;
    }
    deflateEnd(&stream);
    return status;
}

/* As long as it may take, and as is left. */
static long timeout_ms(const struct otlp_sender *sender, uint64_t deadline_ns)
{
    uint64_t stop_ns = atomic_load(&sender->end_at_ns);
    uint64_t end_ns = deadline_ns < stop_ns ? deadline_ns : stop_ns;
    uint64_t now_ns = clock_monotonic_ns(&clock_system);
    uint64_t left_ms = end_ns <= now_ns ? 0 : (end_ns - now_ns) / NANOSECONDS_PER_MILLISECOND;
    return left_ms < sender->timeout_ms ? (long)left_ms + 1 : (long)sender->timeout_ms;
}

void otlp_sender_post(struct otlp_sender *sender, struct str body, uint64_t deadline_ns,
                      struct otlp_answer *out_answer)
{
    enum status status = sender->compresses ? compress_body(sender, body) : STATUS_OK;
    struct str sent = sender->compresses ? buffer_str(&sender->packed) : body;
    buffer_clear(&sender->answer);
    sender->retry_after_ms = 0;
    if (status != STATUS_OK) {
        give_up(status, out_answer);
        return;
    }
    CURL *curl = sender->curl;
    CURLcode code = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, sent.data);
    code = code == CURLE_OK
               ? curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)sent.len)
               : code;
    code = code == CURLE_OK
               ? curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms(sender, deadline_ns))
               : code;
    conclude(sender, code == CURLE_OK ? curl_easy_perform(curl) : code, out_answer);
}

void otlp_sender_end_at(struct otlp_sender *sender, uint64_t at_ns)
{
    atomic_store(&sender->end_at_ns, at_ns);
}

/* --- making --- */

enum status otlp_sender_check(const char *url, const char *ca_file, struct error *err)
{
    struct error why;
    if (http_handle_check(url, ca_file, &why) == STATUS_OK) {
        return STATUS_OK;
    }
    return error_set(
        err, STATUS_INVALID, 0,
        "the address of the collector of spans, or the file of its certificate, cannot "
        "be used; write http://127.0.0.1:4318");
}

/* False: there is no memory. */
static bool add_fields(struct otlp_sender *sender, struct str headers)
{
    struct otlp_pair pair;
    char line[FIELD_BYTES_MAX];
    bool added =
        http_handle_add_field(&sender->fields, "Content-Type: application/json") &&
        http_handle_add_field(&sender->fields, "Expect:") &&
        (!sender->compresses || http_handle_add_field(&sender->fields, "Content-Encoding: gzip"));
    while (added && otlp_list_next(&headers, &pair) == STATUS_OK) {
        snprintf(line, sizeof line, "%.*s: %.*s", STR_FORMAT(pair.key), STR_FORMAT(pair.value));
        added = http_handle_add_field(&sender->fields, line);
    }
    return added;
}

static bool set_up(struct otlp_sender *sender, const struct otlp_sender_config *config)
{
    const struct http_handle_config handle = {.url = config->url, .ca_file = config->ca_file};
    CURL *curl = sender->curl = curl_easy_init();
    if (curl == NULL || !add_fields(sender, str_from(config->headers)) ||
        !http_handle_set_up(curl, &handle, sender->fields)) {
        return false;
    }
    CURLcode code = curl_easy_setopt(curl, CURLOPT_POST, 1L);
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_URL, config->url) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_WRITEDATA, sender) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_HEADERDATA, sender) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_XFERINFODATA, sender) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) : code;
    /* A name that nobody answers for is looked up on a thread, which ends by itself then. */
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L) : code;
    return code == CURLE_OK;
}

enum status otlp_sender_new(const struct otlp_sender_config *config,
                            struct otlp_sender **out_sender, struct error *err)
{
    enum status status = otlp_sender_check(config->url, config->ca_file, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to send spans");
    }
    struct otlp_sender *sender = calloc(1, sizeof *sender);
    if (sender == NULL) {
        curl_global_cleanup();
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to send spans");
    }
    sender->compresses = config->compresses;
    sender->timeout_ms = config->timeout_ms;
    atomic_init(&sender->end_at_ns, UINT64_MAX);
    buffer_init(&sender->answer, ANSWER_BYTES_MAX);
    buffer_init(&sender->packed, PACKED_BYTES_MAX);
    if (!set_up(sender, config)) {
        otlp_sender_free(sender);
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to send spans");
    }
    *out_sender = sender;
    return STATUS_OK;
}

void otlp_sender_free(struct otlp_sender *sender)
{
    if (sender == NULL) {
        return;
    }
    curl_easy_cleanup(sender->curl);
    curl_slist_free_all(sender->fields);
    buffer_deinit(&sender->answer);
    buffer_deinit(&sender->packed);
    free(sender);
    curl_global_cleanup();
}
