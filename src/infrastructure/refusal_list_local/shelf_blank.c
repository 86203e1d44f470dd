/* What entries said leaves the files when they leave the list: zeros take the place of their texts.
 */
#include "infrastructure/refusal_list_local/shelf.h"

#include <stdlib.h>

/* NOT_FOUND: nothing stands there that was one. */
static enum status write_blank(struct shelf_file *file, const struct shelf_place *place,
                               uint8_t *bytes, struct error *err)
{
    struct iovec part = {.iov_base = bytes, .iov_len = RECORD_HEADER_BYTES};
    size_t len = 0;
    enum status status = disk_file_read(file->handle, place->at, part, &len, err);
    if (status == STATUS_OK &&
        (len != RECORD_HEADER_BYTES || record_claimed_length(bytes) != place->bytes)) {
        status = error_set(err, STATUS_NOT_FOUND, 0, "the record is damaged");
    }
    if (status != STATUS_OK) {
        return status;
    }
    record_blank(bytes, place->bytes, (struct record_place){file->number, place->at});
    part.iov_len = place->bytes;
    return disk_file_write(file->handle, place->at, &part, 1, err);
}

static void tell(struct shelf *shelf, const struct shelf_place *place, const struct error *err)
{
    log_write(shelf->config.logger, LOG_WARNING,
              "an entry left the refused list, and its text could not be overwritten",
              LOG_FIELDS(log_text("folder", str_from(shelf->directory)),
                         log_number("file", (int64_t)place->file->number),
                         log_number("from", (int64_t)place->at),
                         log_text("reason", str_from(err->message))));
}

void shelf_blank(struct shelf *shelf, const struct shelf_place *place)
{
    struct error err = {0};
    uint8_t *bytes = malloc(place->bytes);
    enum status status =
        bytes == NULL ? shelf_no_memory(&err) : write_blank(place->file, place, bytes, &err);
    free(bytes);
    place->file->blanked = true;
    if (status != STATUS_OK) {
        tell(shelf, place, &err);
    }
}

/* A file whose fdatasync failed gets nothing more. */
void shelf_sync_blanks(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->file_count; i++) {
        struct shelf_file *file = shelf->files[i];
        struct error err = {0};
        if (file->blanked && disk_file_sync(file->handle, &err) != STATUS_OK) {
            tell(shelf, &(struct shelf_place){.file = file}, &err);
            shelf->closed = shelf->closed || i + 1 == shelf->file_count;
        }
        file->blanked = false;
    }
}
