#include "service/health.h"

#include "service/disk.h"
#include "service/hub.h"
#include "service/keeper.h"

int room_on_disk(const struct svc *svc, struct err *e)
{
    struct disk_room room;

    disk_room(svc, &room);
    if (room.level != DISK_REFUSE)
        return 0;
    keeper_kick(svc->keeper);
    return err_set(e, ERR_DISK_FULL, "%s", room.why);
}

int ready_check(struct svc *svc, struct err *e)
{
    int r = room_on_disk(svc, e);

    if (hub_stopping(svc->hub))
        return err_set(e, ERR_UNAVAILABLE, "the server is stopping");
    if (r == 0 && svc->sandbox_problem)
        return err_set(e, ERR_SANDBOX_UNAVAILABLE, "%s", svc->sandbox_problem);
    return r < 0 ? r : store_check(svc->store, e);
}

void service_stats(struct svc *svc, struct store_stats *ret)
{
    store_stats(svc->store, ret);
}
