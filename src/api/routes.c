/* routes.c - the whole API in one table. openapi.json is written from it; the dispatcher does everything that is the
 * same. */
#include <string.h>

#include "api/call.h"

#define V1   "/api/v1"
#define PAGE "limit after"

/* clang-format off */
const struct route api_routes[] = {
    {HTTP_M_GET,    "/healthz",                      0,                  OPEN,  0, NULL, get_healthz, "The process lives", NULL, "Health", 200},
    {HTTP_M_GET,    "/readyz",                       0,                  OPEN,  0, NULL, get_readyz, "Store, sandbox and disk are usable", NULL, "Ready", 200},
    {HTTP_M_GET,    "/metrics",                      SCOPE_RUN_READ,     LOCAL, 0, NULL, get_metrics, "Prometheus metrics", NULL, "text/plain", 200},
    {HTTP_M_GET,    "/openapi.json",                 0,                  OPEN,  0, NULL, get_openapi, "This description", NULL, "application/json", 200},
    {HTTP_M_GET,    "/schema",                       0,                  OPEN,  0, NULL, get_schema, "The shapes of events and WebSocket frames: JSON Schema, draft 2020-12", NULL, "application/schema+json", 200},
    {HTTP_M_GET,    "/docs",                         0,                  OPEN,  0, NULL, get_docs, "This description, for people", NULL, "text/html", 200},

    {HTTP_M_GET,    V1 "/projects",                  SCOPE_RUN_READ,     0,   0, PAGE, get_projects, "List projects", NULL, "ProjectList", 200, "projects.list"},
    {HTTP_M_POST,   V1 "/projects",                  SCOPE_PROJECT_WRITE, KEY, 16 * KIB, NULL, post_project, "Register a directory", "ProjectRequest", "Project", 201},
    {HTTP_M_GET,    V1 "/projects/{project}",        SCOPE_RUN_READ,     0,   0, NULL, get_project, "One project, by id or name", NULL, "Project", 200, "projects.get"},
    {HTTP_M_PUT,    V1 "/projects/{project}/settings", SCOPE_PROJECT_WRITE, KEY, 4 * KIB, NULL, put_project_settings, "Change what its sandboxes are like; what is not named stays", "ProjectSettings", "Project", 200},
    {HTTP_M_POST,   V1 "/projects/{project}/pause",  SCOPE_PROJECT_WRITE, KEY, 16 * KIB, NULL, post_project_pause, "Start none of its runs; new ones are accepted and wait", "NoteRequest", "QueuePause", 200, "projects.pause"},
    {HTTP_M_POST,   V1 "/projects/{project}/resume", SCOPE_PROJECT_WRITE, KEY, 4 * KIB, NULL, post_project_resume, "Go on with its runs", "Empty", "QueuePause", 200, "projects.resume"},
    {HTTP_M_DELETE, V1 "/projects/{project}",        SCOPE_PROJECT_WRITE, KEY, 0, NULL, delete_project, "Forget a project; its files stay", NULL, NULL, 204},

    {HTTP_M_GET,    V1 "/runs",                      SCOPE_RUN_READ,     0,   0, PAGE " project_id state", get_runs, "List runs, newest first", NULL, "RunList", 200, "runs.list"},
    {HTTP_M_POST,   V1 "/runs",                      SCOPE_RUN_WRITE,    KEY, 4 * MIB, NULL, post_run, "Ask for a run; Accept: text/event-stream also streams it", "RunRequest", "Run", 202, "runs.create"},
    {HTTP_M_POST,   V1 "/plan",                      SCOPE_RUN_READ,     0,   4 * MIB, NULL, post_plan, "Try the planner, or steps; nothing is stored", "PlanRequest", "Plan", 200, "runs.try_plan"},
    {HTTP_M_GET,    V1 "/runs/{run}",                SCOPE_RUN_READ,     0,   0, NULL, get_run, "One run with its steps and artifacts", NULL, "RunDetail", 200, "runs.get"},
    {HTTP_M_GET,    V1 "/runs/{run}/plan",           SCOPE_RUN_READ,     0,   0, NULL, get_plan, "Its plan, with the policy's answers", NULL, "Plan", 200, "runs.plan.get"},
    {HTTP_M_PUT,    V1 "/runs/{run}/plan",           SCOPE_RUN_WRITE,    KEY, 4 * MIB, NULL, put_plan, "Replace the plan at review", "PlanEdit", "Plan", 200, "runs.plan.put"},
    {HTTP_M_POST,   V1 "/runs/{run}/approve",        SCOPE_APPROVE,      KEY, 16 * KIB, NULL, post_approve, "First door: approve the plan", "ApproveRequest", "Run", 200, "runs.approve"},
    {HTTP_M_POST,   V1 "/runs/{run}/reject",         SCOPE_APPROVE,      KEY, 16 * KIB, NULL, post_reject, "First door: reject the plan", "NoteRequest", "Run", 200, "runs.reject"},
    {HTTP_M_POST,   V1 "/runs/{run}/cancel",         SCOPE_RUN_WRITE,    KEY, 4 * KIB, NULL, post_cancel, "Cancel at any moment", "Empty", "Run", 202, "runs.cancel"},
    {HTTP_M_POST,   V1 "/runs/{run}/apply",          SCOPE_APPROVE,      KEY, 4 * MIB, NULL, post_apply, "Second door: apply all changes, or some files", "ApplyRequest", "Run", 202, "runs.apply"},
    {HTTP_M_POST,   V1 "/runs/{run}/discard",        SCOPE_APPROVE,      KEY, 16 * KIB, NULL, post_discard, "Second door: drop the changes", "NoteRequest", "Run", 200, "runs.discard"},
    {HTTP_M_POST,   V1 "/runs/{run}/undo",           SCOPE_APPROVE,      KEY, 4 * KIB, NULL, post_undo, "A new run that takes an apply back", "Empty", "Run", 202, "runs.undo"},
    {HTTP_M_POST,   V1 "/runs/{run}/keep",           SCOPE_RUN_WRITE,    KEY, 4 * KIB, NULL, post_keep, "Keep it for ever, or no longer", "KeepRequest", "Run", 200, "runs.keep"},
    {HTTP_M_GET,    V1 "/runs/{run}/steps",          SCOPE_RUN_READ,     0,   0, NULL, get_steps, "Its steps", NULL, "StepList", 200, "runs.steps"},
    {HTTP_M_GET,    V1 "/runs/{run}/changes",        SCOPE_RUN_READ,     0,   0, NULL, get_changes, "What it changed", NULL, "Changes", 200, "runs.changes"},
    {HTTP_M_GET,    V1 "/runs/{run}/diff",           SCOPE_RUN_READ,     0,   0, "path path_b64", get_diff, "diff.patch, or the parts of some files", NULL, "text/x-diff", 200, "runs.diff"},
    {HTTP_M_GET,    V1 "/runs/{run}/artifacts",      SCOPE_RUN_READ,     0,   0, NULL, get_run_artifacts, "Its kept files", NULL, "ArtifactList", 200, "runs.artifacts"},
    {HTTP_M_GET,    V1 "/runs/{run}/audit",          SCOPE_AUDIT_READ,   0,   0, NULL, get_run_audit, "Its audit records", NULL, "AuditPage", 200, "runs.audit"},
    {HTTP_M_GET,    V1 "/runs/{run}/events",         SCOPE_RUN_READ,     0,   0, "cursor limit", get_events, "Its events: server-sent, or a JSON page", NULL, "EventPage", 200, "runs.events"},

    {HTTP_M_GET,    V1 "/steps/{step}",              SCOPE_RUN_READ,     0,   0, NULL, get_step, "One step", NULL, "Step", 200, "steps.get"},
    {HTTP_M_GET,    V1 "/steps/{step}/log",          SCOPE_RUN_READ,     0,   0, "offset limit stream", get_step_log, "Its output: raw bytes, or JSON frames", NULL, "LogPage", 200, "steps.log"},
    {HTTP_M_POST,   V1 "/steps/{step}/input",        SCOPE_RUN_WRITE,    0,   128 * KIB, NULL, post_input, "Type into its terminal", "TerminalInput", "Terminal", 200, "steps.input"},
    {HTTP_M_POST,   V1 "/steps/{step}/resize",       SCOPE_RUN_WRITE,    0,   4 * KIB, NULL, post_resize, "Change the size of its terminal", "TerminalSize", "Terminal", 200, "steps.resize"},

    {HTTP_M_GET,    V1 "/inbox",                     SCOPE_RUN_READ,     0,   0, PAGE, get_inbox, "All that waits for a person: plans, steps and changes, each with its run", NULL, "Inbox", 200, "inbox"},
    {HTTP_M_GET,    V1 "/approvals",                 SCOPE_RUN_READ,     0,   0, PAGE " state run_id", get_approvals, "What was and is asked of people", NULL, "ApprovalList", 200, "approval.queue"},
    {HTTP_M_GET,    V1 "/approvals/{approval}",      SCOPE_RUN_READ,     0,   0, NULL, get_approval, "One approval", NULL, "Approval", 200, "approval.get"},
    {HTTP_M_POST,   V1 "/approvals/{approval}",      SCOPE_APPROVE,      KEY, 16 * KIB, NULL, post_approval, "Answer it, once", "ApprovalAnswer", "Approval", 200, "approval.resolve"},

    {HTTP_M_GET,    V1 "/artifacts/{artifact}",      SCOPE_RUN_READ,     0,   0, NULL, get_artifact, "The bytes of a kept file", NULL, "*/*", 200},

    {HTTP_M_GET,    V1 "/policy",                    SCOPE_POLICY_READ,  0,   0, "version", get_policy, "The policy in force, or a version of it", NULL, "Policy", 200, "policy.get"},
    {HTTP_M_GET,    V1 "/policy/versions",           SCOPE_POLICY_READ,  0,   0, "limit before", get_policy_versions, "Its versions, newest first", NULL, "PolicyList", 200, "policy.versions"},
    {HTTP_M_PUT,    V1 "/policy",                    SCOPE_POLICY_WRITE, KEY, 2 * MIB, NULL, put_policy, "A new version", "PolicyRequest", "Policy", 201, "policy.update"},
    {HTTP_M_POST,   V1 "/policy/test",               SCOPE_POLICY_READ,  0,   2 * MIB, NULL, post_policy_test, "What would the policy say to this command", "PolicyTest", "Verdict", 200, "policy.test"},
    {HTTP_M_POST,   V1 "/policy/replay",             SCOPE_POLICY_READ,  0,   2 * MIB, NULL, post_policy_replay, "What would a policy have said to the commands of past runs", "PolicyReplayRequest", "PolicyReplay", 200, "policy.replay"},

    {HTTP_M_GET,    V1 "/audit",                     SCOPE_AUDIT_READ,   0,   0, "after_seq before_seq limit action actor run_id surface target since until", get_audit, "The audit trail, oldest first, or from before_seq back", NULL, "AuditPage", 200, "audit.query"},
    {HTTP_M_GET,    V1 "/audit/export",              SCOPE_AUDIT_READ,   0,   0, NULL, get_audit_export, "All of it as JSON lines, with a signed head", NULL, "application/jsonl", 200},
    {HTTP_M_POST,   V1 "/audit/verify",              SCOPE_AUDIT_READ,   0,   4 * KIB, NULL, post_audit_verify, "Check the live chain", "Empty", "AuditVerify", 200},

    {HTTP_M_GET,    V1 "/tokens",                    SCOPE_ADMIN,        0,   0, PAGE, get_tokens, "List tokens, without their secrets", NULL, "TokenList", 200},
    {HTTP_M_POST,   V1 "/tokens",                    SCOPE_ADMIN,        KEY, 16 * KIB, NULL, post_token, "Make a token; its secret is shown once", "TokenRequest", "TokenMade", 201},
    {HTTP_M_DELETE, V1 "/tokens/{token}",            SCOPE_ADMIN,        KEY, 0, NULL, delete_token, "Revoke a token", NULL, NULL, 204},

    {HTTP_M_GET,    V1 "/queue",                     SCOPE_RUN_READ,     0,   0, PAGE, get_queue, "What waits, since when and why; who holds what", NULL, "Queue", 200, "queue.get"},
    {HTTP_M_POST,   V1 "/queue/pause",               SCOPE_ADMIN,        KEY, 16 * KIB, NULL, post_queue_pause, "Take nothing new on this node; new runs are accepted and wait", "NoteRequest", "QueueNode", 200, "queue.pause"},
    {HTTP_M_POST,   V1 "/queue/drain",               SCOPE_ADMIN,        KEY, 16 * KIB, NULL, post_queue_drain, "The same, in order to be empty: `held` tells how many still run", "NoteRequest", "QueueNode", 200, "queue.drain"},
    {HTTP_M_POST,   V1 "/queue/resume",              SCOPE_ADMIN,        KEY, 4 * KIB, NULL, post_queue_resume, "Go on", "Empty", "QueueNode", 200, "queue.resume"},
    {HTTP_M_POST,   V1 "/queue/{run}/priority",      SCOPE_RUN_WRITE,    KEY, 4 * KIB, NULL, post_run_priority, "Change a run's priority", "PriorityRequest", "Run", 200, "queue.priority"},
    {HTTP_M_POST,   V1 "/reconcile",                 SCOPE_ADMIN,        KEY, 4 * KIB, NULL, post_reconcile, "Make this node agree with the store; dry_run only says what would be done", "ReconcileRequest", "Reconciled", 200},
    {HTTP_M_GET,    V1 "/metrics/summary",           SCOPE_RUN_READ,     0,   0, NULL, get_summary, "Counts of runs, queue and streams", NULL, "Summary", 200, "metrics.summary"},
    {HTTP_M_GET,    V1 "/retention",                 SCOPE_RUN_READ,     0,   0, NULL, get_retention, "What is kept and removed, and how full the disk is", NULL, "Retention", 200, "retention.get"},
    {HTTP_M_POST,   V1 "/retention",                 SCOPE_ADMIN,        KEY, 4 * KIB, NULL, post_retention, "Apply the rules now, or only say what would go", "RetentionRequest", "RetentionDone", 200},
    {HTTP_M_GET,    V1 "/doctor",                    SCOPE_ADMIN,        0,   0, NULL, get_doctor, "What the sandbox can do on this host", NULL, "Doctor", 200},
    {HTTP_M_GET,    V1 "/ws",                        0,                  LATE, 0, NULL, get_ws, "One connection for requests and many event streams: WebSocket", NULL, NULL, 101},
    {HTTP_M_POST,   V1 "/login",                     0,                  OPEN, 4 * KIB, NULL, post_login, "Log in to the web console: a cookie, and the proof that it needs", "LoginRequest", "Login", 200},
    {HTTP_M_POST,   V1 "/logout",                    0,                  0,   4 * KIB, NULL, post_logout, "End the login that this request is by", "Empty", NULL, 204},
    {HTTP_M_GET,    V1 "/me",                        0,                  0,   0, NULL, get_me, "The token, or peer, that this request is by", NULL, "Me", 200},
    {HTTP_M_GET,    V1 "/whoami",                    0,                  0,   0, NULL, get_whoami, "Who this token is", NULL, "Whoami", 200, "whoami"},
};
/* clang-format on */
const size_t api_nroutes = ARRAY_LEN(api_routes);

/* Segment by segment; {…} takes any non-empty one. */
bool route_matches(const char *pattern, const char *path)
{
    while (*pattern == '/' && *path == '/') {
        size_t np = strcspn(++pattern, "/"), n = strcspn(++path, "/");

        if (pattern[0] == '{' ? n == 0 : np != n || memcmp(pattern, path, n) != 0)
            return false;
        pattern += np;
        path += n;
    }
    return *pattern == '\0' && *path == '\0';
}

const struct route *route_find(enum http_method m, const char *path, bool *ret_path_known)
{
    *ret_path_known = false;
    for (size_t i = 0; i < api_nroutes; i++) {
        if (!route_matches(api_routes[i].path, path))
            continue;
        *ret_path_known = true;
        if (api_routes[i].method == m || (m == HTTP_M_HEAD && api_routes[i].method == HTTP_M_GET))
            return &api_routes[i];
    }
    return NULL;
}
