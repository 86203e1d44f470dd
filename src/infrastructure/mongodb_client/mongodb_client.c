#include "infrastructure/mongodb_client/mongodb_client.h"

#include "infrastructure/mongodb_client/document_writer.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    SERVER_SELECTION_TIMEOUT_MS = 5000,
    CONNECT_TIMEOUT_MS = 5000,
    SOCKET_TIMEOUT_MS = 10000,
    POOL_WAIT_TIMEOUT_MS = 2000,
    CONFIRM_TIMEOUT_MS =
        8000, /* for the majority, so that the server answers before the socket's */
    DATABASE_BYTES_MAX = 64,
    HOSTS_BYTES_MAX = 512
};

struct mongodb_client {
    mongoc_client_pool_t *pool;
    char database[DATABASE_BYTES_MAX];
    char hosts[HOSTS_BYTES_MAX];
};

/* Making ------------------------------------------------------------------------------------ */

static void set_up_driver(void)
{
    mongoc_init();
    /* Its lines go to stderr in a form of their own; what matters comes back as errors. */
    mongoc_log_set_handler(NULL, NULL);
}

static bool has_option(const mongoc_uri_t *uri, const char *name)
{
    bson_iter_t at;
    const bson_t *options = mongoc_uri_get_options(uri);
    return options != NULL && bson_iter_init_find_case(&at, options, name);
}

static void set_default(mongoc_uri_t *uri, const char *name, int32_t value)
{
    if (!has_option(uri, name)) {
        mongoc_uri_set_option_as_int32(uri, name, value);
    }
}

static void set_defaults(mongoc_uri_t *uri, unsigned connections_max)
{
    set_default(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, SERVER_SELECTION_TIMEOUT_MS);
    set_default(uri, MONGOC_URI_CONNECTTIMEOUTMS, CONNECT_TIMEOUT_MS);
    set_default(uri, MONGOC_URI_SOCKETTIMEOUTMS, SOCKET_TIMEOUT_MS);
    set_default(uri, MONGOC_URI_WAITQUEUETIMEOUTMS, POOL_WAIT_TIMEOUT_MS);
    set_default(uri, MONGOC_URI_MAXPOOLSIZE, (int32_t)connections_max);
    if (mongoc_uri_get_appname(uri) == NULL) {
        mongoc_uri_set_appname(uri, "usertrail");
    }
}

static void note_names(struct mongodb_client *client, const mongoc_uri_t *uri)
{
    const char *database = mongoc_uri_get_database(uri);
    size_t len = 0;
    snprintf(client->database, sizeof client->database, "%s",
             database == NULL ? "usertrail" : database);
    const mongoc_host_list_t *host = mongoc_uri_get_hosts(uri);
    for (; host != NULL && len < sizeof client->hosts; host = host->next) {
        int written = snprintf(client->hosts + len, sizeof client->hosts - len, "%s%s",
                               len == 0 ? "" : ", ", host->host_and_port);
        len += written > 0 ? (size_t)written : 0;
    }
}

static void prepare_driver(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up_driver);
}

/* The driver's words may repeat a part of a URI, such as its password, so they are not shown. */
static enum status read_uri(const char *text, mongoc_uri_t **out_uri, struct error *err)
{
    bson_error_t failure;
    mongoc_uri_t *uri = mongoc_uri_new_with_error(text, &failure);
    if (uri == NULL) {
        return error_set(err, STATUS_INVALID, 0,
                         "the URI of MongoDB cannot be read; write mongodb://host:port/database, "
                         "and @ : / %% in a password as %%40 %%3A %%2F %%25");
    }
    *out_uri = uri;
    return STATUS_OK;
}

/* The hosts behind a name of mongodb+srv:// are asked for now; a resolver can be away as a server
 * can. */
static enum status fail_pool(const bson_error_t *failure, struct error *err)
{
    if (failure->domain == MONGOC_ERROR_STREAM) {
        return error_set(err, STATUS_UNAVAILABLE, 0,
                         "the name in the URI of MongoDB (mongodb+srv://) cannot be resolved: no "
                         "name server has SRV records of it");
    }
    return error_set(err, STATUS_INVALID, 0,
                     "MongoDB's client cannot use the options of its URI, such as the files that "
                     "tlsCAFile and tlsCertificateKeyFile name");
}

enum status mongodb_client_check(const char *text, struct error *err)
{
    mongoc_uri_t *uri = NULL;
    prepare_driver();
    enum status status = read_uri(text, &uri, err);
    if (status == STATUS_OK) {
        mongoc_uri_destroy(uri);
    }
    return status;
}

static enum status open_pool(struct mongodb_client *client,
                             const struct mongodb_client_config *config, struct error *err)
{
    mongoc_uri_t *uri = NULL;
    bson_error_t failure = {0};
    enum status status = read_uri(config->uri, &uri, err);
    if (status != STATUS_OK) {
        return status;
    }
    set_defaults(uri, config->connections_max);
    note_names(client, uri);
    client->pool = mongoc_client_pool_new_with_error(uri, &failure);
    mongoc_uri_destroy(uri);
    if (client->pool == NULL) {
        return fail_pool(&failure, err);
    }
    mongoc_client_pool_set_error_api(client->pool, MONGOC_ERROR_API_VERSION_2);
    return STATUS_OK;
}

enum status mongodb_client_new(const struct mongodb_client_config *config,
                               struct mongodb_client **out_client, struct error *err)
{
    prepare_driver();
    struct mongodb_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for MongoDB's client");
    }
    enum status status = open_pool(client, config, err);
    if (status != STATUS_OK) {
        free(client);
        return status;
    }
    *out_client = client;
    return STATUS_OK;
}

