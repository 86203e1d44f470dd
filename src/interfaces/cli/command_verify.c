#include "base/timestamp.h"
#include "interfaces/cli/cli.h"
#include "interfaces/cli/cli_output.h"
#include "interfaces/cli/folder_rows.h"
#include "interfaces/cli/status_line.h"

#include <inttypes.h>
#include <stdio.h>

const char command_verify_help[] =
    "DIR is the folder that serve has as --data-dir. Nothing in it is changed, and a\n"
    "server may run on it. Reads every byte of every part of the store, holds it\n"
    "against the manifest, looks for ids that stand in two parts, and holds all\n"
    "activities against the chain of seals, which tells whether they are those that\n"
    "were stored. Prints a line for each part and one for the chain, and ends with 1\n"
    "if anything is wrong. Where a part's own directory is damaged, nothing else of\n"
    "it can be looked at.\n\n"
    "  --checkpoint FILE   a checkpoint that was kept elsewhere: the chain must be\n"
    "                      the one that it is of, and may have grown since; without\n"
    "                      it a chain that was made anew, or whose end was cut off,\n"
    "                      looks like any other\n"
    "  --public-key FILE   must have signed the checkpoint and the receipt that are\n"
    "                      named (PEM, of openssl pkey -pubout); without it nobody's\n"
    "                      signature is checked\n"
    "  --receipt FILE      the answer of the DELETE that erased a user, as it came:\n"
    "                      the chain must have the record that it names, of that\n"
    "                      user, time and number of activities\n\n"
    "Then reads the event log in DIR/log to the end of what was acknowledged.\n\n"
    "Without DIR, --receipt and --public-key check the signature alone, of a receipt\n"
    "of any store.\n\n"
    "Needs about 2 bytes of memory for each activity, and 64 for each of the largest\n"
    "part.\n\n"
    "Examples\n"
    "  usertrail verify ./data\n"
    "  usertrail verify ./data --checkpoint kept.txt --public-key public.pem\n"
    "  usertrail verify ./data --receipt erased.json\n"
    "  usertrail verify --receipt erased.json --public-key public.pem";

static enum status read_checkpoint(struct folder_question *question, const char *value,
                                   struct error *err)
{
    question->checkpoint = value;
    return value[0] != '\0' ? STATUS_OK
                            : error_set(err, STATUS_INVALID, 0, "--checkpoint needs a file's name");
}

static enum status read_public_key(struct folder_question *question, const char *value,
                                   struct error *err)
{
    question->public_key = value;
    return value[0] != '\0' ? STATUS_OK
                            : error_set(err, STATUS_INVALID, 0, "--public-key needs a file's name");
}

static enum status read_receipt(struct folder_question *question, const char *value,
                                struct error *err)
{
    question->receipt = value;
    return value[0] != '\0' ? STATUS_OK
                            : error_set(err, STATUS_INVALID, 0, "--receipt needs a file's name");
}

static const struct folder_option options[] = {{.name = "checkpoint", .read = read_checkpoint},
                                               {.name = "public-key", .read = read_public_key},
                                               {.name = "receipt", .read = read_receipt}};

struct verify_output {
    struct verification_listener listener;
    bool on_terminal;
    bool receipt_holds; /* the chain has its record */
    bool signature_checked;
    uint64_t bytes; /* of the parts before */
};

static void show_progress(struct verification_listener *listener, const struct verified_part *part)
{
    const struct verify_output *output = CONTAINER_OF(listener, struct verify_output, listener);
    if (output->on_terminal) {
        char text[96];
        snprintf(text, sizeof text, "reading part %zu of %zu, %" PRIu64 " MB so far", part->at + 1,
                 part->part_count, output->bytes / 1000000);
        status_line_show(text);
    }
}

static const char *activity_word(uint64_t count)
{
    return count == 1 ? "activity" : "activities";
}

/* Parts name themselves in some of their messages; the line does so already. */
static const char *words_of(const struct verified_part *part, const struct error *problem)
{
    char prefix[40];
    int len = snprintf(prefix, sizeof prefix, "part %" PRIu64 ": ", part->number);
    bool named = strncmp(problem->message, prefix, (size_t)len) == 0;
    return problem->message + (named ? len : 0);
}

static void print_part(const struct verified_part *part)
{
    printf("part %" PRIu64 ": %" PRIu64 " %s, %" PRIu64 " bytes, ", part->number, part->activities,
           activity_word(part->activities), part->bytes);
    if (part->first_ms <= part->last_ms) {
        char first[TIMESTAMP_TEXT_BYTES];
        char last[TIMESTAMP_TEXT_BYTES];
        timestamp_format(part->first_ms, first);
        timestamp_format(part->last_ms, last);
        printf("%.*s to %.*s: ", TIMESTAMP_TEXT_BYTES, first, TIMESTAMP_TEXT_BYTES, last);
    } else {
        printf("times unknown: ");
    }
    printf("%s\n", part->problem_count == 0 ? "ok" : words_of(part, &part->problems[0]));
    for (size_t i = 1; i < part->problem_count; i++) {
        printf("part %" PRIu64 ": %s\n", part->number, words_of(part, &part->problems[i]));
    }
    if (part->stopped) {
        printf("part %" PRIu64 ": and more; the rest of it was not looked at\n", part->number);
    }
}

