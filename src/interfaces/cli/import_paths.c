#include "interfaces/cli/import_paths.h"

#include "application/import_state.h"
#include "interfaces/cli/import_errors.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* What a name stands for: a file, whatever its other names are, or one that is not there yet. */
struct place {
    dev_t device;
    ino_t inode;      /* of the file, or of the folder that it would be made in */
    const char *name; /* in that folder; NULL: the file is there */
};

static struct place place_of(const char *path)
{
    struct stat found;
    char folder[IMPORT_PATH_BYTES + sizeof IMPORT_STATE_DRAFT];
    if (stat(path, &found) == 0) {
        return (struct place){.device = found.st_dev, .inode = found.st_ino};
    }
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    snprintf(folder, sizeof folder, "%.*s", (int)(name - path), path);
    if (stat(slash == NULL ? "." : folder, &found) != 0) {
        return (struct place){.name = path}; /* nothing can be made there */
    }
    return (struct place){.device = found.st_dev, .inode = found.st_ino, .name = name};
}

static bool same_place(const struct place *a, const struct place *b)
{
    return a->device == b->device && a->inode == b->inode &&
           (a->name == NULL) == (b->name == NULL) &&
           (a->name == NULL || strcmp(a->name, b->name) == 0);
}

/* Devices and pipes may be both, as a terminal is. */
static bool is_input(const struct import_input *input, const struct place *place)
{
    struct stat found;
    return fstat(input->descriptor, &found) == 0 && S_ISREG(found.st_mode) &&
           same_place(place, &(struct place){.device = found.st_dev, .inode = found.st_ino});
}

static enum status set_path(const char *given, const char *base, const char *end,
                            char out_path[IMPORT_PATH_BYTES])
{
    int len = given != NULL ? snprintf(out_path, IMPORT_PATH_BYTES, "%s", given)
                            : snprintf(out_path, IMPORT_PATH_BYTES, "%s%s", base, end);
    return len > 0 && len < IMPORT_PATH_BYTES ? STATUS_OK : STATUS_INVALID;
}

static enum status set_both(const struct import_arguments *arguments,
                            const struct import_input *input, struct import_paths *paths,
                            struct error *err)
{
    const bool standard = strcmp(arguments->input, "-") == 0;
    if (!input->regular && arguments->state != NULL) {
        return error_set(err, STATUS_INVALID, 0,
                         "--state needs a file as input: what comes once cannot go on later");
    }
    enum status status =
        set_path(arguments->errors, standard ? "" : arguments->input,
                 standard ? "import-errors.ndjson" : ".import-errors.ndjson", paths->errors);
    if (status == STATUS_OK && input->regular) {
        status = set_path(arguments->state, arguments->input, ".import-state", paths->state);
    }
    return status == STATUS_OK ? STATUS_OK
                               : error_set(err, status, 0, "the name of a file is too long");
}

/* A state is replaced by way of its draft, so that the draft's name counts, too. */
static enum status check_state(const struct import_paths *paths, const struct import_input *input,
                               struct error *err)
{
    struct stat found;
    char draft[IMPORT_PATH_BYTES + sizeof IMPORT_STATE_DRAFT];
    snprintf(draft, sizeof draft, "%s" IMPORT_STATE_DRAFT, paths->state);
    const struct place state = place_of(paths->state);
    const struct place of_draft = place_of(draft);
    const struct place errors = place_of(paths->errors);
    if (stat(paths->state, &found) == 0 && !S_ISREG(found.st_mode)) {
        return error_set(err, STATUS_INVALID, 0,
                         "%.60s is no ordinary file; name one by --state that keeps how far the "
                         "import came",
                         paths->state);
    }
    if (is_input(input, &state) || is_input(input, &of_draft)) {
        return error_set(err, STATUS_INVALID, 0,
                         "%.60s would be written over the input; name another file by --state",
                         paths->state);
    }
    return same_place(&errors, &state) || same_place(&errors, &of_draft)
               ? error_set(err, STATUS_INVALID, 0,
                           "--state and --errors would be written to the same file, %.60s",
                           paths->errors)
               : STATUS_OK;
}

static enum status check_errors(const struct import_arguments *arguments,
                                const struct import_paths *paths, const struct import_input *input,
                                struct error *err)
{
    struct stat found;
    const struct place errors = place_of(paths->errors);
    if (is_input(input, &errors)) {
        return error_set(err, STATUS_INVALID, 0,
                         "%.60s would be written over the input; name another file by --errors",
                         paths->errors);
    }
    bool goes_on = paths->state[0] != '\0' && stat(paths->state, &found) == 0;
    return import_errors_check(paths->errors, arguments->errors != NULL && !goes_on, err);
}

enum status import_paths_set(const struct import_arguments *arguments,
                             const struct import_input *input, struct import_paths *out_paths,
                             struct error *err)
{
    struct import_paths paths = {0};
    enum status status = set_both(arguments, input, &paths, err);
    if (status == STATUS_OK && paths.state[0] != '\0') {
        status = check_state(&paths, input, err);
    }
    if (status == STATUS_OK) {
        status = check_errors(arguments, &paths, input, err);
    }
    if (status == STATUS_OK) {
        *out_paths = paths;
    }
    return status;
}
