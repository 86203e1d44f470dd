#include "infrastructure/activity_store_local/store_verify.h"

#include "infrastructure/activity_store_local/chain_verify.h"
#include "infrastructure/activity_store_local/store_look.h"

#include <stdarg.h>
#include <stdio.h>

/* One verification under way, and the part it is at. */
struct verifying {
    struct part_faults faults;
    struct seal_faults seal_faults; /* of the part, then of the chain */
    const struct store_look *look;
    struct verified_part part;
    struct chain_verification chain;
    struct verified_chain verified_chain;
    struct store_verification found;
};

/* Problems ---------------------------------------------------------------------------------- */

/* The same run is read for many rows, and each says that it is damaged. False: there is no room for
 * more. */
static bool add_error(struct verifying *verifying, const struct error *err)
{
    struct verified_part *part = &verifying->part;
    for (size_t i = 0; i < part->problem_count; i++) {
        if (strcmp(part->problems[i].message, err->message) == 0) {
            return true;
        }
    }
    if (part->problem_count == VERIFIED_PROBLEMS_MAX) {
        part->stopped = true;
        return false;
    }
    part->problems[part->problem_count++] = *err;
    return true;
}

static bool add_fault(struct part_faults *faults, const struct error *err)
{
    return add_error(CONTAINER_OF(faults, struct verifying, faults), err);
}

PRINTF_LIKE(2, 3)
static void add_problem(struct verifying *verifying, const char *format, ...)
{
    struct error err = {.status = STATUS_CORRUPT};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err.message, sizeof err.message, format, arguments);
    va_end(arguments);
    add_error(verifying, &err);
}

/* One part ---------------------------------------------------------------------------------- */

/* What the manifest says, against the part and the rest of the manifest. */
static void compare_with_manifest(struct verifying *verifying)
{
    const struct manifest *manifest = &verifying->look->manifest;
    const struct manifest_part *entry = &manifest->parts[verifying->part.at];
    const struct part *part =
        stored_part_reader(verifying->look->parts[verifying->part.at].part.stored);
    for (size_t i = 0; i < verifying->part.at; i++) {
        if (manifest->parts[i].number == entry->number) {
            add_problem(verifying, "the manifest names this part twice");
        }
    }
    if (part_footer(part)->row_count != entry->rows) {
        add_problem(verifying, "the manifest says %llu activities, the part holds %llu",
                    (unsigned long long)entry->rows,
                    (unsigned long long)part_footer(part)->row_count);
    }
    if (part_size(part) != entry->bytes) {
        add_problem(verifying, "the manifest says %llu bytes, the file has %llu",
                    (unsigned long long)entry->bytes, (unsigned long long)part_size(part));
    }
}

static void verify_content(struct verifying *verifying, struct part *part)
{
    struct error err = {0};
    const struct part_range *times = &part_footer(part)->timestamps;
    verifying->part.first_ms = times->first_ms;
    verifying->part.last_ms = times->last_ms;
    enum status status = part_verify_all(part, &verifying->faults, &err);
    if (status != STATUS_OK && status != STATUS_CORRUPT) {
        add_error(verifying, &err);
    }
}

/* Ids --------------------------------------------------------------------------------------- */

static bool is_hidden(const struct snapshot_part *part, const struct page *page, uint32_t row)
{
    return hidden_users_contain(part->hidden, page_user(page, row % PAGE_ROWS));
}

