#include "interfaces/cli/server_address.h"

#include <stddef.h>

enum status server_address_check(const struct server_address *address, struct error *err)
{
    if (address->url != NULL && address->directory != NULL) {
        return error_set(err, STATUS_INVALID, 0, "a folder or --url is named, not both");
    }
    return STATUS_OK;
}
