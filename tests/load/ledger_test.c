// Guards the evidence: what was noted is read back as it was, a ledger that was cut anywhere goes
// on, and one that is not a ledger is not believed.
#include "check_index.h"
#include "ledger.h"
#include "unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64];

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/ledger-test-XXXXXX");
    int file = mkstemp(path);
    return file < 0 || close(file) != 0;
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

// Two runs: client ids with every outcome, then server ids.
static void write_two_runs(char *out_nonce)
{
    unsigned run = 0;
    struct ledger *ledger = ledger_open(path, false, true, out_nonce, &run);
    assert_int_equal(run, 1);
    for (uint64_t sequence = 0; sequence < 5; sequence++) {
        struct ledger_sent sent = {.sequence = sequence,
                                   .content_hash = 0xfedcba9876543210 + sequence,
                                   .connection = 63,
                                   .user = 7};
        ledger_note_sent(ledger, &sent);
    }
    ledger_note_acknowledged(ledger, 2, NULL, 0);
    ledger_note_answered(ledger, 1, 503);
    ledger_note_answered(ledger, 0, 400);
    ledger_note_unknown(ledger, 3);
    ledger_close(ledger);
    ledger = ledger_open(path, true, false, out_nonce, &run);
    assert_int_equal(run, 2);
    struct ledger_sent sent = {.content_hash = 1, .connection = 4, .user = 4, .ordered = true};
    ledger_note_sent(ledger, &sent);
    ledger_note_acknowledged(ledger, 0, "0198c0de-id", 11);
    ledger_close(ledger);
}

static void what_was_noted_is_read_back(void **state)
{
    (void)state;
    char nonce[NAME_NONCE_LEN + 1];
    write_two_runs(nonce);
    struct expectations *expectations = expectations_read(path);
    assert_string_equal(expectations->nonce, nonce);
    assert_int_equal(expectations->run_count, 2);
    assert_int_equal(expectations->sent, 6);
    assert_int_equal(expectations->users, 8);
    assert_string_equal(expectations->last_id, "0198c0de-id");
    const enum outcome wanted[] = {OUTCOME_REJECTED, OUTCOME_REFUSED, OUTCOME_ACKNOWLEDGED,
                                   OUTCOME_UNKNOWN, OUTCOME_UNKNOWN};
    for (uint64_t sequence = 0; sequence < 5; sequence++) {
        const struct expectation *activity = expectations_find(expectations, 1, sequence);
        assert_non_null(activity);
        assert_int_equal(activity->outcome, wanted[sequence]);
        assert_true(activity->content_hash == 0xfedcba9876543210 + sequence);
        assert_int_equal(activity->id_hash, 0);
    }
    assert_null(expectations_find(expectations, 1, 5));
    assert_null(expectations_find(expectations, 0, 0));
    assert_null(expectations_find(expectations, 3, 0));
    assert_true(expectations->runs[0].run.timestamps && !expectations->runs[0].run.server_ids);
    assert_true(!expectations->runs[1].run.timestamps && expectations->runs[1].run.server_ids);
    assert_true(expectations_find(expectations, 2, 0)->ordered);
    assert_true(expectations_find(expectations, 2, 0)->id_hash != 0);
    expectations_free(expectations);
}

static long file_bytes(void)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long bytes = ftell(file);
    (void)fclose(file);
    return bytes;
}

// Whatever byte the client was killed at, the next run opens the ledger, and nothing that stands in
// whole lines is lost.
static void a_cut_anywhere_goes_on(void **state)
{
    (void)state;
    char nonce[NAME_NONCE_LEN + 1];
    char again[NAME_NONCE_LEN + 1];
    write_two_runs(nonce);
    long first_line = (long)strlen("usertrail-ledger 1 ") + NAME_NONCE_LEN + 1;
    for (long bytes = file_bytes(); bytes >= first_line; bytes = file_bytes() - 1) {
        unsigned run = 0;
        assert_int_equal(truncate(path, bytes), 0);
        struct expectations *before = expectations_read(path);
        struct ledger *ledger = ledger_open(path, false, true, again, &run);
        assert_string_equal(again, nonce);
        assert_int_equal(run, before->run_count + 1);
        ledger_close(ledger);
        struct expectations *after = expectations_read(path);
        assert_int_equal(after->run_count, run);
        assert_int_equal(after->sent, before->sent);
        assert_memory_equal(after->outcomes, before->outcomes, sizeof before->outcomes);
        expectations_free(before);
        expectations_free(after);
        // Back to the cut, so that the next one is a byte shorter.
        assert_int_equal(truncate(path, bytes), 0);
    }
}

