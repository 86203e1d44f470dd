/*
 * From the key that stands in a file, a variable or a flag to what it sets.
 */
#include "base/assert.h"
#include "base/str.h"
#include "infrastructure/config/settings_table.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KAFKA_PREFIX          "kafka."
#define KAFKA_VARIABLE_PREFIX "KAFKA__"
#define OTEL_PREFIX           "otel-"
#define FILE_ENDING           "-file"
#define FILE_VARIABLE_ENDING  "_FILE"

/* --- which setting --- */

static const struct setting *find_in_table(struct str key)
{
    for (size_t i = 0; i < settings_table_count; i++) {
        if (str_equal(str_from(settings_table[i].key), key)) {
            return &settings_table[i];
        }
    }
    return NULL;
}

static bool ends_with(struct str text, struct str ending)
{
    return text.len > ending.len &&
           memcmp(text.data + text.len - ending.len, ending.data, ending.len) == 0;
}

/* Takes the ending off. */
static bool split_file_ending(struct str *key)
{
    struct str ending = STR(FILE_ENDING);
    if (!ends_with(*key, ending)) {
        return false;
    }
    key->len -= ending.len;
    return true;
}

static bool is_property_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_')) {
            return false;
        }
    }
    return name.len > 0;
}

static bool find_property(struct str key, struct setting_target *out_target)
{
    struct str prefix = STR(KAFKA_PREFIX);
    if (!str_starts_with(key, prefix)) {
        return false;
    }
    struct str name = {key.data + prefix.len, key.len - prefix.len};
    bool from_file = split_file_ending(&name);
    if (!is_property_name(name)) {
        return false;
    }
    *out_target = (struct setting_target){.property = name, .from_file = from_file};
    return true;
}

bool setting_find(struct str key, struct setting_target *out_target)
{
    const struct setting *setting = find_in_table(key);
    bool from_file = false;
    if (setting == NULL && split_file_ending(&key)) {
        setting = find_in_table(key);
        setting = setting != NULL && setting->secret ? setting : NULL;
        from_file = true;
        key.len += sizeof FILE_ENDING - 1;
    }
    if (setting == NULL) {
        return find_property(key, out_target);
    }
    *out_target = (struct setting_target){.setting = setting, .from_file = from_file};
    return true;
}

const char *setting_variable_prefix(struct str key)
{
    return str_starts_with(key, STR(OTEL_PREFIX)) ? "" : "USERTRAIL_";
}

static bool is_variable_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) {
            return false;
        }
    }
    return true;
}

void setting_key_of_variable(struct str name, char out_key[SETTING_KEY_BYTES])
{
    out_key[0] = '\0';
    if (!is_variable_name(name)) {
        return;
    }
    bool is_property = str_starts_with(name, STR(KAFKA_VARIABLE_PREFIX));
    bool is_file = is_property && ends_with(name, STR(FILE_VARIABLE_ENDING));
    size_t end = is_file ? name.len - (sizeof FILE_VARIABLE_ENDING - 1) : name.len;
    size_t len = 0;
    for (size_t i = 0; i < end && len + sizeof FILE_ENDING < SETTING_KEY_BYTES; i++) {
        bool doubled = is_property && i + 1 < end && name.data[i] == '_' && name.data[i + 1] == '_';
        char c = (char)tolower((unsigned char)name.data[i]);
        out_key[len++] = doubled ? '.' : c == '_' && !is_property ? '-' : c;
        i += doubled;
    }
    snprintf(out_key + len, SETTING_KEY_BYTES - len, "%s", is_file ? FILE_ENDING : "");
}

/* --- its value --- */

