#pragma once
/*
 * The command that reads a Kafka topic again into the store. main hands in how log and store are
 * opened. One thread.
 */
#include "application/replay_activities.h"

/* Where a replay begins or ends: an offset of every partition, or a time. */
struct replay_border {
    bool given;
    bool is_time;
    int64_t value; /* offset, or milliseconds since 1970 */
};

struct replay_request {
    struct replay_border from; /* always given */
    struct replay_border to;   /* not given: as far as the topic goes now */
    struct replay_listener *listener;
    int argument_count; /* the settings of serve: the other arguments */
    char **arguments;
};

struct replay_access {
    /* Opens, replays and closes. INVALID: the settings only. Else as replay_activities_run. */
    enum status (*run)(const struct replay_request *request, struct replay_figures *out_figures,
                       enum replay_end *out_end, struct error *err);
    bool (*stop_wanted)(void); /* a signal came */
    const struct clock *clock;
};

/* "1234" is an offset, "2024-01-15T10:00:00Z" a time. INVALID: `err` says what to write for `name`.
 */
MUST_USE enum status replay_border_read(const char *name, const char *text,
                                        struct replay_border *out_border, struct error *err);

/* Takes the arguments behind the command's name and returns an exit code. */
int command_replay(const struct replay_access *access, int argument_count, char **arguments);

extern const char command_replay_help[];
