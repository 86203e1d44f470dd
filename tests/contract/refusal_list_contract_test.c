/* Runs the refused list's contract suite on every adapter of this process. */
#include "infrastructure/refusal_list_memory/refusal_list_memory.h"
#include "refusal_list_contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void must(enum status status, const struct error *err)
{
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err->message);
    }
}

static struct refusal_list *make_memory(uint64_t bytes_max, const struct clock *clock)
{
    const struct refusal_list_memory_config config = {.bytes_max = bytes_max, .clock = clock};
    struct refusal_list *list = NULL;
    struct error err;
    must(refusal_list_memory_new(&config, &list, &err), &err);
    return list;
}

static const struct refusal_list_maker makers[] = {
    {"refusal list contract: memory", "memory", make_memory, NULL, refusal_list_free},
};

int main(void)
{
    int failed = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(makers); i++) {
        failed += refusal_list_contract_run(&makers[i]);
    }
    return failed;
}