/* Whether the part shows a row with the id. */
static enum status shows_id(const struct snapshot_part *part, struct id_key *key, bool *out_shows,
                            struct error *err)
{
    struct part_view *view = NULL;
    uint32_t row;
    *out_shows = false;
    if (!part_may_hold_id(stored_part_reader(part->stored), key)) {
        return STATUS_OK;
    }
    enum status status = stored_part_take_view(part->stored, &view, err);
    if (status == STATUS_OK) {
        status = snapshot_part_find_id(part, view, key->text, &row, err);
        *out_shows = status == STATUS_OK;
    }
    stored_part_give_view(part->stored, view);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* One id in all parts before the one that holds it. Damage there was told when they were read. */
static enum status look_for_id(struct verifying *verifying, struct str id, struct error *err)
{
    struct id_key key = id_key_make(id);
    for (size_t i = 0; i < verifying->part.at; i++) {
        const struct snapshot_part *other = &verifying->look->parts[i].part;
        bool shows = false;
        enum status status = other->stored == NULL ? STATUS_OK : shows_id(other, &key, &shows, err);
        if (status != STATUS_OK && status != STATUS_CORRUPT) {
            return status;
        }
        if (shows) {
            add_problem(verifying, "the id %.*s stands in part %llu, too", STR_FORMAT(id),
                        (unsigned long long)stored_part_number(other->stored));
        }
    }
    return STATUS_OK;
}

static enum status look_for_ids(struct verifying *verifying, const struct snapshot_part *part,
                                struct part_view *view, struct error *err)
{
    uint32_t count = part_footer(stored_part_reader(part->stored))->row_count;
    enum status status = STATUS_OK;
    for (uint32_t row = 0; status == STATUS_OK && !verifying->part.stopped && row < count; row++) {
        const struct page *page;
        char space[PAGE_ID_BYTES];
        status = part_view_page(view, row, &page, err);
        if (status == STATUS_CORRUPT) { /* which was told before */
            row += PAGE_ROWS - 1 - row % PAGE_ROWS;
            status = STATUS_OK;
        } else if (status == STATUS_OK && !is_hidden(part, page, row)) {
            status = look_for_id(verifying, page_id(page, row % PAGE_ROWS, space), err);
        }
    }
    return status;
}

static void verify_ids(struct verifying *verifying, const struct snapshot_part *part)
{
    struct part_view *view = NULL;
    struct error err = {0};
    if (verifying->part.at == 0) {
        return;
    }
    enum status status = stored_part_take_view(part->stored, &view, &err);
    if (status == STATUS_OK) {
        status = look_for_ids(verifying, part, view, &err);
    }
    stored_part_give_view(part->stored, view);
    if (status != STATUS_OK) {
        add_error(verifying, &err);
    }
}

/* Seals ------------------------------------------------------------------------------------- */

static void add_part_fault(struct seal_faults *faults, const char *words)
{
    add_problem(CONTAINER_OF(faults, struct verifying, seal_faults), "%s", words);
}

static void check_seals(struct verifying *verifying, const struct snapshot_part *part)
{
    struct part_view *view = NULL;
    struct leaf_list leaves = {0};
    struct error err = {0};
    enum status status = stored_part_take_view(part->stored, &view, &err);
    if (status == STATUS_OK) {
        status = leaf_list_add_part(&leaves, &verifying->chain.seals.sha256, view, &err);
    }
    if (status == STATUS_OK && seal_check_part(&verifying->chain.seals, &leaves, part->seals,
                                               &verifying->seal_faults) != STATUS_OK) {
        status = error_set(&err, STATUS_NO_MEMORY, 0, "there is no memory to verify seals");
    }
    stored_part_give_view(part->stored, view);
    leaf_list_deinit(&leaves);
    if (status != STATUS_OK) {
        add_error(verifying, &err);
    }
}

/* A store that nobody wrote to since there is a chain has none. */
static void verify_unsealed(struct verifying *verifying, const struct manifest_part *entry)
{
    verifying->verified_chain.unsealed += entry->rows;
    if (verifying->look->manifest.chain.records > 0) {
        add_problem(verifying, "its %llu activities were never sealed",
                    (unsigned long long)entry->rows);
    }
}

/* Of a part that is damaged nothing more is said, nor where the chain itself is. */
static void verify_seals(struct verifying *verifying, const struct manifest_part *entry)
{
    const struct looked_part *looked = &verifying->look->parts[verifying->part.at];
    if (entry->seals.begin == entry->seals.end) {
        verify_unsealed(verifying, entry);
    } else if (verifying->part.problem_count > 0 || verifying->chain.damage.status != STATUS_OK) {
        seal_check_skip(&verifying->chain.seals, entry->seals);
    } else {
        check_seals(verifying, &looked->part);
    }
}

static void add_chain_problem(struct verifying *verifying, const char *words)
{
    struct verified_chain *chain = &verifying->verified_chain;
    chain->stopped = chain->stopped || chain->problem_count == VERIFIED_PROBLEMS_MAX;
    if (!chain->stopped) {
        error_set(&chain->problems[chain->problem_count++], STATUS_CORRUPT, 0, "%s", words);
    }
}

static void add_chain_fault(struct seal_faults *faults, const char *words)
{
    add_chain_problem(CONTAINER_OF(faults, struct verifying, seal_faults), words);
}

static enum status check_chain(struct verifying *verifying)
{
    struct chain_verification *chain = &verifying->chain;
    verifying->seal_faults.add = add_chain_fault;
    if (chain->damage.status != STATUS_OK) {
        add_chain_problem(verifying, chain->damage.message);
        return STATUS_OK;
    }
    if (chain->evidence.checkpoint != NULL) {
        chain_verification_checkpoint(chain, verifying->look->manifest.store_id,
                                      &verifying->seal_faults);
    }
    const struct manifest *manifest = &verifying->look->manifest;
    enum status status = seal_check_rest(&chain->seals, &verifying->seal_faults);
    if (status == STATUS_OK && chain->evidence.receipt != NULL) {
        status = chain_verification_receipt(chain, manifest->store_id, &verifying->seal_faults);
    }
    return status == STATUS_OK && manifest->chain.records > 0
               ? chain_verification_erasures(chain, manifest, &verifying->seal_faults)
               : status;
}

static void tell_receipt(const struct erasure_receipt *receipt, struct verified_receipt *out_told)
{
    *out_told = (struct verified_receipt){.record = receipt->record.number,
                                          .erased_at_ms = receipt->record.erased_at_ms,
                                          .erased = receipt->erased,
                                          .sealed = receipt->record.sealed};
}

static enum status verify_chain(struct verifying *verifying, struct verification_listener *listener,
                                struct error *err)
{
    const struct chain_verification *chain = &verifying->chain;
    struct verified_chain *verified = &verifying->verified_chain;
    if (check_chain(verifying) != STATUS_OK) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to verify the chain");
    }
    const struct expired_activities expired = seal_check_expired(&chain->seals);
    verified->records = chain->end.records;
    verified->seals = chain->end.seals;
    verified->sealed = chain->sealed;
    verified->expired = expired.all;
    verified->left_out = chain->seals.left_out.count;
    memcpy(verified->hash, chain->end.hash, sizeof verified->hash);
    if (chain->is_of_checkpoint) {
        verified->checkpoint_records = chain->evidence.checkpoint->records;
        verified->checkpoint_ms = chain->evidence.checkpoint->time_ms;
        verified->expired_since = expired.since;
        verified->erasures_since = chain->erasures_since;
        verified->erased_since = chain->erased_since;
        verified->left_out_since = chain->left_out_since;
    }
    if (chain->is_of_receipt) {
        tell_receipt(chain->evidence.receipt, &verified->receipt);
    }
    listener->chain_ends(listener, verified);
    return STATUS_OK;
}

