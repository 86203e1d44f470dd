#pragma once
/*
 * What a data folder consists of, and what a backup does with each: the one table of it. A file
 * that is not in it is none of usertrail's, and a test holds the table to folders of servers that
 * did everything. Any thread.
 */
#include <stddef.h>

enum backup_care {
    BACKUP_TAKES,   /* the file is in a backup */
    BACKUP_LEAVES,  /* it is known, and not in one */
    BACKUP_ENTERS,  /* a folder with files of its own */
    BACKUP_IGNORES, /* not known */
};

enum { BACKUP_FOLDERS = 7 };

/* Below the data folder, which is the first one, "". A folder stands behind the one it lies in. */
extern const char *const backup_folders[BACKUP_FOLDERS];

/* `name` stands in the folder, which is one of these. */
enum backup_care backup_care_of(const char *folder, const char *name);

/* The same of "log/log-id"; IGNORES also when the folder is none of these. */
enum backup_care backup_care_of_path(const char *path);
