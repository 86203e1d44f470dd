#include "interfaces/api/api_limits.h"

#include "interfaces/api/api_private.h"

#include <stdio.h>

enum { DIGITS_MAX = 20 };

static const struct api_access_config *config_of(const struct api_call *call)
{
    return &call->api->config.access;
}

/* --- fields --- */

static char *append_text(char *end, struct str text)
{
    memcpy(end, text.data, text.len);
    return end + text.len;
}

/* This is done for each request, and printf takes several times as long. */
static char *append_u64(char *end, uint64_t value)
{
    char digits[DIGITS_MAX];
    size_t first = DIGITS_MAX;
    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return append_text(end, (struct str){digits + first, DIGITS_MAX - first});
}

/* In how many seconds an empty bucket is full. */
static uint64_t window_s(const struct rate_limit *limit)
{
    return (limit->burst + limit->per_second - 1) / limit->per_second;
}

static char *append_policy(char *end, struct str name, const struct rate_limit *limit)
{
    end = append_text(end, name);
    end = append_u64(append_text(end, STR(";q=")), limit->burst);
    return append_u64(append_text(end, STR(";w=")), window_s(limit));
}

static char *append_standing(char *end, struct str name, const struct rate_standing *standing)
{
    end = append_text(end, name);
    end = append_u64(append_text(end, STR(";r=")), standing->remaining);
    return append_u64(append_text(end, STR(";t=")), standing->full_in_s);
}

static bool is_limited(const struct rate_standing *standing)
{
    return standing->limit.per_second > 0;
}

/* Bounded: two names, and numbers of at most 17 digits each by the limits of rate_limiter.h; those
 * of a policy have 10. */
void api_limits_tell(struct http_exchange *exchange, struct api_caller *caller)
{
    const struct rate_standing *address = &caller->address_standing;
    const struct rate_standing *key = &caller->key_standing;
    if (!is_limited(address) && !is_limited(key)) {
        return;
    }
    char *policy = caller->policy;
    char *end = caller->limits;
    if (is_limited(address)) {
        policy = append_policy(policy, STR("\"address\""), &address->limit);
        end = append_standing(end, STR("\"address\""), address);
    }
    if (is_limited(key)) {
        struct str comma = is_limited(address) ? STR(", ") : STR("");
        policy = append_policy(append_text(policy, comma), STR("\"key\""), &key->limit);
        end = append_standing(append_text(end, comma), STR("\"key\""), key);
    }
    http_exchange_put_field(exchange, STR("RateLimit-Policy"),
                            (struct str){caller->policy, (size_t)(policy - caller->policy)});
    http_exchange_put_field(exchange, STR("RateLimit"),
                            (struct str){caller->limits, (size_t)(end - caller->limits)});
}

/* --- refusals --- */

/* Whose bucket it was that had nothing left, and how long to wait. */
struct shortage {
    const char *whose;
    const struct rate_standing *standing;
};

static struct http_problem problem_of(const struct api_loop *loop, struct shortage shortage,
                                      char detail[API_LIMIT_DETAIL_BYTES])
{
    const struct rate_limit *limit = &shortage.standing->limit;
    uint64_t wait_s = shortage.standing->wait_s > 0 ? shortage.standing->wait_s : 1;
    counter_add(&((struct api_loop *)(uintptr_t)loop)->access.limited, 1);
    snprintf(detail, API_LIMIT_DETAIL_BYTES,
             "%s may send %llu activities or requests a second, %llu at once; wait %llu s",
             shortage.whose, (unsigned long long)limit->per_second,
             (unsigned long long)limit->burst, (unsigned long long)wait_s);
    struct http_problem problem = api_problem_make(API_PROBLEM_RATE_LIMITED, detail);
    problem.retry_after_s = (unsigned)wait_s;
    return problem;
}

static struct shortage of_address(const struct api_caller *caller)
{
    return (struct shortage){"your address", &caller->address_standing};
}

static struct shortage of_key(const struct api_caller *caller)
{
    return (struct shortage){"this key", &caller->key_standing};
}

