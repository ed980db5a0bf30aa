#include "service/health.h"

#include <sys/statvfs.h>

#include "service/hub.h"

int room_on_disk(const struct svc *svc, struct err *e)
{
    struct statvfs st;
    int64_t avail;

    if (!svc->set.min_free_bytes || fstatvfs(svc->data_fd, &st) < 0)
        return 0;
    avail = (int64_t)st.f_bavail * (int64_t)st.f_frsize;
    if (avail >= svc->set.min_free_bytes)
        return 0;
    return err_set(e, ERR_STORAGE_FULL, "%lld MiB are free in the data directory, %lld are kept free: make room",
                   (long long)(avail / (int64_t)MIB), (long long)(svc->set.min_free_bytes / (int64_t)MIB));
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
