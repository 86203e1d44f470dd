/* Answers on their way out: in order of request, gathered, with a deadline for who does not read.
 */
#include "base/assert.h"
#include "interfaces/http/http_connection.h"
#include "interfaces/http/http_secure.h"
#include "interfaces/http/http_stream.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum {
    FLUSH_PARTS = 64, /* answers in one write */
    /* No further answer is added to that many bytes: all of a write keep their memory until its
     * end. */
    FLUSH_BYTES = 1024 * 1024,
    /* Taken within one write_timeout, this much of a large answer earns another one. */
    WRITE_PROGRESS_BYTES_MIN = 64 * 1024
};

static char continue_text[] = "HTTP/1.1 100 Continue\r\n\r\n";

struct gathered {
    uv_buf_t parts[FLUSH_PARTS];
    unsigned part_count;
    unsigned answers;
    bool ends_in_part; /* of an answer that goes on */
    size_t bytes;
    size_t bytes_max;  /* no further answer begins behind so many */
    size_t cut_at_max; /* nor does one go on behind so many; its rest comes with the next write */
    size_t cut_taken;  /* how much of the answer that was cut goes out with this or went before */
};

static void gathered_add(struct gathered *gathered, char *data, size_t len)
{
    gathered->parts[gathered->part_count] = (uv_buf_t){.base = data, .len = len};
    gathered->part_count++;
    gathered->bytes += len;
}

/* What can be sent of it now. */
static struct str next_part(struct http_exchange *exchange)
{
    if (exchange->stream != NULL) {
        return http_stream_take(exchange->stream);
    }
    return exchange->phase == HTTP_EXCHANGE_ANSWERED ? buffer_str(&exchange->answer.bytes)
                                                     : (struct str){0};
}

/* A stream whose sending was cut may have been ended meanwhile, with more behind what is sent. */
static bool is_last_part(const struct http_exchange *exchange)
{
    return exchange->phase == HTTP_EXCHANGE_ANSWERED &&
           (exchange->stream == NULL || exchange->stream->waiting.len == 0);
}

/* Adds what `taken` bytes have gone of before; false when not all of the part had room. */
static bool gathered_add_part(struct gathered *gathered, struct str part, size_t taken)
{
    size_t len = part.len - taken;
    size_t room = gathered->cut_at_max - gathered->bytes;
    if (part.len > taken) {
        gathered_add(gathered, (char *)(uintptr_t)part.data + taken, len < room ? len : room);
    }
    if (len > room) {
        gathered->cut_taken = taken + room;
    }
    return len <= room;
}

/* The answers whose turn it is; behind them as much as there is of one that goes on, or a 100
 * Continue when its request is next. */
static void gather(struct http_connection *connection, struct gathered *out_gathered)
{
    struct gathered *gathered = out_gathered;
    struct http_exchange *exchange = connection->first;
    size_t taken = connection->first_taken;
    while (exchange != NULL && gathered->part_count < FLUSH_PARTS &&
           gathered->bytes < gathered->bytes_max) {
        struct str part = next_part(exchange);
        if (!gathered_add_part(gathered, part, taken)) {
            return;
        }
        taken = 0;
        if (!is_last_part(exchange)) {
            gathered->ends_in_part = part.len > 0;
            if (part.len == 0 && exchange->continue_due) {
                exchange->continue_due = false;
                gathered_add(gathered, continue_text, sizeof continue_text - 1);
            }
            return;
        }
        gathered->answers++;
        if (exchange->closes) {
            return;
        }
        exchange = exchange->next;
    }
}

static void gathered_init(struct gathered *gathered, struct http_connection *connection)
{
    gathered->part_count = 0;
    gathered->answers = 0;
    gathered->ends_in_part = false;
    gathered->bytes = 0;
    gathered->bytes_max = FLUSH_BYTES;
    gathered->cut_at_max = SIZE_MAX;
    gathered->cut_taken = 0;
    if (connection->tls != NULL) {
        gathered->bytes_max = http_secure_room(connection);
        gathered->cut_at_max = gathered->bytes_max;
    }
}

/* What was gathered becomes what goes over the wire. */
static bool encrypt(struct http_connection *connection, struct gathered *gathered)
{
    struct str wire;
    if (!http_secure_encrypt(connection, gathered->parts, gathered->part_count, &wire)) {
        return false;
    }
    gathered->part_count = 0;
    gathered->bytes = 0;
    if (wire.len > 0) {
        gathered_add(gathered, (char *)(uintptr_t)wire.data, wire.len);
    }
    return true;
}

/* Shuts down only the write side: closing with bytes unread would send a reset, which can destroy
 * the answer before the client has read it (RFC 9112 section 9.6). */
