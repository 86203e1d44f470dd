#include "interfaces/http/http_message.h"

struct str http_method_name(enum http_method method)
{
    static const char *const names[] = {
        [HTTP_METHOD_GET] = "GET",       [HTTP_METHOD_HEAD] = "HEAD",
        [HTTP_METHOD_POST] = "POST",     [HTTP_METHOD_OPTIONS] = "OPTIONS",
        [HTTP_METHOD_DELETE] = "DELETE", [HTTP_METHOD_PUT] = "PUT",
        [HTTP_METHOD_PATCH] = "PATCH",   [HTTP_METHOD_OTHER] = "_OTHER"};
    return str_from(names[method]);
}

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
