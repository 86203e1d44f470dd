#include "domain/denied_actions.h"

#include "base/array.h"
#include "base/utf8.h"
#include "domain/activity_rules.h"

#include <stdlib.h>

/* Texts in the order of bytes. */
struct action_list {
    struct str *items;
    size_t count;
    size_t capacity;
};

struct denied_actions {
    char *text; /* that all others are slices of */
    struct action_list exact;
    struct action_list prefixes; /* none begins with another one */
    size_t count;
};

void denied_actions_free(struct denied_actions *denied)
{
    if (denied != NULL) {
        free(denied->exact.items);
        free(denied->prefixes.items);
        free(denied->text);
        free(denied);
    }
}

size_t denied_actions_count(const struct denied_actions *denied)
{
    return denied->count;
}

static bool add(struct action_list *list, struct str action)
{
    if (!ARRAY_RESERVE(list->items, list->capacity, list->count + 1)) {
        return false;
    }
    list->items[list->count++] = action;
    return true;
}

static bool can_be_action(struct str action)
{
    size_t code_points;
    return action.len <= ACTION_BYTES_MAX && utf8_count(action, &code_points);
}

static struct str trim_line(struct str line)
{
    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    return str_trim(line);
}

static enum status read_line(struct denied_actions *denied, struct str line, size_t number,
                             struct error *err)
{
    struct str action = trim_line(line);
    if (action.len == 0 || action.data[0] == '#') {
        return STATUS_OK;
    }
    bool is_prefix = action.data[action.len - 1] == '*';
    action.len -= is_prefix;
    if (!can_be_action(action)) {
        return error_set(
            err, STATUS_INVALID, 0,
            "line %zu is no action: at most %d bytes of UTF-8, then \"*\" for all that "
            "begin so",
            number, ACTION_BYTES_MAX);
    }
    if (denied->count == DENIED_ACTIONS_MAX) {
        return error_set(err, STATUS_INVALID, 0, "line %zu is one too many, of more than %d",
                         number, DENIED_ACTIONS_MAX);
    }
    denied->count++;
    return add(is_prefix ? &denied->prefixes : &denied->exact, action)
               ? STATUS_OK
               : error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for so many actions");
}

static int compare(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

static void sort(struct action_list *list)
{
    if (list->count > 1) {
        qsort(list->items, list->count, sizeof *list->items, compare);
    }
}

/* In order, those that begin with another one follow it. */
static void drop_covered(struct action_list *prefixes)
{
    size_t kept = 0;
    for (size_t i = 0; i < prefixes->count; i++) {
        if (kept == 0 || !str_starts_with(prefixes->items[i], prefixes->items[kept - 1])) {
            prefixes->items[kept++] = prefixes->items[i];
        }
    }
    prefixes->count = kept;
}

static enum status read_lines(struct denied_actions *denied, size_t len, struct error *err)
{
    struct str rest = {denied->text, len};
    enum status status = STATUS_OK;
    for (size_t number = 1; status == STATUS_OK && rest.data != NULL; number++) {
        status = read_line(denied, str_split(&rest, '\n'), number, err);
    }
    sort(&denied->exact);
    sort(&denied->prefixes);
    drop_covered(&denied->prefixes);
    return status;
}

static struct denied_actions *make(struct str text)
{
    struct denied_actions *denied = calloc(1, sizeof *denied);
    char *copy = malloc(text.len + 1);
    if (denied == NULL || copy == NULL) {
        free(denied);
        free(copy);
        return NULL;
    }
    if (text.len > 0) {
        memcpy(copy, text.data, text.len);
    }
    denied->text = copy;
    return denied;
}

enum status denied_actions_parse(struct str text, struct denied_actions **out_denied,
                                 struct error *err)
{
    struct denied_actions *denied = make(text);
    if (denied == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the denied actions");
    }
    enum status status = read_lines(denied, text.len, err);
    if (status != STATUS_OK) {
        denied_actions_free(denied);
        return status;
    }
    *out_denied = denied;
    return STATUS_OK;
}

/* How many are not behind the action; the last of them is the action itself, or what it begins
 * with, when there is such a one. */
static size_t count_up_to(const struct action_list *list, struct str action)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_compare(list->items[middle], action) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool denied_actions_match(const struct denied_actions *denied, struct str action)
{
    size_t exact = count_up_to(&denied->exact, action);
    if (exact > 0 && str_equal(denied->exact.items[exact - 1], action)) {
        return true;
    }
    size_t prefixes = count_up_to(&denied->prefixes, action);
    return prefixes > 0 && str_starts_with(action, denied->prefixes.items[prefixes - 1]);
}
