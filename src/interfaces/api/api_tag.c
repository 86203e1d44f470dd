/*
 * Conditional requests (RFC 9110 section 13) for answers that are made anew each time: the tag is a
 * hash of the answer, so that the same bytes have the same tag on every server and over restarts,
 * and nothing else has. It is strong enough for a list that somebody may want to look unchanged.
 */
#include "interfaces/api/api_job.h"
#include "interfaces/http/http_negotiation.h"

enum { TAG_HASH_BYTES = 16 }; /* of the hash, which is more than anybody can find two texts for */

/* On the pool thread. Without memory for the hash the answer goes without a tag. */
void api_tag_make(struct api_job *job)
{
    static const char digits[] = "0123456789abcdef";
    const struct content_hash *hash = job->api->config.tag_hash;
    const struct str text = buffer_str(&job->text);
    uint8_t bytes[CONTENT_HASH_BYTES];
    if (hash->hash(hash->context, &text, 1, bytes) != STATUS_OK) {
        return;
    }
    size_t len = 0;
    job->tag[len++] = '"';
    for (size_t i = 0; i < TAG_HASH_BYTES; i++) {
        job->tag[len++] = digits[bytes[i] >> 4];
        job->tag[len++] = digits[bytes[i] & 0xf];
    }
    job->tag[len++] = '"';
    job->tag_len = len;
}

/* Who keeps an answer must ask each time whether it still holds, and nobody may keep it for
 * others: it is about people. */
void api_tag_answer(struct http_exchange *exchange, const struct api_job *job)
{
    const struct api_fields fields = api_operation_fields(job->operation, exchange);
    struct str tag = {job->tag, job->tag_len};
    struct str link = job->link.len == 0 ? (struct str){0} : buffer_str(&job->link);
    bool same = job->tag_len > 0 &&
                http_etag_matches(api_fields_first(&fields, API_FIELD_IF_NONE_MATCH), tag);
    struct http_header headers[3] = {{STR("Cache-Control"), STR("private, no-cache")}};
    size_t count = 1;
    if (job->tag_len > 0) {
        headers[count++] = (struct http_header){STR("ETag"), tag};
    }
    if (link.data != NULL && !same) {
        headers[count++] = (struct http_header){STR("Link"), link};
    }
    http_exchange_respond(exchange, &(struct http_response){
                                        .status = same ? 304 : 200,
                                        .content_type = same ? (struct str){0} : job->content_type,
                                        .body = buffer_str(&job->text),
                                        .headers = headers,
                                        .header_count = count,
                                    });
}
