#include "application/signed_receipt.h"

#include "application/erasure_receipt.h"
#include "application/receipt_members.h"

#include <yyjson.h>

/* Values ------------------------------------------------------------------------------------ */

/* A time, which has one text of one length. */
static bool read_time(yyjson_val *object, const char *name, struct str *out_time)
{
    return receipt_member_string(object, name, out_time) && out_time->len == TIMESTAMP_TEXT_BYTES;
}

/* Members ----------------------------------------------------------------------------------- */

/* Each of these functions returns what is wrong, or NULL. */
static const char *read_chain(yyjson_val *chain, struct erasure_statement *statement)
{
    if (yyjson_is_null(chain)) {
        return NULL;
    }
    statement->recorded = true;
    if (!receipt_member_string(chain, "storeId", &statement->store_id)) {
        return "receipt.chain.storeId is not the id of a store";
    }
    if (!receipt_member_number(chain, "record", &statement->record)) {
        return "receipt.chain.record is not the number of a record";
    }
    if (!receipt_member_string(chain, "hash", &statement->hash)) {
        return "receipt.chain.hash is not a hash";
    }
    if (!receipt_member_number(chain, "sealed", &statement->sealed)) {
        return "receipt.chain.sealed is not a number of activities";
    }
    return yyjson_obj_size(chain) == 4 ? NULL : "receipt.chain has a member that nobody signed";
}

static const char *read_store(yyjson_val *told, struct erasure_statement *statement)
{
    if (!yyjson_is_obj(told)) {
        return "receipt is not an object";
    }
    if (!receipt_member_string(told, "store", &statement->store)) {
        return "receipt.store is not a kind of store";
    }
    yyjson_val *durable = yyjson_obj_get(told, "durable");
    statement->durable = yyjson_is_true(durable);
    if (!yyjson_is_bool(durable)) {
        return "receipt.durable is neither true nor false";
    }
    yyjson_val *chain = yyjson_obj_get(told, "chain");
    if (chain == NULL) {
        return "receipt.chain is missing";
    }
    const char *problem = read_chain(chain, statement);
    if (problem == NULL && yyjson_obj_size(told) != 3) {
        problem = "receipt has a member that nobody signed";
    }
    return problem;
}

static const char *read_places(yyjson_val *list, struct erasure_statement *statement)
{
    if (!yyjson_is_arr(list) || yyjson_arr_size(list) > STATEMENT_PLACES_MAX) {
        return "outOfReach is not a list of places";
    }
    size_t at;
    size_t count;
    yyjson_val *item;
    yyjson_arr_foreach(list, at, count, item)
    {
        struct statement_place *place = &statement->places[at];
        if (!receipt_member_string(item, "what", &place->what)) {
            return "outOfReach has a place whose what is not a word";
        }
        if (!receipt_member_string(item, "detail", &place->detail)) {
            return "outOfReach has a place whose detail is not a text";
        }
        if (yyjson_obj_size(item) != 2) {
            return "outOfReach has a place with a member that nobody signed";
        }
    }
    statement->place_count = count;
    return NULL;
}

static const char *read_erasure(yyjson_val *answer, struct erasure_statement *statement)
{
    struct str word;
    if (!receipt_member_string(answer, "status", &word) || !str_equal(word, STR("success"))) {
        return "status is not \"success\"";
    }
    if (!receipt_member_string(answer, "userId", &statement->user_id)) {
        return "userId is not the id of a user";
    }
    if (!read_time(answer, "erasedAt", &statement->erased_at)) {
        return "erasedAt is not a time";
    }
    if (!receipt_member_number(answer, "erased", &statement->erased)) {
        return "erased is not a number of activities";
    }
    if (!receipt_member_number(answer, "refused", &statement->refused)) {
        return "refused is not a number of entries";
    }
    const char *problem = read_store(yyjson_obj_get(answer, "receipt"), statement);
    return problem != NULL ? problem : read_places(yyjson_obj_get(answer, "outOfReach"), statement);
}

enum { MEMBERS_UNSIGNED = 7, MEMBERS_SIGNED = 11 };

static const char *read_signature(yyjson_val *answer, struct signed_receipt *receipt)
{
    if (!read_time(answer, "signedAt", &receipt->statement.signed_at)) {
        return "signedAt is not a time";
    }
    if (!receipt_member_string(answer, "signed", &receipt->text)) {
        return "signed is not a text";
    }
    if (!receipt_member_string(answer, "signedBy", &receipt->signed_by)) {
        return "signedBy is not the name of a key";
    }
    if (!receipt_member_string(answer, "signature", &receipt->signature)) {
        return "signature is not a text";
    }
    return yyjson_obj_size(answer) == MEMBERS_SIGNED ? NULL
                                                     : "there is a member that nobody signed";
}

/* As a service without a key answers. */
static bool is_unsigned(yyjson_val *answer)
{
    return yyjson_obj_size(answer) == MEMBERS_UNSIGNED;
}

/* The document ------------------------------------------------------------------------------ */

static enum status read_document(yyjson_val *answer, struct signed_receipt *receipt,
                                 struct error *err)
{
    const char *problem = read_erasure(answer, &receipt->statement);
    if (problem == NULL && is_unsigned(answer)) {
        return error_set(err, STATUS_INVALID, 0,
                         "nobody signed this receipt: the service that gave it had no "
                         "--checkpoint-key-file, or the signature was taken away");
    }
    if (problem == NULL) {
        problem = read_signature(answer, receipt);
    }
    return problem == NULL ? STATUS_OK
                           : error_set(err, STATUS_INVALID, 0,
                                       "this is no signed receipt of an erasure: %s", problem);
}

enum status signed_receipt_read(struct str text, struct signed_receipt *out_receipt,
                                struct error *err)
{
    yyjson_read_err why;
    struct signed_receipt receipt = {0};
    if (text.len > ERASURE_RECEIPT_BYTES_MAX) {
        return error_set(err, STATUS_INVALID, 0,
                         "this is no signed receipt of an erasure: it is too long");
    }
    receipt.document = yyjson_read_opts((char *)(uintptr_t)text.data, text.len, 0, NULL, &why);
    if (receipt.document == NULL && why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to read a receipt");
    }
    if (receipt.document == NULL) {
        return error_set(err, STATUS_INVALID, 0,
                         "this is no signed receipt of an erasure: it cannot be read as JSON");
    }
    enum status status = read_document(yyjson_doc_get_root(receipt.document), &receipt, err);
    if (status != STATUS_OK) {
        signed_receipt_deinit(&receipt);
        return status;
    }
    *out_receipt = receipt;
    return STATUS_OK;
}

void signed_receipt_deinit(struct signed_receipt *receipt)
{
    yyjson_doc_free(receipt->document);
    *receipt = (struct signed_receipt){0};
}
