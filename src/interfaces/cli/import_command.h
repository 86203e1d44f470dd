#pragma once
/*
 * The command that imports a file of activities into a data folder or a server. main hands in where
 * they go and how a state is kept. One thread.
 */
#include "application/import_state.h"

struct import_destination {
    const char *data_dir; /* this or `server`; the other is NULL */
    const char *server;
    const char *config;       /* of serve, for the folder; NULL: none */
    const char *api_key_file; /* that a server wants; NULL: the variable USERTRAIL_KEY, or none */
    const char *ca_file;      /* who vouches for a server; NULL: whom the system trusts */
    uint64_t give_up_ms;
    struct import_notices *notices;
};

struct import_access {
    /* Into the folder itself, or to the server that runs on it, or to the one that was named. BUSY:
     * another process has the folder, and nobody knows where it serves. INVALID: the settings, or
     * what was named cannot be meant; never the state of a folder. */
    enum status (*open)(const struct import_destination *destination,
                        struct import_target **out_target, struct error *err);
    /* Ends what open began, also for NULL; what was acknowledged becomes durable in the store. */
    enum status (*close)(struct import_target *target, struct error *err);
    /* What signals asked for since open. */
    enum import_wish (*wish)(void);
    /* As import_state_file.h. */
    enum status (*load_state)(const char *path, struct import_state *out_state, struct error *err);
    enum status (*save_state)(const char *path, const struct import_state *state,
                              struct error *err);
    enum status (*remove_state)(const char *path, struct error *err);
    const struct content_hash *hash;
    const struct clock *clock;
};

/* Takes the arguments behind the command's name and returns an exit code: 1 also when lines were
 * refused. */
int command_import(const struct import_access *access, int argument_count, char **arguments);

extern const char command_import_help[];
