#include "interfaces/http/http_request_line.h"

#include "base/macros.h"

#include <stdint.h>

#define TOKEN_MARKS "!#$%&'*+-.^_`|~"
#define HOST_MARKS  "!$&'()*+-.;=_~" /* no comma: a list of hosts is no host */

static const struct {
    struct str token;
    enum http_method method;
} methods[] = {
    {{"GET", 3}, HTTP_METHOD_GET},       {{"POST", 4}, HTTP_METHOD_POST},
    {{"HEAD", 4}, HTTP_METHOD_HEAD},     {{"OPTIONS", 7}, HTTP_METHOD_OPTIONS},
    {{"DELETE", 6}, HTTP_METHOD_DELETE}, {{"PUT", 3}, HTTP_METHOD_PUT},
    {{"PATCH", 5}, HTTP_METHOD_PATCH},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex_digit(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(char c, struct str marks)
{
    return memchr(marks.data, c, marks.len) != NULL;
}

bool http_token_is_valid(struct str token)
{
    for (size_t i = 0; i < token.len; i++) {
        char c = token.data[i];
        if (!is_letter(c) && !is_digit(c) && !is_one_of(c, STR(TOKEN_MARKS))) {
            return false;
        }
    }
    return token.len > 0;
}

bool http_request_line_may_begin(struct str part)
{
    const char *space = memchr(part.data, ' ', part.len);
    struct str token = {part.data, space == NULL ? part.len : (size_t)(space - part.data)};
    return token.len <= HTTP_METHOD_BYTES_MAX && http_token_is_valid(token);
}

static enum http_method method_find(struct str token)
{
    for (size_t i = 0; i < ARRAY_LENGTH(methods); i++) {
        if (str_equal(methods[i].token, token)) {
            return methods[i].method;
        }
    }
    return HTTP_METHOD_OTHER;
}

static bool port_is_valid(struct str port)
{
    unsigned value = 0;
    for (size_t i = 0; i < port.len; i++) {
        if (!is_digit(port.data[i])) {
            return false;
        }
        value = value * 10 + (unsigned)(port.data[i] - '0');
        if (value > UINT16_MAX) {
            return false;
        }
    }
    return true;
}

/* An IPv6 or future address in brackets; returns its length, 0 when it is none. */
static size_t bracketed_length(struct str authority)
{
    const char *end = memchr(authority.data, ']', authority.len);
    if (end == NULL || end == authority.data + 1) {
        return 0;
    }
    for (const char *at = authority.data + 1; at < end; at++) {
        if (!is_hex_digit(*at) && *at != ':' && *at != '.') {
            return 0;
        }
    }
    return (size_t)(end - authority.data) + 1;
}

static size_t name_length(struct str authority)
{
    size_t len = 0;
    while (len < authority.len && authority.data[len] != ':') {
        char c = authority.data[len];
        if (c == '%') {
            if (authority.len - len < 3 || !is_hex_digit(authority.data[len + 1]) ||
                !is_hex_digit(authority.data[len + 2])) {
                return 0;
            }
            len += 3;
        } else if (is_letter(c) || is_digit(c) || is_one_of(c, STR(HOST_MARKS))) {
            len++;
        } else {
            return 0;
        }
    }
    return len;
}

bool http_authority_is_valid(struct str authority)
{
    if (authority.len == 0) {
        return false;
    }
    size_t host = authority.data[0] == '[' ? bracketed_length(authority) : name_length(authority);
    if (host == 0) {
        return false;
    }
    struct str rest = {authority.data + host, authority.len - host};
    return rest.len == 0 ||
           (rest.data[0] == ':' && port_is_valid((struct str){rest.data + 1, rest.len - 1}));
}

/* Visible ASCII; people who type other characters into an address have clients that encode them. */
static bool target_is_valid(struct str target)
{
    for (size_t i = 0; i < target.len; i++) {
        unsigned char c = (unsigned char)target.data[i];
        if (c <= ' ' || c >= 0x7f || c == '#') {
            return false;
        }
    }
    return target.len > 0;
}

static void target_split(struct str target, struct http_request_line *line)
{
    const char *mark = memchr(target.data, '?', target.len);
    if (mark == NULL) {
        line->path = target;
        line->query = (struct str){NULL, 0};
        return;
    }
    line->path = (struct str){target.data, (size_t)(mark - target.data)};
    line->query = (struct str){mark + 1, target.len - line->path.len - 1};
}

static bool cut_scheme(struct str *target)
{
    static const struct str schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < ARRAY_LENGTH(schemes); i++) {
        struct str front = {target->data, schemes[i].len};
        if (target->len > front.len && str_equal_ignoring_case(front, schemes[i])) {
            target->data += front.len;
            target->len -= front.len;
            return true;
        }
    }
    return false;
}

/* `http://host/path?query`, as proxies send it. An empty path is "/", or "*" for OPTIONS. */
static bool absolute_target_parse(struct str target, struct http_request_line *line)
{
    if (!cut_scheme(&target)) {
        return false;
    }
    size_t authority = 0;
    while (authority < target.len && target.data[authority] != '/' &&
           target.data[authority] != '?') {
        authority++;
    }
    if (!http_authority_is_valid((struct str){target.data, authority})) {
        return false;
    }
    target_split((struct str){target.data + authority, target.len - authority}, line);
    if (line->path.len == 0) {
        bool whole_server = line->method == HTTP_METHOD_OPTIONS && line->query.data == NULL;
        line->path = whole_server ? STR("*") : STR("/");
    }
    return true;
}

static bool target_parse(struct str target, struct http_request_line *line)
{
    line->target_len = target.len;
    if (!target_is_valid(target)) {
        return false;
    }
    if (target.data[0] == '/') {
        target_split(target, line);
        return true;
    }
    if (str_equal(target, STR("*"))) {
        line->path = target;
        line->query = (struct str){NULL, 0};
        return line->method == HTTP_METHOD_OPTIONS;
    }
    return absolute_target_parse(target, line);
}

static enum http_fault version_parse(struct str version, bool *out_http_1_0)
{
    if (version.len != 8 || !str_starts_with(version, STR("HTTP/")) || !is_digit(version.data[5]) ||
        version.data[6] != '.' || !is_digit(version.data[7])) {
        return HTTP_FAULT_FRAMING;
    }
    if (version.data[5] != '1' || version.data[7] > '1') {
        return HTTP_FAULT_VERSION;
    }
    *out_http_1_0 = version.data[7] == '0';
    return HTTP_FAULT_NONE;
}

enum http_fault http_request_line_parse(struct str line, struct http_request_line *out_line,
                                        const char **out_reason)
{
    struct http_request_line parsed = {0};
    struct str rest = line;
    parsed.token = str_split(&rest, ' ');
    if (parsed.token.len > HTTP_METHOD_BYTES_MAX || !http_token_is_valid(parsed.token)) {
        *out_reason = "The request does not begin with a method.";
        return HTTP_FAULT_FRAMING;
    }
    parsed.method = method_find(parsed.token);
    struct str target = rest.data == NULL ? STR("") : str_split(&rest, ' ');
    enum http_fault fault =
        rest.data == NULL ? HTTP_FAULT_FRAMING : version_parse(rest, &parsed.http_1_0);
    if (fault == HTTP_FAULT_FRAMING) {
        *out_reason = "The request line is not \"method target HTTP/1.1\" with single spaces.";
        return fault;
    }
    if (fault == HTTP_FAULT_NONE && !target_parse(target, &parsed)) {
        *out_reason =
            "The request target is not a path or an http address (for OPTIONS also \"*\") with "
            "everything but visible ASCII percent-encoded.";
        return HTTP_FAULT_FRAMING;
    }
    if (fault == HTTP_FAULT_NONE) {
        *out_line = parsed;
    }
    return fault;
}
