#include "interfaces/http/http_fault.h"

#include "base/assert.h"

static const struct http_problem fault_problems[HTTP_FAULT_COUNT] = {
    [HTTP_FAULT_FRAMING] =
        {
            .status = 400,
            .type = "bad-request",
            .title = "Bad request",
            .detail = "The request is not valid HTTP/1.1 (RFC 9112).",
        },
    [HTTP_FAULT_HEADER_TIMEOUT] =
        {
            .status = 408,
            .type = "request-timeout",
            .title = "Request timeout",
            .detail = "The header of the request did not arrive in time; send it again at once.",
        },
    [HTTP_FAULT_BODY_TIMEOUT] =
        {
            .status = 408,
            .type = "request-timeout",
            .title = "Request timeout",
            .detail = "The body of the request did not arrive in time; send less or send faster.",
        },
    [HTTP_FAULT_BODY_TOO_LARGE] =
        {
            .status = 413,
            .type = "body-too-large",
            .title = "Body too large",
            .detail = "The body of the request is larger than this resource takes; send less.",
        },
    [HTTP_FAULT_BODY_TOO_SLOW] =
        {
            .status = 408,
            .type = "request-timeout",
            .title = "Request timeout",
            .detail = "The body of the request arrives too slowly; send what there is, end the "
                      "request, and send the rest with another one.",
        },
    [HTTP_FAULT_BODY_CODING] =
        {
            .status = 400,
            .type = "bad-content-encoding",
            .title = "The body cannot be decoded",
            .detail = "The body is not what Content-Encoding says, or it is cut short.",
        },
    [HTTP_FAULT_BODY_RATIO] =
        {
            .status = 413,
            .type = "body-too-large",
            .title = "Body too large",
            .detail = "The body becomes too many times larger by decoding; send it without "
                      "Content-Encoding, or in parts.",
        },
    [HTTP_FAULT_TARGET_TOO_LONG] =
        {
            .status = 414,
            .type = "target-too-long",
            .title = "Request target too long",
            .detail = "The path and query of the request are longer than this server takes.",
        },
    [HTTP_FAULT_EXPECTATION] =
        {
            .status = 417,
            .type = "expectation-failed",
            .title = "Expectation failed",
            .detail = "The only expectation this server meets is 100-continue.",
        },
    [HTTP_FAULT_HEADER_TOO_LARGE] =
        {
            .status = 431,
            .type = "header-too-large",
            .title = "Header too large",
            .detail = "The header of the request is larger than this server takes; send less.",
        },
    [HTTP_FAULT_HEADER_TOO_MANY] =
        {
            .status = 431,
            .type = "header-too-large",
            .title = "Header too large",
            .detail = "The request has more header fields than this server takes; send fewer.",
        },
    [HTTP_FAULT_BODY_MEMORY] =
        {
            .status = 503,
            .type = "overloaded",
            .title = "Overloaded",
            .detail = "The memory for request bodies is in use; send the request again later.",
            .retry_after_s = 1,
        },
    [HTTP_FAULT_MEMORY] =
        {
            .status = 503,
            .type = "overloaded",
            .title = "Overloaded",
            .detail = "The server is out of memory; send the request again later.",
            .retry_after_s = 5,
        },
    [HTTP_FAULT_CONNECTIONS] =
        {
            .status = 503,
            .type = "too-many-connections",
            .title = "Too many connections",
            .detail = "The server has all the connections it takes; connect again later.",
            .retry_after_s = 1,
        },
    [HTTP_FAULT_ANSWER] =
        {
            .status = 500,
            .type = "internal-error",
            .title = "Internal error",
            .detail = "The answer is too large to be sent; ask for less.",
        },
    [HTTP_FAULT_ANSWER_MEMORY] =
        {
            .status = 503,
            .type = "overloaded",
            .title = "Overloaded",
            .detail = "The memory for answers is in use, so this one is lost; what was asked for "
                      "may have been done. Send the request again later, or ask for less.",
            .retry_after_s = 1,
        },
    [HTTP_FAULT_VERSION] =
        {
            .status = 505,
            .type = "http-version-not-supported",
            .title = "HTTP version not supported",
            .detail = "This server speaks HTTP/1.1 and HTTP/1.0.",
        },
};

struct http_problem http_fault_problem(enum http_fault fault, const char *reason)
{
    ASSERT(fault > HTTP_FAULT_NONE && fault < HTTP_FAULT_COUNT);
    struct http_problem problem = fault_problems[fault];
    problem.close = true;
    if (reason != NULL) {
        problem.detail = reason;
    }
    return problem;
}
