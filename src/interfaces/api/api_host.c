#include "interfaces/api/api_host.h"

#include <arpa/inet.h>
#include <stdint.h>

enum { LOOPBACK_NET = 127 };

/* The host of `host [":" port]` without its brackets. False when it is neither. */
static bool split_port(struct str text, struct str *out_host, bool *out_bracketed)
{
    struct str host = text;
    *out_bracketed = text.len > 0 && text.data[0] == '[';
    const char *end =
        *out_bracketed ? memchr(text.data, ']', text.len) : memchr(text.data, ':', text.len);
    if (*out_bracketed && end == NULL) {
        return false;
    }
    host.len = end == NULL ? text.len : (size_t)(end - text.data);
    struct str rest = {text.data + host.len, text.len - host.len};
    if (*out_bracketed) {
        host = (struct str){host.data + 1, host.len - 1};
        rest = (struct str){rest.data + 1, rest.len - 1};
    }
    unsigned long long port;
    bool fine = rest.len == 0 ||
                (rest.data[0] == ':' &&
                 (rest.len == 1 ||
                  str_parse_u64((struct str){rest.data + 1, rest.len - 1}, UINT16_MAX, &port)));
    *out_host = host;
    return fine;
}

/* Only what is written in full: four decimal numbers, or an address of IPv6. */
static bool is_loopback_address(struct str host, bool bracketed)
{
    char text[INET6_ADDRSTRLEN] = {0};
    struct in_addr four;
    struct in6_addr six;
    if (host.len >= sizeof text || memchr(host.data, '\0', host.len) != NULL) {
        return false;
    }
    memcpy(text, host.data, host.len);
    if (bracketed) {
        return inet_pton(AF_INET6, text, &six) == 1 &&
               (IN6_IS_ADDR_LOOPBACK(&six) ||
                (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == LOOPBACK_NET));
    }
    return inet_pton(AF_INET, text, &four) == 1 && ntohl(four.s_addr) >> 24 == LOOPBACK_NET;
}

static bool is_label(struct str label)
{
    for (size_t i = 0; i < label.len; i++) {
        char c = label.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_') {
            return false;
        }
    }
    return label.len > 0;
}

/* Nobody but this machine answers for names below localhost (RFC 6761 section 6.3). */
static bool is_loopback_name(struct str host)
{
    if (host.len > 0 && host.data[host.len - 1] == '.') {
        host.len--;
    }
    struct str last = {0};
    struct str rest = host;
    while (rest.data != NULL) {
        last = str_split(&rest, '.');
        if (!is_label(last)) {
            return false;
        }
    }
    return str_equal_ignoring_case(last, STR("localhost"));
}

bool api_host_is_loopback(struct str text)
{
    struct str host;
    bool bracketed;
    if (!split_port(text, &host, &bracketed)) {
        return false;
    }
    return is_loopback_address(host, bracketed) || (!bracketed && is_loopback_name(host));
}

/* A request of HTTP/1.0 may have no Host. No browser sends such. */
bool api_host_admits(const struct api_call *call)
{
    struct str host = api_call_field(call, API_FIELD_HOST);
    if (call->api->config.any_host || host.data == NULL || api_host_is_loopback(host)) {
        return true;
    }
    api_answer_problem_type(
        call->exchange, API_PROBLEM_HOST_NOT_ALLOWED,
        "without API keys only requests whose Host is localhost or a loopback address "
        "are answered, since any site could have its name lead here; ask "
        "http://127.0.0.1, or start with --allow-anonymous if everybody who reaches "
        "it may read, write and erase");
    return false;
}