void http_output_finish(struct http_connection *connection)
{
    uv_os_fd_t descriptor;
    while (connection->first != NULL) {
        http_connection_drop_first(connection);
    }
    connection->incoming = NULL;
    connection->input = HTTP_INPUT_DISCARD;
    if (http_secure_says_end(connection)) {
        return; /* and comes again */
    }
    if (connection->at_end || uv_fileno((uv_handle_t *)&connection->tcp, &descriptor) != 0 ||
        shutdown(descriptor, SHUT_WR) != 0) {
        http_connection_cut(connection);
        return;
    }
    connection->lingering = true;
    http_connection_update(connection);
}

/* Its writer may go on. */
static void part_sent(struct http_connection *connection)
{
    struct http_exchange *exchange = connection->first;
    struct http_stream *stream = exchange->stream;
    size_t before = http_stream_unsent_bytes(stream);
    http_stream_sent(stream, &connection->loop->server->answer_memory);
    size_t left = http_stream_unsent_bytes(stream);
    connection->unsent_bytes -= before - left;
    if (left == 0 && exchange->phase != HTTP_EXCHANGE_ANSWERED) {
        stream->writer->drained(exchange);
    }
}

static void answers_sent(struct http_connection *connection)
{
    bool closes = false;
    if (connection->tls != NULL) {
        http_secure_sent(connection);
    }
    for (; connection->sending > 0; connection->sending--) {
        closes = connection->first->closes;
        http_connection_drop_first(connection);
    }
    if (connection->sending_part) {
        connection->sending_part = false;
        part_sent(connection);
    }
    bool ends = connection->at_end || connection->input == HTTP_INPUT_DISCARD;
    if (closes || (connection->first == NULL && ends)) {
        http_output_finish(connection);
    } else {
        http_input_resume(connection);
    }
}

/* A write that the kernel takes at once is reported before the loop looks for events, when the turn
 * has ended already: what it allows to go on must not wait for the next event. */
static void on_written(uv_write_t *write, int status)
{
    struct http_connection *connection = write->data;
    connection->writing = false;
    if (connection->closing) {
        return;
    }
    http_deadline_clear(&connection->output_deadline);
    if (status != 0) {
        http_connection_cut(connection);
        return;
    }
    answers_sent(connection);
    http_connection_touch(connection);
    http_loop_end_turn(connection->loop);
}

/* What the client has not taken: our queue and the kernel's, which lets us write only now and then
 * although the client reads steadily. */
static size_t bytes_left(struct http_connection *connection)
{
    uv_os_fd_t descriptor;
    int unacknowledged = 0;
    if (uv_fileno((uv_handle_t *)&connection->tcp, &descriptor) != 0 ||
        ioctl(descriptor, SIOCOUTQ, &unacknowledged) != 0) {
        unacknowledged = 0;
    }
    return uv_stream_get_write_queue_size((uv_stream_t *)&connection->tcp) + (size_t)unacknowledged;
}

static void write_deadline_set(struct http_connection *connection)
{
    connection->write_left = bytes_left(connection);
    http_deadline_set(&connection->loop->deadlines, &connection->output_deadline,
                      HTTP_DEADLINE_WRITE, uv_now(&connection->loop->uv));
}

void http_output_expire(struct http_connection *connection)
{
    if (bytes_left(connection) + WRITE_PROGRESS_BYTES_MIN <= connection->write_left) {
        write_deadline_set(connection);
    } else {
        http_connection_cut(connection);
    }
}

/* What the kernel did not take at once goes out as it makes room. */
static void write_rest(struct http_connection *connection, struct gathered *gathered,
                       size_t written)
{
    unsigned part = 0;
    while (written >= gathered->parts[part].len) {
        written -= gathered->parts[part].len;
        part++;
    }
    gathered->parts[part].base += written;
    gathered->parts[part].len -= written;
    int result = uv_write(&connection->write, (uv_stream_t *)&connection->tcp,
                          &gathered->parts[part], gathered->part_count - part, on_written);
    if (result != 0) {
        http_connection_cut(connection);
        return;
    }
    connection->writing = true;
    write_deadline_set(connection);
    http_connection_update(connection);
}

void http_output_flush(struct http_connection *connection)
{
    while (!connection->closing && !connection->writing && !connection->lingering) {
        struct gathered gathered;
        gathered_init(&gathered, connection);
        gather(connection, &gathered);
        connection->first_taken = gathered.cut_taken;
        if (connection->tls != NULL && !encrypt(connection, &gathered)) {
            http_connection_cut(connection);
            return;
        }
        if (gathered.part_count == 0 && gathered.answers == 0) {
            return;
        }
        connection->sending = gathered.answers;
        connection->sending_part = gathered.ends_in_part;
        int result = gathered.part_count == 0 ? 0
                                              : uv_try_write((uv_stream_t *)&connection->tcp,
                                                             gathered.parts, gathered.part_count);
        if (result < 0 && result != UV_EAGAIN) {
            http_connection_cut(connection);
            return;
        }
        size_t written = result < 0 ? 0 : (size_t)result;
        if (written < gathered.bytes) {
            write_rest(connection, &gathered, written);
            return;
        }
        answers_sent(connection);
    }
}