/* All of it --------------------------------------------------------------------------------- */

static void verify_part(struct verifying *verifying, struct verification_listener *listener)
{
    const struct looked_part *looked = &verifying->look->parts[verifying->part.at];
    listener->part_begins(listener, &verifying->part);
    if (looked->part.stored == NULL) {
        add_error(verifying, &looked->err);
    } else {
        compare_with_manifest(verifying);
        verify_content(verifying, stored_part_reader(looked->part.stored));
        verify_ids(verifying, &looked->part);
    }
    verify_seals(verifying, &verifying->look->manifest.parts[verifying->part.at]);
    listener->part_ends(listener, &verifying->part);
}

static enum status verify_all(struct verifying *verifying, struct verification_listener *listener,
                              struct error *err)
{
    struct store_verification *found = &verifying->found;
    const struct manifest *manifest = &verifying->look->manifest;
    for (size_t i = 0; i < manifest->part_count; i++) {
        const struct manifest_part *entry = &manifest->parts[i];
        verifying->part = (struct verified_part){.number = entry->number,
                                                 .at = i,
                                                 .part_count = manifest->part_count,
                                                 .activities = entry->rows,
                                                 .bytes = entry->bytes,
                                                 .first_ms = 1,
                                                 .last_ms = 0};
        verify_part(verifying, listener);
        found->parts++;
        found->activities += entry->rows;
        found->bytes += entry->bytes;
        found->problems += verifying->part.problem_count;
    }
    enum status status = verify_chain(verifying, listener, err);
    found->problems += verifying->verified_chain.problem_count;
    return status;
}

/* What was kept elsewhere --------------------------------------------------------------------- */

/* With the text that the checkpoint points into. */
struct kept {
    char text[CHECKPOINT_BYTES_MAX];
    struct checkpoint checkpoint;
    struct erasure_receipt receipt;
    struct chain_evidence evidence; /* of both, those that there are */
};

