#include "interfaces/http/http_framing.h"

#include "base/macros.h"
#include "interfaces/http/http_request_line.h"

struct framing_reader {
    struct http_framing framing;
    bool http_1_0;
    unsigned hosts;
    unsigned transfer_encodings;
    bool expects_other;
    const char *reason; /* NULL while all is well */
};

typedef void field_function(struct framing_reader *reader, struct str value);

static void read_host(struct framing_reader *reader, struct str value)
{
    reader->hosts++;
    if (!http_authority_is_valid(value)) {
        reader->reason = "The Host field is not a host name or address with an optional port.";
    }
}

static void read_content_length(struct framing_reader *reader, struct str value)
{
    unsigned long long length;
    if (reader->framing.has_content_length) {
        reader->reason = "Content-Length is there more than once.";
    } else if (!str_parse_u64(value, INT64_MAX, &length)) {
        reader->reason = "Content-Length is not one decimal number.";
    } else {
        reader->framing.has_content_length = true;
        reader->framing.content_length = length;
    }
}

static void read_transfer_encoding(struct framing_reader *reader, struct str value)
{
    reader->transfer_encodings++;
    if (reader->transfer_encodings > 1 || !str_equal_ignoring_case(value, STR("chunked"))) {
        reader->reason = "The only Transfer-Encoding this server takes is a single \"chunked\".";
    }
    reader->framing.chunked = true;
}

/* HTTP/1.0 knows no expectations; its field is ignored (RFC 9110 section 10.1.1). */
static void read_expect(struct framing_reader *reader, struct str value)
{
    if (reader->http_1_0) {
        return;
    }
    if (str_equal_ignoring_case(value, STR("100-continue"))) {
        reader->framing.expects_continue = true;
    } else {
        reader->expects_other = true;
    }
}

static const struct {
    struct str name;
    field_function *read;
} fields[] = {
    {{"Host", 4}, read_host},
    {{"Content-Length", 14}, read_content_length},
    {{"Transfer-Encoding", 17}, read_transfer_encoding},
    {{"Expect", 6}, read_expect},
};

static void read_field(struct framing_reader *reader, const struct http_header *header)
{
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        if (header->name.len == fields[i].name.len &&
            str_equal_ignoring_case(header->name, fields[i].name)) {
            fields[i].read(reader, header->value);
        }
    }
}

static const char *whole_reason(const struct framing_reader *reader)
{
    if (reader->reason != NULL) {
        return reader->reason;
    }
    if (reader->hosts > 1) {
        return "The Host field is there more than once.";
    }
    if (reader->hosts == 0 && !reader->http_1_0) {
        return "The Host field is missing.";
    }
    if (reader->framing.chunked && reader->framing.has_content_length) {
        return "Content-Length and Transfer-Encoding exclude each other.";
    }
    if (reader->framing.chunked && reader->http_1_0) {
        return "HTTP/1.0 has no Transfer-Encoding.";
    }
    return NULL;
}

enum http_fault http_framing_read(const struct http_request *request, bool http_1_0,
                                  struct http_framing *out_framing, const char **out_reason)
{
    struct framing_reader reader = {.http_1_0 = http_1_0};
    for (size_t i = 0; i < request->header_count; i++) {
        read_field(&reader, &request->headers[i]);
    }
    const char *reason = whole_reason(&reader);
    if (reason != NULL) {
        *out_reason = reason;
        return HTTP_FAULT_FRAMING;
    }
    if (reader.expects_other) {
        return HTTP_FAULT_EXPECTATION;
    }
    *out_framing = reader.framing;
    return HTTP_FAULT_NONE;
}
