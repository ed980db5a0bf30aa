/* auth - tokens and scopes: who is calling.
 *
 * A token is "sp_" + 43 characters (256 random bits, base64url). Only its sha256 is stored: with that much
 * entropy a fast hash is enough (no password to guess).
 * May include: store base os service/svc.h.   Threads: any. */
#pragma once
#include "service/svc.h"

#define TOKEN_TEXT_MAX 64

/* Bits of "run:read run:write …"; ERR_INVALID names the unknown word. Implied scopes are added. */
CHECKED int auth_scopes(const char *words, unsigned *ret, struct err *);
const char *auth_scope_name(unsigned bit);

/* Fills caller's tenant, actor, token_id, scopes. ERR_UNAUTHORIZED. */
CHECKED int auth_token(struct svc *, const char *bearer, struct caller *, struct err *);
/* Does a token that was good when a stream was opened still count? By its id: nobody keeps the text for this.
 * ERR_UNAUTHORIZED when it was revoked or has expired. */
CHECKED int auth_token_lives(struct svc *, const char *tenant, const char *token_id, struct err *);
/* The same of the token that a console's login (logins.h) is of. */
CHECKED int auth_login(struct svc *, const struct id *login, struct caller *, struct err *);
/* "scopes":[…] of an open object: all that these bits give. */
void auth_scopes_json(struct jw *, unsigned scopes);
/* {id, name, scopes, expires_at} of the token somebody was identified by; of a peer of the unix socket its uid. */
CHECKED int auth_self_json(struct svc *, const struct caller *, struct jw *, struct err *);
/* The first start: makes an admin token and writes it to DATA/admin-token (0600) when no token exists. *ret_made says
 * so. */
CHECKED int auth_first_token(struct svc *, bool *ret_made, struct err *);
/* Reply: Token with `token`. */
CHECKED int auth_token_new(struct svc *, struct caller *, const char *name, const char *scopes, int64_t expires_in_ms,
                           struct err *);
CHECKED int auth_token_revoke(struct svc *, struct caller *, const struct id *, struct err *);
CHECKED int auth_token_list_json(struct svc *, const char *tenant, const struct id *after, int limit, struct jw *,
                                 struct err *);