static enum status read_checkpoint(struct disk *disk, const char *path, struct kept *kept,
                                   struct error *err)
{
    const struct disk_named_file named = {disk, path, "checkpoint"};
    const struct iovec into = {.iov_base = kept->text, .iov_len = sizeof kept->text};
    size_t len = 0;
    enum status status = disk_read_named(&named, into, &len, err);
    return status == STATUS_OK
               ? checkpoint_parse((struct str){kept->text, len}, &kept->checkpoint, err)
               : status;
}

static enum status check_signature(const char *public_key_file, const struct checkpoint *checkpoint,
                                   struct error *err)
{
    struct ed25519_public_key key;
    enum status status = ed25519_public_key_load(public_key_file, &key, err);
    return status == STATUS_OK ? checkpoint_verify_signature(checkpoint, &key, err) : status;
}

/* Without a key the checkpoint is believed: whoever kept it knows where it comes from. */
static enum status load_checkpoint(struct disk *disk, const struct verification_request *request,
                                   struct kept *kept, struct error *err)
{
    enum status status = read_checkpoint(disk, request->checkpoint_file, kept, err);
    if (status == STATUS_OK && request->public_key_file != NULL) {
        status = check_signature(request->public_key_file, &kept->checkpoint, err);
    }
    kept->evidence.checkpoint = &kept->checkpoint;
    return status;
}

static enum status load_receipt(struct disk *disk, const char *path, struct kept *kept,
                                struct error *err)
{
    char text[ERASURE_RECEIPT_BYTES_MAX + 1]; /* one more shows that it is too long */
    const struct disk_named_file named = {disk, path, "receipt"};
    const struct iovec into = {.iov_base = text, .iov_len = sizeof text};
    size_t len = 0;
    enum status status = disk_read_named(&named, into, &len, err);
    kept->evidence.receipt = &kept->receipt;
    return status == STATUS_OK ? erasure_receipt_parse((struct str){text, len}, &kept->receipt, err)
                               : status;
}

static enum status load(struct disk *disk, const struct verification_request *request,
                        struct kept *kept, struct error *err)
{
    enum status status = STATUS_OK;
    kept->evidence = (struct chain_evidence){0};
    if (request->checkpoint_file != NULL) {
        status = load_checkpoint(disk, request, kept, err);
    }
    if (status == STATUS_OK && request->receipt_file != NULL) {
        status = load_receipt(disk, request->receipt_file, kept, err);
    }
    return status;
}

/* All of it, against that ---------------------------------------------------------------------- */

static enum status verify_look(const struct store_folder *folder, const struct store_look *look,
                               struct verifying *verifying, struct verification_listener *listener,
                               struct error *err)
{
    const struct chain_place place = {folder->disk, folder->directory, look->manifest.store_id};
    verifying->look = look;
    enum status status =
        chain_verification_load(&verifying->chain, &place, &look->manifest.chain, err);
    return status == STATUS_OK ? verify_all(verifying, listener, err) : status;
}

static enum status verify_folder(const struct store_folder *folder, struct verifying *verifying,
                                 struct verification_listener *listener, struct error *err)
{
    struct store_look look;
    enum status status = store_look_open(folder, &look, err);
    if (status == STATUS_OK) {
        status = verify_look(folder, &look, verifying, listener, err);
        store_look_close(&look);
    }
    return status;
}

static enum status verify_against(const struct store_folder *folder,
                                  const struct chain_evidence *evidence,
                                  struct verification_listener *listener,
                                  struct store_verification *out_found, struct error *err)
{
    struct verifying verifying = {.faults = {.add = add_fault},
                                  .seal_faults = {.add = add_part_fault}};
    if (chain_verification_init(&verifying.chain, evidence) != STATUS_OK) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to verify a store");
    }
    enum status status = verify_folder(folder, &verifying, listener, err);
    chain_verification_deinit(&verifying.chain);
    if (status == STATUS_OK) {
        *out_found = verifying.found;
    }
    return status;
}

enum status activity_store_local_verify(struct disk *disk,
                                        const struct verification_request *request,
                                        struct verification_listener *listener,
                                        struct store_verification *out_found, struct error *err)
{
    const struct store_folder folder = {disk, request->directory};
    struct kept kept;
    enum status status = load(disk, request, &kept, err);
    return status == STATUS_OK ? verify_against(&folder, &kept.evidence, listener, out_found, err)
                               : status;
}
