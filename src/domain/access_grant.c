#include "domain/access_grant.h"

#include "base/assert.h"

#include <stdio.h>

static const struct {
    const char *name;
    enum access_scope scope;
} scopes_by_name[] = {
    {"write", ACCESS_WRITE},
    {"read", ACCESS_READ},
    {"admin", ACCESS_ADMIN},
    {"erase", ACCESS_ERASE},
};

const struct access_grant access_grant_anybody = {.scopes = ACCESS_WRITE | ACCESS_READ |
                                                            ACCESS_ADMIN | ACCESS_ERASE};

static unsigned scope_of(struct str name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(scopes_by_name); i++) {
        if (str_equal(name, str_from(scopes_by_name[i].name))) {
            return scopes_by_name[i].scope;
        }
    }
    return 0;
}

bool access_scopes_parse(struct str text, unsigned *out_scopes)
{
    unsigned scopes = 0;
    while (text.data != NULL) {
        unsigned scope = scope_of(str_split(&text, ','));
        if (scope == 0 || (scopes & scope) != 0) {
            return false;
        }
        scopes |= scope;
    }
    *out_scopes = scopes;
    return scopes != 0;
}

void access_scopes_format(unsigned scopes, char out_text[ACCESS_SCOPES_TEXT_BYTES])
{
    size_t used = 0;
    out_text[0] = '\0';
    for (size_t i = 0; i < ARRAY_LENGTH(scopes_by_name); i++) {
        if ((scopes & scopes_by_name[i].scope) != 0) {
            int len = snprintf(out_text + used, ACCESS_SCOPES_TEXT_BYTES - used, "%s%s",
                               used == 0 ? "" : ",", scopes_by_name[i].name);
            used += (size_t)len;
        }
    }
}

const char *access_scope_name(enum access_scope scope)
{
    for (size_t i = 0; i < ARRAY_LENGTH(scopes_by_name); i++) {
        if (scopes_by_name[i].scope == scope) {
            return scopes_by_name[i].name;
        }
    }
    ASSERT(false);
    return NULL;
}

bool access_name_is_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool digit = c >= '0' && c <= '9';
        if (!letter && !digit && c != '.' && c != '_' && (c != '-' || i == 0)) {
            return false;
        }
    }
    return name.len > 0 && name.len <= ACCESS_NAME_BYTES_MAX;
}

/* Where the user stands or would stand. */
static size_t place_of(const struct str *users, size_t count, struct str user_id)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_compare(users[middle], user_id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

enum status access_users_add(struct str *users, size_t *count, struct str user_id)
{
    size_t place = place_of(users, *count, user_id);
    if (place < *count && str_equal(users[place], user_id)) {
        return STATUS_OK;
    }
    if (*count == ACCESS_USERS_MAX) {
        return STATUS_TOO_LARGE;
    }
    memmove(&users[place + 1], &users[place], (*count - place) * sizeof *users);
    users[place] = user_id;
    *count += 1;
    return STATUS_OK;
}

bool access_grant_covers_user(const struct access_grant *grant, struct str user_id)
{
    if (grant->user_count == 0) {
        return true;
    }
    size_t place = place_of(grant->users, grant->user_count, user_id);
    return place < grant->user_count && str_equal(grant->users[place], user_id);
}

bool access_grant_has_same_users(const struct access_grant *one, const struct access_grant *other)
{
    bool same = one->user_count == other->user_count;
    for (size_t i = 0; same && i < one->user_count; i++) {
        same = str_equal(one->users[i], other->users[i]);
    }
    return same;
}

static struct str *copy_users(struct arena *arena, const struct access_grant *from)
{
    struct str *users = arena_allocate(arena, from->user_count * sizeof *users);
    for (size_t i = 0; users != NULL && i < from->user_count; i++) {
        users[i] = arena_copy_str(arena, from->users[i]);
        if (users[i].data == NULL) {
            return NULL;
        }
    }
    return users;
}

bool access_grant_copy(struct arena *arena, const struct access_grant *from,
                       struct access_grant *out_copy)
{
    struct access_grant copy = *from;
    copy.name = arena_copy_str(arena, from->name);
    copy.users = from->user_count == 0 ? NULL : copy_users(arena, from);
    if (copy.name.data == NULL || (copy.users == NULL && copy.user_count > 0)) {
        return false;
    }
    *out_copy = copy;
    return true;
}

bool access_grant_narrow(const struct access_grant *grant, struct str *user_ids, size_t *count,
                         struct str *out_refused)
{
    for (size_t i = 0; i < *count; i++) {
        if (!access_grant_covers_user(grant, user_ids[i])) {
            *out_refused = user_ids[i];
            return false;
        }
    }
    if (*count == 0 && grant->user_count > 0) {
        memcpy(user_ids, grant->users, grant->user_count * sizeof *user_ids);
        *count = grant->user_count;
    }
    return true;
}