static bool refuse(const struct api_call *call, struct api_caller *caller, struct shortage shortage)
{
    char detail[API_LIMIT_DETAIL_BYTES];
    struct http_problem problem = problem_of(api_call_loop(call), shortage, detail);
    api_limits_tell(call->exchange, caller);
    http_problem_respond(call->exchange, &problem, NULL);
    return false;
}

/* --- buckets --- */

static uint64_t load_u64(const uint8_t bytes[8])
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* Who has an address of IPv6 has its network, of which nobody needs more than one bucket. */
static struct rate_bucket bucket_of_address(struct http_peer peer)
{
    static const uint8_t four[12] = {[10] = 0xff, [11] = 0xff};
    bool is_four = memcmp(peer.bytes, four, sizeof four) == 0;
    return (struct rate_bucket){.high = load_u64(peer.bytes),
                                .low = is_four ? load_u64(peer.bytes + 8) : 0};
}

/* FNV-1a. */
static uint64_t hash_of(struct str text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* All links of one user have a bucket; keys have one each. */
static struct rate_bucket bucket_of_grant(const struct access_grant *grant)
{
    return (struct rate_bucket){.high = grant->is_link ? hash_of(grant->users[0]) : 0,
                                .low = hash_of(grant->name)};
}

bool api_limits_enter_address(const struct api_call *call, struct api_caller *caller,
                              uint64_t now_ns)
{
    const struct api_access_config *config = config_of(call);
    struct http_peer peer = http_exchange_peer(call->exchange);
    if (config->proxies != NULL && config->proxies->count > 0) {
        struct api_fields fields = api_call_fields(call);
        peer = client_address_of(config->proxies, &fields, peer);
    }
    caller->address = bucket_of_address(peer);
    if (rate_limiter_enter(config->address_limiter, caller->address, now_ns,
                           &caller->address_standing)) {
        return true;
    }
    return refuse(call, caller, of_address(caller));
}

bool api_limits_enter_key(const struct api_call *call, struct api_caller *caller, uint64_t now_ns)
{
    caller->key = bucket_of_grant(&caller->grant);
    if (rate_limiter_enter(config_of(call)->key_limiter, caller->key, now_ns,
                           &caller->key_standing)) {
        return true;
    }
    return refuse(call, caller, of_key(caller));
}

static bool is_charged(const struct api_caller *caller)
{
    return is_limited(&caller->address_standing) || is_limited(&caller->key_standing);
}

/* Both are asked before the client is told of one. A limit that began after the request came takes
 * no more of it, nor does one that ended meanwhile. */
static bool charge(const struct api *api, struct api_caller *caller, uint64_t tokens,
                   struct shortage *out_shortage)
{
    const struct api_access_config *config = &api->config.access;
    uint64_t now_ns = clock_monotonic_ns(api->config.clock);
    if (is_limited(&caller->address_standing) &&
        !rate_limiter_charge(config->address_limiter, caller->address, now_ns, tokens,
                             &caller->address_standing)) {
        *out_shortage = of_address(caller);
        return false;
    }
    if (is_limited(&caller->key_standing) &&
        !rate_limiter_charge(config->key_limiter, caller->key, now_ns, tokens,
                             &caller->key_standing)) {
        *out_shortage = of_key(caller);
        return false;
    }
    return true;
}

bool api_access_charges(const struct api_call *call, size_t activities)
{
    struct api_caller *caller = (struct api_caller *)(uintptr_t)call->caller;
    struct shortage shortage;
    if (activities <= 1 || !is_charged(caller)) {
        return true;
    }
    if (!charge(call->api, caller, activities - 1, &shortage)) {
        return refuse(call, caller, shortage);
    }
    api_limits_tell(call->exchange, caller);
    return true;
}

bool api_access_charges_lines(const struct api_loop *loop, const struct api_caller *who,
                              size_t lines, char detail[API_LIMIT_DETAIL_BYTES],
                              struct http_problem *out_problem)
{
    struct api_caller *caller = (struct api_caller *)(uintptr_t)who;
    struct shortage shortage;
    if (lines == 0 || !is_charged(caller) || charge(loop->api, caller, lines, &shortage)) {
        return true;
    }
    *out_problem = problem_of(loop, shortage, detail);
    return false;
}
