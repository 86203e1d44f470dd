/*
 * The table of settings as people read it: --help and CONFIGURATION.md.
 */
#include "base/macros.h"
#include "base/str.h"
#include "infrastructure/config/settings_table.h"

#include <ctype.h>
#include <string.h>

static const char *value_name(const struct setting *setting)
{
    switch (setting->type) {
    case SETTING_ADDRESS:
        return "ADDRESS:PORT";
    case SETTING_TEXT:
    case SETTING_FILE:
        return "PATH";
    case SETTING_NAME:
    case SETTING_OPTIONAL_NAME:
        return "NAME";
    case SETTING_LIST:
        return "ADDRESS:PORT,...";
    case SETTING_ORIGINS:
        return "ORIGIN,...";
    case SETTING_OPTIONAL_LIST:
        return "ADDRESS,...";
    case SETTING_OPTIONAL_PAIRS:
        return "KEY=VALUE,...";
    case SETTING_URI:
    case SETTING_OPTIONAL_URI:
        return "URI";
    case SETTING_BYTES:
        return "SIZE";
    case SETTING_DURATION:
        return "TIME";
    case SETTING_NUMBER:
        return "NUMBER";
    default:
        return "";
    }
}

static const char *default_name(const struct setting *setting)
{
    return setting->default_text[0] == '\0' ? "none" : setting->default_text;
}

static const char *again_sentence(const struct setting *setting)
{
    switch (setting->again) {
    case SETTING_READS_FILE:
        return " SIGHUP reads the file again.";
    case SETTING_READS_VALUE:
        return " SIGHUP reads it again.";
    default:
        return "";
    }
}

static bool begins_section(size_t index)
{
    return index == 0 ||
           strcmp(settings_table[index].section, settings_table[index - 1].section) != 0;
}

/* Help, on lines that a terminal of 80 columns does not break ------------------------------ */

enum { HELP_COLUMNS = 79, HELP_INDENT = 6, DEFAULT_BYTES = 512 };

/* `between` stands in front of a word that fits on the line; another one begins a line. */
static void print_word(FILE *out, const char *between, struct str word, size_t *column)
{
    size_t len = strlen(between) + word.len;
    if (*column + len > HELP_COLUMNS) {
        fprintf(out, "\n%*s", HELP_INDENT, "");
        *column = HELP_INDENT;
        between = "";
        len = word.len;
    }
    fprintf(out, "%s%.*s", between, STR_FORMAT(word));
    *column += len;
}

static void print_words(FILE *out, const char *words, size_t *column)
{
    words += strspn(words, " ");
    while (*words != '\0') {
        size_t len = strcspn(words, " ");
        print_word(out, " ", (struct str){words, len}, column);
        words += len + strspn(words + len, " ");
    }
}

/* Choices with "|" between them, which ends a line where the next one does not fit. */
static void print_value(FILE *out, const struct setting *setting, size_t column)
{
    if (setting->type != SETTING_CHOICE) {
        fputs(value_name(setting), out);
        return;
    }
    for (size_t i = 0; setting->choices[i] != NULL; i++) {
        char choice[DEFAULT_BYTES];
        snprintf(choice, sizeof choice, "%s%s", setting->choices[i],
                 setting->choices[i + 1] == NULL ? "" : "|");
        print_word(out, "", str_from(choice), &column);
    }
}

static void print_setting(FILE *out, const struct setting *setting)
{
    char last[DEFAULT_BYTES];
    int len = fprintf(out, "  --%s ", setting->key);
    print_value(out, setting, len > 0 ? (size_t)len : 0);
    size_t column = HELP_COLUMNS; /* so that the first word begins a line */
    print_words(out, setting->meaning, &column);
    print_words(out, again_sentence(setting), &column);
    snprintf(last, sizeof last, "(default %s)", default_name(setting));
    print_word(out, " ", str_from(last), &column);
    fputc('\n', out);
}

void settings_print_help(FILE *out)
{
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *setting = &settings_table[i];
        if (begins_section(i)) {
            fprintf(out, "\n%s\n", setting->section);
        }
        print_setting(out, setting);
    }
    fprintf(out,
            "\nOther\n  --config PATH\n      Read settings from a file of lines `key = value`; "
            "environment and flags\n      override it.\n");
}

