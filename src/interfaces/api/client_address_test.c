/*
 * Guards whose address counts: the peer's, unless a trusted proxy says another, however a client
 * makes the field up.
 */
#include "interfaces/api/client_address.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { FIELDS_MAX = 4 };

static struct http_peer peer_of(const char *text)
{
    struct http_peer peer = {.bytes = {[10] = 0xff, [11] = 0xff}};
    if (inet_pton(AF_INET, text, peer.bytes + 12) != 1) {
        assert_int_equal(inet_pton(AF_INET6, text, peer.bytes), 1);
    }
    return peer;
}

static bool same(struct http_peer a, struct http_peer b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

static struct client_ranges ranges(const char *text)
{
    struct client_ranges made;
    struct error err = {0};
    if (client_ranges_parse(str_from(text), &made, &err) != STATUS_OK) {
        fail_msg("%s: %s", text, err.message);
    }
    return made;
}

static void networks_hold_their_addresses(void **state)
{
    (void)state;
    struct client_ranges some =
        ranges("10.0.0.0/8, 192.168.4.0/22 ,::1,2001:db8::/33, 172.16.1.1/32");
    static const char *const inside[] = {
        "10.0.0.0", "10.255.255.255",   "192.168.4.0", "192.168.7.9",
        "::1",      "2001:db8:7fff::1", "172.16.1.1",  "::ffff:10.1.2.3"};
    static const char *const outside[] = {"11.0.0.0",    "9.255.255.255",
                                          "192.168.8.0", "::2",
                                          "::",          "2001:db8:8000::1",
                                          "2001:db9::1", "172.16.1.2",
                                          "::10.1.2.3"};
    for (size_t i = 0; i < ARRAY_LENGTH(inside); i++) {
        assert_true(client_ranges_hold(&some, peer_of(inside[i])));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(outside); i++) {
        assert_false(client_ranges_hold(&some, peer_of(outside[i])));
    }
    some = ranges("0.0.0.0/0");
    assert_true(client_ranges_hold(&some, peer_of("1.2.3.4")));
    assert_false(client_ranges_hold(&some, peer_of("2001:db8::1")));
    some = ranges("");
    assert_false(client_ranges_hold(&some, peer_of("127.0.0.1")));
}

static void what_is_no_network_is_told(void **state)
{
    (void)state;
    static const char *const wrong[] = {"10.0.0.0/33", "10.0.0",    "::1/129",
                                        "localhost",   "10.0.0.1/", "10.0.0.1,,10.0.0.2",
                                        "10.0.0.1/-1", "[::1]",     "/8"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct client_ranges made;
        struct error err;
        assert_int_equal(client_ranges_parse(str_from(wrong[i]), &made, &err), STATUS_INVALID);
    }
}

/* The fields of one request, in their order; NULL ends them. */
static struct http_peer client(const char *peer, const char *const *fields)
{
    static struct http_header headers[FIELDS_MAX];
    struct http_request request = {.headers = headers};
    struct client_ranges trusted = ranges("10.0.0.0/8, ::1");
    for (; fields[request.header_count] != NULL; request.header_count++) {
        headers[request.header_count] =
            (struct http_header){STR("x-forwarded-for"), str_from(fields[request.header_count])};
    }
    const struct api_fields header = {.request = &request};
    return client_address_of(&trusted, &header, peer_of(peer));
}

static void only_trusted_proxies_are_believed(void **state)
{
    (void)state;
    static const struct {
        const char *peer;
        const char *fields[FIELDS_MAX];
        const char *client;
    } cases[] = {
        {"1.2.3.4", {"5.6.7.8"}, "1.2.3.4"}, /* anybody can write that */
        {"10.0.0.1", {NULL}, "10.0.0.1"},
        {"10.0.0.1", {"5.6.7.8"}, "5.6.7.8"},
        {"10.0.0.1", {"9.9.9.9, 5.6.7.8"}, "5.6.7.8"},
        {"10.0.0.1", {"9.9.9.9, 5.6.7.8, 10.2.2.2"}, "5.6.7.8"},
        {"10.0.0.1", {"9.9.9.9, 5.6.7.8", "10.2.2.2"}, "5.6.7.8"},
        {"10.0.0.1", {"9.9.9.9", "5.6.7.8", "10.2.2.2,10.3.3.3"}, "5.6.7.8"},
        {"10.0.0.1", {"10.2.2.2, 10.3.3.3"}, "10.2.2.2"},
        {"10.0.0.1", {"5.6.7.8, nonsense"}, "10.0.0.1"},
        {"10.0.0.1", {"5.6.7.8, nonsense, 10.4.4.4"}, "10.4.4.4"},
        {"10.0.0.1", {""}, "10.0.0.1"},
        {"10.0.0.1", {"5.6.7.8,"}, "10.0.0.1"},
        {"10.0.0.1", {" 5.6.7.8:4711 "}, "5.6.7.8"},
        {"::1", {"[2001:db8::7]:80"}, "2001:db8::7"},
        {"::1", {"2001:db8::7"}, "2001:db8::7"},
        {"::1", {"[2001:db8::7"}, "::1"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        if (!same(client(cases[i].peer, cases[i].fields), peer_of(cases[i].client))) {
            fail_msg("case %zu", i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_hold_their_addresses),
        cmocka_unit_test(what_is_no_network_is_told),
        cmocka_unit_test(only_trusted_proxies_are_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