static void show_part(struct verification_listener *listener, const struct verified_part *part)
{
    struct verify_output *output = CONTAINER_OF(listener, struct verify_output, listener);
    output->bytes += part->bytes;
    if (output->on_terminal) {
        status_line_clear();
    }
    print_part(part);
    (void)fflush(stdout); /* conclude() asks whether it went well */
}

/* The chain --------------------------------------------------------------------------------- */

static void print_hash(const uint8_t hash[VERIFIED_HASH_BYTES])
{
    for (size_t i = 0; i < VERIFIED_HASH_BYTES; i++) {
        printf("%02x", hash[i]);
    }
}

/* Erasures count from their record on: their activities stay in the files until parts are written
 * anew. */
static void print_what_went(const struct verified_chain *chain)
{
    if (chain->expired_since > 0) {
        printf(", %" PRIu64 " %s expired since", chain->expired_since,
               activity_word(chain->expired_since));
    }
    if (chain->erasures_since > 0) {
        printf(", %" PRIu64 " erasure%s of %" PRIu64 " %s since", chain->erasures_since,
               chain->erasures_since == 1 ? "" : "s", chain->erased_since,
               activity_word(chain->erased_since));
    }
    if (chain->left_out_since > 0) {
        printf(", %" PRIu64 " erased %s left the files since", chain->left_out_since,
               activity_word(chain->left_out_since));
    }
}

static void print_checkpoint(const struct verified_chain *chain, bool signature_checked)
{
    char when[TIMESTAMP_TEXT_BYTES];
    if (chain->checkpoint_records > 0) {
        timestamp_format(chain->checkpoint_ms, when);
        printf("; the checkpoint of %.*s vouches for %" PRIu64 " of the records",
               TIMESTAMP_TEXT_BYTES, when, chain->checkpoint_records);
        if (!signature_checked) {
            printf(" (nobody's signature was checked)");
        }
        print_what_went(chain);
    }
}

/* Not whom it erased: a terminal may do anything with such a name. */
static void print_receipt(const struct verified_receipt *receipt)
{
    char when[TIMESTAMP_TEXT_BYTES];
    if (receipt->record == 0) {
        return;
    }
    timestamp_format(receipt->erased_at_ms, when);
    printf("receipt: record %" PRIu64 " of the chain is the erasure that it is of: its user, "
           "%.*s, %" PRIu64 " %s",
           receipt->record, TIMESTAMP_TEXT_BYTES, when, receipt->sealed,
           activity_word(receipt->sealed));
    if (receipt->erased > receipt->sealed) {
        printf("; %" PRIu64 " more were erased before they were sealed, which no record tells",
               receipt->erased - receipt->sealed);
    }
    printf("\n");
}

static void show_chain(struct verification_listener *listener, const struct verified_chain *chain)
{
    struct verify_output *output = CONTAINER_OF(listener, struct verify_output, listener);
    output->receipt_holds = chain->receipt.record > 0;
    printf("chain: %" PRIu64 " record%s, %" PRIu64 " seal%s over %" PRIu64 " %s", chain->records,
           chain->records == 1 ? "" : "s", chain->seals, chain->seals == 1 ? "" : "s",
           chain->sealed, activity_word(chain->sealed));
    if (chain->expired > 0) {
        printf(", of which %" PRIu64 " expired", chain->expired);
    }
    if (chain->left_out > 0) {
        printf(", %" PRIu64 " erased and gone", chain->left_out);
    }
    if (chain->unsealed > 0) {
        printf("; %" PRIu64 " are older than the chain", chain->unsealed);
    }
    printf("; hash ");
    print_hash(chain->hash);
    print_checkpoint(chain, output->signature_checked);
    printf(": %s\n", chain->problem_count == 0 ? "ok" : chain->problems[0].message);
    for (size_t i = 1; i < chain->problem_count; i++) {
        printf("chain: %s\n", chain->problems[i].message);
    }
    if (chain->stopped) {
        printf("chain: and more\n");
    }
    print_receipt(&chain->receipt);
}

/* The event log ----------------------------------------------------------------------------- */

static void show_log_problem(struct log_verification_listener *listener, const char *words)
{
    (void)listener;
    printf("event log: %s\n", words);
}

/* Returns how many problems there are. A folder without a log has none. */
static uint64_t verify_log(const struct folder_access *access, const char *directory)
{
    struct log_verification_listener listener = {.problem = show_log_problem};
    struct log_verification found;
    struct error err;
    enum status status = access->verify_log(directory, &listener, &found, &err);
    if (status == STATUS_NOT_FOUND) {
        return 0;
    }
    if (status != STATUS_OK) {
        printf("event log: %s\n", err.message);
        return 1;
    }
    printf("event log: %" PRIu64 " %s in %" PRIu64 " segment%s, %" PRIu64 " bytes: %s\n",
           found.activities, activity_word(found.activities), found.segments,
           found.segments == 1 ? "" : "s", found.bytes,
           found.problems == 0 ? "ok" : "not all of it can be read");
    return found.problems;
}

