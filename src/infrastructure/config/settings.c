#include "infrastructure/config/settings.h"

#include "base/assert.h"
#include "base/buffer.h"
#include "base/str.h"
#include "base/visible_text.h"
#include "infrastructure/config/settings_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    SETTINGS_LINE_BYTES_MAX = 4096,
    SETTINGS_NAME_BYTES = SETTING_KEY_BYTES,
    SETTINGS_PATH_SHOWN_MAX = 60,
    VARIABLE_SHOWN_MAX = 100
};

static const char environment_prefix[] = "USERTRAIL_";
/* Variables that other programs read as well, so that unknown ones are none of our business. */
static const char environment_otel_prefix[] = "OTEL_";
/* Variables that configure the tests, not the program. */
static const char environment_test_prefix[] = "USERTRAIL_TEST_";

static enum status set_defaults(struct settings *settings, struct error *err)
{
    memset(settings, 0, sizeof *settings);
    for (size_t i = 0; i < settings_table_count; i++) {
        enum status status = setting_parse(&settings_table[i], settings_table[i].key,
                                           settings_table[i].default_text, settings, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* --- flags: --key value, --key=value, --switch --- */

struct flag {
    struct str key;
    const char *value; /* NULL: none was given with "=" */
};

static bool split_flag(const char *argument, struct flag *out_flag)
{
    if (strncmp(argument, "--", 2) != 0 || argument[2] == '\0') {
        return false;
    }
    const char *equals = strchr(argument, '=');
    out_flag->key = equals == NULL ? str_from(argument + 2)
                                   : (struct str){argument + 2, (size_t)(equals - argument - 2)};
    out_flag->value = equals == NULL ? NULL : equals + 1;
    return true;
}

/* A word where a flag should be; people write it behind a switch, which takes none. */
static enum status refuse_word(const struct settings_sources *sources, int index, struct error *err)
{
    const char *word = sources->arguments[index];
    struct flag flag = {.value = NULL};
    struct setting_target target = {0};
    bool is_behind_flag =
        index > 0 && split_flag(sources->arguments[index - 1], &flag) && flag.value == NULL;
    const struct setting *setting =
        is_behind_flag && setting_find(flag.key, &target) ? target.setting : NULL;
    if (setting != NULL && setting->type == SETTING_SWITCH) {
        return error_set(err, STATUS_INVALID, 0,
                         "\"%.60s\" is not understood here; --%s is a switch: write --%s or "
                         "--%s=false",
                         word, setting->key, setting->key, setting->key);
    }
    return error_set(err, STATUS_INVALID, 0,
                     "\"%.60s\" is not understood here; flags are written --key value or "
                     "--key=value",
                     word);
}

static bool is_config(const struct flag *flag)
{
    return str_equal(flag->key, STR("config"));
}

static bool is_switch(const struct setting_target *target)
{
    return target->setting != NULL && target->setting->type == SETTING_SWITCH;
}

/* For --config, `out_target` stays as it is. */
static enum status next_flag(const struct settings_sources *sources, int *index,
                             struct flag *out_flag, struct setting_target *out_target,
                             struct error *err)
{
    const char *argument = sources->arguments[*index];
    if (!split_flag(argument, out_flag)) {
        return refuse_word(sources, *index, err);
    }
    if (!is_config(out_flag) && !setting_find(out_flag->key, out_target)) {
        return error_set(
            err, STATUS_INVALID, 0, "there is no flag --%.*s; `usertrail serve --help` lists them",
            (int)(out_flag->key.len > 40 ? 40 : out_flag->key.len), out_flag->key.data);
    }
    (*index)++;
    if (out_flag->value == NULL && !is_config(out_flag) && is_switch(out_target)) {
        out_flag->value = "true";
    } else if (out_flag->value == NULL) {
        if (*index == sources->argument_count) {
            return error_set(err, STATUS_INVALID, 0, "--%.*s needs a value",
                             STR_FORMAT(out_flag->key));
        }
        out_flag->value = sources->arguments[(*index)++];
    }
    return STATUS_OK;
}

static enum status read_flags(const struct settings_sources *sources, struct settings *settings,
                              struct error *err)
{
    for (int i = 0; i < sources->argument_count;) {
        struct flag flag = {0};
        struct setting_target target = {0};
        enum status status = next_flag(sources, &i, &flag, &target, err);
        if (status == STATUS_OK && !is_config(&flag)) {
            char source[SETTINGS_NAME_BYTES];
            snprintf(source, sizeof source, "--%.*s", STR_FORMAT(flag.key));
            status = setting_apply(&target, source, flag.value, settings, err);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* --- environment: USERTRAIL_DATA_DIR for data-dir, USERTRAIL_KAFKA__ACKS for kafka.acks --- */

static const char *environment_value(char *const *environment, const char *name)
{
    size_t len = strlen(name);
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=') {
            return *environment + len + 1;
        }
    }
    return NULL;
}

/* The name is whatever somebody gave it, and the line is read on a terminal. */
static void warn_of_unknown(FILE *warnings, struct str name)
{
    struct buffer shown;
    name.len = name.len > VARIABLE_SHOWN_MAX ? VARIABLE_SHOWN_MAX : name.len;
    buffer_init(&shown, (size_t)VARIABLE_SHOWN_MAX * VISIBLE_ESCAPE_BYTES);
    visible_text_append(&shown, name);
    fprintf(warnings, "usertrail: the variable %.*s names no setting and is ignored\n",
            STR_FORMAT(buffer_str(&shown)));
    buffer_deinit(&shown);
}

/* One of OpenTelemetry's. Which of them others set for programs of theirs, and to what, is not for
 * this one to refuse before it knows that spans are wanted; an address is what asks for them. */
static enum status read_otel_variable(struct str name, const char *value, struct settings *settings,
                                      struct error *err)
{
    char key[SETTING_KEY_BYTES];
    char source[SETTINGS_NAME_BYTES];
    struct setting_target target;
    setting_key_of_variable(name, key);
    if (value[0] == '\0' || !setting_find(str_from(key), &target)) {
        return STATUS_OK;
    }
    snprintf(source, sizeof source, "%.*s", STR_FORMAT(name));
    enum status status = setting_apply(&target, source, value, settings, err);
    if (status != STATUS_INVALID || target.setting->type == SETTING_OPTIONAL_URI) {
        return status;
    }
    if (settings->otel_fault[0] == '\0') {
        snprintf(settings->otel_fault, sizeof settings->otel_fault, "%s", err->message);
    }
    return STATUS_OK;
}

static enum status read_environment(const struct settings_sources *sources,
                                    struct settings *settings, FILE *warnings, struct error *err)
{
    for (char *const *entry = sources->environment; *entry != NULL; entry++) {
        struct str value = str_from(*entry);
        struct str name = str_split(&value, '=');
        if (value.data != NULL && str_starts_with(name, str_from(environment_otel_prefix))) {
            enum status read = read_otel_variable(name, value.data, settings, err);
            if (read != STATUS_OK) {
                return read;
            }
        }
        if (!str_starts_with(name, str_from(environment_prefix)) ||
            str_starts_with(name, str_from(environment_test_prefix)) ||
            str_equal(name, STR("USERTRAIL_CONFIG")) || str_equal(name, STR("USERTRAIL_KEY")) ||
            value.data == NULL) {
            continue; /* not ours, of commands that ask a server, or an entry without "=", which
                         execve lets through */
        }
        char key[SETTING_KEY_BYTES];
        struct setting_target target;
        size_t prefix_len = sizeof environment_prefix - 1;
        setting_key_of_variable((struct str){name.data + prefix_len, name.len - prefix_len}, key);
        if (setting_variable_prefix(str_from(key))[0] == '\0' ||
            !setting_find(str_from(key), &target)) {
            warn_of_unknown(warnings, name);
            continue;
        }
        char source[SETTINGS_NAME_BYTES];
        snprintf(source, sizeof source, "%.*s", STR_FORMAT(name));
        enum status status = setting_apply(&target, source, value.data, settings, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* --- file: key = value, "#" begins a comment line --- */

/* For messages: the end of a path, which tells more than its beginning. */
static const char *shown(const char *path)
{
    size_t len = strlen(path);
    return len > SETTINGS_PATH_SHOWN_MAX ? path + len - SETTINGS_PATH_SHOWN_MAX : path;
}

/* The file while it is read. */
struct settings_file {
    const char *path;
    unsigned line;                    /* from 1 */
    bool has_row[SETTINGS_TABLE_MAX]; /* those of the table that stood in it */
};

/* The last of two lines would count, which is hardly what both were written for. */
static enum status check_once(struct settings_file *file, const struct setting_target *target,
                              const struct settings *settings, struct str key, struct error *err)
{
    size_t row = (size_t)(target->setting - settings_table);
    bool twice = target->setting == NULL
                     ? setting_has_property(&settings->kafka_properties, target->property)
                     : file->has_row[row];
    if (twice) {
        return error_set(err, STATUS_INVALID, 0, "%s:%u: \"%.*s\" is set a second time",
                         shown(file->path), file->line, (int)(key.len > 40 ? 40 : key.len),
                         key.data);
    }
    if (target->setting != NULL) {
        file->has_row[row] = true;
    }
    return STATUS_OK;
}

static enum status apply_line(struct settings_file *file, char *line, struct settings *settings,
                              struct error *err)
{
    struct str rest = str_trim(str_from(line));
    if (rest.len == 0 || rest.data[0] == '#') {
        return STATUS_OK;
    }
    struct str key = str_trim(str_split(&rest, '='));
    struct setting_target target;
    if (rest.data == NULL) {
        return error_set(err, STATUS_INVALID, 0, "%s:%u: a line must read key = value",
                         shown(file->path), file->line);
    }
    if (!setting_find(key, &target)) {
        return error_set(err, STATUS_INVALID, 0, "%s:%u: there is no setting \"%.*s\"",
                         shown(file->path), file->line, (int)(key.len > 40 ? 40 : key.len),
                         key.data);
    }
    enum status status = check_once(file, &target, settings, key, err);
    struct str value = str_trim(rest);
    char source[SETTINGS_PATH_SHOWN_MAX + SETTINGS_NAME_BYTES + 16];
    snprintf(source, sizeof source, "%s:%u: %.*s", shown(file->path), file->line, STR_FORMAT(key));
    char *text = line + (value.data - line);
    text[value.len] = '\0';
    return status == STATUS_OK ? setting_apply(&target, source, text, settings, err) : status;
}

/* The next line without its end; false when there is none. Bytes beyond the maximum are read over,
 * and `failed` then says so. */
static bool next_line(FILE *file, struct buffer *line)
{
    int c = getc(file);
    if (c == EOF) {
        return false;
    }
    buffer_clear(line);
    for (; c != EOF && c != '\n'; c = getc(file)) {
        buffer_append_char(line, (char)c);
    }
    if (line->len > 0 && line->data[line->len - 1] == '\r') {
        line->len--;
    }
    buffer_append_char(line, '\0');
    return true;
}

static enum status check_line(const struct settings_file *file, const struct buffer *line,
                              struct error *err)
{
    if (line->failed != STATUS_OK) {
        return error_set(err, STATUS_INVALID, 0, "%s:%u: the line is longer than %d bytes",
                         shown(file->path), file->line, SETTINGS_LINE_BYTES_MAX - 1);
    }
    if (strlen(line->data) + 1 != line->len) {
        return error_set(err, STATUS_INVALID, 0, "%s:%u: the line holds a NUL byte",
                         shown(file->path), file->line);
    }
    return STATUS_OK;
}

static enum status read_open_file(FILE *stream, const char *path, struct settings *settings,
                                  struct error *err)
{
    ASSERT(settings_table_count <= SETTINGS_TABLE_MAX);
    struct settings_file file = {.path = path};
    struct buffer line;
    buffer_init(&line, SETTINGS_LINE_BYTES_MAX);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && next_line(stream, &line)) {
        file.line++;
        status = check_line(&file, &line, err);
        if (status == STATUS_OK) {
            status = apply_line(&file, line.data, settings, err);
        }
    }
    buffer_deinit(&line);
    if (status == STATUS_OK && ferror(stream) != 0) {
        return error_set(err, STATUS_INVALID, errno, "%s cannot be read", shown(path));
    }
    return status;
}

static enum status read_file(const char *path, struct settings *settings, struct error *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        char text[64];
        return error_set(err, STATUS_INVALID, errno, "the configuration file %s: %s", shown(path),
                         strerror_r(errno, text, sizeof text));
    }
    enum status status = read_open_file(file, path, settings, err);
    fclose(file);
    return status;
}

/* The file is named by flag or environment and read before both. */
static enum status config_path(const struct settings_sources *sources, const char **out_path,
                               struct error *err)
{
    *out_path = environment_value(sources->environment, "USERTRAIL_CONFIG");
    for (int i = 0; i < sources->argument_count;) {
        struct flag flag = {0};
        struct setting_target target = {0};
        enum status status = next_flag(sources, &i, &flag, &target, err);
        if (status != STATUS_OK) {
            return status;
        }
        if (is_config(&flag)) {
            *out_path = flag.value;
        }
    }
    return STATUS_OK;
}

enum status settings_read(const struct settings_sources *sources, struct settings *out_settings,
                          FILE *warnings, struct error *err)
{
    struct settings settings;
    const char *path = NULL;
    enum status status = set_defaults(&settings, err);
    ASSERT(status == STATUS_OK);
    status = config_path(sources, &path, err);
    if (status == STATUS_OK && path != NULL) {
        status = read_file(path, &settings, err);
    }
    if (status == STATUS_OK) {
        status = read_environment(sources, &settings, warnings, err);
    }
    if (status == STATUS_OK) {
        status = read_flags(sources, &settings, err);
    }
    if (status == STATUS_OK) {
        *out_settings = settings;
    } else {
        settings_deinit(&settings);
    }
    return status;
}

void settings_take_again(struct settings *settings, const struct settings *read)
{
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *setting = &settings_table[i];
        if (setting->again == SETTING_READS_VALUE) {
            ASSERT(setting->type >= SETTING_NUMBER && setting->type != SETTING_SWITCH);
            memcpy((char *)settings + setting->offset, (const char *)read + setting->offset,
                   sizeof(uint64_t));
        }
    }
}
