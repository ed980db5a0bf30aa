#include "service/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

static void kid(struct jw *w, const char *k, const struct id *id)
{
    jw_kstr(w, k, id_none(id) ? NULL : id->s);
}

static void kms(struct jw *w, const char *k, int64_t from_us, int64_t to_us)
{
    jw_key(w, k);
    if (from_us && to_us)
        jw_int(w, (to_us - from_us) / MS_US);
    else
        jw_null(w);
}

static void kraw_or(struct jw *w, const char *k, const char *json, const char *fallback)
{
    jw_kraw(w, k, json ? json : fallback);
}

void view_reason(struct jw *w, const struct run_row *r)
{
    jw_key(w, "reason");
    if (!r->reason_code) {
        jw_null(w);
        return;
    }
    jw_obj(w);
    jw_kstr(w, "code", r->reason_code);
    jw_kstr(w, "message", r->reason_text);
    jw_end_obj(w);
}

void view_run_open(struct jw *w, const struct run_row *r, const char *project_name, const struct run_counts_view *n)
{
    jw_obj(w);
    jw_kstr(w, "id", r->id.s);
    jw_kstr(w, "kind", r->kind);
    jw_kstr(w, "project_id", r->project_id.s);
    jw_kstr(w, "project_name", project_name);
    kid(w, "undoes", &r->undoes);
    jw_kstr(w, "state", run_sm_state(r->node));
    jw_kstr(w, "phase", run_sm_phase(r->node));
    jw_kstr(w, "intent", r->intent);
    jw_kstr(w, "review", r->review);
    jw_kstr(w, "on_failure", r->on_failure);
    jw_kstr(w, "on_deny", r->on_deny);
    jw_kstr(w, "on_lost", r->on_lost);
    jw_kbool(w, "network", r->network);
    jw_kstr(w, "seed", r->seed_copy ? "copy" : "overlay");
    kraw_or(w, "limits", r->limits, "{}");
    kraw_or(w, "env_names", r->env_names, "[]");
    jw_kstr(w, "plan_hash", r->plan_hash);
    jw_kint(w, "policy_version", r->policy_version);
    jw_kstr(w, "outcome", r->outcome);
    view_reason(w, r);
    jw_kraw(w, "changes", r->changes);
    jw_kraw(w, "apply", r->apply);
    jw_kint(w, "priority", r->priority);
    jw_kstr(w, "actor", r->actor);
    jw_kstr(w, "surface", r->surface);
    jw_kstr(w, "trace_id", r->trace_id);
    jw_ktime(w, "created_at", r->created_us);
    jw_ktime(w, "started_at", r->started_us);
    jw_ktime(w, "finished_at", r->finished_us);
    jw_ktime(w, "cancel_requested_at", r->cancel_us);
    jw_ktime(w, "expires_at", r->expires_us);
    jw_kbool(w, "kept", r->kept);
    jw_ktime(w, "logs_removed_at", r->logs_removed_us);
    jw_ktime(w, "removed_at", r->removed_us);
    kms(w, "duration_ms", r->started_us, r->finished_us);
    jw_key(w, "counts");
    jw_obj(w);
    jw_kint(w, "steps", n ? n->steps : 0);
    jw_kint(w, "succeeded", n ? n->succeeded : 0);
    jw_kint(w, "failed", n ? n->failed : 0);
    jw_end_obj(w);
}

void view_run(struct jw *w, const struct run_row *r, const char *project_name, const struct run_counts_view *n)
{
    view_run_open(w, r, project_name, n);
    jw_end_obj(w);
}

