#pragma once
/*
 * The command that moves what a server left on this machine's disk into the event log that could
 * not be reached. main hands in how both are opened. One thread.
 */
#include "application/forward_activities.h"

struct forward_access {
    /* The spill in the data folder, for this process alone, and what of it waits: without what a
     * server moved. NOT_FOUND: there is none. BUSY: a server has it. */
    enum status (*open_spill)(const char *directory, struct event_log **out_log,
                              struct forward_waiting *out_waiting, struct error *err);
    /* Keeps in that spill, for whoever opens it next, that all below `offset` is moved. */
    enum status (*keep_moved)(int64_t offset, struct error *err);
    /* Whether something was found in that spill that cannot be read; lines of the log say where. */
    bool (*is_damaged)(struct event_log *spill);
    /* The log that the settings of serve name. INVALID: they cannot be meant, and only that. */
    enum status (*open_target)(const char *directory, int setting_count, char **settings,
                               struct event_log **out_log, struct error *err);
    /* Beside that spill, in its folder "set-aside": for what the log will never take. */
    struct forward_aside *aside;
    /* Whether signals asked for an end. */
    bool (*wants_stop)(void);
    const struct clock *clock;
    const struct random *random;
};

/* Takes the arguments behind the command's name and returns an exit code: 1 also when something is
 * left, was set aside or could not be noted, 3 when something could not be read. */
int command_forward(const struct forward_access *access, int argument_count, char **arguments);

extern const char command_forward_help[];
