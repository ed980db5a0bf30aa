/* policies - the versions of each tenant's policy, the current one parsed and shared.
 *
 * Why it exists: a policy is parsed once per version, judged from many threads,
 * and every answer says which version gave it. Version 0 is the built-in default.
 * May include: store core base os service/svc.h.   Threads: any. */
#pragma once
#include "core/policy.h"
#include "service/svc.h"

struct policies;
CHECKED int policies_new(struct store *, struct policies **ret, struct err *);
void policies_free(struct policies *);

struct policy_use; /* one parsed version, held */
/* The newest version of the tenant, as of the db. Call inside a read or write: what is judged is what is stored. */
CHECKED int policies_use(struct policies *, struct db *, const char *tenant, struct policy_use **ret, struct err *);
void policy_use_end(struct policy_use *);
DEFINE_AUTO_PTR(struct policy_use, policy_use_end);
const struct policy *policy_use_policy(const struct policy_use *);
int64_t policy_use_version(const struct policy_use *);

/* Reply: the stored version. ERR_INVALID with problems filled when the text is not a policy; ERR_CONFLICT when
 * base_version (>= 0) is not the newest. */
CHECKED int policies_put(struct svc *, struct caller *, const char *text, size_t n, int64_t base_version,
                         const char *note, struct policy_problems *, struct err *);
/* {version, text, sha256, actor, note, created_at}; version -1 = newest. */
CHECKED int policies_get_json(struct svc *, const char *tenant, int64_t version, struct jw *, struct err *);
CHECKED int policies_list_json(struct svc *, const char *tenant, int64_t before, int limit, struct jw *, struct err *);
/* The contract's Verdict (docs/API.md). command or argv; text: another policy to try, or NULL. */
CHECKED int policies_test_json(struct svc *, const char *tenant, const char *command, const struct json *argv,
                               const char *cwd, const char *text, struct policy_problems *, struct jw *, struct err *);
