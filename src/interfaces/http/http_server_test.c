/* Guards the server's life where no client is needed: made and freed without a start, refused
 * twice on one address, started and stopped, and mail that comes when nobody runs any more. */
#include "interfaces/http/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void on_request(void *context, struct http_exchange *exchange)
{
    (void)context;
    http_exchange_respond(exchange, &(struct http_response){.status = 204});
}

static const struct logger quiet = {.clock = &clock_system, .descriptor = 2, .level = LOG_ERROR};

static struct http_server_config config_make(const char *host, uint16_t port, unsigned loops)
{
    return (struct http_server_config){.host = host,
                                       .port = port,
                                       .loops = loops,
                                       .limits = http_limits_default,
                                       .handler = {.begin = on_request, .handle = on_request},
                                       .clock = &clock_system,
                                       .logger = &quiet};
}

static void is_made_and_freed_without_a_start(void **state)
{
    (void)state;
    struct http_server *server = NULL;
    struct http_server_config config = config_make("127.0.0.1", 0, 3);
    assert_int_equal(http_server_new(&config, &server, NULL), STATUS_OK);
    assert_int_not_equal(http_server_port(server), 0);
    http_server_free(server);
    http_server_free(NULL);
}

static void second_on_the_address_is_unavailable(void **state)
{
    (void)state;
    struct error err = {0};
    struct http_server *first = NULL;
    struct http_server *second = NULL;
    struct http_server_config config = config_make("127.0.0.1", 0, 2);
    assert_int_equal(http_server_new(&config, &first, &err), STATUS_OK);
    config.port = http_server_port(first);
    assert_int_equal(http_server_new(&config, &second, &err), STATUS_UNAVAILABLE);
    assert_null(second);
    assert_non_null(strstr(err.message, "address in use"));
    http_server_free(first);
    assert_int_equal(http_server_new(&config, &second, &err), STATUS_OK);
    http_server_free(second);
}

static void wrong_address_is_invalid(void **state)
{
    (void)state;
    struct error err = {0};
    struct http_server *server = NULL;
    struct http_server_config config = config_make("localhost", 0, 1);
    assert_int_equal(http_server_new(&config, &server, &err), STATUS_INVALID);
    assert_null(server);
}

static unsigned runs;

static void count_run(struct http_exchange *exchange, const struct http_completion *completion)
{
    (void)completion;
    assert_null(exchange);
    runs++;
}

static void late_completions_are_delivered_without_an_exchange(void **state)
{
    (void)state;
    struct http_server *server = NULL;
    struct http_server_config config = config_make("127.0.0.1", 0, 2);
    struct http_completion completions[3];
    for (size_t i = 0; i < ARRAY_LENGTH(completions); i++) {
        completions[i] = (struct http_completion){.ticket = {.loop = 1}, .run = count_run};
    }
    assert_int_equal(http_server_new(&config, &server, NULL), STATUS_OK);
    assert_int_equal(http_server_start(server, NULL), STATUS_OK);
    http_server_stop(server, 1000);
    http_server_complete(server, completions, ARRAY_LENGTH(completions));
    http_server_complete(server, completions, 0);
    assert_int_equal(runs, 3);
    http_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_made_and_freed_without_a_start),
        cmocka_unit_test(second_on_the_address_is_unavailable),
        cmocka_unit_test(wrong_address_is_invalid),
        cmocka_unit_test(late_completions_are_delivered_without_an_exchange),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
