#include "generator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACTIONS = 50, AGENTS = 40, PATHS = 100000, TEXT_MAX = 80, JITTER_MS = 2000 };

struct text {
    char bytes[TEXT_MAX];
    size_t len;
};

// When an activity happens, and whose it is.
struct moment {
    int64_t unix_ms;
    uint32_t user;
};

struct generator {
    struct generator_config config;
    uint64_t random;
    double *user_shares; // running sums of 1/rank; NULL when users are drawn evenly
    double action_shares[ACTIONS];
    double *path_shares; // NULL when they are drawn evenly
    struct text actions[ACTIONS];
    struct text agents[AGENTS];
};

// SplitMix64 (Steele, Lea, Flood 2014).
static uint64_t scramble(uint64_t value)
{
    value += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

static uint64_t draw(struct generator *generator)
{
    generator->random += UINT64_C(0x9E3779B97F4A7C15);
    return scramble(generator->random);
}

static uint32_t draw_below(struct generator *generator, uint32_t limit)
{
    return (uint32_t)(((draw(generator) >> 32) * limit) >> 32);
}

static void fill_shares(double *shares, uint32_t count, double exponent)
{
    double sum = 0;
    for (uint32_t rank = 0; rank < count; rank++) {
        sum += pow(rank + 1, -exponent);
        shares[rank] = sum;
    }
}

// The first rank whose running sum exceeds a random share of the whole.
static uint32_t draw_rank(struct generator *generator, const double *shares, uint32_t count)
{
    double wanted = (double)(draw(generator) >> 11) * 0x1p-53 * shares[count - 1];
    uint32_t low = 0;
    uint32_t high = count - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (shares[middle] > wanted)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void name_actions(struct generator *generator)
{
    static const char *const verbs[] = {"VIEW",   "OPEN",  "CLICK", "SEARCH", "ADD",
                                        "REMOVE", "SHARE", "RATE",  "SAVE",   "PRINT"};
    static const char *const objects[] = {"PRODUCT", "PAGE", "CART", "ORDER", "ACCOUNT"};
    for (unsigned action = 0; action < ACTIONS; action++) {
        struct text *text = &generator->actions[action];
        text->len = (size_t)snprintf(text->bytes, TEXT_MAX, "%s_%s", verbs[action % 10],
                                     objects[action / 10]);
    }
}

static void name_agents(struct generator *generator)
{
    static const char *const browsers[] = {"Firefox", "Chrome", "Safari", "Edge", "Opera"};
    static const char *const systems[] = {"X11; Linux x86_64", "Windows NT 10.0", "Macintosh",
                                          "iPhone; iOS 17_2"};
    for (unsigned agent = 0; agent < AGENTS; agent++) {
        struct text *text = &generator->agents[agent];
        text->len = (size_t)snprintf(text->bytes, TEXT_MAX, "Mozilla/5.0 (%s) %s/%u.0",
                                     systems[agent % 4], browsers[agent % 5], 100 + agent);
    }
}

struct generator *generator_new(const struct generator_config *config)
{
    struct generator *generator = tool_allocate(1, sizeof *generator);
    generator->config = *config;
    generator->random = scramble(config->seed);
    fill_shares(generator->action_shares, ACTIONS, 1);
    if (!config->evenly) {
        generator->user_shares = tool_allocate(config->users, sizeof(double));
        fill_shares(generator->user_shares, config->users, 1);
    }
    if (config->history.step_ms > 0) {
        generator->path_shares = tool_allocate(PATHS, sizeof(double));
        fill_shares(generator->path_shares, PATHS, 0.8);
    }
    name_actions(generator);
    name_agents(generator);
    return generator;
}

void generator_free(struct generator *generator)
{
    if (generator == NULL)
        return;
    free(generator->user_shares);
    free(generator->path_shares);
    free(generator);
}

uint32_t generator_draw_user(struct generator *generator)
{
    if (generator->user_shares == NULL)
        return draw_below(generator, generator->config.users);
    return draw_rank(generator, generator->user_shares, generator->config.users);
}

static char *put(char *out, const void *bytes, size_t len)
{
    memcpy(out, bytes, len);
    return out + len;
}

#define PUT_LITERAL(out, literal) put((out), (literal), sizeof(literal) - 1)

// Writes 2026-01-14T23:58:05.442Z; the date by Howard Hinnant's days-to-civil algorithm.
static char *put_timestamp(char *out, int64_t unix_ms)
{
    int64_t seconds = unix_ms / 1000;
    uint64_t second_of_day = (uint64_t)(seconds % 86400);
    int64_t days = seconds / 86400 + 719468;
    uint64_t day_of_era = (uint64_t)(days % 146097);
    uint64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t month_from_march = (5 * day_of_year + 2) / 153;
    uint64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    uint64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    uint64_t year = year_of_era + (uint64_t)(days / 146097) * 400 + (month <= 2 ? 1 : 0);
    out = name_put_padded(out, year, 4);
    *out++ = '-';
    out = name_put_padded(out, month, 2);
    *out++ = '-';
    out = name_put_padded(out, day, 2);
    *out++ = 'T';
    out = name_put_padded(out, second_of_day / 3600, 2);
    *out++ = ':';
    out = name_put_padded(out, second_of_day / 60 % 60, 2);
    *out++ = ':';
    out = name_put_padded(out, second_of_day % 60, 2);
    *out++ = '.';
    out = name_put_padded(out, (uint64_t)(unix_ms % 1000), 3);
    *out++ = 'Z';
    return out;
}

static char *put_ip(char *out, uint64_t user_hash, bool second)
{
    out = PUT_LITERAL(out, "\"ip\":\"10.");
    out = name_put_number(out, user_hash & 255);
    *out++ = '.';
    out = name_put_number(out, user_hash >> 8 & 255);
    *out++ = '.';
    out = name_put_number(out, second ? 2 : 1);
    *out++ = '"';
    return out;
}

static char *put_hex(char *out, uint64_t number)
{
    for (unsigned digit = 0; digit < 16; digit++, number <<= 4)
        *out++ = "0123456789abcdef"[number >> 60];
    return out;
}

// A UUIDv7 of the time.
static char *put_uuid(struct generator *generator, char *out, int64_t unix_ms)
{
    char digits[32];
    uint64_t high = (uint64_t)unix_ms << 16 | 0x7000 | (draw(generator) >> 52);
    uint64_t low = UINT64_C(0x8000000000000000) | draw(generator) >> 2;
    put_hex(put_hex(digits, high), low);
    for (unsigned digit = 0; digit < sizeof digits; digit++) {
        if (digit == 8 || digit == 12 || digit == 16 || digit == 20)
            *out++ = '-';
        *out++ = digits[digit];
    }
    return out;
}

// One in eight activities carries one of these; all but the last are spelled otherwise than any
// writer would, and a service that keeps content must still give back equal values.
static char *put_awkward(char *out, uint64_t choice)
{
    switch (choice % 32) {
    case 0:
        return PUT_LITERAL(out, ", \"title\" : \"caf\\u00e9 \\/ \\ud83d\\ude00 \\\"q\\\"\"");
    case 1:
        return PUT_LITERAL(out, ",\"price\":12.50,\"big\":12345678901234567890123");
    case 2:
        return PUT_LITERAL(out, ",\"tags\": [ true, null, \"1\", 1, {} ]");
    case 3:
        return PUT_LITERAL(out, ",\"city\":\"M\xc3\xbcnchen\",\"rate\":-1.0e-7");
    default:
        return out;
    }
}

static uint32_t draw_path(struct generator *generator, uint64_t choice)
{
    return generator->path_shares == NULL ? (uint32_t)(choice % PATHS)
                                          : draw_rank(generator, generator->path_shares, PATHS);
}

static char *put_metadata(struct generator *generator, char *out, uint64_t sequence,
                          const struct moment *moment)
{
    const struct generator_config *config = &generator->config;
    bool history = config->history.step_ms > 0;
    uint64_t user_hash = scramble(moment->user);
    uint64_t choice = draw(generator);
    const struct text *agent = &generator->agents[user_hash % AGENTS];
    *out++ = '{';
    if (config->server_ids && !history) {
        out = PUT_LITERAL(out, "\"key\":\"");
        out += name_activity(config->nonce, config->run, sequence, out);
        out = PUT_LITERAL(out, "\",");
    }
    out = put_ip(out, user_hash, (choice >> 32 & 1) != 0);
    out = PUT_LITERAL(out, ",\"userAgent\":\"");
    out = put(out, agent->bytes, agent->len);
    out = PUT_LITERAL(out, "\",\"path\":\"/products/");
    out = name_put_number(out, draw_path(generator, choice));
    out = PUT_LITERAL(out, "\",\"sessionId\":\"");
    out = put_hex(out, scramble(user_hash + (uint64_t)moment->unix_ms / 1800000));
    out = PUT_LITERAL(out, "\",\"durationMs\":");
    out = name_put_number(out, choice >> 40 & 8191);
    return history ? out : put_awkward(out, choice >> 48);
}

// Fills up to the length asked for, less the two braces still to come.
static char *put_padding(char *out, const char *start, size_t activity_bytes)
{
    static const char member[] = ",\"note\":\"";
    size_t used = (size_t)(out - start) + sizeof member - 1 + 3;
    if (used > activity_bytes)
        return out;
    out = PUT_LITERAL(out, member);
    memset(out, 'x', activity_bytes - used);
    out += activity_bytes - used;
    *out++ = '"';
    return out;
}

static int64_t time_of(struct generator *generator, uint64_t sequence)
{
    const struct generator_history *history = &generator->config.history;
    if (history->step_ms <= 0)
        return tool_wall_ms();
    return history->start_ms + (int64_t)((double)sequence * history->step_ms);
}

static char *put_id(struct generator *generator, char *out, uint64_t sequence,
                    const struct moment *moment)
{
    const struct generator_config *config = &generator->config;
    out = PUT_LITERAL(out, "\"id\":\"");
    out = config->history.step_ms > 0
              ? put_uuid(generator, out, moment->unix_ms)
              : out + name_activity(config->nonce, config->run, sequence, out);
    return PUT_LITERAL(out, "\",");
}

static char *put_user(const struct generator *generator, char *out, uint32_t user, bool ordered)
{
    const struct generator_config *config = &generator->config;
    if (config->history.step_ms > 0) {
        char digits[16];
        put_hex(digits, user);
        *out++ = 'u';
        return put(out, digits + sizeof digits - 6, 6);
    }
    return out + (ordered ? name_ordered_user(config->nonce, config->run, user, out)
                          : name_user(config->nonce, user, out));
}

size_t generator_write(struct generator *generator, uint64_t sequence, uint32_t user, bool ordered,
                       char *out)
{
    const struct generator_config *config = &generator->config;
    bool history = config->history.step_ms > 0;
    struct moment moment = {.unix_ms = time_of(generator, sequence), .user = user};
    const struct text *action =
        &generator->actions[draw_rank(generator, generator->action_shares, ACTIONS)];
    char *at = out;
    *at++ = '{';
    if (!config->server_ids)
        at = put_id(generator, at, sequence, &moment);
    at = PUT_LITERAL(at, "\"userId\":\"");
    at = put_user(generator, at, user, ordered);
    at = PUT_LITERAL(at, "\",\"action\":\"");
    at = put(at, action->bytes, action->len);
    if (config->timestamps && !ordered) {
        int64_t late_ms = draw_below(generator, history ? 2 * JITTER_MS : JITTER_MS);
        at = PUT_LITERAL(at, "\",\"timestamp\":\"");
        at = put_timestamp(at, moment.unix_ms - late_ms + (history ? JITTER_MS : 0));
    }
    at = PUT_LITERAL(at, "\",\"metadata\":");
    at = put_metadata(generator, at, sequence, &moment);
    if (!history)
        at = put_padding(at, out, config->activity_bytes);
    at = PUT_LITERAL(at, "}}");
    return (size_t)(at - out);
}
