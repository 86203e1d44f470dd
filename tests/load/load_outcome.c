#include "load.h"

#include <stdio.h>
#include <string.h>
#include <yyjson.h>

enum { WRONG_ANSWERS_SHOWN = 5 };

static void complain(struct load *load, const struct connection *connection, const char *what)
{
    if (load->figures.wrong_answers++ < WRONG_ANSWERS_SHOWN)
        fprintf(stderr, "usertrail-load: wrong answer to activity %llu: %s\n",
                (unsigned long long)connection->first_sequence, what);
}

static void take_refused(struct load *load, uint64_t sequence, unsigned status)
{
    if (status >= 400 && status < 500)
        load->figures.rejected++;
    else
        load->figures.refused++;
    if (load->ledger != NULL)
        ledger_note_answered(load->ledger, sequence, status);
}

static void take_unknown(struct load *load, uint64_t sequence)
{
    load->figures.unknown++;
    if (load->ledger != NULL)
        ledger_note_unknown(load->ledger, sequence);
}

// A 202 that gives this id, which must be ours when we sent one.
static void take_accepted(struct load *load, const struct connection *connection, uint64_t sequence,
                          yyjson_val *id)
{
    char name[NAME_BYTES_MAX];
    size_t name_len = name_activity(load->nonce, load->run.run, sequence, name);
    const char *text = yyjson_get_str(id);
    size_t len = yyjson_get_len(id);
    if (text == NULL || len == 0 || len > LEDGER_ID_BYTES_MAX) {
        complain(load, connection, "a 202 without an id, or with one that is too long");
        take_unknown(load, sequence);
        return;
    }
    if (!load->run.server_ids && (len != name_len || memcmp(text, name, len) != 0))
        complain(load, connection, "a 202 that names another id than was sent");
    load->figures.acknowledged++;
    ledger_note_acknowledged(load->ledger, sequence, load->run.server_ids ? text : NULL, len);
}

// One of the batch's results: {"index":0,"id":"…"} or {"index":0,"error":{"status":400,…}}.
static void take_result(struct load *load, const struct connection *connection, yyjson_val *result)
{
    yyjson_val *index_value = yyjson_obj_get(result, "index");
    yyjson_val *error = yyjson_obj_get(result, "error");
    uint64_t index = yyjson_get_uint(index_value);
    if (!yyjson_is_uint(index_value) || index >= connection->count || load->answered[index]) {
        complain(load, connection, "a result with a wrong or repeated index");
        return;
    }
    load->answered[index] = 1;
    uint64_t sequence = connection->first_sequence + index;
    if (error == NULL)
        take_accepted(load, connection, sequence, yyjson_obj_get(result, "id"));
    else
        take_refused(load, sequence, (unsigned)yyjson_get_uint(yyjson_obj_get(error, "status")));
}

static void take_batch(struct load *load, const struct connection *connection, yyjson_val *answer)
{
    yyjson_val *results = yyjson_obj_get(answer, "results");
    uint64_t accepted_before = load->figures.acknowledged;
    size_t index;
    size_t count;
    yyjson_val *result;
    memset(load->answered, 0, connection->count);
    yyjson_arr_foreach(results, index, count, result) take_result(load, connection, result);
    if (memchr(load->answered, 0, connection->count) != NULL)
        complain(load, connection, "a batch whose results leave activities out");
    for (uint32_t item = 0; item < connection->count; item++)
        if (!load->answered[item])
            take_unknown(load, connection->first_sequence + item);
    uint64_t accepted = load->figures.acknowledged - accepted_before;
    if (yyjson_get_uint(yyjson_obj_get(answer, "accepted")) != accepted)
        complain(load, connection, "a batch whose \"accepted\" is not the number of its ids");
}

// Without a ledger nobody asks which activity was accepted, and reading thousands of ids would only
// take time from the service. The count stands in front of the results.
static void count_accepted(struct load *load, const struct connection *connection,
                           const struct http_response *response)
{
    static const char member[] = "\"accepted\":";
    size_t looked_at = response->body_len < 256 ? response->body_len : 256;
    const char *found = memmem(response->body, looked_at, member, sizeof member - 1);
    uint64_t accepted = connection->count;
    if (found != NULL) {
        accepted = 0;
        const char *end = response->body + looked_at;
        for (found += sizeof member - 1; found < end && *found >= '0' && *found <= '9'; found++)
            accepted = accepted * 10 + (uint64_t)(*found - '0');
        if (accepted > connection->count)
            accepted = connection->count;
    }
    load->figures.acknowledged += accepted;
    load->figures.rejected += connection->count - accepted;
}

static void read_accepted(struct load *load, const struct connection *connection,
                          const struct http_response *response)
{
    yyjson_doc *document = yyjson_read(response->body, response->body_len, 0);
    if (document == NULL) {
        complain(load, connection, "a 202 whose body is no JSON");
        load_outcome_lost(load, connection);
        return;
    }
    yyjson_val *answer = yyjson_doc_get_root(document);
    if (load->options->batch > 0)
        take_batch(load, connection, answer);
    else
        take_accepted(load, connection, connection->first_sequence, yyjson_obj_get(answer, "id"));
    yyjson_doc_free(document);
}

void load_outcome_take(struct load *load, const struct connection *connection,
                       const struct http_response *response)
{
    load->figures.requests_answered++;
    if (response->status < 600)
        load->figures.statuses[response->status]++;
    if (response->status == 202 && load->ledger != NULL) {
        read_accepted(load, connection, response);
    } else if (response->status == 202) {
        count_accepted(load, connection, response);
    } else {
        for (uint32_t item = 0; item < connection->count; item++)
            take_refused(load, connection->first_sequence + item, response->status);
    }
}

void load_outcome_lost(struct load *load, const struct connection *connection)
{
    for (uint32_t item = 0; item < connection->count; item++)
        take_unknown(load, connection->first_sequence + item);
}