void mongodb_client_free(struct mongodb_client *client)
{
    if (client != NULL) {
        mongoc_client_pool_destroy(client->pool);
        free(client);
    }
}

const char *mongodb_client_database(const struct mongodb_client *client)
{
    return client->database;
}

const char *mongodb_client_hosts(const struct mongodb_client *client)
{
    return client->hosts;
}

enum status mongodb_client_take(struct mongodb_client *client, mongoc_client_t **out_connection,
                                struct error *err)
{
    mongoc_client_t *connection = mongoc_client_pool_pop(client->pool);
    if (connection == NULL) {
        return error_set(err, STATUS_BUSY, 0, "all connections to MongoDB are in use");
    }
    *out_connection = connection;
    return STATUS_OK;
}

void mongodb_client_give(struct mongodb_client *client, mongoc_client_t *connection)
{
    mongoc_client_pool_push(client->pool, connection);
}

/* Failures ---------------------------------------------------------------------------------- */

bool mongodb_client_refuses_for_good(int64_t code)
{
    static const int16_t codes[] = {
        2,     /* BadValue */
        9,     /* FailedToParse */
        14,    /* TypeMismatch */
        15,    /* Overflow: nested too deeply */
        22,    /* InvalidBSON */
        52,    /* DollarPrefixedFieldName */
        53,    /* InvalidIdField */
        55,    /* InvalidDBRef */
        56,    /* EmptyFieldName */
        57,    /* DottedFieldName */
        121,   /* DocumentValidationFailure */
        10334, /* BSONObjectTooLarge */
        17280, /* KeyTooLong */
        17419, /* a document larger than the server takes */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
        if (codes[i] == code) {
            return true;
        }
    }
    return false;
}

/* Of a whole command: it is too large or no BSON to the server. Anything else may be about how the
 * server is set up, and pass. */
static bool is_about_size(uint32_t code)
{
    enum { OVERFLOW = 15, INVALID_BSON = 22, OBJECT_TOO_LARGE = 10334, TOO_LARGE = 17419 };
    return code == OVERFLOW || code == INVALID_BSON || code == OBJECT_TOO_LARGE ||
           code == TOO_LARGE;
}

static enum status status_of(const bson_error_t *failure)
{
    enum { MAX_TIME_EXPIRED = 50, WRITE_CONCERN_FAILED = 64, OUT_OF_DISK_SPACE = 14031 };
    if (failure->domain != MONGOC_ERROR_SERVER && failure->domain != MONGOC_ERROR_WRITE_CONCERN) {
        return failure->domain == MONGOC_ERROR_BSON ? STATUS_INVALID : STATUS_UNAVAILABLE;
    }
    if (failure->code == MAX_TIME_EXPIRED || failure->code == WRITE_CONCERN_FAILED) {
        return STATUS_TIMED_OUT;
    }
    if (failure->code == OUT_OF_DISK_SPACE) {
        return STATUS_NO_SPACE;
    }
    return is_about_size(failure->code) ? STATUS_INVALID : STATUS_UNAVAILABLE;
}

enum status mongodb_client_fail(const bson_error_t *failure, const char *doing, struct error *err)
{
    return error_set(err, status_of(failure), 0, "MongoDB %s: %s", doing, failure->message);
}

enum status mongodb_client_view(const struct buffer *document, bson_t *out_view, struct error *err)
{
    if (document->failed != STATUS_OK ||
        !bson_init_static(out_view, (const uint8_t *)document->data, document->len)) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for a request to MongoDB");
    }
    return STATUS_OK;
}

/* Commands ---------------------------------------------------------------------------------- */

void mongodb_client_append_write_concern(struct buffer *command)
{
    size_t concern = document_open(command, DOCUMENT_OBJECT, STR("writeConcern"));
    document_put_str(command, STR("w"), STR("majority"));
    document_put_bool(command, STR("j"), true);
    document_put_i32(command, STR("wtimeout"), CONFIRM_TIMEOUT_MS);
    document_end(command, concern);
}

enum status mongodb_client_write(const struct mongodb_client *client, mongoc_client_t *connection,
                                 const struct buffer *command, bson_t *out_reply, struct error *err)
{
    bson_t view;
    bson_error_t failure;
    enum status status = mongodb_client_view(command, &view, err);
    if (status != STATUS_OK) {
        bson_init(out_reply);
        return status;
    }
    return mongoc_client_write_command_with_opts(connection, client->database, &view, NULL,
                                                 out_reply, &failure)
               ? STATUS_OK
               : mongodb_client_fail(&failure, "did not confirm a change", err);
}

enum status mongodb_client_read(const struct mongodb_client *client, mongoc_client_t *connection,
                                const struct buffer *command, bson_t *out_reply, struct error *err)
{
    bson_t view;
    bson_error_t failure;
    enum status status = mongodb_client_view(command, &view, err);
    if (status != STATUS_OK) {
        bson_init(out_reply);
        return status;
    }
    mongoc_read_prefs_t *primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY);
    bool done = mongoc_client_read_command_with_opts(connection, client->database, &view, primary,
                                                     NULL, out_reply, &failure);
    mongoc_read_prefs_destroy(primary);
    return done ? STATUS_OK : mongodb_client_fail(&failure, "did not answer", err);
}

int64_t mongodb_client_number(const bson_t *reply, const char *member)
{
    bson_iter_t at;
    return bson_iter_init_find(&at, reply, member) ? bson_iter_as_int64(&at) : 0;
}
