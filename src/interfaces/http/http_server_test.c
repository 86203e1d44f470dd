/* Guards the server's life where no client is needed: made and freed without a start, refused
 * twice on one address, started and stopped, mail that comes when nobody runs any more, and mail
 * that can wait. */
#include "interfaces/http/http_server.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

enum { PATIENT = 10000, TURNS_MAX = 200 };

static struct http_server *patient_server;
static struct http_ticket kept;
static atomic_bool is_kept;
static atomic_uint patient_runs;
static atomic_uint runs_before_answer;

static void go_on(void *context, struct http_exchange *exchange)
{
    (void)context;
    (void)exchange;
}

static void keep_request(void *context, struct http_exchange *exchange)
{
    (void)context;
    kept = http_exchange_ticket(exchange);
    atomic_store(&is_kept, true);
}

static void answer_kept(struct http_exchange *exchange, const struct http_completion *completion)
{
    (void)completion;
    atomic_store(&runs_before_answer, atomic_load(&patient_runs));
    http_exchange_respond(exchange, &(struct http_response){.status = 204});
}

/* The first of all asks for something that is not patient. */
static void run_patient(struct http_exchange *exchange, const struct http_completion *completion)
{
    (void)exchange;
    assert_int_equal((unsigned)completion->detail, atomic_load(&patient_runs));
    atomic_fetch_add(&patient_runs, 1);
    if (completion->detail == 0) {
        const struct http_completion prompt = {.ticket = kept, .run = answer_kept};
        http_server_complete(patient_server, &prompt, 1);
    }
}

static int send_request(void)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(http_server_port(patient_server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(write(client, request, sizeof request - 1), sizeof request - 1);
    return client;
}

static void patient_completions_hold_nothing_up(void **state)
{
    (void)state;
    static struct http_completion completions[PATIENT];
    char answer[64] = "";
    struct http_server_config config = config_make("127.0.0.1", 0, 1);
    config.handler = (struct http_handler){.begin = go_on, .handle = keep_request};
    assert_int_equal(http_server_new(&config, &patient_server, NULL), STATUS_OK);
    assert_int_equal(http_server_start(patient_server, NULL), STATUS_OK);
    int client = send_request();
    while (!atomic_load(&is_kept)) {
        usleep(1000);
    }
    for (int i = 0; i < PATIENT; i++) {
        completions[i] = (struct http_completion){.ticket = kept, .run = run_patient, .detail = i};
    }
    http_server_complete_patiently(patient_server, completions, 0);
    http_server_complete_patiently(patient_server, completions, PATIENT);
    assert_true(read(client, answer, sizeof answer - 1) > 0);
    assert_memory_equal(answer, "HTTP/1.1 204", 12);
    while (atomic_load(&patient_runs) < PATIENT) {
        usleep(1000); /* none is forgotten */
    }
    assert_in_range(atomic_load(&runs_before_answer), 1, TURNS_MAX);
    close(client);
    http_server_stop(patient_server, 1000);
    http_server_free(patient_server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_made_and_freed_without_a_start),
        cmocka_unit_test(second_on_the_address_is_unavailable),
        cmocka_unit_test(wrong_address_is_invalid),
        cmocka_unit_test(late_completions_are_delivered_without_an_exchange),
        cmocka_unit_test(patient_completions_hold_nothing_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
