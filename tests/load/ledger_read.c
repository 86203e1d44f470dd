#include "ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES_MAX = 512 };

// Reads a number and the blank behind it; NULL when there is none. NULL is passed through, so that
// fields can be read one after another and judged once.
static const char *take_number(const char *at, uint64_t *out_number)
{
    uint64_t number = 0;
    const char *start = at;
    if (at == NULL)
        return NULL;
    while (*at >= '0' && *at <= '9')
        number = number * 10 + (uint64_t)(*at++ - '0');
    if (at == start || (*at != ' ' && *at != '\0'))
        return NULL;
    *out_number = number;
    return *at == ' ' ? at + 1 : at;
}

static const char *take_hash(const char *at, uint64_t *out_hash)
{
    uint64_t hash = 0;
    for (unsigned digit = 0; digit < 16; digit++) {
        static const char digits[] = "0123456789abcdef";
        const char *found = at[digit] == '\0' ? NULL : strchr(digits, at[digit]);
        if (found == NULL)
            return NULL;
        hash = hash << 4 | (uint64_t)(found - digits);
    }
    *out_hash = hash;
    return at + 16;
}

static const char *parse_run(const char *at, struct ledger_record *record)
{
    uint64_t run = 0;
    uint64_t started_ms = 0;
    at = take_number(at, &run);
    at = take_number(at, &started_ms);
    // "server" and "client", "sent" and "none" are of equal length.
    if (at == NULL || run > NAME_RUN_MAX || strlen(at) != 11)
        return NULL;
    record->run = (struct ledger_run){
        .run = (unsigned)run,
        .server_ids = strncmp(at, "server ", 7) == 0,
        .timestamps = strcmp(at + 7, "sent") == 0,
    };
    bool known = record->run.server_ids || strncmp(at, "client ", 7) == 0;
    known = known && (record->run.timestamps || strcmp(at + 7, "none") == 0);
    return known ? "" : NULL;
}

static const char *parse_sent(const char *at, struct ledger_sent *sent)
{
    uint64_t connection = 0;
    uint64_t user = 0;
    at = take_number(at, &connection);
    at = take_number(at, &user);
    if (at == NULL || (*at != 'o' && *at != 's') || at[1] != ' ')
        return NULL;
    sent->ordered = *at == 'o';
    sent->connection = (uint32_t)connection;
    sent->user = (uint32_t)user;
    return take_hash(at + 2, &sent->content_hash);
}

// The line has no \n. True when it is a record, and nothing follows its fields.
static bool parse_line(const char *line, size_t len, struct ledger_record *record)
{
    uint64_t status = 0;
    const char *at = line + 2;
    record->kind = line[0];
    if (len < 3 || line[1] != ' ')
        return false;
    if (record->kind == 'R')
        return parse_run(at, record) != NULL;
    at = take_number(at, &record->sent.sequence);
    if (at == NULL)
        return false;
    switch (record->kind) {
    case 'S':
        at = parse_sent(at, &record->sent);
        return at != NULL && *at == '\0';
    case 'A':
        record->id = strcmp(at, "-") == 0 ? NULL : at;
        record->id_len = len - (size_t)(at - line);
        return record->id_len > 0;
    case 'X':
        at = take_number(at, &status);
        record->status = (unsigned)status;
        return at != NULL && *at == '\0';
    case 'U':
        return *at == '\0';
    default:
        return false;
    }
}

static void read_first_line(FILE *file, const char *path, char *out_nonce)
{
    char line[LINE_BYTES_MAX];
    static const char start[] = "usertrail-ledger 1 ";
    size_t len = sizeof start - 1 + NAME_NONCE_LEN + 1;
    if (fgets(line, sizeof line, file) == NULL || strlen(line) != len ||
        strncmp(line, start, sizeof start - 1) != 0)
        tool_fail(TOOL_USAGE, "%s is not a ledger of format 1", path);
    memcpy(out_nonce, line + sizeof start - 1, NAME_NONCE_LEN);
    out_nonce[NAME_NONCE_LEN] = '\0';
}

void ledger_read(const char *path, char *out_nonce, ledger_visit *visit, void *visitor)
{
    char line[LINE_BYTES_MAX];
    struct ledger_record record = {0};
    FILE *file = fopen(path, "re");
    if (file == NULL)
        tool_fail(TOOL_USAGE, "ledger %s cannot be opened: %s", path, strerror(errno));
    read_first_line(file, path, out_nonce);
    for (uint64_t number = 2; fgets(line, sizeof line, file) != NULL; number++) {
        size_t len = strlen(line);
        if (len == 0 || line[len - 1] != '\n') {
            if (len + 1 < sizeof line && feof(file))
                break; // the cut last line
            tool_fail(TOOL_USAGE, "ledger %s: line %" PRIu64 " is no record", path, number);
        }
        line[--len] = '\0';
        if (!parse_line(line, len, &record))
            tool_fail(TOOL_USAGE, "ledger %s: line %" PRIu64 " is no record", path, number);
        visit(visitor, &record);
    }
    if (ferror(file))
        tool_fail(TOOL_USAGE, "ledger %s cannot be read: %s", path, strerror(errno));
    (void)fclose(file);
}
