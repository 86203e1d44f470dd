#include "infrastructure/activity_store_local/chain_verify.h"

#include "base/array.h"

#include <stdlib.h>
#include <string.h>

/* Loading ----------------------------------------------------------------------------------- */

static enum status add_erasure(struct chain_verification *verification,
                               const struct chain_erasure *erasure)
{
    size_t count = verification->erasure_count;
    if (count > 0 && verification->erasures[count - 1].number >= erasure->number) {
        return STATUS_CORRUPT;
    }
    if (!ARRAY_RESERVE(verification->erasures, verification->erasure_capacity, count + 1)) {
        return STATUS_NO_MEMORY;
    }
    verification->erasures[verification->erasure_count++] = *erasure;
    return STATUS_OK;
}

static enum status add_expiry(struct chain_verification *verification,
                              const struct chain_expiry *expiry)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < expiry->range_count; i++) {
        const struct seal_range seals = {expiry->ranges[i].first, expiry->ranges[i].last + 1};
        status = seal_check_expire(&verification->seals, seals);
    }
    return status;
}

static enum status add_left_out(struct chain_verification *verification,
                                const struct chain_left_out *left_out)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < left_out->leaf_count; i++) {
        status = seal_check_leave_out(&verification->seals, &left_out->leaves[i]);
    }
    return status;
}

static enum status add_record(struct chain_verification *verification,
                              const struct chain_record *record)
{
    switch (record->kind) {
    case CHAIN_SEAL:
        verification->sealed += record->seal.rows;
        return seal_check_add(&verification->seals, &record->seal);
    case CHAIN_ERASURE:
        verification->erased += record->erasure.rows;
        if (verification->seals.behind_checkpoint) {
            verification->erasures_since++;
            verification->erased_since += record->erasure.rows;
        }
        return add_erasure(verification, &record->erasure);
    case CHAIN_EXPIRY:
        return add_expiry(verification, &record->expiry);
    case CHAIN_LEFT_OUT:
        verification->left_out_since +=
            verification->seals.behind_checkpoint ? record->left_out.leaf_count : 0;
        return add_left_out(verification, &record->left_out);
    }
    return STATUS_CORRUPT;
}

static void note_checkpoint(struct chain_verification *verification)
{
    const struct checkpoint *checkpoint = verification->evidence.checkpoint;
    const struct chain_end *end = &verification->end;
    if (checkpoint != NULL && checkpoint->records == end->records) {
        verification->is_of_checkpoint = memcmp(checkpoint->hash, end->hash, sizeof end->hash) == 0;
        verification->seals.behind_checkpoint = true;
    }
}

static void note_receipt(struct chain_verification *verification, const struct chain_record *record)
{
    const struct erasure_receipt *receipt = verification->evidence.receipt;
    struct chain_of_receipt *noted = &verification->of_receipt;
    if (receipt != NULL && receipt->record.number == verification->end.records) {
        noted->kind = record->kind;
        memcpy(noted->hash, verification->end.hash, sizeof noted->hash);
        if (record->kind == CHAIN_ERASURE) {
            noted->erasure = record->erasure;
        }
    }
}

static enum status read_records(struct chain_verification *verification,
                                struct chain_reader *reader, struct error *err)
{
    const struct chain_record *record = NULL;
    enum status status = chain_reader_next(reader, &record, err);
    while (status == STATUS_OK && record != NULL) {
        status = add_record(verification, record);
        if (status == STATUS_CORRUPT) {
            return error_set(err, status, 0, "record %llu contradicts those before it",
                             (unsigned long long)chain_reader_end(reader)->records);
        }
        if (status != STATUS_OK) {
            return error_set(err, status, 0, "there is no memory for what the chain says");
        }
        verification->end = *chain_reader_end(reader);
        note_checkpoint(verification);
        note_receipt(verification, record);
        status = chain_reader_next(reader, &record, err);
    }
    return status;
}

enum status chain_verification_init(struct chain_verification *verification,
                                    const struct chain_evidence *evidence)
{
    *verification = (struct chain_verification){.evidence = *evidence};
    return seal_check_init(&verification->seals);
}

