#include "infrastructure/activity_store_local/checkpoint.h"

#include "base/base64url.h"
#include "base/timestamp.h"

#define ORIGIN         STR("usertrail.store/")
#define TIME           STR("time ")
#define SIGNATURE_MARK STR("\xe2\x80\x94 ") /* U+2014 and a space */

enum { SIGNATURE_BYTES = NOTE_KEY_ID_BYTES + ED25519_SIGNATURE_BYTES };

bool checkpoint_name_is_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] <= ' ' || name.data[i] > '~' || name.data[i] == '+') {
            return false;
        }
    }
    return name.len > 0 && name.len <= NOTE_KEY_NAME_BYTES_MAX;
}

enum status checkpoint_signer_init(struct checkpoint_signer *signer, const char *key_file,
                                   const char *name, struct error *err)
{
    struct checkpoint_signer made = {.name = str_from(name)};
    if (!checkpoint_name_is_valid(made.name)) {
        return error_set(err, STATUS_INVALID, 0,
                         "the name in checkpoints must be 1 to %d visible ASCII characters without "
                         "\"+\"",
                         NOTE_KEY_NAME_BYTES_MAX);
    }
    if (key_file[0] != '\0') {
        enum status status = ed25519_key_load(key_file, &made.key, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    *signer = made;
    return STATUS_OK;
}

void checkpoint_signer_deinit(struct checkpoint_signer *signer)
{
    ed25519_key_free(signer->key);
    *signer = (struct checkpoint_signer){0};
}

/* Writing ----------------------------------------------------------------------------------- */

static void append_text(struct uuid store_id, const struct chain_end *end, int64_t time_ms,
                        struct buffer *out_text)
{
    char uuid[UUID_TEXT_BYTES];
    char time[TIMESTAMP_TEXT_BYTES];
    uuid_format(store_id, uuid);
    timestamp_format(time_ms, time);
    buffer_append_str(out_text, ORIGIN);
    buffer_append(out_text, uuid, sizeof uuid);
    buffer_append_char(out_text, '\n');
    buffer_append_u64(out_text, end->records);
    buffer_append_char(out_text, '\n');
    base64_encode(end->hash, sizeof end->hash, out_text);
    buffer_append_char(out_text, '\n');
    buffer_append_str(out_text, TIME);
    buffer_append(out_text, time, sizeof time);
    buffer_append_char(out_text, '\n');
}

enum status checkpoint_signer_sign(const struct checkpoint_signer *signer, struct uuid store_id,
                                   const struct chain_end *end, int64_t time_ms,
                                   struct buffer *out_text)
{
    uint8_t signature[SIGNATURE_BYTES];
    size_t begin = out_text->len;
    append_text(store_id, end, time_ms, out_text);
    if (out_text->failed != STATUS_OK) {
        return out_text->failed;
    }
    enum status status = note_key_id(signer->name, ed25519_key_public(signer->key), signature);
    if (status == STATUS_OK) {
        status = ed25519_sign(signer->key, out_text->data + begin, out_text->len - begin,
                              signature + NOTE_KEY_ID_BYTES);
    }
    if (status != STATUS_OK) {
        return status;
    }
    buffer_append_char(out_text, '\n');
    buffer_append_str(out_text, SIGNATURE_MARK);
    buffer_append_str(out_text, signer->name);
    buffer_append_char(out_text, ' ');
    base64_encode(signature, sizeof signature, out_text);
    buffer_append_char(out_text, '\n');
    return out_text->failed;
}

/* Reading ----------------------------------------------------------------------------------- */

/* Takes one line off the front, which must end with a newline. */
static bool take_line(struct str *rest, struct str *out_line)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->data, '\n', rest->len);
    if (end == NULL) {
        return false;
    }
    out_line->data = rest->data;
    out_line->len = (size_t)(end - rest->data);
    rest->data = end + 1;
    rest->len -= out_line->len + 1;
    return true;
}

static struct str without(struct str line, struct str prefix)
{
    return (struct str){line.data + prefix.len, line.len - prefix.len};
}

static bool read_origin(struct str line, struct uuid *out_store_id)
{
    return str_starts_with(line, ORIGIN) && uuid_parse(without(line, ORIGIN), out_store_id);
}

static bool read_records(struct str line, uint64_t *out_records)
{
    unsigned long long records;
    if (!str_parse_u64(line, UINT64_MAX, &records) || (line.data[0] == '0' && line.len > 1)) {
        return false;
    }
    *out_records = records;
    return true;
}

static bool read_hash(struct str line, uint8_t out_hash[SHA256_BYTES])
{
    size_t len;
    return base64_decode(line, out_hash, SHA256_BYTES, &len) && len == SHA256_BYTES;
}