/* Without the end of the line that editors put there. The caller frees it. */
static enum status read_secret(const char *source, FILE *file, char **out_text, struct error *err)
{
    char *text = malloc(SETTING_SECRET_FILE_BYTES_MAX + 1);
    if (text == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "%s: there is no memory to read it", source);
    }
    size_t len = fread(text, 1, SETTING_SECRET_FILE_BYTES_MAX + 1, file);
    if (ferror(file) != 0 || len > SETTING_SECRET_FILE_BYTES_MAX) {
        free(text);
        return error_set(err, STATUS_INVALID, 0, "%s: the file %s", source,
                         len > SETTING_SECRET_FILE_BYTES_MAX ? "is longer than 64 KiB"
                                                             : "cannot be read");
    }
    len -= len > 0 && text[len - 1] == '\n';
    len -= len > 0 && text[len - 1] == '\r';
    text[len] = '\0';
    if (strlen(text) != len) {
        free(text);
        return error_set(err, STATUS_INVALID, 0, "%s: the file holds a NUL byte", source);
    }
    *out_text = text;
    return STATUS_OK;
}

/* A pipe that nobody writes to would keep the program waiting for ever, so only a file will do. */
static enum status open_file(const char *source, const char *path, FILE **out_file,
                             struct error *err)
{
    struct stat about;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_file = descriptor >= 0 && fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode);
    FILE *file = is_file ? fdopen(descriptor, "r") : NULL;
    if (file != NULL) {
        *out_file = file;
        return STATUS_OK;
    }
    int cause = descriptor < 0 ? errno : 0;
    if (descriptor >= 0) {
        close(descriptor);
    }
    char text[64];
    const char *why = cause == 0 ? "it is no ordinary file" : strerror_r(cause, text, sizeof text);
    return error_set(err, STATUS_INVALID, cause, "%s: the file cannot be read: %s", source, why);
}

static enum status read_secret_file(const char *source, const char *path, char **out_text,
                                    struct error *err)
{
    FILE *file = NULL;
    enum status status = open_file(source, path, &file, err);
    if (status == STATUS_OK) {
        status = read_secret(source, file, out_text, err);
        fclose(file);
    }
    return status;
}

/* The place of the property's entry; the count: there is none. */
static size_t find_entry(const struct settings_properties *properties, struct str name)
{
    size_t index = 0;
    while (index < properties->count && !str_equal(str_from(properties->items[index].name), name)) {
        index++;
    }
    return index;
}

bool setting_has_property(const struct settings_properties *properties, struct str name)
{
    return find_entry(properties, name) < properties->count;
}

/* The property's entry, a new one when there is none. NULL: no memory, or too many. */
static struct settings_property *property_of(struct settings_properties *properties,
                                             struct str name)
{
    size_t index = find_entry(properties, name);
    if (index < properties->count) {
        return &properties->items[index];
    }
    if (properties->count == SETTING_PROPERTIES_MAX) {
        return NULL;
    }
    struct settings_property *items =
        realloc(properties->items, (properties->count + 1) * sizeof *items);
    if (items == NULL) {
        return NULL;
    }
    properties->items = items;
    char *copy = strndup(name.data, name.len);
    if (copy == NULL) {
        return NULL;
    }
    items[properties->count] = (struct settings_property){.name = copy};
    return &items[properties->count++];
}

static enum status set_property(const struct setting_target *target, const char *source,
                                const char *text, struct settings *settings, struct error *err)
{
    struct settings_property *property = property_of(&settings->kafka_properties, target->property);
    char *value = property == NULL ? NULL : strdup(text);
    if (value == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "%s: there is no memory for so many properties",
                         source);
    }
    free(property->value);
    property->value = value;
    return STATUS_OK;
}

enum status setting_apply(const struct setting_target *target, const char *source, const char *text,
                          struct settings *settings, struct error *err)
{
    char *content = NULL;
    enum status status = STATUS_OK;
    if (target->from_file) {
        status = read_secret_file(source, text, &content, err);
        text = content;
    }
    if (status == STATUS_OK) {
        ASSERT(text != NULL);
        status = target->setting == NULL
                     ? set_property(target, source, text, settings, err)
                     : setting_parse(target->setting, source, text, settings, err);
    }
    free(content);
    return status;
}

void settings_deinit(struct settings *settings)
{
    struct settings_properties *properties = &settings->kafka_properties;
    for (size_t i = 0; i < properties->count; i++) {
        free(properties->items[i].name);
        free(properties->items[i].value);
    }
    free(properties->items);
    *properties = (struct settings_properties){0};
}
