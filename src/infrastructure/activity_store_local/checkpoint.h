#pragma once
/*
 * A checkpoint: what somebody else keeps, so that a chain which was made anew or cut can be told
 * from the one it was. A text in the form of a C2SP signed note (https://c2sp.org/signed-note),
 * its lines as in https://c2sp.org/tlog-checkpoint:
 *
 *     usertrail.store/<id of the store>
 *     <how many records the chain has, in decimal>
 *     <the hash of the last one, base64>
 *     time <when, ISO 8601 in UTC with milliseconds>
 *     <an empty line>
 *     — <name of the key> <base64: id of the key 4, signature 64>
 *
 * Each line ends with a newline. The signature is Ed25519 over the first four lines; the id of the
 * key is the beginning of SHA-256(name, 0x0A, 0x01, public key). Others may add signatures of their
 * own below, as witnesses do; those that are not by the key in question are passed over. The hash
 * is that of a chain of records (chain_format.h), not of the tree of RFC 6962, so that only a
 * program that knows this chain can check more than the signature. Any thread.
 */
#include "infrastructure/activity_store_local/chain_format.h"
#include "infrastructure/crypto/note_key.h"

enum { CHECKPOINT_BYTES_MAX = 16 * 1024, CHECKPOINT_SIGNATURES_MAX = 16 };

/* Whose signature it is. */
struct checkpoint_signer {
    struct ed25519_key *key; /* owned; NULL: nothing is signed */
    struct str name;         /* borrowed; checkpoint_name_is_valid */
};

struct checkpoint_signature {
    struct str name;
    struct str base64;
};

/* Its texts lie in the text that was read. */
struct checkpoint {
    struct uuid store_id;
    uint64_t records;
    uint8_t hash[SHA256_BYTES];
    int64_t time_ms;
    struct str signed_text;
    struct checkpoint_signature signatures[CHECKPOINT_SIGNATURES_MAX];
    size_t signature_count; /* at least 1 */
};

/* 1 to NOTE_KEY_NAME_BYTES_MAX visible ASCII characters without "+". */
bool checkpoint_name_is_valid(struct str name);

/* With the private key in `key_file` (ed25519_key_load says what may be wrong with it), or without
 * one when that is empty. INVALID, too, when the name is not valid; it must outlive the signer. On
 * failure there is nothing to free. */
MUST_USE enum status checkpoint_signer_init(struct checkpoint_signer *signer, const char *key_file,
                                            const char *name, struct error *err);
void checkpoint_signer_deinit(struct checkpoint_signer *signer);

/* Appends the checkpoint of a chain that ends so; `time_ms` as in base/timestamp.h. The signer
 * must have a key. NO_MEMORY, or TOO_LARGE when the buffer may not hold it. */
MUST_USE enum status checkpoint_signer_sign(const struct checkpoint_signer *signer,
                                            struct uuid store_id, const struct chain_end *end,
                                            int64_t time_ms, struct buffer *out_text);

/* Reads a checkpoint, believing nobody: INVALID says which line is wrong. Looks at no signature. */
MUST_USE enum status checkpoint_parse(struct str text, struct checkpoint *out_checkpoint,
                                      struct error *err);

/* INVALID: none of the signatures is by this key, or one that says so is not. NO_MEMORY. */
MUST_USE enum status checkpoint_verify_signature(const struct checkpoint *checkpoint,
                                                 const struct ed25519_public_key *key,
                                                 struct error *err);
