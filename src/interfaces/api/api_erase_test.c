/*
 * Guards how a DELETE names a user and what it answers, without a network: the exchange and the use
 * case are doubles.
 */
#include "interfaces/api/api_private.h"
#include "interfaces/api/api_query_string.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TEXT_BYTES = 16 * 1024 };

/* --- the transport, as a double --- */

struct http_exchange {
    struct http_request request;
    int answers;
    int status;
    char content_type[64];
    char retry_after[16];
    char answer[TEXT_BYTES];
};

static struct http_exchange exchange;
static struct memory_budget answer_memory;
static enum status offload_answer;
static bool client_left;

struct memory_budget *http_exchange_answer_memory(const struct http_exchange *of)
{
    (void)of;
    return &answer_memory;
}

static void keep(char *into, size_t size, struct str text)
{
    snprintf(into, size, "%.*s", STR_FORMAT(text.data == NULL ? STR("") : text));
}

void http_exchange_respond(struct http_exchange *of, const struct http_response *response)
{
    of->answers++;
    of->status = response->status;
    keep(of->answer, sizeof of->answer, response->body);
    keep(of->content_type, sizeof of->content_type, response->content_type);
    for (size_t i = 0; i < response->header_count; i++) {
        assert_true(str_equal(response->headers[i].name, STR("Retry-After")));
        keep(of->retry_after, sizeof of->retry_after, response->headers[i].value);
    }
}

enum status http_exchange_offload(struct http_exchange *of, http_work_function *work,
                                  http_work_done_function *done, void *data)
{
    if (offload_answer == STATUS_OK) {
        work(data);
        done(client_left ? NULL : of, data);
    }
    return offload_answer;
}

/* --- who may do what, as a double --- */

static bool may_erase;

bool api_access_covers(const struct api_call *call, struct str user_id)
{
    (void)user_id;
    if (!may_erase) {
        http_exchange_respond(call->exchange, &(struct http_response){.status = 403});
    }
    return may_erase;
}

const struct http_request *http_exchange_request(const struct http_exchange *of)
{
    return &of->request;
}

/* No erasure waits for a receipt. */
struct http_ticket http_exchange_ticket(const struct http_exchange *of)
{
    (void)of;
    fail();
    return (struct http_ticket){0};
}

void http_server_complete(struct http_server *server, const struct http_completion *completions,
                          size_t count)
{
    (void)server;
    (void)completions;
    (void)count;
    fail();
}

/* --- the use case, as a double --- */

static enum status erase_answer;
static char erased_user[USER_ID_BYTES_MAX + 1];
static int erase_count;
static bool recorded;

enum status erase_user_run(struct erase_user *eraser, struct str user_id,
                           struct erasure *out_erasure, struct error *err)
{
    assert_non_null(eraser);
    out_erasure->erased_at_ms = 0;
    if (erase_answer != STATUS_OK) {
        return error_set(err, erase_answer, 0, "the store says no");
    }
    keep(erased_user, sizeof erased_user, user_id);
    erase_count++;
    *out_erasure = (struct erasure){
        .erased_at_ms = INT64_C(1768435085443),
        .erased = 42,
        .refused = 3,
        .store = "double",
        .durable = true,
        .recorded = recorded,
        .record = {.store_id = {{0xab, 1}}, .number = 17, .hash = {0xcd, 2}, .sealed = 41},
        .out_of_reach = {{"here", "behind \"walls\""}, {"there", "far away"}},
        .out_of_reach_count = 2,
    };
    return STATUS_OK;
}

/* --- who signs, as a double --- */

static enum status sign_answer;
static const struct receipt_signer *signer; /* of the service; NULL: none */
static char signed_text[TEXT_BYTES];

static enum status sign(const struct receipt_signer *of, struct str text,
                        uint8_t out_signature[RECEIPT_SIGNATURE_BYTES])
{
    assert_ptr_equal(of, signer);
    assert_int_equal(erase_count, 1); /* nothing is signed before it happened */
    keep(signed_text, sizeof signed_text, text);
    memset(out_signature, 0, RECEIPT_SIGNATURE_BYTES);
    return sign_answer;
}

static const struct receipt_signer signing = {{"key+01020304", 12}, sign};

static uint64_t now_ns(void *context)
{
    (void)context;
    return UINT64_C(1768435085501999999);
}

static const struct clock clock_of_signing = {.wall_ns = now_ns, .monotonic_ns = now_ns};

/* --- asking --- */

