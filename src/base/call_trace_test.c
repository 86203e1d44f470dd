/* Guards the line that a traced call of a port leaves: what it was asked, in order, then how it
 * ended and how long it took. */
#include "base/call_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t now_ns(void *context)
{
    uint64_t *ns = context;
    *ns += 1500000;
    return *ns;
}

static void a_call_is_one_line(void **state)
{
    (void)state;
    uint64_t ns = 0;
    char line[1024] = {0};
    const struct clock clock = {.wall_ns = now_ns, .monotonic_ns = now_ns, .context = &ns};
    const struct logger logger = {.clock = &clock_system,
                                  .descriptor = memfd_create("lines", MFD_CLOEXEC),
                                  .format = LOG_FORMAT_JSON,
                                  .level = LOG_DEBUG};
    assert_true(logger.descriptor >= 0);
    struct call_trace trace = call_trace_begin(&logger, &clock);
    call_trace_number(&trace, "rows", 3);
    call_trace_text(&trace, "id", STR("a\nb"));
    call_trace_end(&trace, "port call", STATUS_BUSY);
    assert_true(pread(logger.descriptor, line, sizeof line - 1, 0) > 0);
    assert_non_null(strstr(line, "\"message\":\"port call\",\"rows\":3,\"id\":\"a\\nb\","
                                 "\"status\":\"busy\",\"microseconds\":1500}\n"));
    close(logger.descriptor);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
