/* Guards that results reach their loop, in order, whichever allocation fails. */
#include "base/failing_memory.h"
#include "interfaces/http/http_mailbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROUNDS = 4, RESULTS = 40, AT_ONCE = 5 };

static unsigned wakes;
static unsigned runs;

static void wake(void *context)
{
    (void)context;
    wakes++;
}

static void run(struct http_exchange *exchange, const struct http_completion *completion)
{
    assert_null(exchange);
    assert_int_equal(completion->detail, runs);
    runs++;
}

typedef void putting(struct http_mailbox *mailbox, const struct http_completion *results,
                     size_t count);

static void put_results(struct http_mailbox *mailbox, putting *put, int first)
{
    struct http_completion results[AT_ONCE];
    for (int i = 0; i < RESULTS; i += AT_ONCE) {
        for (int j = 0; j < AT_ONCE; j++) {
            results[j] = (struct http_completion){.run = run, .detail = first + i + j};
        }
        put(mailbox, results, AT_ONCE);
    }
}

static void take_results(struct http_mailbox *mailbox)
{
    const struct http_completion *patient;
    const struct http_mail *mail = http_mailbox_take(mailbox);
    for (size_t i = 0; i < mail->completions.count; i++) {
        mail->completions.completions[i].run(NULL, &mail->completions.completions[i]);
    }
    while ((patient = http_mailbox_take_patient(mailbox)) != NULL) {
        patient->run(NULL, patient);
    }
}

/* More than was reserved, as when exchanges went away before their results came. */
static void exchange_mail(struct http_mailbox *mailbox)
{
    for (int round = 0; round < ROUNDS; round++) {
        enum status status = http_mailbox_reserve(mailbox, RESULTS / 2);
        assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
        put_results(mailbox, http_mailbox_put, 2 * round * RESULTS);
        put_results(mailbox, http_mailbox_put_patient, (2 * round + 1) * RESULTS);
        take_results(mailbox);
        assert_int_equal(runs, 2 * (round + 1) * RESULTS);
    }
}

static void results_arrive_whichever_allocation_fails(void **state)
{
    (void)state;
    unsigned long allocations = 0;
    bool failed = true;
    while (failed) {
        struct http_mailbox mailbox;
        http_mailbox_init(&mailbox, wake, NULL);
        wakes = runs = 0;
        failing_memory_arm(allocations++);
        exchange_mail(&mailbox);
        failed = failing_memory_disarm();
        assert_int_equal(wakes, ROUNDS);
        http_mailbox_deinit(&mailbox);
    }
    assert_true(allocations > 6);
}

static void what_comes_behind_the_end_has_no_exchange(void **state)
{
    (void)state;
    struct http_mailbox mailbox;
    http_mailbox_init(&mailbox, wake, NULL);
    wakes = runs = 0;
    http_mailbox_close(&mailbox);
    put_results(&mailbox, http_mailbox_put, 0);
    assert_int_equal(runs, RESULTS);
    assert_int_equal(wakes, 0);
    assert_false(http_mailbox_put_descriptor(&mailbox, 7));
    http_mailbox_deinit(&mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_arrive_whichever_allocation_fails),
        cmocka_unit_test(what_comes_behind_the_end_has_no_exchange),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