static int fixture_setup(void **state)
{
    (void)state;
    answer_memory = (struct memory_budget){.bytes_max = SIZE_MAX};
    offload_answer = STATUS_OK;
    client_left = false;
    erase_answer = STATUS_OK;
    may_erase = true;
    erase_count = 0;
    recorded = false;
    sign_answer = STATUS_OK;
    signer = NULL;
    return 0;
}

/* `target` is what follows /api/v1/users; handlers and parameters are those that api_routes_test.c
 * says. */
static struct http_exchange *erase(const char *target)
{
    static struct erase_user eraser;
    static struct api api = {.config = {.rules = &activity_rules_default,
                                        .eraser = &eraser,
                                        .clock = &clock_of_signing}};
    api.config.receipts = signer;
    struct str query = str_from(target);
    struct str path = str_split(&query, '?');
    exchange = (struct http_exchange){.request.path = path, .request.query = query};
    struct api_call call = {.api = &api, .exchange = &exchange, .request = &exchange.request};
    bool in_path = path.len > 1;
    if (api_refuses_parameters(&call, in_path ? NULL : &api_user_parameters)) {
        return &exchange;
    }
    if (in_path) {
        call.rest = (struct str){path.data + 1, path.len - 1};
        api_erase_user(&call);
    } else {
        api_erase_user_of_query(&call);
    }
    assert_int_equal(exchange.answers, client_left ? 0 : 1);
    return &exchange;
}

static void expect_problem(const struct http_exchange *of, int status, const char *word)
{
    assert_int_equal(of->status, status);
    assert_string_equal(of->content_type, "application/problem+json");
    if (strstr(of->answer, word) == NULL) {
        fail_msg("%s does not say %s", of->answer, word);
    }
}

static void an_erasure_has_its_receipt(void **state)
{
    (void)state;
    erase("/ann%22");
    assert_int_equal(exchange.status, 200);
    assert_string_equal(exchange.content_type, "application/json");
    assert_string_equal(
        exchange.answer,
        "{\"status\":\"success\",\"userId\":\"ann\\\"\",\"erasedAt\":"
        "\"2026-01-14T23:58:05.443Z\",\"erased\":42,\"refused\":3,\"receipt\":{\"store\":"
        "\"double\",\"durable\":true,\"chain\":null},\"outOfReach\":[{\"what\":\"here\","
        "\"detail\":\"behind \\\"walls\\\"\"},{\"what\":\"there\",\"detail\":"
        "\"far away\"}]}");
    client_left = true;
    erase("/bob");
    assert_string_equal(erased_user, "bob");
}

static void a_receipt_names_its_record(void **state)
{
    (void)state;
    recorded = true;
    erase("/ann");
    assert_non_null(
        strstr(exchange.answer,
               "\"durable\":true,\"chain\":{\"storeId\":\"ab010000-0000-0000-0000-000000000000\","
               "\"record\":17,\"hash\":"
               "\"cd02000000000000000000000000000000000000000000000000000000000000\","
               "\"sealed\":41}},\"outOfReach\":["));
}

static void a_receipt_is_signed(void **state)
{
    (void)state;
    signer = &signing;
    recorded = true;
    erase("/ann%22");
    assert_int_equal(exchange.status, 200);
    assert_string_equal(
        signed_text,
        "usertrail.erasure/1\nstatus \"success\"\nuserId \"ann\\\"\"\nerasedAt "
        "\"2026-01-14T23:58:05.443Z\"\nerased 42\nrefused 3\nreceipt.store "
        "\"double\"\nreceipt.durable true\n"
        "receipt.chain.storeId \"ab010000-0000-0000-0000-000000000000\"\nreceipt.chain.record 17\n"
        "receipt.chain.hash \"cd02000000000000000000000000000000000000000000000000000000000000\"\n"
        "receipt.chain.sealed 41\nsignedAt \"2026-01-14T23:58:05.501Z\"\n"
        "outOfReach.0.what \"here\"\noutOfReach.0.detail \"behind \\\"walls\\\"\"\n"
        "outOfReach.1.what \"there\"\noutOfReach.1.detail \"far away\"\n");
    const char *end = strstr(exchange.answer, "\"far away\"}],");
    assert_non_null(end);
    assert_non_null(strstr(
        end, "],\"signedAt\":\"2026-01-14T23:58:05.501Z\",\"signed\":\"usertrail.erasure/1\\n"));
    assert_non_null(strstr(
        end,
        "far "
        "away\\\"\\n\",\"signedBy\":\"key+01020304\",\"signature\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\"}"));
}

