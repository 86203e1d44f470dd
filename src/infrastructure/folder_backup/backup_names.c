#include "infrastructure/folder_backup/backup_names.h"

#include "base/macros.h"

#include <stdbool.h>
#include <string.h>

const char *const backup_folders[BACKUP_FOLDERS] = {"",        "log",   "log/set-aside",  "store",
                                                    "refused", "spill", "spill/set-aside"};

/* A name that begins with a star is the end of a name. */
static const struct {
    const char *folder;
    const char *name;
    enum backup_care care;
} kinds[] = {
    {"", "log", BACKUP_ENTERS},
    {"", "store", BACKUP_ENTERS},
    {"", "refused", BACKUP_ENTERS},
    {"", "spill", BACKUP_ENTERS},
    /* A secret; without it links of viewers that were handed out before end, and new ones do not.
     */
    {"", "viewer-secret", BACKUP_LEAVES},
    {"", "viewer-secret.draft", BACKUP_LEAVES},
    {"", "backup", BACKUP_LEAVES},
    {"", "backup.draft", BACKUP_LEAVES},
    {"log", "lock", BACKUP_LEAVES},
    {"log", "log-id", BACKUP_TAKES},
    {"log", "log-id.draft", BACKUP_LEAVES},
    {"log", "*.segment", BACKUP_TAKES},
    {"log", "set-aside", BACKUP_ENTERS},
    {"log/set-aside", "*", BACKUP_TAKES},
    {"store", "lock", BACKUP_LEAVES},
    {"store", "manifest", BACKUP_TAKES},
    {"store", "manifest.new", BACKUP_LEAVES},
    {"store", "chain", BACKUP_TAKES},
    {"store", "*.part", BACKUP_TAKES},
    {"refused", "lock", BACKUP_LEAVES},
    {"refused", "*.refused", BACKUP_TAKES},
    {"spill", "lock", BACKUP_LEAVES},
    {"spill", "log-id", BACKUP_TAKES},
    {"spill", "log-id.draft", BACKUP_LEAVES},
    {"spill", "*.segment", BACKUP_TAKES},
    {"spill", "moved", BACKUP_TAKES},
    {"spill", "moved.draft", BACKUP_LEAVES},
    {"spill", "topic", BACKUP_TAKES},
    {"spill", "topic.draft", BACKUP_LEAVES},
    {"spill", "set-aside", BACKUP_ENTERS},
    {"spill/set-aside", "*", BACKUP_TAKES},
};

static bool matches(const char *pattern, const char *name)
{
    if (pattern[0] != '*') {
        return strcmp(pattern, name) == 0;
    }
    size_t end_len = strlen(pattern + 1);
    size_t len = strlen(name);
    bool climbs = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
    return !climbs && len > end_len && strcmp(name + len - end_len, pattern + 1) == 0;
}

enum backup_care backup_care_of(const char *folder, const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        if (strcmp(kinds[i].folder, folder) == 0 && matches(kinds[i].name, name)) {
            return kinds[i].care;
        }
    }
    return BACKUP_IGNORES;
}

enum backup_care backup_care_of_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    const char *name = slash == NULL ? path : slash + 1;
    for (size_t i = 0; i < BACKUP_FOLDERS; i++) {
        const char *folder = backup_folders[i];
        if (strlen(folder) == len && memcmp(folder, path, len) == 0 &&
            (len > 0) == (slash != NULL)) {
            return backup_care_of(folder, name);
        }
    }
    return BACKUP_IGNORES;
}
