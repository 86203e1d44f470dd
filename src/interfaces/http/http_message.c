#include "interfaces/http/http_message.h"

struct str http_request_header(const struct http_request *request, struct str name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        if (header->name.len == name.len && str_equal_ignoring_case(header->name, name)) {
            return header->value;
        }
    }
    return (struct str){NULL, 0};
}
