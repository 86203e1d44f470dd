#include "interfaces/api/api_credential.h"

#include "base/base64url.h"

/* The first of several spaces ends the scheme. */
static struct str take_scheme(struct str *rest)
{
    struct str scheme = str_split(rest, ' ');
    *rest = rest->data == NULL ? (struct str){0} : str_trim(*rest);
    return scheme;
}

/* Everything behind the first colon: user names have none. */
static bool read_basic(struct str base64, char scratch[API_CREDENTIAL_BYTES_MAX],
                       struct str *out_credential)
{
    size_t len;
    if (!base64_decode(base64, scratch, API_CREDENTIAL_BYTES_MAX, &len)) {
        return false;
    }
    struct str password = {scratch, len};
    (void)str_split(&password, ':');
    *out_credential = password;
    return password.data != NULL;
}

bool api_credential_read(struct str authorization, char scratch[API_CREDENTIAL_BYTES_MAX],
                         struct str *out_credential)
{
    if (authorization.data == NULL) {
        return false;
    }
    struct str rest = authorization;
    struct str scheme = take_scheme(&rest);
    if (rest.len == 0 || rest.len > API_CREDENTIAL_BYTES_MAX * 2) {
        return false;
    }
    if (str_equal_ignoring_case(scheme, STR("Bearer"))) {
        *out_credential = rest;
        return true;
    }
    return str_equal_ignoring_case(scheme, STR("Basic")) &&
           read_basic(rest, scratch, out_credential);
}

static bool is_token(struct str pair)
{
    return str_starts_with(pair, STR("token="));
}

struct str api_credential_token(struct str query)
{
    while (query.data != NULL) {
        struct str pair = str_split(&query, '&');
        if (is_token(pair)) {
            (void)str_split(&pair, '=');
            return pair;
        }
    }
    return (struct str){0};
}

bool api_credential_without_token(struct str query, struct arena *arena, struct str *out_query)
{
    char *text = arena_allocate(arena, query.len + 1);
    size_t len = 0;
    if (text == NULL) {
        return false;
    }
    while (query.data != NULL) {
        struct str pair = str_split(&query, '&');
        if (pair.len == 0 || is_token(pair)) {
            continue;
        }
        if (len > 0) {
            text[len++] = '&';
        }
        memcpy(text + len, pair.data, pair.len);
        len += pair.len;
    }
    *out_query = len == 0 ? (struct str){0} : (struct str){text, len};
    return true;
}
