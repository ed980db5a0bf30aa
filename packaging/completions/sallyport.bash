# Completion for bash. tests/cli/test_docs.c checks that it names every command and option.
# Words that only the server knows (runs, projects) are asked for quietly; without a server there are none.

_sallyport_ask() {
    timeout 2 sallyport "$@" 2>/dev/null
}

_sallyport_runs() {
    echo last
    _sallyport_ask runs --limit 20 | sed -n '2,$s/ .*//p'
}

_sallyport_projects() {
    _sallyport_ask project list | sed -n '2,$s/ .*//p'
}

_sallyport_options() {
    case "$1" in
    "project add") echo "--name --seed" ;;
    "project set") echo "--toolchains --seed --retention --max-running" ;;
    run) echo "--project --cmd --pty --tty --yes --review --no-apply --on-failure --on-lost --priority --env --timeout --memory --cpus --pids --disk --detach" ;;
    runs) echo "--state --project --limit" ;;
    reconcile) echo "--dry-run" ;;
    "runs keep") echo "--release" ;;
    retention) echo "--dry-run --now" ;;
    approve) echo "--step --note" ;;
    reject | discard | allow | deny) echo "--note" ;;
    logs) echo "--follow --step" ;;
    attach) echo "--read-only" ;;
    apply) echo "--hunks --detach" ;;
    undo) echo "--yes --detach" ;;
    artifacts | "audit export") echo "--output" ;;
    approvals) echo "--all" ;;
    "policy show") echo "--version" ;;
    "policy test") echo "--file --cwd" ;;
    "policy replay") echo "--since --project --all" ;;
    audit) echo "--limit --run" ;;
    queue) echo "--limit" ;;
    "queue pause") echo "--note" ;;
    "queue drain") echo "--note --timeout --detach" ;;
    "token new") echo "--name --scope --expires" ;;
    esac
    echo "--json --url --token-file --data --no-color --quiet --help"
}

_sallyport() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} cmd="" sub="" i words=""
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "${COMP_WORDS[i]}" in
        --url | --token-file | --data) ((i++)) ;;
        -*) ;;
        *)
            if [ -z "$cmd" ]; then
                cmd=${COMP_WORDS[i]}
            elif [ -z "$sub" ]; then
                sub=${COMP_WORDS[i]}
            fi
            ;;
        esac
    done
    case "$prev" in
    --project | -p) words=$(_sallyport_projects) ;;
    --seed) words="overlay copy" ;;
    --review) words="plan effects both none" ;;
    --priority) words="low normal high urgent" ;;
    --on-failure) words="review discard" ;;
    --on-lost) words="fail retry" ;;
    --state) words="queued planning awaiting_review running awaiting_approval awaiting_apply applying finishing succeeded failed rejected canceled expired" ;;
    --scope) words="run:read run:write approve policy:read policy:write audit:read project:write admin" ;;
    --run) words=$(_sallyport_runs) ;;
    --token-file | --data | --output | -o | --file)
        COMPREPLY=($(compgen -f -- "$cur"))
        return
        ;;
    esac
    if [ -z "$words" ]; then
        case "$cmd" in
        "") words="serve doctor project run runs show plan approve reject logs attach diff apply discard undo cancel artifacts approvals allow deny policy audit token queue retention reconcile status whoami version help" ;;
        project) [ -z "$sub" ] && words="add list show set remove" || words=$(_sallyport_projects) ;;
        policy) [ -z "$sub" ] && words="show versions test replay edit set" ;;
        audit) [ -z "$sub" ] && words="verify export" ;;
        queue)
            case "$sub" in
            "") words="pause resume drain priority cancel" ;;
            pause | resume) words=$(_sallyport_projects) ;;
            priority | cancel) words=$(_sallyport_runs) ;;
            esac
            ;;
        token) [ -z "$sub" ] && words="new list revoke" ;;
        runs) [ -z "$sub" ] && words="keep" || words=$(_sallyport_runs) ;;
        show | plan | approve | reject | logs | attach | diff | apply | discard | undo | cancel | artifacts)
            [ -z "$sub" ] && words=$(_sallyport_runs)
            ;;
        esac
    fi
    case "$cur" in
    -*)
        case "$cmd" in
        project | policy | token) words=$(_sallyport_options "$cmd $sub") ;;
        audit) words=$(_sallyport_options "audit${sub:+ $sub}") ;;
        runs) words=$(_sallyport_options "runs${sub:+ $sub}") ;;
        *) words=$(_sallyport_options "$cmd") ;;
        esac
        ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    if [ ${#COMPREPLY[@]} -eq 0 ]; then
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}

complete -F _sallyport sallyport
