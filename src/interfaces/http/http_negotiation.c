#include "interfaces/http/http_negotiation.h"

/* "q=0", "q=0.0", "q=0.00" and "q=0.000". */
static bool has_weight_zero(struct str parameters)
{
    while (parameters.data != NULL) {
        struct str value = str_trim(str_split(&parameters, ';'));
        struct str name = str_trim(str_split(&value, '='));
        value = str_trim(value);
        if (!str_equal_ignoring_case(name, STR("q"))) {
            continue;
        }
        for (size_t i = 0; i < value.len; i++) {
            if (value.data[i] >= '1' && value.data[i] <= '9') {
                return false;
            }
        }
        return true;
    }
    return false;
}

bool http_accepts_gzip(struct str accept_encoding)
{
    bool any = false;
    while (accept_encoding.data != NULL) {
        struct str parameters = str_split(&accept_encoding, ',');
        struct str coding = str_trim(str_split(&parameters, ';'));
        bool accepted = !has_weight_zero(parameters);
        if (str_equal_ignoring_case(coding, STR("gzip")) ||
            str_equal_ignoring_case(coding, STR("x-gzip"))) {
            return accepted;
        }
        any = any || (accepted && str_equal(coding, STR("*")));
    }
    return any;
}

static struct str without_weakness(struct str tag)
{
    return str_starts_with(tag, STR("W/")) ? (struct str){tag.data + 2, tag.len - 2} : tag;
}

bool http_etag_matches(struct str if_none_match, struct str etag)
{
    struct str wanted = without_weakness(etag);
    while (if_none_match.data != NULL) {
        struct str tag = str_trim(str_split(&if_none_match, ','));
        if (str_equal(tag, STR("*")) || str_equal(without_weakness(tag), wanted)) {
            return true;
        }
    }
    return false;
}
