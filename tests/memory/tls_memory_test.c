/*
 * Fails each allocation of TLS in turn, OpenSSL's among them, where the process has one certificate
 * for all: its first session, and when the files are read again.
 */
#include "base/failing_memory.h"
#include "interfaces/http/http_tls_private.h"
#include "interfaces/http/http_tls_session.h"
#include "memory_client.h"
#include "support/test_certificate.h"

#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ALLOCATIONS_MAX = 20000, CHAIN = 2, ENDED_WELL = 0, NEEDED_NO_MORE = 1, ENDED_BADLY = 2 };

static char certificate_path[64];
static char key_path[64];
static struct http_tls *tls;

/* --- the first session --- */

static int try_first_session(unsigned long allocations)
{
    failing_memory_arm(allocations);
    http_tls_session_free(http_tls_session_new(tls));
    bool failed = failing_memory_disarm();
    struct http_tls_session *second = http_tls_session_new(tls);
    int ended = second == NULL ? ENDED_BADLY : failed ? ENDED_WELL : NEEDED_NO_MORE;
    http_tls_session_free(second);
    return ended;
}

/* Only the first session of a process makes what all share, so each try has a process. */
static void a_first_session_without_memory_is_not_the_last(void **state)
{
    (void)state;
    int result = ENDED_WELL;
    unsigned long allocations = 0;
    while (result == ENDED_WELL) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            _exit(try_first_session(allocations));
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        result = WEXITSTATUS(status);
        assert_int_not_equal(result, ENDED_BADLY);
        assert_true(++allocations < ALLOCATIONS_MAX);
    }
    assert_true(allocations > 3);
}

/* --- reading the files again --- */

/* Shown completely, or clients could not follow it to whom they trust. */
static void assert_shows_all(void)
{
    STACK_OF(X509) *chain = NULL;
    SSL *ssl = http_tls_make(tls);
    assert_non_null(ssl);
    assert_non_null(SSL_get_certificate(ssl));
    assert_int_equal(SSL_CTX_get0_chain_certs(SSL_get_SSL_CTX(ssl), &chain), 1);
    assert_int_equal(sk_X509_num(chain), CHAIN);
    SSL_free(ssl);
}

static void what_was_read_stays_until_all_is_read_again(void **state)
{
    (void)state;
    unsigned long allocations = 0;
    bool failed = true;
    while (failed) {
        struct error err = {0};
        failing_memory_arm(allocations);
        allocations += allocations < 100 ? 1 : 17; /* all of them would take minutes */
        enum status status = http_tls_reload(tls, &err);
        failed = failing_memory_disarm();
        if (status != STATUS_OK) {
            assert_true(failed);
            assert_true(err.message[0] != '\0');
        }
        assert_shows_all();
        assert_true(allocations < ALLOCATIONS_MAX);
    }
    assert_true(allocations > 50);
}

/* --- the files --- */

/* The certificate once more, as one that vouches for it. */
static bool lengthen_chain(void)
{
    char text[8192];
    FILE *file = fopen(certificate_path, "r+e");
    size_t len = file == NULL ? 0 : fread(text, 1, sizeof text, file);
    bool written = len > 0 && fseek(file, 0, SEEK_END) == 0;
    for (int i = 0; i < CHAIN; i++) {
        written = written && fwrite(text, 1, len, file) == len;
    }
    return file != NULL && fclose(file) == 0 && written;
}

static int set_up(void **state)
{
    (void)state;
    const struct http_tls_files files = {.certificate = certificate_path, .key = key_path};
    snprintf(certificate_path, sizeof certificate_path, "/tmp/tls_memory_test-XXXXXX");
    snprintf(key_path, sizeof key_path, "/tmp/tls_memory_test-XXXXXX");
    client_init(true);
    failing_memory_spare_this_thread(false);
    bool made = test_certificate_make(certificate_path, key_path) && lengthen_chain() &&
                http_tls_new(&files, &tls, NULL) == STATUS_OK;
    return made ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    http_tls_free(tls);
    unlink(certificate_path);
    unlink(key_path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_session_without_memory_is_not_the_last),
        cmocka_unit_test(what_was_read_stays_until_all_is_read_again),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
