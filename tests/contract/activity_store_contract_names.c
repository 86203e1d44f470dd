#include "activity_store_contract_names.h"

void choose_names(const struct random *random, const struct name_pool *pool, struct str *room,
                  struct name_list *out_list)
{
    size_t count = 0;
    while (count < pool->count && random_below(random, pool->one_in) == 0) {
        room[count] = str_from(pool->names[pool->from_end ? pool->count - 1 - count : count]);
        count++;
    }
    *out_list = (struct name_list){room, count};
}
