/* Made by `npm run types` of /openapi.json: do not edit. */
export interface paths {
    "/api/v1/approvals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was and is asked of people */
        get: operations["get_approvals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/approvals/{approval}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One approval */
        get: operations["get_approval"];
        put?: never;
        /** Answer it, once */
        post: operations["post_approval"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/artifacts/{artifact}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The bytes of a kept file */
        get: operations["get_artifact"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The audit trail, oldest first, or from before_seq back */
        get: operations["get_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All of it as JSON lines, with a signed head */
        get: operations["get_audit_export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Check the live chain */
        post: operations["post_audit_verify"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/doctor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the sandbox can do on this host */
        get: operations["get_doctor"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/inbox": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All that waits for a person: plans, steps and changes, each with its run */
        get: operations["get_inbox"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Log in to the web console: a cookie, and the proof that it needs */
        post: operations["post_login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End the login that this request is by */
        post: operations["post_logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The token, or peer, that this request is by */
        get: operations["get_me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/metrics/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Counts of runs, queue and streams */
        get: operations["get_metrics_summary"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Try the planner, or steps; nothing is stored */
        post: operations["post_plan"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/policy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The policy in force, or a version of it */
        get: operations["get_policy"];
        /** A new version */
        put: operations["put_policy"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/policy/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What would a policy have said to the commands of past runs */
        post: operations["post_policy_replay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/policy/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What would the policy say to this command */
        post: operations["post_policy_test"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/policy/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Its versions, newest first */
        get: operations["get_policy_versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List projects */
        get: operations["get_projects"];
        put?: never;
        /** Register a directory */
        post: operations["post_projects"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One project, by id or name */
        get: operations["get_project"];
        put?: never;
        post?: never;
        /** Forget a project; its files stay */
        delete: operations["delete_project"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Start none of its runs; new ones are accepted and wait */
        post: operations["post_project_pause"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Go on with its runs */
        post: operations["post_project_resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project}/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Change what its sandboxes are like; what is not named stays */
        put: operations["put_project_settings"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What waits, since when and why; who holds what */
        get: operations["get_queue"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queue/{run}/priority": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change a run's priority */
        post: operations["post_run_priority"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queue/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The same, in order to be empty: `held` tells how many still run */
        post: operations["post_queue_drain"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queue/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take nothing new on this node; new runs are accepted and wait */
        post: operations["post_queue_pause"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queue/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Go on */
        post: operations["post_queue_resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reconcile": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make this node agree with the store; dry_run only says what would be done */
        post: operations["post_reconcile"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/retention": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is kept and removed, and how full the disk is */
        get: operations["get_retention"];
        put?: never;
        /** Apply the rules now, or only say what would go */
        post: operations["post_retention"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List runs, newest first */
        get: operations["get_runs"];
        put?: never;
        /** Ask for a run; Accept: text/event-stream also streams it */
        post: operations["post_runs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One run with its steps and artifacts */
        get: operations["get_run"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run}/apply": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Second door: apply all changes, or some files */
        post: operations["post_run_apply"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run}/approve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** First door: approve the plan */
        post: operations["post_run_approve"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run}/artifacts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Its kept files */
        get: operations["get_run_artifacts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run}/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Its audit records */
        get: operations["get_run_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancel at any moment */
        post: operations["post_run_cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run}/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What it changed */
        get: operations["get_run_changes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run}/diff": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** diff.patch, or the parts of some files */
        get: operations["get_run_diff"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run}/discard": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Second door: drop the changes */
        post: operations["post_run_discard"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Its events: server-sent, or a JSON page */
        get: operations["get_run_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run}/keep": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Keep it for ever, or no longer */
        post: operations["post_run_keep"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run}/plan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Its plan, with the policy's answers */
        get: operations["get_run_plan"];
        /** Replace the plan at review */
        put: operations["put_run_plan"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run}/reject": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** First door: reject the plan */
        post: operations["post_run_reject"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run}/steps": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Its steps */
        get: operations["get_run_steps"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs/{run}/undo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A new run that takes an apply back */
        post: operations["post_run_undo"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/steps/{step}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One step */
        get: operations["get_step"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/steps/{step}/input": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Type into its terminal */
        post: operations["post_step_input"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/steps/{step}/log": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Its output: raw bytes, or JSON frames */
        get: operations["get_step_log"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/steps/{step}/resize": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change the size of its terminal */
        post: operations["post_step_resize"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List tokens, without their secrets */
        get: operations["get_tokens"];
        put?: never;
        /** Make a token; its secret is shown once */
        post: operations["post_tokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens/{token}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke a token */
        delete: operations["delete_token"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/whoami": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who this token is */
        get: operations["get_whoami"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/ws": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One connection for requests and many event streams: WebSocket */
        get: operations["get_ws"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This description, for people */
        get: operations["get_docs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The process lives */
        get: operations["get_healthz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Prometheus metrics */
        get: operations["get_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This description */
        get: operations["get_openapi_json"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Store, sandbox and disk are usable */
        get: operations["get_readyz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/schema": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The shapes of events and WebSocket frames: JSON Schema, draft 2020-12 */
        get: operations["get_schema"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @enum {string} */
        Answer: "allow" | "ask" | "deny";
        /** @description What an apply or undo did */
        Apply: {
            additions: number;
            /** @description false: still to be done, or refused whole */
            applied: boolean;
            conflicts: components["schemas"]["PathNote"][];
            deletions: number;
            files: number;
            /** @description Those of which only some hunks were selected */
            hunks?: components["schemas"]["HunkPick"][];
            /** @description The selected files; null: all */
            paths: string[] | null;
            /** @description Those selected by their bytes */
            paths_b64?: string[];
            skipped: components["schemas"]["PathNote"][];
        };
        /** @description Apply what was seen */
        ApplyRequest: {
            /** @description Of the changes that were looked at; others now: 409 plan_changed */
            digest?: string;
            /** @description Modified text files of which only some hunks are applied; not named in paths, which take them whole: a directory above them may be */
            hunks?: components["schemas"]["HunkPick"][];
            /** @description Only these files, and what is below these directories; the rest is discarded */
            paths?: string[];
            /** @description The same by path_b64 (base64 of the bytes), for paths that are not UTF-8; may stand beside paths */
            paths_b64?: string[];
        };
        /** @description A question to a person, answered once */
        Approval: {
            /** @description Who answered */
            actor: string | null;
            created_at: components["schemas"]["Time"];
            /** Format: date-time */
            expires_at: string | null;
            id: components["schemas"]["ApprovalId"];
            /** @enum {string} */
            kind: "command" | "plan" | "changes";
            note: string | null;
            piece: string | null;
            reason: string | null;
            /** Format: date-time */
            resolved_at: string | null;
            rule: string | null;
            run_id: components["schemas"]["RunId"];
            /** @enum {string} */
            state: "pending" | "allowed" | "denied" | "expired" | "void";
            step_id: string | null;
            subject: components["schemas"]["Subject"];
            subject_hash: components["schemas"]["Sha256"];
        };
        /** @description The answer */
        ApprovalAnswer: {
            /** @enum {string} */
            decision: "allow" | "deny";
            note?: string;
            /** @description Of the subject that was looked at; another one: 409 plan_changed */
            subject_hash?: string;
        };
        /** @description Id of an approval */
        ApprovalId: string;
        /** @description Approvals, newest first */
        ApprovalList: {
            items: components["schemas"]["Approval"][];
            next: string | null;
        };
        /** @description Approve what was seen */
        ApproveRequest: {
            note?: string;
            /** @description Of the plan that was looked at; another one now: 409 plan_changed */
            plan_hash?: string;
        };
        /** @description A file that a run leaves */
        Artifact: {
            created_at: components["schemas"]["Time"];
            id: components["schemas"]["ArtifactId"];
            media_type: string;
            name: string;
            /**
             * Format: date-time
             * @description Since when its bytes are gone (410)
             */
            removed_at: string | null;
            run_id: components["schemas"]["RunId"];
            sha256: components["schemas"]["Sha256"];
            size_bytes: number;
            step_id: string | null;
        };
        /** @description Id of an artifact */
        ArtifactId: string;
        /** @description Artifacts of a run */
        ArtifactList: {
            items: components["schemas"]["Artifact"][];
        };
        /** @description The signed end of the chain (Ed25519) */
        AuditHead: {
            hash: components["schemas"]["Sha256"];
            public_key: string;
            seq: number;
            signature: string;
            tenant_id: string;
            time: components["schemas"]["Time"];
        };
        /** @description Records, oldest first */
        AuditPage: {
            head: components["schemas"]["AuditHead"];
            items: components["schemas"]["AuditRecord"][];
            /** @description ?after_seq= of the next page */
            next_seq: number | null;
        };
        /** @description One link of the chain: hash = sha256(previous hash, record_hash) */
        AuditRecord: {
            action: string;
            actor: string;
            /** @description By action */
            data: Record<string, never>;
            hash: components["schemas"]["Sha256"];
            /** @description Of the nine members before it, as RFC 8785 JSON */
            record_hash: string;
            seq: number;
            surface: components["schemas"]["Surface"];
            target: string | null;
            tenant_id: string;
            time: components["schemas"]["Time"];
            trace_id: string | null;
        };
        /** @description Is the chain whole? */
        AuditVerify: {
            /** @description The first thing that is wrong */
            error: string | null;
            head: components["schemas"]["AuditHead"];
            ok: boolean;
            records: number;
        };
        /** @description A file that differs */
        Change: {
            additions: number;
            binary: boolean;
            deletions: number;
            /** @enum {string} */
            kind: "added" | "modified" | "deleted" | "mode" | "kind";
            new_bytes: number;
            new_mode: string | null;
            old_bytes: number;
            old_mode: string | null;
            path: string;
            /** @description When the path is not UTF-8: its bytes */
            path_b64?: string;
            /** @description Why it is never applied */
            refused: string | null;
        };
        /** @description What a run changed */
        Changes: {
            additions: number;
            deletions: number;
            /** @description Names exactly these changes */
            digest: string | null;
            files: number;
            items: components["schemas"]["Change"][];
            /** @description Shown, never applied */
            refused: number;
        };
        /** @description The size of the changes */
        ChangesSum: {
            additions: number;
            deletions: number;
            /** @description Names exactly these changes */
            digest: string | null;
            files: number;
            /** @description Shown, never applied */
            refused: number;
        };
        /** @description The policy's answer */
        Decision: {
            action: components["schemas"]["Answer"];
            approval_id: string | null;
            /** @description The part of the command it fired on */
            piece: string | null;
            reason: string;
            /** @description Its id; default when none matched */
            rule: string;
        };
        /** @description What the sandbox can do on this host */
        Doctor: {
            checks: {
                detail: string;
                /** @description "": nothing to fix */
                fix: string;
                /** @enum {string} */
                level: "hard" | "soft" | "absent";
                name: string;
            }[];
            kernel: string;
            /** @enum {string} */
            mode: "root" | "user";
            /** @description A sandbox can be built */
            ok: boolean;
        };
        /** @description Nothing: {} or no body */
        Empty: Record<string, never>;
        EnvName: string;
        /** @description Every refusal and failure */
        Error: {
            error: components["schemas"]["ErrorBody"];
        };
        /** @description What is wrong, and how to fix it */
        ErrorBody: {
            code: components["schemas"]["ErrorCode"];
            /** @description More of it */
            details: {
                /** @description Where the input of a terminal goes on */
                expected?: number;
                /** @description The field, parameter or header at fault: limits.memory_bytes */
                field?: string;
                /** @description Problems beyond those listed */
                more?: number;
                /** @description All that is wrong with a policy */
                problems?: components["schemas"]["PolicyProblem"][];
            };
            /** @description For people */
            message: string;
            /** @description Also in X-Request-Id, the logs and the audit trail */
            trace_id: string | null;
        };
        /**
         * @description Why something was refused, failed or ended so: see x-error-codes of /openapi.json
         * @enum {string}
         */
        ErrorCode: "invalid_request" | "invalid_json" | "unknown_field" | "idempotency_key_required" | "invalid_cursor" | "unauthorized" | "forbidden" | "host_not_allowed" | "not_found" | "method_not_allowed" | "request_timeout" | "conflict" | "invalid_state" | "already_resolved" | "plan_changed" | "payload_too_large" | "uri_too_long" | "unsupported_media_type" | "expectation_failed" | "idempotency_mismatch" | "intent_not_understood" | "rate_limited" | "headers_too_large" | "internal" | "out_of_memory" | "io_error" | "corrupt" | "http_version_not_supported" | "unavailable" | "queue_full" | "storage_full" | "busy" | "timeout" | "lease_lost" | "empty" | "config_invalid" | "unreachable" | "usage" | "interrupted" | "policy_denied" | "plan_rejected" | "approval_denied" | "step_failed" | "canceled_by_user" | "disk_exceeded" | "step_timeout" | "expired" | "apply_conflict" | "changes_discarded" | "sandbox_failed" | "sandbox_unavailable" | "provider_failed" | "budget_exceeded" | "lost" | "audit_broken" | "upgrade_required" | "unknown_method" | "protocol_unsupported" | "too_many_subscriptions" | "too_many_connections" | "gone" | "disk_full" | "quota_exceeded";
        /** @description Something that happened to a run */
        Event: {
            data: Record<string, never>;
            /** @description The cursor: resume after it */
            id: string;
            run_id: components["schemas"]["RunId"];
            /** @description Without gaps; step.log has none */
            seq?: number;
            step_id?: components["schemas"]["StepId"];
            time: components["schemas"]["Time"];
            /** @enum {string} */
            type: "run.status" | "run.planned" | "run.completed" | "step.started" | "step.finished" | "step.log" | "artifact.created" | "approval.required" | "approval.resolved" | "changes.ready" | "changes.applied" | "changes.discarded";
        } & ({
            data?: components["schemas"]["RunStatusData"];
            /** @constant */
            type?: "run.status";
        } | {
            data?: components["schemas"]["Plan"];
            /** @constant */
            type?: "run.planned";
        } | {
            data?: components["schemas"]["RunCompletedData"];
            /** @constant */
            type?: "run.completed";
        } | {
            data?: components["schemas"]["Step"];
            /** @constant */
            type?: "step.started";
        } | {
            data?: components["schemas"]["Step"];
            /** @constant */
            type?: "step.finished";
        } | {
            data?: components["schemas"]["StepLogData"];
            /** @constant */
            type?: "step.log";
        } | {
            data?: components["schemas"]["Artifact"];
            /** @constant */
            type?: "artifact.created";
        } | {
            data?: components["schemas"]["Approval"];
            /** @constant */
            type?: "approval.required";
        } | {
            data?: components["schemas"]["Approval"];
            /** @constant */
            type?: "approval.resolved";
        } | {
            data?: components["schemas"]["ChangesSum"];
            /** @constant */
            type?: "changes.ready";
        } | {
            data?: components["schemas"]["Apply"];
            /** @constant */
            type?: "changes.applied";
        } | {
            data?: components["schemas"]["ChangesSum"];
            /** @constant */
            type?: "changes.discarded";
        });
        /** @description Events in order */
        EventPage: {
            /** @description ?cursor= of the next page */
            cursor: string;
            /** @description run.completed was in it: there is nothing more */
            final: boolean;
            items: components["schemas"]["Event"][];
        };
        /** @description The process lives */
        Health: {
            /** @constant */
            status: "ok";
        };
        /** @description Some hunks of one file */
        HunkPick: {
            /** @description Their numbers in the file's part of the diff, from 1 */
            hunks: number[];
            path?: string;
            /** @description In its place, where it is not UTF-8 */
            path_b64?: string;
        };
        /** @description What waits for a person */
        Inbox: {
            items: components["schemas"]["InboxItem"][];
            next: string | null;
        };
        /** @description A pending approval and the run it is of */
        InboxItem: {
            approval: components["schemas"]["Approval"];
            run: components["schemas"]["Run"];
        };
        /** @description Whether retention leaves it alone */
        KeepRequest: {
            /** @default true */
            keep: boolean;
        };
        /** @description What each step of the run may use; 0 is no limit */
        Limits: {
            cpu_millis?: number;
            disk_bytes?: number;
            memory_bytes?: number;
            output_bytes?: number;
            pids?: number;
            wall_ms?: number;
        };
        /** @description Instead of the server's defaults; the server may set upper bounds */
        LimitsRequest: {
            /** @description 1000 is one core */
            cpu_millis?: number;
            disk_bytes?: number;
            memory_bytes?: number;
            output_bytes?: number;
            pids?: number;
            wall_ms?: number;
        };
        /** @description A piece of a step's output */
        LogFrame: {
            offset: number;
            stream: components["schemas"]["LogStream"];
            text: string;
            /** @description When the output is not UTF-8: its bytes */
            text_b64?: string;
            time: components["schemas"]["Time"];
        };
        /** @description A login; its other half is the cookie */
        Login: {
            /** @description For the header Sallyport-CSRF of every request, and `csrf` of a WebSocket's connect */
            csrf: string;
            token: components["schemas"]["Self"];
        };
        /** @description A login to the web console */
        LoginRequest: {
            /** @description sp_… */
            token: string;
        };
        /** @description A step's output in frames */
        LogPage: {
            /** @description The step has ended and this is the end */
            complete: boolean;
            items: components["schemas"]["LogFrame"][];
            /** @description ?offset= of the next page */
            next_offset: number;
        };
        /** @enum {string} */
        LogStream: "stdout" | "stderr" | "system";
        /** @description The caller */
        Me: {
            tenant_id: string;
            token: components["schemas"]["Self"];
            /** @description Of the server */
            version: string;
        };
        /** @description A word to the decision */
        NoteRequest: {
            note?: string;
        };
        /**
         * @description How a run ends
         * @enum {string}
         */
        Outcome: "succeeded" | "failed" | "rejected" | "canceled" | "expired";
        /** @description A file and what is the matter with it */
        PathNote: {
            path: string;
            path_b64?: string;
            why: string;
        };
        /**
         * @description What a queued run waits for
         * @enum {string}
         */
        Phase: "plan" | "execute" | "apply" | "finish";
        /** @description What would run, for a person to look at */
        Plan: {
            notes: string[];
            /** @description Names exactly what would run; null until judged */
            plan_hash: string | null;
            policy_version: number;
            /** @description null: only tried */
            run_id: string | null;
            steps: components["schemas"]["PlanStep"][];
            title: string;
        };
        /** @description The whole plan anew */
        PlanEdit: {
            steps: components["schemas"]["StepRequest"][];
        };
        /** @description An intent to try the planner with, or steps to be judged */
        PlanRequest: {
            intent?: string;
            /** @description Id or name */
            project_id: string;
            steps?: components["schemas"]["StepRequest"][];
        } & (unknown | unknown);
        /** @description A step that is proposed */
        PlanStep: {
            argv: string[] | null;
            /** @description Optional: with pty */
            cols?: number;
            command: string | null;
            cwd: string;
            /** @description Optional: absent until the policy has judged */
            decision?: components["schemas"]["Decision"];
            env_names: string[];
            index: number;
            /** @constant */
            kind: "command";
            /**
             * @description Optional: it has a terminal, of this size, and takes input
             * @constant
             */
            pty?: true;
            /** @description The planner's */
            reason: string | null;
            /** @description Optional: with pty */
            rows?: number;
            title: string;
            wall_ms: number | null;
        };
        /** @description A version of the policy with its text */
        Policy: WithRequired<components["schemas"]["PolicyVersion"], "text">;
        /** @description What a policy says */
        PolicyDocument: {
            default: components["schemas"]["Answer"];
            rules: components["schemas"]["PolicyRule"][];
            /** @description As the text says; not the number under which it was saved */
            version: number;
        };
        /** @description Versions, newest first */
        PolicyList: {
            items: components["schemas"]["PolicyVersion"][];
            /** @description ?before= of the next page */
            next: number | null;
        };
        /** @description One thing that is wrong with a policy */
        PolicyProblem: {
            field: string;
            /** @description From 1; 0: of the whole text */
            line: number;
            message: string;
        };
        /** @description Runs newest first, those that would have met another answer; the counts are of this page */
        PolicyReplay: {
            counts: {
                changed: number;
                now: components["schemas"]["ReplayAnswers"];
                /** @description Judged again */
                runs: number;
                runs_changed: number;
                steps: number;
                then: components["schemas"]["ReplayAnswers"];
                /** @description Steps without an answer then */
                unjudged: number;
            };
            items: components["schemas"]["ReplayRun"][];
            /** @description `after` of the next page */
            next: components["schemas"]["RunId"] | null;
            policy_version: number;
            since: components["schemas"]["Time"];
        };
        /** @description Which past runs to judge again, by which policy; nothing runs, nothing is stored */
        PolicyReplayRequest: {
            /** @description `next` of the page before */
            after?: components["schemas"]["RunId"];
            /**
             * @description Steps whose answer stays the same, too
             * @default false
             */
            all: boolean;
            /**
             * @description Runs judged
             * @default 100
             */
            limit: number;
            /** @description Only runs of this project: id or name */
            project_id?: string;
            /**
             * @description How far back, from now
             * @default 2592000000
             */
            since_ms: number;
            /** @description The candidate; absent: the policy in force */
            text?: string;
        };
        /** @description A new version */
        PolicyRequest: {
            /** @description The version this one was made from; another one is newest: 409 conflict */
            base_version?: number;
            note?: string;
            /** @description YAML 1.2 or JSON */
            text: string;
        };
        /** @description A rule, with one of command, path, host and tool */
        PolicyRule: {
            command?: {
                /** @description Patterns; alone */
                any?: string[];
                /** @description All must be there */
                flags?: string[];
                paths?: string[];
                program?: string[];
            };
            decision: components["schemas"]["Answer"];
            host?: string[];
            id: string;
            path?: {
                read?: string[];
                write?: string[];
            };
            reason?: string;
            tool?: string[];
        };
        /** @description A command to judge; nothing runs */
        PolicyTest: {
            argv?: string[];
            /** @description Shell text */
            command?: string;
            cwd?: string;
            /** @description Judge by this policy instead of the one in force */
            text?: string;
        } & (unknown | unknown);
        /** @description A version of the policy */
        PolicyVersion: {
            actor: string;
            /** Format: date-time */
            created_at: string | null;
            /** @description In the answer to GET only: the text as the server reads it; null: this server cannot read it */
            document?: components["schemas"]["PolicyDocument"] | null;
            note: string | null;
            sha256: components["schemas"]["Sha256"];
            /** @description YAML; not in lists */
            text?: string;
            /** @description 0: the built-in default */
            version: number;
        };
        /** @description Greater ones go first; a point is worth a minute of waiting, so nobody waits for ever */
        Priority: number;
        /** @description Whose turn it is */
        PriorityRequest: {
            priority: components["schemas"]["PriorityWanted"];
        };
        /** @description low -50, normal 0, high 50, urgent 100 */
        PriorityWanted: components["schemas"]["Priority"] | ("low" | "normal" | "high" | "urgent");
        /** @description A directory that runs work on */
        Project: {
            created_at: components["schemas"]["Time"];
            id: components["schemas"]["ProjectId"];
            name: string;
            /** @description Canonical, absolute */
            root_path: string;
            /** @description When the path is not UTF-8: its bytes */
            root_path_b64?: string;
            settings: components["schemas"]["ProjectSettings"];
            toolchains?: components["schemas"]["Toolchains"];
            /** @description In the answer to POST only: what steps will not be able to do there */
            warnings?: string[];
        };
        /** @description Id of a project */
        ProjectId: string;
        /** @description Projects */
        ProjectList: {
            items: components["schemas"]["Project"][];
            next: string | null;
        };
        /** @description A directory to register */
        ProjectRequest: {
            /** @description Default: the directory's last name. Without blanks, slashes or invisible characters */
            name?: string;
            /** @description Absolute; on the server's machine */
            root_path: string;
            seed?: components["schemas"]["Seed"];
        };
        /** @description When parts of its ended runs are removed; 0: never; a member that is not there: the server's rule. Given, it replaces all three */
        ProjectRetention: {
            /** @description The same, of a run that did not succeed; 0: as runs_ms */
            failed_runs_ms?: number;
            /** @description Logs, after the run's end */
            logs_ms?: number;
            /** @description Logs, events, artifacts and changes, after the run's end */
            runs_ms?: number;
        };
        /** @description What a project says about its sandboxes; a member that is not there: the server's default */
        ProjectSettings: {
            /** @description So many of its runs may be running at once; 0: what the server's configuration says */
            max_running?: number;
            retention?: components["schemas"]["ProjectRetention"];
            seed?: components["schemas"]["Seed"];
            /** @description auto, none, or names, such as nvm,pyenv */
            toolchains?: string;
        };
        /** @description What is in work and what waits, since when and why */
        Queue: {
            delayed: number;
            /** @description On the first page what workers hold, longest first; then what waits, next first */
            items: components["schemas"]["QueueItem"][];
            leased: number;
            limits: components["schemas"]["QueueLimits"];
            /** @description The last waiting run of the page when there are more */
            next: string | null;
            node: components["schemas"]["QueueNode"];
            /** @description Age of the oldest ready run */
            oldest_ms: number;
            phases: components["schemas"]["QueuePhases"];
            projects: components["schemas"]["QueueProject"][];
            ready: number;
        };
        /** @description How many runs */
        QueueDepth: {
            delayed: number;
            leased: number;
            /** @description Age of the oldest ready run */
            oldest_ms: number;
            ready: number;
        };
        /** @description A run in the queue */
        QueueItem: {
            /** @description How often a worker took it in this phase and did not come to an end: lost leases and failures */
            attempts: number;
            /**
             * Format: date-time
             * @description The next try, while it is put off
             */
            available_at: string | null;
            enqueued_at: components["schemas"]["Time"];
            /** @description The last such failure */
            error: components["schemas"]["QueueReason"] | null;
            /** @description How many of them were failures of the server itself (store, disk, sandbox) */
            failures: number;
            /**
             * Format: date-time
             * @description Since when a worker holds it
             */
            held_at: string | null;
            /**
             * Format: date-time
             * @description While a worker holds it
             */
            lease_ends_at: string | null;
            /** @description Whose disk holds its layers */
            node: string | null;
            phase: components["schemas"]["Phase"];
            priority: components["schemas"]["Priority"];
            project_id: string | null;
            project_name: string | null;
            run_id: components["schemas"]["RunId"];
            /** @description Why it waits; null: it is held */
            waits: components["schemas"]["QueueWaits"] | null;
            /** @description Who holds it */
            worker: string | null;
        };
        /** @description Of the tenant; 0: none */
        QueueLimits: {
            /** @description Beyond it new runs are refused: 429 quota_exceeded */
            max_queued: number;
            /** @description Beyond it runs wait */
            max_running: number;
            /** @description Of a project that does not say */
            project_max_running: number;
            /** @description How many run now */
            running: number;
        };
        /** @description Does the node take new runs */
        QueueNode: {
            /** @description Paused in order to be empty, or the server stops */
            draining: boolean;
            /** @description Runs in the hands of its workers: drained when 0 */
            held: number;
            name: string;
            note: string | null;
            paused: boolean;
            /** Format: date-time */
            paused_at: string | null;
            paused_by: string | null;
        };
        /** @description Are runs of the project started */
        QueuePause: {
            note: string | null;
            paused: boolean;
            /** Format: date-time */
            paused_at: string | null;
            paused_by: string | null;
            project_id: components["schemas"]["ProjectId"];
            project_name: string;
        };
        /** @description By phase */
        QueuePhases: {
            apply: components["schemas"]["QueueDepth"];
            execute: components["schemas"]["QueueDepth"];
            finish: components["schemas"]["QueueDepth"];
            plan: components["schemas"]["QueueDepth"];
        };
        /** @description A project that is paused or has runs in the queue */
        QueueProject: {
            /** @description 0: as many as there are workers */
            max_running: number;
            note: string | null;
            paused: boolean;
            /** Format: date-time */
            paused_at: string | null;
            paused_by: string | null;
            project_id: components["schemas"]["ProjectId"];
            project_name: string;
            running: number;
            waiting: number;
        };
        /** @description A code of the table of errors, and a sentence */
        QueueReason: {
            code: string;
            message: string;
        };
        /** @description The queue of all tenants; the counters count from the start of the server */
        QueueSummary: {
            /** @description Runs taken by workers */
            claims: number;
            delayed: number;
            /** @description The same, tried often enough */
            given_up: number;
            leased: number;
            /** @description Runs taken up whose worker was gone */
            lost_leases: number;
            node: components["schemas"]["QueueNode"];
            /** @description Age of the oldest ready run */
            oldest_ms: number;
            phases: components["schemas"]["QueuePhases"];
            ready: number;
            /** @description New runs refused by a quota or a full queue */
            refused: number;
            /** @description Failures of the server itself that are tried again */
            retries: number;
        };
        /** @description What holds a run up */
        QueueWaits: {
            /** @enum {string} */
            code: "lease_lost" | "delayed" | "draining" | "paused" | "project_paused" | "project_limit" | "tenant_limit" | "worker";
            message: string;
        };
        /** @description Can runs be taken and run? */
        Ready: {
            ready: boolean;
            /** @description What is in the way */
            reason: string | null;
        };
        /** @description Why a run ended so */
        Reason: {
            code: components["schemas"]["ErrorCode"];
            message: string;
        };
        /**
         * @description What the reconciler does
         * @enum {string}
         */
        ReconcileAction: "lease_dropped" | "run_taken_over" | "lease_expired" | "run_requeued" | "queue_row_removed" | "wait_expired" | "approval_voided" | "keys_dropped" | "sandbox_killed" | "nursery_killed" | "cgroup_removed" | "apply_settled" | "layers_removed" | "run_dir_removed" | "blob_removed" | "temp_removed" | "socket_removed";
        /** @description What was put right, or would be */
        Reconciled: {
            actions: {
                detail: string;
                run_id: string | null;
                what: components["schemas"]["ReconcileAction"];
            }[];
            dry_run: boolean;
            /** @description It stopped after 1,000 actions, or 25 s: ask again */
            more: boolean;
            /** @description What could not be done, and why; it is tried again */
            problems: {
                detail: string;
                run_id: string | null;
                /** @description An action, or what else it was: audit, audit_broken, store */
                what: string;
            }[];
        };
        /** @description How to look */
        ReconcileRequest: {
            /**
             * @description Change nothing: only say what would be done
             * @default false
             */
            dry_run: boolean;
        };
        /** @description How many steps got which answer */
        ReplayAnswers: {
            allow: number;
            ask: number;
            deny: number;
        };
        /** @description A past run and its steps with another answer */
        ReplayRun: {
            changed: number;
            created_at: components["schemas"]["Time"];
            project_name: string;
            run_id: components["schemas"]["RunId"];
            state: components["schemas"]["RunState"];
            steps: components["schemas"]["ReplayStep"][];
        };
        /** @description One recorded command, and what both policies say */
        ReplayStep: {
            argv: string[] | null;
            /** @description Another answer now than then */
            changed: boolean;
            command: string | null;
            cwd: string;
            index: number;
            now: components["schemas"]["Decision"];
            step_id: components["schemas"]["StepId"];
            /** @description null: it had not been judged */
            then: components["schemas"]["Decision"] | null;
        };
        /** @description The rules, the disk, and what was done since the start */
        Retention: {
            /** @description Of the data directory */
            disk: {
                budget_bytes: number;
                /** @description On its file system; -1: not known */
                free_bytes: number;
                /** Format: date-time */
                measured_at: string | null;
                min_free_bytes: number;
                reason: string | null;
                /**
                 * @description full: new runs are refused (507 disk_full)
                 * @enum {string}
                 */
                state: "ok" | "tight" | "full";
                total_bytes: number;
                /** @description The same by kind */
                used: {
                    artifacts: number;
                    database: number;
                    /** @description Of runs that are open */
                    layers: number;
                    logs: number;
                    other: number;
                    /** @description Changes, and what undo needs */
                    runs: number;
                };
                /** @description By the data directory, when it was last measured */
                used_bytes: number;
            };
            /** @description Since the server's start */
            done: {
                compressed_in_bytes: number;
                compressed_out_bytes: number;
                /** @description Logs that could not be compressed, removals to be done again */
                failed: number;
                logs_compressed: number;
                /** @description Runs whose logs went */
                logs_removed: number;
                removed_bytes: number;
                /** @description Runs of which all went */
                runs_removed: number;
            };
            /** @description The server's; 0: never, no bound */
            rules: {
                compress: boolean;
                compress_after_ms: number;
                failed_runs_ms: number;
                logs_ms: number;
                max_bytes: number;
                runs_ms: number;
            };
        };
        /** @description What went, or (dry_run) would go */
        RetentionDone: {
            /** @description The first 1,000; a dry run looks at no more than 512 runs per project and rule */
            actions: {
                bytes: number;
                /**
                 * @description The rule
                 * @enum {string}
                 */
                detail: "logs" | "runs" | "failed_runs" | "max_bytes";
                run_id: components["schemas"]["RunId"];
                /** @enum {string} */
                what: "logs_removed" | "run_removed";
            }[];
            bytes: number;
            dry_run: boolean;
            failed: number;
            logs_removed: number;
            runs_removed: number;
        };
        /** @description Apply the rules */
        RetentionRequest: {
            /**
             * @description Only say what would go
             * @default false
             */
            dry_run: boolean;
        };
        /** @description One job and where it is */
        Run: {
            actor: string;
            apply: components["schemas"]["Apply"] | null;
            /** @description In GET /runs/{run} only */
            artifacts?: components["schemas"]["Artifact"][];
            /** Format: date-time */
            cancel_requested_at: string | null;
            changes: components["schemas"]["ChangesSum"] | null;
            counts: components["schemas"]["RunCounts"];
            created_at: components["schemas"]["Time"];
            duration_ms: number | null;
            env_names: string[];
            /**
             * Format: date-time
             * @description While a person is waited for
             */
            expires_at: string | null;
            /** Format: date-time */
            finished_at: string | null;
            id: components["schemas"]["RunId"];
            intent: string | null;
            /** @description For ever: retention removes nothing of it */
            kept: boolean;
            /** @enum {string} */
            kind: "plan" | "undo";
            limits: components["schemas"]["Limits"];
            /**
             * Format: date-time
             * @description Logs and streams answer 410 gone
             */
            logs_removed_at: string | null;
            network: boolean;
            /** @enum {string} */
            on_deny: "fail" | "tell";
            /** @enum {string} */
            on_failure: "review" | "discard";
            /** @enum {string} */
            on_lost: "fail" | "retry";
            /** @description Decided, before it is the state */
            outcome: components["schemas"]["Outcome"] | null;
            /** @description While queued */
            phase: components["schemas"]["Phase"] | null;
            plan_hash: string | null;
            /** @description That judged the plan; 0: the built-in default, or none yet */
            policy_version: number;
            priority: components["schemas"]["Priority"];
            project_id: components["schemas"]["ProjectId"];
            project_name: string;
            reason: components["schemas"]["Reason"] | null;
            /**
             * Format: date-time
             * @description Logs, events, artifacts and changes answer 410 gone; it cannot be undone. Its row, steps and audit records stay
             */
            removed_at: string | null;
            /** @enum {string} */
            review: "both" | "plan" | "effects" | "none";
            seed?: components["schemas"]["Seed"];
            /** Format: date-time */
            started_at: string | null;
            state: components["schemas"]["RunState"];
            /** @description In GET /runs/{run} only */
            steps?: components["schemas"]["Step"][];
            surface: components["schemas"]["Surface"];
            trace_id: string | null;
            /** @description The run whose apply this one takes back */
            undoes: string | null;
            /** @description The run that took its apply back, or is about to. In GET /runs/{run} only */
            undone_by?: components["schemas"]["RunUndo"] | null;
        };
        /** @description The end of a run */
        RunCompletedData: {
            artifacts: components["schemas"]["ArtifactId"][];
            /** @description Steps by how they ended */
            counts: {
                denied: number;
                failed: number;
                skipped: number;
                steps: number;
                succeeded: number;
            };
            duration_ms: number;
            reason: components["schemas"]["Reason"] | null;
            state: components["schemas"]["Outcome"];
        };
        /** @description Steps by how they ended, each by its last attempt */
        RunCounts: {
            failed: number;
            steps: number;
            succeeded: number;
        };
        /** @description A run with its steps and artifacts */
        RunDetail: WithRequired<components["schemas"]["Run"], "steps" | "artifacts" | "undone_by">;
        /** @description Id of a run */
        RunId: string;
        /** @description Runs, newest first */
        RunList: {
            items: components["schemas"]["Run"][];
            next: string | null;
        };
        /** @description What is wanted: intent, steps, or both; one of them at least */
        RunRequest: {
            /** @description Encrypted at rest, masked in logs, wiped at the end */
            env?: {
                [key: string]: string;
            };
            /** @description In English or Chinese: "run the unit tests". With steps: what they are for; they are the plan */
            intent?: string;
            /**
             * @description Keep it for ever, whatever the rules of retention say
             * @default false
             */
            keep: boolean;
            limits?: components["schemas"]["LimitsRequest"];
            /**
             * @description Steps have no network in this version
             * @default false
             * @constant
             */
            network: false;
            /**
             * @default fail
             * @enum {string}
             */
            on_deny: "fail" | "tell";
            /**
             * @default review
             * @enum {string}
             */
            on_failure: "review" | "discard";
            /**
             * @description A step whose sandbox was killed: the run fails, or the step is run again from the layer it first started from, 3 times at most in all. Steps with a terminal are not run again; runs on a copy of the project (seed: copy) cannot ask for it
             * @default fail
             * @enum {string}
             */
            on_lost: "fail" | "retry";
            priority?: components["schemas"]["PriorityWanted"];
            /** @description Id or name */
            project_id: string;
            /**
             * @description Which doors a person opens; plan and none apply the changes unasked, and need the scope approve
             * @default both
             * @enum {string}
             */
            review: "both" | "plan" | "effects" | "none";
            steps?: components["schemas"]["StepRequest"][];
        };
        /**
         * @description Where a run is
         * @enum {string}
         */
        RunState: "queued" | "planning" | "awaiting_review" | "running" | "awaiting_approval" | "awaiting_apply" | "applying" | "finishing" | "succeeded" | "failed" | "rejected" | "canceled" | "expired";
        /** @description A run moved */
        RunStatusData: {
            from: components["schemas"]["RunState"] | null;
            phase: components["schemas"]["Phase"] | null;
            reason: components["schemas"]["Reason"] | null;
            to: components["schemas"]["RunState"];
        };
        /** @description An undo that has not failed */
        RunUndo: {
            /** Format: date-time */
            finished_at: string | null;
            id: components["schemas"]["RunId"];
            state: components["schemas"]["RunState"];
        };
        /**
         * @description run:write, approve and project:write include run:read; policy:write includes policy:read; admin includes all
         * @enum {string}
         */
        Scope: "run:read" | "run:write" | "approve" | "policy:read" | "policy:write" | "audit:read" | "project:write" | "admin";
        /**
         * @description How a run gets its workspace. overlay: the project below, each step's changes above; starts at once, but a directory that comes from the project cannot be renamed (EXDEV: mv copes, git mv and os.rename fail). copy: a copy of its own, in which they work
         * @default overlay
         * @enum {string}
         */
        Seed: "overlay" | "copy";
        /** @description The token that a request is by, or the uid of a peer of the unix socket */
        Self: {
            /** Format: date-time */
            expires_at: string | null;
            id: string;
            name: string;
            /** @description All that it gives */
            scopes: components["schemas"]["Scope"][];
        };
        /** @description SHA-256, lower-case hex */
        Sha256: string;
        /** @description One attempt at a command of a run, and how it went */
        Step: {
            argv: string[] | null;
            /** @description Above 1: the one before was lost (on_lost: retry) */
            attempt: number;
            command: string | null;
            cpu_ms: number;
            cwd: string;
            decision: components["schemas"]["Decision"] | null;
            duration_ms: number | null;
            env_names: string[];
            /** @description Why it could not be run or was lost */
            error: string | null;
            /** @description Only if a process was reaped */
            exit_code: number | null;
            /** Format: date-time */
            finished_at: string | null;
            id: components["schemas"]["StepId"];
            index: number;
            kind: string;
            log_truncated: boolean;
            max_rss_bytes: number;
            oom_killed: boolean;
            /** @description It has a terminal: all it writes is stdout */
            pty: boolean;
            run_id: components["schemas"]["RunId"];
            signal: number | null;
            /** Format: date-time */
            started_at: string | null;
            /** @enum {string} */
            state: "pending" | "running" | "succeeded" | "failed" | "denied" | "skipped" | "canceled" | "lost";
            stderr_bytes: number;
            stdout_bytes: number;
            /** @description Optional: in GET /steps/{step}, while it runs and has one */
            terminal?: components["schemas"]["Terminal"];
            timed_out: boolean;
            title: string;
        };
        /** @description Id of a step */
        StepId: string;
        /** @description Steps in order */
        StepList: {
            items: components["schemas"]["Step"][];
        };
        /** @description A piece of a step's output */
        StepLogData: {
            attempt: number;
            offset: number;
            step_id: components["schemas"]["StepId"];
            stream: components["schemas"]["LogStream"];
            text: string;
            text_b64?: string;
        };
        /** @description A command to run: command or argv. A step of a Plan may be sent back as it is */
        StepRequest: {
            /** @description Words, run without a shell; 64 KiB together */
            argv?: string[] | null;
            /**
             * @description Only with pty
             * @default 80
             */
            cols: number | null;
            /** @description Shell text */
            command?: string | null;
            /** @description Relative to the project */
            cwd?: string;
            /** @description Ignored: the policy judges again */
            decision?: unknown;
            /** @description Variables of the run that this step sees; default: all */
            env_names?: components["schemas"]["EnvName"][];
            /** @description Ignored */
            index?: unknown;
            /** @constant */
            kind?: "command";
            /**
             * @description Give it a terminal, into which whoever has run:write can type while it runs
             * @default false
             */
            pty: boolean;
            reason?: string | null;
            /**
             * @description Only with pty
             * @default 24
             */
            rows: number | null;
            /** @description Default: made from the command */
            title?: string;
            /** @description Default: the run's limit */
            wall_ms?: number | null;
        } & ({
            argv?: null;
            command: string;
        } | {
            argv: unknown[];
            command?: null;
        });
        /** @description What exactly is asked about: its canonical JSON (RFC 8785) hashes to subject_hash */
        Subject: {
            argv?: string[];
            argv_b64?: string[];
            changes?: components["schemas"]["Sha256"];
            cwd: string;
            cwd_b64?: string;
            env_names: string[];
            file?: {
                path: string;
                path_b64?: string;
                sha256: components["schemas"]["Sha256"];
            };
            /** @enum {string} */
            kind: "command" | "plan" | "changes" | "file";
            network: string;
            plan?: components["schemas"]["Sha256"];
            text?: string;
            text_b64?: string;
        };
        /** @description Counts for a dashboard */
        Summary: {
            queue: components["schemas"]["QueueSummary"];
            /** @description By state */
            runs: {
                applying: number;
                awaiting_apply: number;
                awaiting_approval: number;
                awaiting_review: number;
                canceled: number;
                expired: number;
                failed: number;
                finishing: number;
                planning: number;
                queued: number;
                rejected: number;
                running: number;
                succeeded: number;
            };
            /** @description Subscribers of runs */
            streams: number;
        };
        /** @enum {string} */
        Surface: "api" | "cli" | "console" | "ws" | "mcp" | "system";
        /** @description The terminal of a running step */
        Terminal: {
            /** @description Bytes of input taken so far: the next offset */
            accepted: number;
            cols: number;
            /** @description The input has ended */
            eof: boolean;
            rows: number;
            step_id: components["schemas"]["StepId"];
        };
        /** @description What is typed: text or text_b64, or neither, to end the input or to ask how far it is */
        TerminalInput: {
            /**
             * @description Nothing follows: the step reads an end of file
             * @default false
             */
            eof: boolean;
            /** @description Bytes of input before this piece. A repeat of what was taken does nothing; a gap, or other bytes in that place, is a 409 with details.expected */
            offset: number;
            text?: string;
            /** @description Any bytes, 64 KiB at most */
            text_b64?: string;
        };
        /** @description Columns and rows */
        TerminalSize: {
            cols: number;
            rows: number;
        };
        /**
         * Format: date-time
         * @description RFC 3339, UTC, with microseconds
         */
        Time: string;
        /** @description An access token */
        Token: {
            created_at: components["schemas"]["Time"];
            /** Format: date-time */
            expires_at: string | null;
            id: components["schemas"]["TokenId"];
            name: string;
            /** Format: date-time */
            revoked_at: string | null;
            scopes: components["schemas"]["Scope"][];
            /** @description In the answer to POST only */
            token?: string | null;
            /**
             * Format: date-time
             * @description To the minute
             */
            used_at: string | null;
        };
        /** @description Id of a token */
        TokenId: string;
        /** @description Tokens, newest first */
        TokenList: {
            items: components["schemas"]["Token"][];
            next: string | null;
        };
        /** @description A token with its secret, shown once; null when the request is replayed */
        TokenMade: WithRequired<components["schemas"]["Token"], "token">;
        /** @description A token to make */
        TokenRequest: {
            /** @description Default: never */
            expires_in_ms?: number;
            name: string;
            scopes: components["schemas"]["Scope"][];
        };
        /** @description In the answer to GET of one project only: what its steps see of a home directory */
        Toolchains: {
            /** @description auto, none, or names */
            choice: string;
            found: {
                name: string;
                /** @description In front of PATH */
                path: string[];
                /** @description Shown read-only, at their own path */
                places: string[];
                what: string;
            }[];
            /** @description Whose parts are shown; null: there is none that can be */
            home: string | null;
            /** @description Credentials in them: empty inside */
            masked: string[];
            skipped: {
                path: string;
                why: string;
            }[];
        };
        /** @description What the policy says */
        Verdict: {
            commands: components["schemas"]["VerdictPart"][];
            decision: components["schemas"]["Answer"];
            opaque: components["schemas"]["VerdictPart"][];
            piece: string | null;
            policy_version: number;
            reason: string;
            rule: string;
        };
        /** @description One simple command, or a piece that cannot be known before it runs */
        VerdictPart: {
            decision: components["schemas"]["Answer"];
            reason: string;
            rule: string;
            text: string;
            /** @description The wrapper it was seen through: sudo, bash -c */
            through: string | null;
        };
        /** @description The caller, as the server sees it */
        Whoami: {
            actor: string;
            scopes: components["schemas"]["Scope"][];
            tenant_id: string;
            /** @description Of the server */
            version: string;
        };
        /** @description Params of connect, the first request */
        WsConnect: {
            /** @description What the client says of itself; not looked at */
            client?: {
                [key: string]: string;
            };
            /** @description Of a login (POST /login) whose cookie the handshake brought */
            csrf?: string;
            /** @description Runs to follow from the start on: run id to cursor, or null for its beginning */
            cursors?: {
                [key: string]: string | null;
            };
            /** @description The versions the client speaks; this server speaks 1 */
            protocol: {
                max: number;
                min: number;
            };
            /** @description Where no Authorization header can be sent */
            token?: string;
        };
        /** @description One event of a subscription, or why it ended early: subscribe again after the last event's id */
        WsEvent: {
            error?: components["schemas"]["ErrorBody"];
            event?: components["schemas"]["Event"];
            subscription: string;
            /** @constant */
            type: "event";
        } & (unknown | unknown);
        /** @description Result of connect */
        WsHello: {
            actor: string;
            /** @description Of this connection */
            limits: {
                message_bytes: number;
                messages_per_s: number;
                subscriptions: number;
            };
            methods: string[];
            /** @description The version both sides speak from now on */
            protocol: number;
            scopes: components["schemas"]["Scope"][];
            subscriptions: components["schemas"]["WsSubscription"][];
            tenant_id: string;
            /** @constant */
            type: "hello";
            /** @description Of the server */
            version: string;
        };
        /**
         * @description A method of /ws that is an operation's x-ws-method; or ping, which takes nothing
         * @enum {string}
         */
        WsMethod: "projects.list" | "projects.get" | "projects.pause" | "projects.resume" | "runs.list" | "runs.create" | "runs.try_plan" | "runs.get" | "runs.plan.get" | "runs.plan.put" | "runs.approve" | "runs.reject" | "runs.cancel" | "runs.apply" | "runs.discard" | "runs.undo" | "runs.keep" | "runs.steps" | "runs.changes" | "runs.diff" | "runs.artifacts" | "runs.audit" | "runs.events" | "steps.get" | "steps.log" | "steps.input" | "steps.resize" | "inbox" | "approval.queue" | "approval.get" | "approval.resolve" | "policy.get" | "policy.versions" | "policy.update" | "policy.test" | "policy.replay" | "audit.query" | "queue.get" | "queue.pause" | "queue.drain" | "queue.resume" | "queue.priority" | "metrics.summary" | "retention.get" | "whoami" | "ping";
        /** @description Result of ping */
        WsPong: {
            time: components["schemas"]["Time"];
        };
        /** @description What a client sends over /ws: one method with its params. Answered once, in order */
        WsRequest: {
            /** @description Chosen by the client; the answer bears it */
            id: string;
            method: string;
            /** @description The operation's path (run_id for {run}), query and body parameters in one object, and idempotency_key (or idempotencyKey) where it needs one */
            params?: Record<string, never>;
            /** @description W3C trace context of this request */
            traceparent?: string;
            /** @constant */
            type: "req";
        } & ({
            /** @constant */
            method?: "connect";
            params: components["schemas"]["WsConnect"];
        } | {
            /** @constant */
            method?: "subscribe";
            params: components["schemas"]["WsSubscribe"];
        } | {
            /** @constant */
            method?: "unsubscribe";
            params: components["schemas"]["WsUnsubscribe"];
        } | {
            method?: components["schemas"]["WsMethod"];
        });
        /** @description The answer to one request over /ws */
        WsResponse: {
            error?: components["schemas"]["ErrorBody"];
            /** @description Of the request; null when it could not be read */
            id: string | null;
            ok: boolean;
            /** @description The stored answer of an earlier request with this idempotency key */
            replayed?: boolean;
            result?: components["schemas"]["WsResult"];
            /** @constant */
            type: "res";
        } & ({
            /** @constant */
            ok?: true;
        } | {
            /** @constant */
            ok?: false;
        });
        /** @description What a method of /ws answers: of connect WsHello, of subscribe and unsubscribe WsSubscription, of ping WsPong, of the others their operation's answer */
        WsResult: components["schemas"]["WsHello"] | components["schemas"]["WsSubscription"] | components["schemas"]["WsPong"] | components["schemas"]["ProjectList"] | components["schemas"]["Project"] | components["schemas"]["QueuePause"] | components["schemas"]["RunList"] | components["schemas"]["Run"] | components["schemas"]["Plan"] | components["schemas"]["RunDetail"] | components["schemas"]["StepList"] | components["schemas"]["Changes"] | components["schemas"]["WsText"] | components["schemas"]["ArtifactList"] | components["schemas"]["AuditPage"] | components["schemas"]["EventPage"] | components["schemas"]["Step"] | components["schemas"]["LogPage"] | components["schemas"]["Terminal"] | components["schemas"]["Inbox"] | components["schemas"]["ApprovalList"] | components["schemas"]["Approval"] | components["schemas"]["Policy"] | components["schemas"]["PolicyList"] | components["schemas"]["Verdict"] | components["schemas"]["PolicyReplay"] | components["schemas"]["Queue"] | components["schemas"]["QueueNode"] | components["schemas"]["Summary"] | components["schemas"]["Retention"] | components["schemas"]["Whoami"];
        /** @description Params of subscribe */
        WsSubscribe: {
            /** @description The id of the last event that was seen; none: from the beginning */
            cursor?: string;
            run_id: components["schemas"]["RunId"];
        };
        /** @description Result of subscribe and unsubscribe; it ends by itself after run.completed */
        WsSubscription: {
            /** @description Where it stands */
            cursor?: string | null;
            error?: components["schemas"]["ErrorBody"];
            /** @description null from unsubscribe, when it had ended already */
            run_id: string | null;
            /** @description Its events bear this; not there when it could not be opened */
            subscription?: string;
        };
        /** @description An answer that is no JSON */
        WsText: {
            media_type: string;
            text: string;
            /** @description Its bytes, when they are not UTF-8 */
            text_b64?: string;
        };
        /** @description Params of unsubscribe */
        WsUnsubscribe: {
            subscription: string;
        };
    };
    responses: {
        /** @description Refused or failed: error.code says why */
        Error: {
            headers: {
                "Retry-After": components["headers"]["Retry-After"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
    };
    parameters: {
        /** @description Id of an approval */
        approval: components["schemas"]["ApprovalId"];
        /** @description next of the page before */
        "approvals.after": components["schemas"]["ApprovalId"];
        /** @description Only those in this state */
        "approvals.state": "pending" | "allowed" | "denied" | "expired" | "void";
        /** @description Id of an artifact */
        artifact: components["schemas"]["ArtifactId"];
        /** @description Only this action: run.created */
        "audit.action": string;
        /** @description Only this actor's */
        "audit.actor": string;
        /** @description next_seq of the page before */
        "audit.after_seq": number;
        /** @description The newest first, of those before this one: next_seq of the page before, or to begin 9007199254740991 */
        "audit.before_seq": number;
        /** @description How many at most */
        "audit.limit": number;
        /** @description Not before this time */
        "audit.since": string;
        /** @description Only by this way */
        "audit.surface": components["schemas"]["Surface"];
        /** @description Only about this: an id, mostly */
        "audit.target": string;
        /** @description Before this time */
        "audit.until": string;
        /** @description Only these files; may be repeated */
        "diff.path": string[];
        /** @description The same by base64 of the path's bytes, for a path that is not UTF-8; may be repeated */
        "diff.path_b64": string[];
        /** @description Resume after it; nothing is lost, nothing repeated */
        "events.cursor": string;
        /** @description Events in a JSON page at most */
        "events.limit": number;
        /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
        "Idempotency-Key": string;
        /** @description next of the page before */
        "inbox.after": components["schemas"]["ApprovalId"];
        /** @description The cursor to resume after; wins over ?cursor= */
        "Last-Event-ID": string;
        /** @description Bytes of output at most; a frame is never cut */
        "log.limit": number;
        /** @description next_offset (X-Next-Offset) of the page before */
        "log.offset": number;
        /** @description Only this one; raw output is stdout and stderr by default */
        "log.stream": components["schemas"]["LogStream"];
        /** @description 0: the built-in default; none: the one in force */
        "policy.version": number;
        /** @description Id or name of a project */
        project: string;
        /** @description next of the page before */
        "projects.after": components["schemas"]["ProjectId"];
        /** @description How many at most */
        "query.limit": number;
        /** @description Only this run's */
        "query.run_id": components["schemas"]["RunId"];
        /** @description next of the page before; when that run does not wait any more: 400 invalid_cursor */
        "queue.after": components["schemas"]["RunId"];
        /** @description Id of a run */
        run: components["schemas"]["RunId"];
        /** @description next of the page before */
        "runs.after": components["schemas"]["RunId"];
        /** @description Only this project's */
        "runs.project_id": components["schemas"]["ProjectId"];
        /** @description Only those in this state */
        "runs.state": components["schemas"]["RunState"];
        /** @description Id of a step */
        step: components["schemas"]["StepId"];
        /** @description Id of a token */
        token: components["schemas"]["TokenId"];
        /** @description next of the page before */
        "tokens.after": components["schemas"]["TokenId"];
        /** @description next of the page before */
        "versions.before": number;
    };
    requestBodies: never;
    headers: {
        /** @description "sha256:…" of the bytes */
        ETag: string;
        /** @description This answer was given before */
        "Idempotency-Replayed": "true";
        /** @description Seconds; with 429 */
        "Retry-After": string;
        /** @description The handshake's key, answered */
        "Sec-WebSocket-Accept": string;
        /** @description sallyport.v1, when the client offers it */
        "Sec-WebSocket-Protocol": string;
        /** @description The step has ended and this is the end */
        "X-Log-Complete": "true" | "false";
        /** @description ?offset= of the next page */
        "X-Next-Offset": string;
        /** @description The trace id: of traceparent, or fresh */
        "X-Request-Id": string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_approvals: {
        parameters: {
            query?: {
                /** @description next of the page before */
                after?: components["parameters"]["approvals.after"];
                /** @description How many at most */
                limit?: components["parameters"]["query.limit"];
                /** @description Only this run's */
                run_id?: components["parameters"]["query.run_id"];
                /** @description Only those in this state */
                state?: components["parameters"]["approvals.state"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was and is asked of people */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApprovalList"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_approval: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of an approval */
                approval: components["parameters"]["approval"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One approval */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_approval: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @description Id of an approval */
                approval: components["parameters"]["approval"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ApprovalAnswer"];
            };
        };
        responses: {
            /** @description Answer it, once */
            200: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approval"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_artifact: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of an artifact */
                artifact: components["parameters"]["artifact"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The bytes of a kept file. With the artifact's own media type */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "*/*": string;
                };
            };
            /** @description If-None-Match names these bytes */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_audit: {
        parameters: {
            query?: {
                /** @description Only this action: run.created */
                action?: components["parameters"]["audit.action"];
                /** @description Only this actor's */
                actor?: components["parameters"]["audit.actor"];
                /** @description next_seq of the page before */
                after_seq?: components["parameters"]["audit.after_seq"];
                /** @description The newest first, of those before this one: next_seq of the page before, or to begin 9007199254740991 */
                before_seq?: components["parameters"]["audit.before_seq"];
                /** @description How many at most */
                limit?: components["parameters"]["audit.limit"];
                /** @description Only this run's */
                run_id?: components["parameters"]["query.run_id"];
                /** @description Not before this time */
                since?: components["parameters"]["audit.since"];
                /** @description Only by this way */
                surface?: components["parameters"]["audit.surface"];
                /** @description Only about this: an id, mostly */
                target?: components["parameters"]["audit.target"];
                /** @description Before this time */
                until?: components["parameters"]["audit.until"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The audit trail, oldest first, or from before_seq back */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_audit_export: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of it as JSON lines, with a signed head */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/jsonl": string;
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_audit_verify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description Check the live chain */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditVerify"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_doctor: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What the sandbox can do on this host */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Doctor"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_inbox: {
        parameters: {
            query?: {
                /** @description next of the page before */
                after?: components["parameters"]["inbox.after"];
                /** @description How many at most */
                limit?: components["parameters"]["query.limit"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All that waits for a person: plans, steps and changes, each with its run */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Inbox"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginRequest"];
            };
        };
        responses: {
            /** @description Log in to the web console: a cookie, and the proof that it needs */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Login"];
                };
            };
            400: components["responses"]["Error"];
            403: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description End the login that this request is by */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The token, or peer, that this request is by */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_metrics_summary: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Counts of runs, queue and streams */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Summary"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_plan: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PlanRequest"];
            };
        };
        responses: {
            /** @description Try the planner, or steps; nothing is stored */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_policy: {
        parameters: {
            query?: {
                /** @description 0: the built-in default; none: the one in force */
                version?: components["parameters"]["policy.version"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The policy in force, or a version of it */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Policy"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    put_policy: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PolicyRequest"];
            };
        };
        responses: {
            /** @description A new version */
            201: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Policy"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_policy_replay: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["PolicyReplayRequest"];
            };
        };
        responses: {
            /** @description What would a policy have said to the commands of past runs */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyReplay"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_policy_test: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PolicyTest"];
            };
        };
        responses: {
            /** @description What would the policy say to this command */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Verdict"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_policy_versions: {
        parameters: {
            query?: {
                /** @description next of the page before */
                before?: components["parameters"]["versions.before"];
                /** @description How many at most */
                limit?: components["parameters"]["query.limit"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its versions, newest first */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyList"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_projects: {
        parameters: {
            query?: {
                /** @description next of the page before */
                after?: components["parameters"]["projects.after"];
                /** @description How many at most */
                limit?: components["parameters"]["query.limit"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List projects */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectList"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_projects: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProjectRequest"];
            };
        };
        responses: {
            /** @description Register a directory */
            201: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_project: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id or name of a project */
                project: components["parameters"]["project"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One project, by id or name */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    delete_project: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @description Id or name of a project */
                project: components["parameters"]["project"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Forget a project; its files stay */
            204: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_project_pause: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @description Id or name of a project */
                project: components["parameters"]["project"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["NoteRequest"];
            };
        };
        responses: {
            /** @description Start none of its runs; new ones are accepted and wait */
            200: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueuePause"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_project_resume: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @description Id or name of a project */
                project: components["parameters"]["project"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description Go on with its runs */
            200: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueuePause"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    put_project_settings: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @description Id or name of a project */
                project: components["parameters"]["project"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ProjectSettings"];
            };
        };
        responses: {
            /** @description Change what its sandboxes are like; what is not named stays */
            200: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_queue: {
        parameters: {
            query?: {
                /** @description next of the page before; when that run does not wait any more: 400 invalid_cursor */
                after?: components["parameters"]["queue.after"];
                /** @description How many at most */
                limit?: components["parameters"]["query.limit"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What waits, since when and why; who holds what */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Queue"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_run_priority: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @description Id of a run */
                run: components["parameters"]["run"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PriorityRequest"];
            };
        };
        responses: {
            /** @description Change a run's priority */
            200: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Run"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_queue_drain: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["NoteRequest"];
            };
        };
        responses: {
            /** @description The same, in order to be empty: `held` tells how many still run */
            200: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueNode"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_queue_pause: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["NoteRequest"];
            };
        };
        responses: {
            /** @description Take nothing new on this node; new runs are accepted and wait */
            200: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueNode"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_queue_resume: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description Go on */
            200: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueNode"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_reconcile: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ReconcileRequest"];
            };
        };
        responses: {
            /** @description Make this node agree with the store; dry_run only says what would be done */
            200: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Reconciled"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_retention: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What is kept and removed, and how full the disk is */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Retention"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_retention: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RetentionRequest"];
            };
        };
        responses: {
            /** @description Apply the rules now, or only say what would go */
            200: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetentionDone"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_runs: {
        parameters: {
            query?: {
                /** @description next of the page before */
                after?: components["parameters"]["runs.after"];
                /** @description How many at most */
                limit?: components["parameters"]["query.limit"];
                /** @description Only this project's */
                project_id?: components["parameters"]["runs.project_id"];
                /** @description Only those in this state */
                state?: components["parameters"]["runs.state"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List runs, newest first */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunList"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_runs: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RunRequest"];
            };
        };
        responses: {
            /** @description With Accept: text/event-stream: the run's events, as from GET /runs/{run}/events; the first tells the run's id */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description Ask for a run; Accept: text/event-stream also streams it */
            202: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Run"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a run */
                run: components["parameters"]["run"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One run with its steps and artifacts */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunDetail"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_run_apply: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @description Id of a run */
                run: components["parameters"]["run"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ApplyRequest"];
            };
        };
        responses: {
            /** @description Second door: apply all changes, or some files */
            202: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Run"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_run_approve: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @description Id of a run */
                run: components["parameters"]["run"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ApproveRequest"];
            };
        };
        responses: {
            /** @description First door: approve the plan */
            200: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Run"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_run_artifacts: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a run */
                run: components["parameters"]["run"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its kept files */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ArtifactList"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_run_audit: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a run */
                run: components["parameters"]["run"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its audit records */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_run_cancel: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @description Id of a run */
                run: components["parameters"]["run"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description Cancel at any moment */
            202: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Run"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_run_changes: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a run */
                run: components["parameters"]["run"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What it changed */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Changes"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_run_diff: {
        parameters: {
            query?: {
                /** @description Only these files; may be repeated */
                path?: components["parameters"]["diff.path"];
                /** @description The same by base64 of the path's bytes, for a path that is not UTF-8; may be repeated */
                path_b64?: components["parameters"]["diff.path_b64"];
            };
            header?: never;
            path: {
                /** @description Id of a run */
                run: components["parameters"]["run"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description diff.patch, or the parts of some files */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "text/x-diff": string;
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_run_discard: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @description Id of a run */
                run: components["parameters"]["run"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["NoteRequest"];
            };
        };
        responses: {
            /** @description Second door: drop the changes */
            200: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Run"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_run_events: {
        parameters: {
            query?: {
                /** @description Resume after it; nothing is lost, nothing repeated */
                cursor?: components["parameters"]["events.cursor"];
                /** @description Events in a JSON page at most */
                limit?: components["parameters"]["events.limit"];
            };
            header?: {
                /** @description The cursor to resume after; wins over ?cursor= */
                "Last-Event-ID"?: components["parameters"]["Last-Event-ID"];
            };
            path: {
                /** @description Id of a run */
                run: components["parameters"]["run"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its events: server-sent, or a JSON page. Server-sent events, unless Accept asks for application/json: `id:` is the cursor, `event:` the type, `data:` the Event on one line. A comment line every 15 s; the stream ends after run.completed */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventPage"];
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_run_keep: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @description Id of a run */
                run: components["parameters"]["run"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["KeepRequest"];
            };
        };
        responses: {
            /** @description Keep it for ever, or no longer */
            200: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Run"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_run_plan: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a run */
                run: components["parameters"]["run"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its plan, with the policy's answers */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    put_run_plan: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @description Id of a run */
                run: components["parameters"]["run"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PlanEdit"];
            };
        };
        responses: {
            /** @description Replace the plan at review */
            200: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Plan"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_run_reject: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @description Id of a run */
                run: components["parameters"]["run"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["NoteRequest"];
            };
        };
        responses: {
            /** @description First door: reject the plan */
            200: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Run"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_run_steps: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a run */
                run: components["parameters"]["run"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its steps */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StepList"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_run_undo: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @description Id of a run */
                run: components["parameters"]["run"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Empty"];
            };
        };
        responses: {
            /** @description A new run that takes an apply back */
            202: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Run"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_step: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a step */
                step: components["parameters"]["step"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One step */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Step"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_step_input: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a step */
                step: components["parameters"]["step"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TerminalInput"];
            };
        };
        responses: {
            /** @description Type into its terminal */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Terminal"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_step_log: {
        parameters: {
            query?: {
                /** @description Bytes of output at most; a frame is never cut */
                limit?: components["parameters"]["log.limit"];
                /** @description next_offset (X-Next-Offset) of the page before */
                offset?: components["parameters"]["log.offset"];
                /** @description Only this one; raw output is stdout and stderr by default */
                stream?: components["parameters"]["log.stream"];
            };
            header?: never;
            path: {
                /** @description Id of a step */
                step: components["parameters"]["step"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its output: raw bytes, or JSON frames. The output's own bytes, unless Accept asks for application/json */
            200: {
                headers: {
                    "X-Log-Complete": components["headers"]["X-Log-Complete"];
                    "X-Next-Offset": components["headers"]["X-Next-Offset"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogPage"];
                    "text/plain": string;
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_step_resize: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a step */
                step: components["parameters"]["step"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TerminalSize"];
            };
        };
        responses: {
            /** @description Change the size of its terminal */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Terminal"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_tokens: {
        parameters: {
            query?: {
                /** @description next of the page before */
                after?: components["parameters"]["tokens.after"];
                /** @description How many at most */
                limit?: components["parameters"]["query.limit"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List tokens, without their secrets */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenList"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    post_tokens: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TokenRequest"];
            };
        };
        responses: {
            /** @description Make a token; its secret is shown once */
            201: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenMade"];
                };
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            409: components["responses"]["Error"];
            413: components["responses"]["Error"];
            415: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    delete_token: {
        parameters: {
            query?: never;
            header: {
                /** @description New for each new request. The same key and request again gives the first answer again, with Idempotency-Replayed: true; another request 422. Kept 24 h */
                "Idempotency-Key": components["parameters"]["Idempotency-Key"];
            };
            path: {
                /** @description Id of a token */
                token: components["parameters"]["token"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Revoke a token */
            204: {
                headers: {
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["Error"];
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            404: components["responses"]["Error"];
            409: components["responses"]["Error"];
            422: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_whoami: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who this token is */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Whoami"];
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_ws: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One connection for requests and many event streams: WebSocket. RFC 6455, version 13. Each message is one JSON text; x-frames has their shapes. The first request is connect, within 5 s */
            101: {
                headers: {
                    "Sec-WebSocket-Accept": components["headers"]["Sec-WebSocket-Accept"];
                    "Sec-WebSocket-Protocol": components["headers"]["Sec-WebSocket-Protocol"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            /** @description Not a handshake of WebSocket version 13 */
            426: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_docs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description This description, for people */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            403: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_healthz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The process lives */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            403: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Prometheus metrics */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            401: components["responses"]["Error"];
            403: components["responses"]["Error"];
            429: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_openapi_json: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description This description */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            403: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
    get_readyz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Store, sandbox and disk are usable */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ready"];
                };
            };
            403: components["responses"]["Error"];
            /** @description Not ready: the reason is in the answer */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ready"];
                };
            };
            default: components["responses"]["Error"];
        };
    };
    get_schema: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The shapes of events and WebSocket frames: JSON Schema, draft 2020-12 */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/schema+json": string;
                };
            };
            403: components["responses"]["Error"];
            default: components["responses"]["Error"];
        };
    };
}
type WithRequired<T, K extends keyof T> = T & {
    [P in K]-?: T[P];
};
