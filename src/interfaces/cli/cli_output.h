#pragma once
/*
 * Where a command's lines go: to a terminal, where nothing of what users stored may be obeyed, or
 * to a pipe or file, which gets it to the letter. Whoever reads a pipe may go away: the process
 * then ends by SIGPIPE without a word, as others do, whatever it was started with. One thread.
 */
#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>

struct cli_output {
    FILE *stream;
    const char *name; /* for messages */
    bool is_terminal;
    bool colours;
    unsigned columns; /* 0: not known */
    struct buffer shown;
};

/* Both are borrowed. */
void cli_output_init(struct cli_output *output, FILE *stream, const char *name);
#define CLI_STANDARD_OUTPUT stdout, "standard output"
void cli_output_deinit(struct cli_output *output);

/* Whole lines with their ends. UNAVAILABLE, NO_SPACE, NO_MEMORY. */
MUST_USE enum status cli_output_write(struct cli_output *output, struct str lines,
                                      struct error *err);

/* Lines that hold nothing but what may be shown, maybe with colours. */
MUST_USE enum status cli_output_write_shown(struct cli_output *output, struct str lines,
                                            struct error *err);

/* Whatever was written is on its way. */
MUST_USE enum status cli_output_flush(struct cli_output *output, struct error *err);

/* Whether nobody reads any more, as far as that can be known without writing. */
bool cli_output_is_abandoned(const struct cli_output *output);

/* "usertrail: …" on stderr for people; nothing of it is obeyed by a terminal. */
PRINTF_LIKE(1, 2) void cli_tell(const char *format, ...);
