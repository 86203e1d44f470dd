#include "support/verified_store.h"

#include "infrastructure/activity_store_local/store_verify.h"

#include <stdio.h>

static char first_problem[ERROR_MESSAGE_BYTES];

static void note(const struct error *problems, size_t count)
{
    if (count > 0 && first_problem[0] == '\0') {
        snprintf(first_problem, sizeof first_problem, "%s", problems[0].message);
    }
}

static void hear_begin(struct verification_listener *listener, const struct verified_part *part)
{
    (void)listener;
    (void)part;
}

static void hear_part(struct verification_listener *listener, const struct verified_part *part)
{
    (void)listener;
    note(part->problems, part->problem_count);
}

static void hear_chain(struct verification_listener *listener, const struct verified_chain *chain)
{
    (void)listener;
    note(chain->problems, chain->problem_count);
}

const char *verified_store_problem(struct disk *disk, const char *directory)
{
    const struct verification_request request = {.directory = directory};
    struct verification_listener listener = {
        .part_begins = hear_begin, .part_ends = hear_part, .chain_ends = hear_chain};
    struct store_verification found = {0};
    struct error err = {0};
    first_problem[0] = '\0';
    if (activity_store_local_verify(disk, &request, &listener, &found, &err) != STATUS_OK) {
        note(&err, 1);
    } else if (found.problems > 0 && first_problem[0] == '\0') {
        snprintf(first_problem, sizeof first_problem, "%llu problems that nobody tells",
                 (unsigned long long)found.problems);
    }
    return first_problem;
}