void view_step_open(struct jw *w, const struct step_row *s)
{
    jw_obj(w);
    jw_kstr(w, "id", s->id.s);
    jw_kstr(w, "run_id", s->run_id.s);
    jw_kint(w, "index", s->index);
    jw_kint(w, "attempt", s->attempt);
    jw_kstr(w, "kind", s->kind);
    jw_kstr(w, "title", s->title);
    jw_kstr(w, "command", s->command);
    jw_kraw(w, "argv", s->argv);
    jw_kstr(w, "cwd", s->cwd ? s->cwd : "");
    kraw_or(w, "env_names", s->env_names, "[]");
    jw_kbool(w, "pty", s->pty);
    jw_kraw(w, "decision", s->decision);
    jw_kstr(w, "state", s->state);
    jw_key(w, "exit_code");
    if (s->exit_code >= 0 && s->finished_us)
        jw_int(w, s->exit_code);
    else
        jw_null(w);
    jw_key(w, "signal");
    if (s->signal > 0)
        jw_int(w, s->signal);
    else
        jw_null(w);
    jw_kbool(w, "oom_killed", s->oom_killed);
    jw_kbool(w, "timed_out", s->timed_out);
    jw_kstr(w, "error", s->error);
    jw_ktime(w, "started_at", s->started_us);
    jw_ktime(w, "finished_at", s->finished_us);
    kms(w, "duration_ms", s->started_us, s->finished_us);
    jw_kint(w, "cpu_ms", s->cpu_us / MS_US);
    jw_kint(w, "max_rss_bytes", s->max_rss_bytes);
    jw_kint(w, "stdout_bytes", s->stdout_bytes);
    jw_kint(w, "stderr_bytes", s->stderr_bytes);
    jw_kbool(w, "log_truncated", s->log_truncated);
}

void view_step(struct jw *w, const struct step_row *s)
{
    view_step_open(w, s);
    jw_end_obj(w);
}

void view_project_open(struct jw *w, const struct project_row *p)
{
    jw_obj(w);
    jw_kstr(w, "id", p->id.s);
    jw_kstr(w, "name", p->name);
    jw_kbytes(w, "root_path", p->root_path, strlen(p->root_path));
    kraw_or(w, "settings", p->settings, "{}");
    jw_ktime(w, "created_at", p->created_us);
}

void view_artifact(struct jw *w, const struct artifact_row *a)
{
    jw_obj(w);
    jw_kstr(w, "id", a->id.s);
    jw_kstr(w, "run_id", a->run_id.s);
    kid(w, "step_id", &a->step_id);
    jw_kstr(w, "name", a->name);
    jw_kstr(w, "media_type", a->media_type);
    jw_kint(w, "size_bytes", a->size_bytes);
    jw_kstr(w, "sha256", a->sha256);
    jw_ktime(w, "created_at", a->created_us);
    jw_ktime(w, "removed_at", a->removed_us);
    jw_end_obj(w);
}

void view_approval(struct jw *w, const struct approval_row *a)
{
    jw_obj(w);
    jw_kstr(w, "id", a->id.s);
    jw_kstr(w, "run_id", a->run_id.s);
    kid(w, "step_id", &a->step_id);
    jw_kstr(w, "kind", a->kind);
    jw_kraw(w, "subject", a->subject);
    jw_kstr(w, "subject_hash", a->subject_hash);
    jw_kstr(w, "rule", a->rule);
    jw_kstr(w, "reason", a->reason);
    jw_kstr(w, "piece", a->piece);
    jw_kstr(w, "state", a->state);
    jw_kstr(w, "actor", a->actor);
    jw_kstr(w, "note", a->note);
    jw_ktime(w, "created_at", a->created_us);
    jw_ktime(w, "expires_at", a->expires_us);
    jw_ktime(w, "resolved_at", a->resolved_us);
    jw_end_obj(w);
}

static void scopes_json(struct jw *w, const char *scopes)
{
    jw_key(w, "scopes");
    jw_arr(w);
    for (const char *s = scopes ? scopes : ""; *s;) {
        size_t n = strcspn(s, " ");

        if (n)
            jw_strn(w, s, n);
        s += n;
        s += strspn(s, " ");
    }
    jw_end_arr(w);
}

void view_token_open(struct jw *w, const struct token_row *t)
{
    jw_obj(w);
    jw_kstr(w, "id", t->id.s);
    jw_kstr(w, "name", t->name);
    scopes_json(w, t->scopes);
    jw_ktime(w, "created_at", t->created_us);
    jw_ktime(w, "expires_at", t->expires_us);
    jw_ktime(w, "revoked_at", t->revoked_us);
    jw_ktime(w, "used_at", t->used_us);
}

void view_page_open(struct jw *w)
{
    jw_obj(w);
    jw_key(w, "items");
    jw_arr(w);
}

void view_page_item(struct view_page *p, const struct id *id)
{
    p->last = *id;
    p->n++;
}

void view_page_close(struct jw *w, const struct view_page *p)
{
    jw_end_arr(w);
    jw_kstr(w, "next", p->n == p->limit ? p->last.s : NULL);
    jw_end_obj(w);
}
