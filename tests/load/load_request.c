#include "content_hash.h"
#include "load.h"

#include <yyjson.h>

// Reads the activity again from the bytes that will be sent, as the service will, and notes it.
static void note_sent(struct load *load, struct ledger_sent *sent, char *text, size_t len)
{
    yyjson_doc *document = yyjson_read_opts(text, len, YYJSON_READ_NUMBER_AS_RAW, NULL, NULL);
    if (document == NULL)
        tool_fail(TOOL_WRONG, "made an activity that is no JSON: %.*s", (int)len, text);
    sent->content_hash = content_hash_activity(yyjson_doc_get_root(document), load->run.timestamps);
    yyjson_doc_free(document);
    ledger_note_sent(load->ledger, sent);
}

// Writes and notes the next activity; returns its end.
static char *put_activity(struct load *load, const struct connection *connection, uint64_t sequence,
                          char *out)
{
    bool ordered = load->options->ordered;
    struct ledger_sent sent = {.sequence = sequence,
                               .connection = connection->number,
                               .user = ordered ? connection->number
                                               : generator_draw_user(load->generator),
                               .ordered = ordered};
    size_t len = generator_write(load->generator, sequence, sent.user, ordered, out);
    if (load->ledger != NULL)
        note_sent(load, &sent, out, len);
    return out + len;
}

static uint32_t count_of_next(const struct load *load)
{
    uint32_t batch = load->options->batch > 0 ? load->options->batch : 1;
    if (load->options->count == 0 || load->options->count - load->next_sequence >= batch)
        return batch;
    return (uint32_t)(load->options->count - load->next_sequence);
}

void load_request_prepare(struct load *load, struct connection *connection)
{
    const struct run_options *options = load->options;
    size_t each_max = GENERATOR_BYTES_MAX + options->activity_bytes + 1;
    connection->first_sequence = load->next_sequence;
    connection->count = count_of_next(load);
    load->next_sequence += connection->count;
    char *body = connection_body_space(connection, connection->count * each_max + 2);
    char *at = body;
    if (options->batch > 0)
        *at++ = '[';
    for (uint32_t item = 0; item < connection->count; item++) {
        if (item > 0)
            *at++ = ',';
        at = put_activity(load, connection, connection->first_sequence + item, at);
    }
    if (options->batch > 0)
        *at++ = ']';
    load->figures.body_bytes += (uint64_t)(at - body);
    load->figures.sent += connection->count;
    load->figures.requests_sent++;
    connection_finish_request(connection, options, (size_t)(at - body));
}
