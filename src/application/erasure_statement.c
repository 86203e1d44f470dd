#include "application/erasure_statement.h"

#include "base/digits.h"
#include "base/json_text.h"

#define VERSION_LINE STR("usertrail.erasure/1")

enum { NAME_BYTES_MAX = 32 };

_Static_assert((int)ERASURE_OUT_OF_REACH_MAX <= (int)STATEMENT_PLACES_MAX, "room for all places");

/* Making ------------------------------------------------------------------------------------ */

void erasure_statement_make(struct str user_id, const struct erasure *erasure,
                            const int64_t *signed_at_ms, struct erasure_texts *out_texts,
                            struct erasure_statement *out_statement)
{
    struct erasure_statement statement = {
        .user_id = user_id,
        .erased_at = {out_texts->erased_at, sizeof out_texts->erased_at},
        .erased = erasure->erased,
        .refused = erasure->refused,
        .store = str_from(erasure->store),
        .durable = erasure->durable,
        .recorded = erasure->recorded,
        .store_id = {out_texts->store_id, sizeof out_texts->store_id},
        .record = erasure->record.number,
        .hash = {out_texts->hash, sizeof out_texts->hash},
        .sealed = erasure->record.sealed,
        .place_count = erasure->out_of_reach_count,
    };
    timestamp_format(erasure->erased_at_ms, out_texts->erased_at);
    uuid_format(erasure->record.store_id, out_texts->store_id);
    digits_write_bytes(erasure->record.hash, sizeof erasure->record.hash, out_texts->hash);
    if (signed_at_ms != NULL) {
        timestamp_format(*signed_at_ms, out_texts->signed_at);
        statement.signed_at = (struct str){out_texts->signed_at, sizeof out_texts->signed_at};
    }
    for (size_t i = 0; i < statement.place_count; i++) {
        statement.places[i].what = str_from(erasure->out_of_reach[i].what);
        statement.places[i].detail = str_from(erasure->out_of_reach[i].detail);
    }
    *out_statement = statement;
}

/* The text ---------------------------------------------------------------------------------- */

static void append_string(struct buffer *text, const char *name, struct str value)
{
    buffer_append_str(text, str_from(name));
    buffer_append_char(text, ' ');
    json_text_append_string(text, value);
    buffer_append_char(text, '\n');
}

static void append_number(struct buffer *text, const char *name, uint64_t value)
{
    buffer_append_format(text, "%s %llu\n", name, (unsigned long long)value);
}

static void append_chain(struct buffer *text, const struct erasure_statement *statement)
{
    if (!statement->recorded) {
        buffer_append_literal(text, "receipt.chain null\n");
        return;
    }
    append_string(text, "receipt.chain.storeId", statement->store_id);
    append_number(text, "receipt.chain.record", statement->record);
    append_string(text, "receipt.chain.hash", statement->hash);
    append_number(text, "receipt.chain.sealed", statement->sealed);
}

static void append_place(struct buffer *text, size_t at, const struct statement_place *place)
{
    buffer_append_format(text, "outOfReach.%zu.what ", at);
    json_text_append_string(text, place->what);
    buffer_append_format(text, "\noutOfReach.%zu.detail ", at);
    json_text_append_string(text, place->detail);
    buffer_append_char(text, '\n');
}

void erasure_statement_append(const struct erasure_statement *statement, struct buffer *out_text)
{
    buffer_append_str(out_text, VERSION_LINE);
    buffer_append_char(out_text, '\n');
    append_string(out_text, "status", STR("success"));
    append_string(out_text, "userId", statement->user_id);
    append_string(out_text, "erasedAt", statement->erased_at);
    append_number(out_text, "erased", statement->erased);
    append_number(out_text, "refused", statement->refused);
    append_string(out_text, "receipt.store", statement->store);
    buffer_append_format(out_text, "receipt.durable %s\n", statement->durable ? "true" : "false");
    append_chain(out_text, statement);
    append_string(out_text, "signedAt", statement->signed_at);
    for (size_t i = 0; i < statement->place_count; i++) {
        append_place(out_text, i, &statement->places[i]);
    }
}

/* Comparing --------------------------------------------------------------------------------- */

/* The place of a member; what somebody else wrote may be anything. */
static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char letter = (char)(text.data[i] | 0x20);
        bool digit = text.data[i] >= '0' && text.data[i] <= '9';
        if (!digit && text.data[i] != '.' && (letter < 'a' || letter > 'z')) {
            return false;
        }
    }
    return text.len > 0 && text.len <= NAME_BYTES_MAX;
}

/* The lines differ. So do their names where one of the texts has a line more: what was signed
 * counts. */
static enum status tell_difference(struct str said, struct str was_signed, struct error *err)
{
    struct str name = str_split(&was_signed, ' ');
    name = is_name(name) ? name : str_split(&said, ' ');
    name = is_name(name) ? name : STR("signed");
    return error_set(err, STATUS_INVALID, 0,
                     "the receipt was changed: its %.*s is not what was signed", STR_FORMAT(name));
}

static enum status find_difference(struct str said, struct str was_signed, struct error *err)
{
    if (!str_equal(str_split(&was_signed, '\n'), str_split(&said, '\n'))) {
        return error_set(err, STATUS_INVALID, 0,
                         "what was signed is no text of an erasure of version 1, the only one that "
                         "this program knows");
    }
    while (said.len > 0 || was_signed.len > 0) {
        struct str said_line = str_split(&said, '\n');
        struct str signed_line = str_split(&was_signed, '\n');
        if (!str_equal(said_line, signed_line)) {
            return tell_difference(said_line, signed_line, err);
        }
    }
    return error_set(err, STATUS_INVALID, 0, "what was signed does not end with its last line");
}

static enum status compare(struct str said, struct str was_signed, struct error *err)
{
    return str_equal(said, was_signed) ? STATUS_OK : find_difference(said, was_signed, err);
}

enum status erasure_statement_compare(const struct erasure_statement *statement,
                                      struct str signed_text, struct error *err)
{
    struct buffer text;
    buffer_init(&text, STATEMENT_BYTES_MAX);
    erasure_statement_append(statement, &text);
    enum status status =
        text.failed != STATUS_OK
            ? error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to read a receipt")
            : compare(buffer_str(&text), signed_text, err);
    buffer_deinit(&text);
    return status;
}
