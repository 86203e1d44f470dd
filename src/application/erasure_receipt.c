#include "application/erasure_receipt.h"

#include "application/receipt_members.h"
#include "base/digits.h"
#include "base/timestamp.h"

#include <yyjson.h>

static enum status wrong(const char *what, struct error *err)
{
    return error_set(err, STATUS_INVALID, 0, "this is no receipt of an erasure: %s", what);
}

/* Values ------------------------------------------------------------------------------------ */

bool receipt_member_string(yyjson_val *object, const char *name, struct str *out_string)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    *out_string = (struct str){.data = yyjson_get_str(value), .len = yyjson_get_len(value)};
    return yyjson_is_str(value);
}

bool receipt_member_number(yyjson_val *object, const char *name, uint64_t *out_number)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    *out_number = yyjson_get_uint(value);
    return yyjson_is_uint(value);
}

/* Empty for what is no string. */
static struct str string_of(yyjson_val *object, const char *name)
{
    struct str text;
    (void)receipt_member_string(object, name, &text);
    return text;
}

static bool read_user_id(yyjson_val *answer, struct erasure_receipt *receipt)
{
    struct str user_id = string_of(answer, "userId");
    if (user_id.data == NULL || user_id.len == 0 || user_id.len > sizeof receipt->user_id) {
        return false;
    }
    memcpy(receipt->user_id, user_id.data, user_id.len);
    receipt->user_id_len = user_id.len;
    return true;
}

static bool read_time(yyjson_val *answer, int64_t *out_time_ms)
{
    struct str text = string_of(answer, "erasedAt");
    return text.data != NULL && timestamp_parse(text, out_time_ms);
}

static bool read_store_id(yyjson_val *chain, struct uuid *out_store_id)
{
    struct str text = string_of(chain, "storeId");
    return text.data != NULL && uuid_parse(text, out_store_id);
}

static bool read_hash(yyjson_val *chain, uint8_t out_hash[ERASURE_HASH_BYTES])
{
    struct str text = string_of(chain, "hash");
    return text.data != NULL && text.len == 2 * ERASURE_HASH_BYTES &&
           digits_parse_bytes(text.data, ERASURE_HASH_BYTES, out_hash);
}

/* Members ----------------------------------------------------------------------------------- */

/* What is wrong with the members around the one that names the record, or NULL. */
static const char *read_answer(yyjson_val *answer, struct erasure_receipt *receipt)
{
    if (!str_equal(string_of(answer, "status"), STR("success"))) {
        return "status is not \"success\"";
    }
    if (!read_user_id(answer, receipt)) {
        return "userId is not the id of a user";
    }
    if (!read_time(answer, &receipt->record.erased_at_ms)) {
        return "erasedAt is not a time";
    }
    if (!receipt_member_number(answer, "erased", &receipt->erased)) {
        return "erased is not a number of activities";
    }
    return NULL;
}

/* Only one kind of store has a chain, and that is durable. */
static const char *read_store(yyjson_val *told)
{
    if (!str_equal(string_of(told, "store"), STR("local"))) {
        return "receipt.store is not \"local\", and no other has a chain";
    }
    return yyjson_is_true(yyjson_obj_get(told, "durable")) ? NULL : "receipt.durable is not true";
}

static const char *read_chain(yyjson_val *chain, struct erasure_receipt *receipt)
{
    struct erasure_record *record = &receipt->record;
    if (!read_store_id(chain, &record->store_id)) {
        return "receipt.chain.storeId is not the id of a store";
    }
    if (!receipt_member_number(chain, "record", &record->number) || record->number == 0) {
        return "receipt.chain.record is not the number of a record";
    }
    if (!read_hash(chain, record->hash)) {
        return "receipt.chain.hash is not a hash of 64 hexadecimal digits";
    }
    if (!receipt_member_number(chain, "sealed", &record->sealed)) {
        return "receipt.chain.sealed is not a number of activities";
    }
    return record->sealed <= receipt->erased ? NULL : "receipt.chain.sealed is more than erased";
}

static enum status read_document(yyjson_val *answer, struct erasure_receipt *out_receipt,
                                 struct error *err)
{
    struct erasure_receipt receipt = {0};
    yyjson_val *told = yyjson_obj_get(answer, "receipt");
    yyjson_val *chain = yyjson_obj_get(told, "chain");
    const char *problem = read_answer(answer, &receipt);
    if (problem == NULL && !yyjson_is_obj(told)) {
        problem = "receipt is not an object";
    }
    if (problem == NULL && (chain == NULL || yyjson_is_null(chain))) {
        return error_set(err, STATUS_INVALID, 0,
                         "the receipt names no record, for it is of a store without a chain, or of "
                         "a version that named none");
    }
    if (problem == NULL) {
        problem = read_store(told);
    }
    if (problem == NULL) {
        problem = read_chain(chain, &receipt);
    }
    if (problem != NULL) {
        return wrong(problem, err);
    }
    *out_receipt = receipt;
    return STATUS_OK;
}

enum status erasure_receipt_parse(struct str text, struct erasure_receipt *out_receipt,
                                  struct error *err)
{
    yyjson_read_err why;
    if (text.len > ERASURE_RECEIPT_BYTES_MAX) {
        return wrong("it is too long", err);
    }
    yyjson_doc *document = yyjson_read_opts((char *)(uintptr_t)text.data, text.len, 0, NULL, &why);
    if (document == NULL && why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to read a receipt");
    }
    if (document == NULL) {
        return wrong("it cannot be read as JSON", err);
    }
    enum status status = read_document(yyjson_doc_get_root(document), out_receipt, err);
    yyjson_doc_free(document);
    return status;
}