enum status chain_verification_load(struct chain_verification *verification,
                                    const struct chain_place *place, const struct chain_end *end,
                                    struct error *err)
{
    CLEANUP(chain_reader_free) struct chain_reader *reader = NULL;
    enum status status = chain_reader_open(place, end, &reader, err);
    if (status == STATUS_OK) {
        status = read_records(verification, reader, err);
    }
    leaf_list_sort(&verification->seals.left_out);
    if (status == STATUS_CORRUPT || status == STATUS_INVALID || status == STATUS_NOT_FOUND) {
        verification->damage = *err;
        return STATUS_OK;
    }
    return status;
}

void chain_verification_deinit(struct chain_verification *verification)
{
    seal_check_deinit(&verification->seals);
    free(verification->erasures);
}

/* Checkpoint -------------------------------------------------------------------------------- */

void chain_verification_checkpoint(const struct chain_verification *verification,
                                   struct uuid store_id, struct seal_faults *faults)
{
    const struct checkpoint *checkpoint = verification->evidence.checkpoint;
    if (!uuid_equal(checkpoint->store_id, store_id)) {
        seal_faults_tell(faults, "the checkpoint is that of another store");
    } else if (checkpoint->records > verification->end.records) {
        seal_faults_tell(
            faults,
            "the checkpoint was made over %llu records, and there are %llu: the end is gone",
            (unsigned long long)checkpoint->records, (unsigned long long)verification->end.records);
    } else if (!verification->is_of_checkpoint) {
        seal_faults_tell(
            faults, "record %llu is not the one that the checkpoint names: the chain was made anew",
            (unsigned long long)checkpoint->records);
    }
}

/* Erasures ---------------------------------------------------------------------------------- */

/* Of two that begin with their numbers. */
static int compare_numbers(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static enum status is_of(struct chain_verification *verification,
                         const struct chain_erasure *erasure, struct str user_id, bool *out_is)
{
    uint8_t hash[SHA256_BYTES];
    enum status status = chain_user_hash(&verification->seals.sha256, erasure->salt, user_id, hash);
    *out_is = status == STATUS_OK && memcmp(hash, erasure->user_hash, sizeof hash) == 0;
    return status;
}

static enum status check_tombstone(struct chain_verification *verification,
                                   const struct tombstone *tombstone, struct seal_faults *faults)
{
    const struct chain_erasure *erasure =
        verification->erasure_count == 0
            ? NULL
            : bsearch(&tombstone->number, verification->erasures, verification->erasure_count,
                      sizeof *verification->erasures, compare_numbers);
    bool same = false;
    enum status status = STATUS_OK;
    if (erasure != NULL) {
        status = is_of(verification, erasure, tombstone->user_id, &same);
        same = same && erasure->erased_at_ms == tombstone->erased_at_ms;
    }
    if (status == STATUS_OK && !same) {
        seal_faults_tell(faults, "erasure %llu hides a user whom the chain does not name there",
                         (unsigned long long)tombstone->number);
    }
    return status;
}

/* Whether a user whose erasure has no tombstone of its number was erased once more. */
static enum status check_replaced(struct chain_verification *verification,
                                  const struct chain_erasure *erasure,
                                  const struct tombstones *tombstones, struct seal_faults *faults)
{
    bool found = false;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && !found && i < tombstones->count; i++) {
        const struct tombstone *tombstone = &tombstones->items[i];
        if (tombstone->number > erasure->number) {
            status = is_of(verification, erasure, tombstone->user_id, &found);
        }
    }
    if (status == STATUS_OK && !found) {
        seal_faults_tell(faults, "erasure %llu is in the chain, and the manifest has forgotten it",
                         (unsigned long long)erasure->number);
    }
    return status;
}

static enum status check_forgotten(struct chain_verification *verification,
                                   const struct tombstones *tombstones, struct seal_faults *faults)
{
    uint64_t *numbers = malloc((tombstones->count + 1) * sizeof *numbers);
    enum status status = numbers == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < tombstones->count; i++) {
        numbers[i] = tombstones->items[i].number;
    }
    if (status == STATUS_OK) {
        qsort(numbers, tombstones->count, sizeof *numbers, compare_numbers);
    }
    for (size_t i = 0; status == STATUS_OK && i < verification->erasure_count; i++) {
        const struct chain_erasure *erasure = &verification->erasures[i];
        if (bsearch(&erasure->number, numbers, tombstones->count, sizeof *numbers,
                    compare_numbers) == NULL) {
            status = check_replaced(verification, erasure, tombstones, faults);
        }
    }
    free(numbers);
    return status;
}

