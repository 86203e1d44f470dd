#pragma once
/*
 * The two files that an import writes beside its destination: how far it came, and what was
 * refused. Neither may cost the user a file that is there. One thread.
 */
#include "interfaces/cli/import_arguments.h"
#include "interfaces/cli/import_input.h"

enum { IMPORT_PATH_BYTES = 1024 };

struct import_paths {
    char state[IMPORT_PATH_BYTES]; /* "": none, since what comes once cannot go on later */
    char errors[IMPORT_PATH_BYTES];
};

/* Those of the arguments, else names that follow from the input's. Touches no file. INVALID: one
 * of them is too long, is the input, is the other one, or is a file of another kind, whose content
 * would be lost. As import_errors_check else. */
MUST_USE enum status import_paths_set(const struct import_arguments *arguments,
                                      const struct import_input *input,
                                      struct import_paths *out_paths, struct error *err);
