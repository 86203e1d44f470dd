#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FLUSH_BYTES = 1 << 20, LINE_MAX_BYTES = 256, SYNC_INTERVAL_MS = 200 };

struct ledger {
    int file;
    size_t len;
    char *path;
    // The sync thread waits on the condition for `stop`, at most SYNC_INTERVAL_MS.
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stop;
    bool dirty; // written since the last fdatasync began
    char bytes[FLUSH_BYTES + LINE_MAX_BYTES];
};

static void sync_file(struct ledger *ledger)
{
    if (fdatasync(ledger->file) != 0)
        tool_fail(TOOL_WRONG, "ledger %s cannot be made durable: %s", ledger->path,
                  strerror(errno));
}

static void *keep_durable(void *argument)
{
    struct ledger *ledger = argument;
    pthread_mutex_lock(&ledger->mutex);
    while (!ledger->stop) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += SYNC_INTERVAL_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&ledger->changed, &ledger->mutex, &until);
        if (!ledger->dirty)
            continue;
        ledger->dirty = false;
        pthread_mutex_unlock(&ledger->mutex);
        sync_file(ledger);
        pthread_mutex_lock(&ledger->mutex);
    }
    pthread_mutex_unlock(&ledger->mutex);
    return NULL;
}

struct survey {
    unsigned last_run;
};

static void see_run(void *visitor, const struct ledger_record *record)
{
    struct survey *survey = visitor;
    if (record->kind == 'R')
        survey->last_run = record->run.run;
}

// Cuts the file after its last \n.
static void drop_cut_line(struct ledger *ledger, off_t file_bytes)
{
    char tail[LINE_MAX_BYTES];
    size_t tail_len = file_bytes < LINE_MAX_BYTES ? (size_t)file_bytes : LINE_MAX_BYTES;
    off_t tail_start = file_bytes - (off_t)tail_len;
    if (pread(ledger->file, tail, tail_len, tail_start) != (ssize_t)tail_len)
        tool_fail(TOOL_WRONG, "ledger %s cannot be read: %s", ledger->path, strerror(errno));
    const char *line_end = memrchr(tail, '\n', tail_len);
    if (line_end == NULL)
        tool_fail(TOOL_WRONG, "%s is not a ledger", ledger->path);
    if (ftruncate(ledger->file, tail_start + (line_end - tail) + 1) != 0)
        tool_fail(TOOL_WRONG, "ledger %s cannot be cut: %s", ledger->path, strerror(errno));
}

static void begin_file(struct ledger *ledger, char *out_nonce)
{
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        tool_fail(TOOL_WRONG, "no randomness for the ledger's nonce");
    snprintf(out_nonce, NAME_NONCE_LEN + 1, "%08x", random);
    ledger->len +=
        (size_t)snprintf(ledger->bytes, LINE_MAX_BYTES, "usertrail-ledger 1 %s\n", out_nonce);
}

static unsigned continue_file(struct ledger *ledger, off_t file_bytes, char *out_nonce)
{
    struct survey survey = {.last_run = 0};
    drop_cut_line(ledger, file_bytes);
    ledger_read(ledger->path, out_nonce, see_run, &survey);
    return survey.last_run + 1;
}

