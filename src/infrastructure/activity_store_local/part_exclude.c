#include "infrastructure/activity_store_local/part_exclude.h"

/* Puts one user more into the set, unless nobody sees the user's rows anyway. */
static enum status add_user(const struct hidden_users *already, const struct part_user *user,
                            struct hidden_users **set, struct error *err)
{
    const struct hidden_users *before = *set == NULL ? already : *set;
    if (hidden_users_contain(before, user->number)) {
        return STATUS_OK;
    }
    struct hidden_users *made = hidden_users_with(
        before, (struct hidden_user){.number = user->number, .rows = user->found.count});
    if (made == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for users to leave out");
    }
    hidden_users_unref(*set);
    *set = made;
    return STATUS_OK;
}

static enum status find_and_add(struct part_view *view, const struct part_question *question,
                                struct str text, struct hidden_users **set, struct error *err)
{
    struct part_user user;
    enum status status = activity_store_check_deadline(question->clock, question->deadline_ns, err);
    if (status == STATUS_OK) {
        status = part_view_find_user(view, text, &user, err);
    }
    if (status == STATUS_OK) {
        status = add_user(question->hidden, &user, set, err);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status part_exclude_users(struct part_view *view, struct part_question *question,
                               struct hidden_users **out_hidden, struct error *err)
{
    CLEANUP(hidden_users_unref) struct hidden_users *set = NULL;
    const struct activity_exclusions *excluded = &question->filter->excluded;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < excluded->user_ids.count; i++) {
        status = find_and_add(view, question, excluded->user_ids.items[i], &set, err);
    }
    *out_hidden = NULL;
    if (status == STATUS_OK && set != NULL) {
        question->hidden = set;
        *out_hidden = TAKE(set);
    }
    return status;
}
