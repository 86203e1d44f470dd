#pragma once
/*
 * Data folders that are looked into, whether a server runs on them or not, while nothing is written
 * into them: by verify, and by the commands of lookup_commands.h. main hands in how a folder is
 * opened. Each command takes the arguments behind its name and returns an exit code. One thread.
 */
#include "application/log_verification.h"
#include "application/signed_receipt.h"
#include "application/store_verification.h"
#include "domain/activity_store.h"

struct folder_access {
    /* The store in the data folder, for reading only. NOT_FOUND: there is none. */
    enum status (*open_store)(const char *directory, struct activity_store **out_store,
                              struct error *err);
    /* How many activities are in the folder's event log that the store does not cover. NOT_FOUND:
     * there is no log. */
    enum status (*count_waiting)(const char *directory, struct activity_store *store,
                                 uint64_t *out_count, struct error *err);
    /* As open_store fails; OK also when problems were found. */
    enum status (*verify_store)(const struct verification_request *request,
                                struct verification_listener *listener,
                                struct store_verification *out_found, struct error *err);
    /* NOT_FOUND: there is no log. OK also when problems were found. */
    enum status (*verify_log)(const char *directory, struct log_verification_listener *listener,
                              struct log_verification *out_found, struct error *err);
    /* INVALID: the key did not sign this receipt so, or one of the files is none. */
    enum status (*verify_signature)(const char *receipt_file, const char *public_key_file,
                                    struct verified_signature *out_verified, struct error *err);
};

int command_verify(const struct folder_access *access, int argument_count, char **arguments);

extern const char command_verify_help[];