struct ledger *ledger_open(const char *path, bool server_ids, bool timestamps, char *out_nonce,
                           unsigned *out_run)
{
    struct ledger *ledger = tool_allocate(1, sizeof *ledger);
    struct stat status;
    ledger->path = strdup(path);
    ledger->file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (ledger->file < 0 || fstat(ledger->file, &status) != 0)
        tool_fail(TOOL_USAGE, "ledger %s cannot be opened: %s", path, strerror(errno));
    if (flock(ledger->file, LOCK_EX | LOCK_NB) != 0)
        tool_fail(TOOL_USAGE, "ledger %s is in use by another run", path);
    *out_run = 1;
    if (status.st_size == 0)
        begin_file(ledger, out_nonce);
    else
        *out_run = continue_file(ledger, status.st_size, out_nonce);
    if (*out_run > NAME_RUN_MAX)
        tool_fail(TOOL_USAGE, "ledger %s is full: it has %d runs", path, NAME_RUN_MAX);
    ledger->len += (size_t)snprintf(ledger->bytes + ledger->len, LINE_MAX_BYTES,
                                    "R %u %lld %s %s\n", *out_run, (long long)tool_wall_ms(),
                                    server_ids ? "server" : "client", timestamps ? "sent" : "none");
    ledger_flush(ledger);
    pthread_mutex_init(&ledger->mutex, NULL);
    pthread_cond_init(&ledger->changed, NULL);
    if (pthread_create(&ledger->thread, NULL, keep_durable, ledger) != 0)
        tool_fail(TOOL_WRONG, "no thread for the ledger");
    return ledger;
}

// Ends a line that was written at `end`, and empties the buffer when it is full.
static void end_line(struct ledger *ledger, char *end)
{
    *end++ = '\n';
    ledger->len = (size_t)(end - ledger->bytes);
    if (ledger->len >= FLUSH_BYTES)
        ledger_flush(ledger);
}

static char *begin_line(struct ledger *ledger, char kind, uint64_t sequence)
{
    char *at = ledger->bytes + ledger->len;
    *at++ = kind;
    *at++ = ' ';
    return name_put_number(at, sequence);
}

void ledger_note_sent(struct ledger *ledger, const struct ledger_sent *sent)
{
    char *at = begin_line(ledger, 'S', sent->sequence);
    *at++ = ' ';
    at = name_put_number(at, sent->connection);
    *at++ = ' ';
    at = name_put_number(at, sent->user);
    *at++ = ' ';
    *at++ = sent->ordered ? 'o' : 's';
    *at++ = ' ';
    for (int shift = 60; shift >= 0; shift -= 4)
        *at++ = "0123456789abcdef"[sent->content_hash >> shift & 15];
    end_line(ledger, at);
}

void ledger_note_acknowledged(struct ledger *ledger, uint64_t sequence, const char *id,
                              size_t id_len)
{
    char *at = begin_line(ledger, 'A', sequence);
    *at++ = ' ';
    if (id == NULL) {
        *at++ = '-';
    } else {
        memcpy(at, id, id_len);
        at += id_len;
    }
    end_line(ledger, at);
}

void ledger_note_answered(struct ledger *ledger, uint64_t sequence, unsigned status)
{
    char *at = begin_line(ledger, 'X', sequence);
    *at++ = ' ';
    end_line(ledger, name_put_number(at, status));
}

void ledger_note_unknown(struct ledger *ledger, uint64_t sequence)
{
    end_line(ledger, begin_line(ledger, 'U', sequence));
}

void ledger_flush(struct ledger *ledger)
{
    size_t written = 0;
    if (ledger->len == 0)
        return;
    while (written < ledger->len) {
        ssize_t count = write(ledger->file, ledger->bytes + written, ledger->len - written);
        if (count < 0 && errno != EINTR)
            tool_fail(TOOL_WRONG, "ledger %s cannot be written: %s", ledger->path, strerror(errno));
        if (count > 0)
            written += (size_t)count;
    }
    ledger->len = 0;
    pthread_mutex_lock(&ledger->mutex);
    ledger->dirty = true;
    pthread_mutex_unlock(&ledger->mutex);
}

void ledger_close(struct ledger *ledger)
{
    if (ledger == NULL)
        return;
    ledger_flush(ledger);
    pthread_mutex_lock(&ledger->mutex);
    ledger->stop = true;
    pthread_cond_signal(&ledger->changed);
    pthread_mutex_unlock(&ledger->mutex);
    pthread_join(ledger->thread, NULL);
    sync_file(ledger);
    close(ledger->file);
    pthread_cond_destroy(&ledger->changed);
    pthread_mutex_destroy(&ledger->mutex);
    free(ledger->path);
    free(ledger);
}