/* Only the text that would be written is read. */
static bool read_time(struct str line, int64_t *out_time_ms)
{
    char again[TIMESTAMP_TEXT_BYTES];
    if (!str_starts_with(line, TIME) || !timestamp_parse(without(line, TIME), out_time_ms)) {
        return false;
    }
    timestamp_format(*out_time_ms, again);
    return str_equal(without(line, TIME), (struct str){again, sizeof again});
}

static bool read_signature(struct str line, struct checkpoint_signature *out_signature)
{
    uint8_t decoded[CHECKPOINT_BYTES_MAX];
    size_t len;
    if (!str_starts_with(line, SIGNATURE_MARK)) {
        return false;
    }
    struct str base64 = without(line, SIGNATURE_MARK);
    struct str name = str_split(&base64, ' ');
    if (!checkpoint_name_is_valid(name) || !base64_decode(base64, decoded, sizeof decoded, &len) ||
        len <= NOTE_KEY_ID_BYTES) {
        return false;
    }
    *out_signature = (struct checkpoint_signature){.name = name, .base64 = base64};
    return true;
}

static enum status wrong(const char *what, struct error *err)
{
    return error_set(err, STATUS_INVALID, 0, "this is no checkpoint: %s", what);
}

/* What is wrong with the lines up to the empty one, or NULL. */
static const char *read_text(struct str *rest, struct checkpoint *checkpoint)
{
    struct str line;
    const char *begin = rest->data;
    if (!take_line(rest, &line) || !read_origin(line, &checkpoint->store_id)) {
        return "the first line is not usertrail.store/ and the id of a store";
    }
    if (!take_line(rest, &line) || !read_records(line, &checkpoint->records)) {
        return "the second line is not a number of records";
    }
    if (!take_line(rest, &line) || !read_hash(line, checkpoint->hash)) {
        return "the third line is not a hash in base64";
    }
    if (!take_line(rest, &line) || !read_time(line, &checkpoint->time_ms)) {
        return "the fourth line is not its time";
    }
    checkpoint->signed_text = (struct str){begin, (size_t)(rest->data - begin)};
    if (!take_line(rest, &line) || line.len != 0) {
        return "the fifth line is not empty";
    }
    return NULL;
}

static const char *read_signatures(struct str *rest, struct checkpoint *checkpoint)
{
    do {
        struct str line;
        if (checkpoint->signature_count == CHECKPOINT_SIGNATURES_MAX) {
            return "it has too many signatures";
        }
        if (!take_line(rest, &line) ||
            !read_signature(line, &checkpoint->signatures[checkpoint->signature_count])) {
            return "a line below the empty one is not a signature";
        }
        checkpoint->signature_count++;
    } while (rest->len > 0);
    return NULL;
}

enum status checkpoint_parse(struct str text, struct checkpoint *out_checkpoint, struct error *err)
{
    struct checkpoint checkpoint = {0};
    if (text.len > CHECKPOINT_BYTES_MAX) {
        return wrong("it is too long", err);
    }
    const char *problem = read_text(&text, &checkpoint);
    if (problem == NULL) {
        problem = read_signatures(&text, &checkpoint);
    }
    if (problem != NULL) {
        return wrong(problem, err);
    }
    *out_checkpoint = checkpoint;
    return STATUS_OK;
}

/* Verifying --------------------------------------------------------------------------------- */

/* NOT_FOUND: the signature is by another key. INVALID: it says that it is by this one. */
static enum status verify(const struct checkpoint_signature *signature, struct str text,
                          const struct ed25519_public_key *key)
{
    uint8_t bytes[SIGNATURE_BYTES];
    uint8_t id[NOTE_KEY_ID_BYTES];
    size_t len;
    if (!base64_decode(signature->base64, bytes, sizeof bytes, &len) || len != sizeof bytes) {
        return STATUS_NOT_FOUND;
    }
    enum status status = note_key_id(signature->name, key, id);
    if (status != STATUS_OK) {
        return status;
    }
    if (memcmp(id, bytes, sizeof id) != 0) {
        return STATUS_NOT_FOUND;
    }
    return ed25519_verify(key, text.data, text.len, bytes + NOTE_KEY_ID_BYTES);
}

enum status checkpoint_verify_signature(const struct checkpoint *checkpoint,
                                        const struct ed25519_public_key *key, struct error *err)
{
    bool signed_by_key = false;
    for (size_t i = 0; i < checkpoint->signature_count; i++) {
        enum status status = verify(&checkpoint->signatures[i], checkpoint->signed_text, key);
        if (status == STATUS_INVALID) {
            return error_set(err, status, 0,
                             "the signature of the checkpoint is not that of its text; one of them "
                             "was changed");
        }
        if (status == STATUS_NO_MEMORY) {
            return error_set(err, status, 0, "there is no memory to verify a signature");
        }
        signed_by_key = signed_by_key || status == STATUS_OK;
    }
    return signed_by_key
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0, "the checkpoint is not signed with this key");
}