static void print_unit(FILE *out, const struct setting *setting, uint64_t value)
{
    static const char *const names[] = {"", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    if (setting->type == SETTING_BYTES) {
        for (; value >= 1024 && value % 1024 == 0 && unit < 4; unit++) {
            value /= 1024;
        }
        fprintf(out, "%llu%s", (unsigned long long)value, names[unit]);
    } else if (setting->type == SETTING_DURATION && value % 3600000 == 0 && value > 0) {
        fprintf(out, "%lluh", (unsigned long long)value / 3600000);
    } else {
        fprintf(out, "%llu%s", (unsigned long long)value,
                setting->type == SETTING_DURATION ? "ms" : "");
    }
}

static void print_range(FILE *out, const struct setting *setting)
{
    switch (setting->type) {
    case SETTING_NUMBER:
    case SETTING_BYTES:
    case SETTING_DURATION:
        print_unit(out, setting, setting->min);
        fputs(" to ", out);
        print_unit(out, setting, setting->max);
        break;
    case SETTING_CHOICE:
        for (size_t i = 0; setting->choices[i] != NULL; i++) {
            fprintf(out, "%s`%s`", i == 0 ? "" : ", ", setting->choices[i]);
        }
        break;
    case SETTING_SWITCH:
        fputs("`true`, `false`", out);
        break;
    default:
        fputs(value_name(setting), out);
        break;
    }
}

static void print_variable(FILE *out, const char *key)
{
    fprintf(out, "`%s", setting_variable_prefix(str_from(key)));
    for (; *key != '\0'; key++) {
        fputc(*key == '-' ? '_' : toupper((unsigned char)*key), out);
    }
    fputc('`', out);
}

static void print_again(FILE *out)
{
    static const struct {
        enum setting_again again;
        const char *words;
    } kinds[] = {
        {SETTING_READS_VALUE, "\nthe settings"},
        {SETTING_READS_FILE, "\nand the files that are named by"},
    };
    fputs("\n## What SIGHUP reads again\n\n"
          "A service that runs reads again, from the same sources in the same order,",
          out);
    for (size_t kind = 0; kind < ARRAY_LENGTH(kinds); kind++) {
        const char *before = " ";
        fputs(kinds[kind].words, out);
        for (size_t i = 0; i < settings_table_count; i++) {
            if (settings_table[i].again == kinds[kind].again) {
                fprintf(out, "%s`%s`", before, settings_table[i].key);
                before = ", ";
            }
        }
    }
    fputs(".\nWhat is wrong there changes nothing: a value none of the settings, a file nothing of "
          "its own. Everything\nelse waits for a restart.\n",
          out);
}

void settings_print_markdown(FILE *out)
{
    fputs(
        "# Configuration\n\n"
        "This page is generated from the table in `src/infrastructure/config/settings_table.c` by\n"
        "`usertrail configuration`; `make check` fails when it is out of date.\n\n"
        "Every setting can be given as a flag (`--data-dir DIR`), as a variable of the "
        "environment\n"
        "(`USERTRAIL_DATA_DIR=DIR`) or as a line of a file (`data-dir = DIR`, named by `--config` "
        "or\n"
        "`USERTRAIL_CONFIG`). A flag overrides the environment, which overrides the file, which\n"
        "overrides the default. Unknown flags and unknown lines are refused; an unknown variable "
        "is\n"
        "warned about only, since container platforms inject such. What begins with `otel-` has "
        "the\n"
        "variable that OpenTelemetry gave it, where an empty one counts as none and a bad value "
        "is\n"
        "refused only where spans are wanted. A setting may stand in a file once,\n"
        "and may be given as a flag several times, of which the last counts. A bad value is "
        "refused also\n"
        "where a better source overrides it.\n\n"
        "Sizes are bytes, or end in KiB, MiB, GiB, TiB. Times end in ms, s, m, h.\n",
        out);
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *setting = &settings_table[i];
        if (begins_section(i)) {
            fprintf(out,
                    "\n## %s\n\n| flag | variable | default | values | meaning |\n"
                    "| --- | --- | --- | --- | --- |\n",
                    setting->section);
        }
        fprintf(out, "| `--%s` | ", setting->key);
        print_variable(out, setting->key);
        const char *quote = setting->default_text[0] == '\0' ? "" : "`";
        fprintf(out, " | %s%s%s | ", quote, default_name(setting), quote);
        print_range(out, setting);
        fprintf(out, " | %s%s |\n", setting->meaning, again_sentence(setting));
    }
    print_again(out);
}