static void write_text(const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

// In a child, since a ledger that is not to be believed ends the program.
static int exit_code_of_reading(void)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(99);
        expectations_free(expectations_read(path));
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define START "usertrail-ledger 1 0123abcd\nR 1 1768435085442 client sent\n"

static void what_is_no_ledger_is_not_believed(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "usertrail-ledger 2 0123abcd\n",
        "usertrail-ledger 1 0123abc\n",
        START "S 0 0 0 s 0123456789abcdeg\n",
        START "S 0 0 0 s 0123456789abcdef0\n",
        START "S 0 0 0 x 0123456789abcdef\n",
        START "S 1 0 0 s 0123456789abcdef\n",
        START "A 0 -\n",
        START "S 0 0 0 s 0123456789abcdef\nX 0\n",
        START "S 0 0 0 s 0123456789abcdef\nA 0 \n",
        START "\nS 0 0 0 s 0123456789abcdef\n",
        START "Z 0\n",
        START "R 3 1768435085442 client sent\n",
        START "R 2 1768435085442 nobody sent\n",
        "usertrail-ledger 1 0123abcd\nU 0\n",
    };
    for (size_t index = 0; index < sizeof wrong / sizeof *wrong; index++) {
        write_text(wrong[index]);
        assert_int_equal(exit_code_of_reading(), 2);
    }
    write_text(START "S 0 0 0 s 0123456789abcdef\nA 0 -\nU 0\nX 0 5");
    assert_int_equal(exit_code_of_reading(), 0);
}

// Two clients writing one ledger would give two activities one name.
static void a_ledger_in_use_is_refused(void **state)
{
    (void)state;
    char nonce[NAME_NONCE_LEN + 1];
    unsigned run = 0;
    struct ledger *ledger = ledger_open(path, false, true, nonce, &run);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(99);
        struct ledger *second = ledger_open(path, false, true, nonce, &run);
        _exit(second != NULL ? 0 : 98);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 2);
    ledger_close(ledger);
}

static void names_are_known_again(void **state)
{
    (void)state;
    char name[NAME_BYTES_MAX];
    unsigned run = 0;
    uint64_t sequence = 0;
    size_t len = name_activity("0123abcd", 12, NAME_SEQUENCE_MAX, name);
    assert_int_equal(len, NAME_ACTIVITY_LEN);
    assert_memory_equal(name, "0123abcd-0012-9999999999", NAME_ACTIVITY_LEN);
    assert_true(name_parse_activity(name, len, "0123abcd", &run, &sequence));
    assert_int_equal(run, 12);
    assert_true(sequence == NAME_SEQUENCE_MAX);
    assert_false(name_parse_activity(name, len, "0123abce", &run, &sequence));
    assert_false(name_parse_activity(name, len - 1, "0123abcd", &run, &sequence));
    name[len - 1] = 'x';
    assert_false(name_parse_activity(name, len, "0123abcd", &run, &sequence));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_noted_is_read_back, make_path, remove_path),
        cmocka_unit_test_setup_teardown(a_cut_anywhere_goes_on, make_path, remove_path),
        cmocka_unit_test_setup_teardown(what_is_no_ledger_is_not_believed, make_path, remove_path),
        cmocka_unit_test_setup_teardown(a_ledger_in_use_is_refused, make_path, remove_path),
        cmocka_unit_test(names_are_known_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