/* All of it --------------------------------------------------------------------------------- */

static bool output_is_written(void)
{
    bool written = fflush(stdout) == 0 && ferror(stdout) == 0;
    if (!written) {
        fprintf(stderr, "usertrail: cannot write to standard output\n");
    }
    return written;
}

static int conclude(const struct store_verification *found, uint64_t problems)
{
    printf("%" PRIu64 " part%s, %" PRIu64 " %s, %" PRIu64 " bytes: ", found->parts,
           found->parts == 1 ? "" : "s", found->activities, activity_word(found->activities),
           found->bytes);
    if (problems == 0) {
        printf("all of it is as it was written\n");
    } else {
        printf("%" PRIu64 " problem%s; no answer is made of damaged bytes, and questions that need "
               "them fail: put back the folder from a copy, or find out who changed it\n",
               problems, problems == 1 ? "" : "s");
    }
    return output_is_written() && problems == 0 ? EXIT_FINE : EXIT_FAILED;
}

/* Signatures -------------------------------------------------------------------------------- */

static void print_signature(const struct verified_signature *verified)
{
    printf("signature: of %s at %s: %" PRIu64 " %s erased, received before %s: ok\n",
           verified->signed_by, verified->signed_at, verified->erased,
           activity_word(verified->erased), verified->erased_at);
}

/* Nothing but a receipt and a key. */
static int verify_signature_alone(const struct folder_access *access,
                                  const struct folder_question *question)
{
    struct verified_signature verified;
    struct error err;
    if (access->verify_signature(question->receipt, question->public_key, &verified, &err) !=
        STATUS_OK) {
        cli_tell("%s", err.message);
        return EXIT_FAILED;
    }
    print_signature(&verified);
    return output_is_written() ? EXIT_FINE : EXIT_FAILED;
}

/* Returns how many problems there are. A receipt that the chain contradicts is one already. */
static uint64_t verify_signature(const struct folder_access *access,
                                 const struct folder_question *question,
                                 const struct verify_output *output)
{
    struct verified_signature verified;
    struct error err;
    if (!output->receipt_holds || question->public_key == NULL) {
        return 0;
    }
    if (access->verify_signature(question->receipt, question->public_key, &verified, &err) !=
        STATUS_OK) {
        printf("signature: %s\n", err.message);
        return 1;
    }
    print_signature(&verified);
    return 0;
}

/* The command ------------------------------------------------------------------------------- */

static enum status check_question(const struct folder_question *question, struct error *err)
{
    bool signature_alone = question->receipt != NULL && question->public_key != NULL;
    if (question->public_key != NULL && question->checkpoint == NULL && question->receipt == NULL) {
        return error_set(err, STATUS_INVALID, 0,
                         "--public-key says who signed a checkpoint or a receipt; name that with "
                         "--checkpoint or --receipt");
    }
    if (question->directory == NULL && question->checkpoint != NULL) {
        return error_set(err, STATUS_INVALID, 0,
                         "--checkpoint is held against a folder, which is missing");
    }
    if (question->directory == NULL && !signature_alone) {
        return error_set(err, STATUS_INVALID, 0,
                         FOLDER_IS_MISSING "; only --receipt with --public-key does without");
    }
    return STATUS_OK;
}

static int verify_folder(const struct folder_access *access, const struct folder_question *question)
{
    struct verify_output output = {.listener = {.part_begins = show_progress,
                                                .part_ends = show_part,
                                                .chain_ends = show_chain},
                                   .on_terminal = status_line_wanted(),
                                   .signature_checked = question->public_key != NULL};
    const struct verification_request request = {.directory = question->directory,
                                                 .checkpoint_file = question->checkpoint,
                                                 .public_key_file = question->public_key,
                                                 .receipt_file = question->receipt};
    struct store_verification found;
    struct error err;
    enum status status = folder_check(question->directory, &err);
    if (status == STATUS_OK) {
        status = access->verify_store(&request, &output.listener, &found, &err);
        status = status == STATUS_NOT_FOUND ? folder_has_no_store(&err) : status;
    }
    if (status != STATUS_OK) {
        cli_tell("%s: %s", question->directory, err.message);
        return EXIT_FAILED;
    }
    uint64_t problems = found.problems + verify_signature(access, question, &output);
    return conclude(&found, problems + verify_log(access, question->directory));
}

int command_verify(const struct folder_access *access, int argument_count, char **arguments)
{
    static struct folder_question question; /* its filter points into it */
    struct error err;
    enum status status =
        folder_options_read(&(struct folder_options){options, ARRAY_LENGTH(options)},
                            argument_count, arguments, &question, &err);
    status = status == STATUS_OK ? check_question(&question, &err) : status;
    if (status != STATUS_OK) {
        return folder_refuse_arguments("verify", &err);
    }
    return question.directory == NULL ? verify_signature_alone(access, &question)
                                      : verify_folder(access, &question);
}