/* The erasure stands, and whoever asks again gets its receipt. */
static void a_receipt_that_cannot_be_signed_is_not_given(void **state)
{
    (void)state;
    signer = &signing;
    sign_answer = STATUS_NO_MEMORY;
    expect_problem(erase("/ann"), 503,
                   "the user is erased, but the receipt could not be signed; send the request "
                   "again");
    assert_int_equal(erase_count, 1);
    assert_string_equal(exchange.retry_after, "1");
    assert_null(strstr(exchange.answer, "erasedAt"));
}

struct user_case {
    const char *target;
    const char *user;
};

static void the_user_is_named_in_the_path_or_the_query(void **state)
{
    (void)state;
    static const struct user_case cases[] = {
        {"/ann", "ann"},
        {"/a%2Fb", "a/b"},
        {"/a+b", "a+b"},
        {"/%20", " "},
        {"/%C3%A9", "\xc3\xa9"},
        {"/..", ".."},
        {"/ann?", "ann"},
        {"/?userId=ann", "ann"},
        {"?userId=a/b", "a/b"},
        {"?userId=a%2fb&", "a/b"},
        {"?&userId=a+b=c", "a b=c"},
        {"?userId=%26%3D", "&="},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(erase(cases[i].target)->status, 200);
        assert_string_equal(erased_user, cases[i].user);
        assert_int_equal(erase_count, i + 1);
    }
}

static void who_is_not_named_well_is_not_erased(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "/null",
        "/%zz",
        "/%ff",
        "/a%00",
        "/a%0a",
        "/ann?userId=ann",
        "",
        "/ann?dry_run=",
        "/",
        "?",
        "?userId",
        "?userId=",
        "?=ann",
        "?userid=ann",
        "?userId=ann&userId=bob",
        "?&=&",
        "?userId=a&=b",
        "?userId=ann&action=a",
        "?user%49d=a",
        "?userId[$ne]=ann",
        "?userId=undefined",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
        expect_problem(erase(targets[i]), 400, "detail");
    }
    char target[2 * USER_ID_BYTES_MAX];
    snprintf(target, sizeof target, "/%0257d", 7);
    expect_problem(erase(target), 400, "userId: must have at most 256 characters");
    snprintf(target, sizeof target, "/%0256d", 7);
    assert_int_equal(erase(target)->status, 200);
    assert_int_equal(erase_count, 1);
}

struct failure_case {
    enum status status;
    int answer;
    const char *retry_after;
};

static void an_erasure_that_fails_promises_nothing(void **state)
{
    (void)state;
    static const struct failure_case cases[] = {
        {STATUS_BUSY, 503, "1"},      {STATUS_UNAVAILABLE, 503, "5"}, {STATUS_NO_SPACE, 507, "30"},
        {STATUS_NO_MEMORY, 503, "1"}, {STATUS_CORRUPT, 500, ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        erase_answer = cases[i].status;
        expect_problem(erase("/ann"), cases[i].answer,
                       "nothing is promised, send the request again: the store says no");
        assert_string_equal(exchange.retry_after, cases[i].retry_after);
    }
    offload_answer = STATUS_BUSY;
    expect_problem(erase("/ann"), 503, "under way than are answered at once; nobody was erased");
    offload_answer = STATUS_NO_MEMORY;
    expect_problem(erase("/ann"), 503, "no memory for this request now; nobody was erased");
}

static void an_erasure_whose_receipt_is_lost_is_told(void **state)
{
    (void)state;
    answer_memory.bytes_max = 0;
    expect_problem(erase("/ann"), 503, "the user is erased, but there is no memory");
    assert_int_equal(erase_count, 1);
}

static void a_key_for_others_erases_nobody(void **state)
{
    (void)state;
    may_erase = false;
    assert_int_equal(erase("/ann")->status, 403);
    assert_int_equal(erase("?userId=ann")->status, 403);
    assert_int_equal(erase_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_erasure_has_its_receipt, fixture_setup),
        cmocka_unit_test_setup(a_receipt_names_its_record, fixture_setup),
        cmocka_unit_test_setup(a_receipt_is_signed, fixture_setup),
        cmocka_unit_test_setup(a_receipt_that_cannot_be_signed_is_not_given, fixture_setup),
        cmocka_unit_test_setup(the_user_is_named_in_the_path_or_the_query, fixture_setup),
        cmocka_unit_test_setup(who_is_not_named_well_is_not_erased, fixture_setup),
        cmocka_unit_test_setup(an_erasure_that_fails_promises_nothing, fixture_setup),
        cmocka_unit_test_setup(an_erasure_whose_receipt_is_lost_is_told, fixture_setup),
        cmocka_unit_test_setup(a_key_for_others_erases_nobody, fixture_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
