#include "infrastructure/activity_store_local/left_out.h"

#include <stdlib.h>

/* Reading the hidden rows of one part. */
struct leaving {
    struct part_view *view;
    struct sha256 sha256;
    struct leaf_list *list;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to leave out erased activities");
}

static enum status add_row(struct leaving *leaving, uint32_t row, struct error *err)
{
    struct part_row found;
    struct placed_leaf leaf;
    enum status status = part_view_look(leaving->view, row, &found, err);
    if (status != STATUS_OK) {
        return status;
    }
    const struct part_footer *footer = part_footer(part_view_part(leaving->view));
    status = placed_leaf_make(&leaving->sha256, &found, &footer->sources[found.source], &leaf);
    if (status == STATUS_OK) {
        status = leaf_list_add(leaving->list, &leaf);
    }
    return status == STATUS_OK ? STATUS_OK : no_memory(err);
}

static enum status add_rows(struct leaving *leaving, const struct part_user *user,
                            struct error *err)
{
    uint32_t *rows = malloc(user->found.count * sizeof *rows);
    if (rows == NULL) {
        return no_memory(err);
    }
    enum status status = part_view_user_rows(leaving->view, user, rows, err);
    for (uint32_t i = 0; status == STATUS_OK && i < user->found.count; i++) {
        status = add_row(leaving, rows[i], err);
    }
    free(rows);
    return status;
}

static enum status add_user(struct leaving *leaving, uint32_t number, struct error *err)
{
    struct part_user user;
    enum status status = part_view_user(leaving->view, number, &user, err);
    return status == STATUS_OK ? add_rows(leaving, &user, err) : status;
}

static enum status add_part(struct leaving *leaving, const struct merge_part *part,
                            const atomic_bool *cancel, struct error *err)
{
    enum status status = part_view_new(part->part, &leaving->view, err);
    for (uint32_t i = 0; status == STATUS_OK && i < part->hidden->count; i++) {
        status = atomic_load(cancel) ? error_set(err, STATUS_BUSY, 0, "the merge was cancelled")
                                     : add_user(leaving, part->hidden->users[i].number, err);
    }
    part_view_free(leaving->view);
    leaving->view = NULL;
    return status;
}

enum status left_out_leaves(const struct merge_part *parts, size_t count, const atomic_bool *cancel,
                            struct leaf_list *list, struct error *err)
{
    struct leaving leaving = {.list = list};
    if (sha256_init(&leaving.sha256) != STATUS_OK) {
        return no_memory(err);
    }
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        if (parts[i].hidden != NULL) {
            status = add_part(&leaving, &parts[i], cancel, err);
        }
    }
    sha256_deinit(&leaving.sha256);
    return status;
}
