#include "application/access_control.h"

#include "base/clock.h"

/* The link's user is the grant's only one. */
static enum status identify_viewer(const struct access_control *control,
                                   const struct access_credential *credential, struct arena *arena,
                                   struct access_grant *out_grant)
{
    struct viewer_link link;
    if (control->links == NULL) {
        return STATUS_NOT_FOUND;
    }
    enum status status =
        viewer_links_check(control->links, credential->reader, credential->text, arena, &link);
    if (status == STATUS_OK &&
        link.expires_at_s <= credential->now_ms / (int64_t)MILLISECONDS_PER_SECOND) {
        return STATUS_NOT_FOUND;
    }
    struct str *user = status == STATUS_OK ? arena_allocate(arena, sizeof *user) : NULL;
    if (user == NULL) {
        return status == STATUS_OK ? STATUS_NO_MEMORY : status;
    }
    *user = link.user_id;
    *out_grant = (struct access_grant){.name = STR("link"),
                                       .scopes = ACCESS_READ,
                                       .is_link = true,
                                       .users = user,
                                       .user_count = 1};
    return STATUS_OK;
}

enum status access_control_identify(const struct access_control *control,
                                    const struct access_credential *credential, struct arena *arena,
                                    struct access_grant *out_grant)
{
    if (str_starts_with(credential->text, STR(VIEWER_LINK_PREFIX))) {
        return identify_viewer(control, credential, arena, out_grant);
    }
    return key_ring_find(control->keys, credential->reader, credential->text, arena, out_grant);
}

enum access_verdict access_control_decide(const struct access_grant *grant,
                                          const struct access_need *need)
{
    if (grant->is_link && !need->is_for_viewers) {
        return ACCESS_NOT_FOR_VIEWERS;
    }
    if (need->scopes == 0 || (grant->scopes & need->scopes) != need->scopes) {
        return ACCESS_LACKS_SCOPE;
    }
    return grant->user_count > 0 && !need->limits_users ? ACCESS_LIMITED_TO_USERS : ACCESS_GRANTED;
}