enum status chain_verification_erasures(struct chain_verification *verification,
                                        const struct manifest *manifest, struct seal_faults *faults)
{
    const struct tombstones *tombstones = &manifest->tombstones;
    enum status status = STATUS_OK;
    if (verification->seals.left_out.count > verification->erased) {
        seal_faults_tell(faults, "%llu activities are gone as erased, and all erasures erased %llu",
                         (unsigned long long)verification->seals.left_out.count,
                         (unsigned long long)verification->erased);
    }
    for (size_t i = 0; status == STATUS_OK && i < tombstones->count; i++) {
        status = check_tombstone(verification, &tombstones->items[i], faults);
    }
    return status == STATUS_OK ? check_forgotten(verification, tombstones, faults) : status;
}

/* Receipt ----------------------------------------------------------------------------------- */

/* Why the record cannot be that of the receipt at all. False: it can. */
static bool tell_no_record(const struct chain_verification *verification, struct uuid store_id,
                           struct seal_faults *faults)
{
    const struct erasure_record *named = &verification->evidence.receipt->record;
    unsigned long long number = named->number;
    unsigned long long records = verification->end.records;
    if (!uuid_equal(named->store_id, store_id)) {
        seal_faults_tell(faults, "the receipt is that of another store, as its storeId says");
    } else if (number > records) {
        seal_faults_tell(faults,
                         "the receipt names record %llu, and there are %llu: the end is gone, or "
                         "the receipt's record was changed",
                         number, records);
    } else if (verification->of_receipt.kind != CHAIN_ERASURE) {
        seal_faults_tell(faults,
                         "record %llu is not one of an erasure: the chain was made anew, or the "
                         "receipt's record was changed",
                         number);
    } else if (memcmp(named->hash, verification->of_receipt.hash, sizeof named->hash) != 0) {
        seal_faults_tell(faults,
                         "record %llu has another hash than the receipt: the chain was made anew, "
                         "or the receipt's record or hash was changed",
                         number);
    } else {
        return false;
    }
    return true;
}

/* The chain has the hash of the receipt: where they differ, it is the receipt that was changed. */
static enum status compare_receipt(struct chain_verification *verification,
                                   struct seal_faults *faults, bool *out_same)
{
    const struct erasure_receipt *receipt = verification->evidence.receipt;
    const struct chain_erasure *erasure = &verification->of_receipt.erasure;
    const struct str user_id = {receipt->user_id, receipt->user_id_len};
    bool same_user = false;
    enum status status = is_of(verification, erasure, user_id, &same_user);
    if (status != STATUS_OK) {
        return status;
    }
    if (!same_user) {
        seal_faults_tell(faults,
                         "the receipt was changed: its userId is not whom record %llu erased",
                         (unsigned long long)receipt->record.number);
    }
    bool same_time = erasure->erased_at_ms == receipt->record.erased_at_ms;
    if (!same_time) {
        seal_faults_tell(faults, "the receipt was changed: its erasedAt is not that of record %llu",
                         (unsigned long long)receipt->record.number);
    }
    bool same_rows = erasure->rows == receipt->record.sealed;
    if (!same_rows) {
        seal_faults_tell(
            faults, "the receipt was changed: its sealed is %llu, and record %llu erased %llu",
            (unsigned long long)receipt->record.sealed, (unsigned long long)receipt->record.number,
            (unsigned long long)erasure->rows);
    }
    *out_same = same_user && same_time && same_rows;
    return STATUS_OK;
}

enum status chain_verification_receipt(struct chain_verification *verification,
                                       struct uuid store_id, struct seal_faults *faults)
{
    return tell_no_record(verification, store_id, faults)
               ? STATUS_OK
               : compare_receipt(verification, faults, &verification->is_of_receipt);
}
