/* Guards the words that a service manager waits for, on sockets of both kinds, and that a service
 * which nobody listens to goes on. */
#include "infrastructure/service_manager/service_manager.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t three_seconds(void *context)
{
    (void)context;
    return UINT64_C(3000000000);
}

static const struct clock stopped = {.monotonic_ns = three_seconds, .wall_ns = three_seconds};

static int listener = -1;
static char folder[32];
static char path[64];

/* Binds and returns what NOTIFY_SOCKET would say. */
static const char *listen_at(bool abstract)
{
    static char text[64];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(folder, sizeof folder, "/tmp/usertrail-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/notify", folder);
    memcpy(address.sun_path, path, strlen(path));
    if (abstract) {
        address.sun_path[0] = '\0';
    }
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + !abstract);
    listener = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, len), 0);
    snprintf(text, sizeof text, "%s", path);
    text[0] = abstract ? '@' : '/';
    return text;
}

static void stop_listening(void)
{
    close(listener);
    unlink(path);
    rmdir(folder);
}

static void expect_words(const char *words)
{
    char message[512] = {0};
    ssize_t len = recv(listener, message, sizeof message - 1, MSG_DONTWAIT);
    assert_true(len > 0);
    assert_string_equal(message, words);
}

static void tell_a_life(bool abstract)
{
    struct service_manager manager;
    assert_true(service_manager_open(&manager, listen_at(abstract), &stopped));
    service_manager_tell_starting(&manager, "filling");
    expect_words("STATUS=filling");
    service_manager_tell_ready(&manager, "on http://127.0.0.1:3000");
    expect_words("READY=1\nSTATUS=on http://127.0.0.1:3000");
    service_manager_tell_reloading(&manager, "reading");
    expect_words("RELOADING=1\nMONOTONIC_USEC=3000000\nSTATUS=reading");
    service_manager_tell_stopping(&manager, "draining");
    expect_words("STOPPING=1\nSTATUS=draining");
    service_manager_close(&manager);
    stop_listening();
}

static void test_a_socket_with_a_path(void **state)
{
    (void)state;
    tell_a_life(false);
}

static void test_an_abstract_socket(void **state)
{
    (void)state;
    tell_a_life(true);
}

static void test_nobody_listens(void **state)
{
    (void)state;
    struct service_manager manager;
    const char *none[] = {NULL, ""};
    for (size_t i = 0; i < 2; i++) {
        assert_true(service_manager_open(&manager, none[i], &stopped));
        service_manager_tell_ready(&manager, "to nobody");
        service_manager_close(&manager);
    }
    char too_long[200];
    memset(too_long, 'x', sizeof too_long);
    too_long[0] = '/';
    too_long[sizeof too_long - 1] = '\0';
    const char *wrong[] = {"relative", "@", "/", "/nonexistent/notify", too_long};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(service_manager_open(&manager, wrong[i], &stopped));
        service_manager_tell_ready(&manager, "to nobody");
        service_manager_close(&manager);
    }
}

/* A listener that is gone is no reason to end, nor does it raise SIGPIPE. */
static void test_the_listener_goes(void **state)
{
    (void)state;
    struct service_manager manager;
    assert_true(service_manager_open(&manager, listen_at(false), &stopped));
    stop_listening();
    service_manager_tell_ready(&manager, "to nobody");
    service_manager_close(&manager);
}

static void test_a_long_status_is_cut(void **state)
{
    (void)state;
    char status[1000];
    char message[512] = {0};
    struct service_manager manager;
    memset(status, 's', sizeof status);
    status[sizeof status - 1] = '\0';
    assert_true(service_manager_open(&manager, listen_at(false), &stopped));
    service_manager_tell_ready(&manager, status);
    ssize_t len = recv(listener, message, sizeof message - 1, MSG_DONTWAIT);
    assert_int_equal(len, (ssize_t)strlen("READY=1\nSTATUS=") + SERVICE_MANAGER_STATUS_BYTES_MAX);
    service_manager_close(&manager);
    stop_listening();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_socket_with_a_path), cmocka_unit_test(test_an_abstract_socket),
        cmocka_unit_test(test_nobody_listens),       cmocka_unit_test(test_the_listener_goes),
        cmocka_unit_test(test_a_long_status_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
