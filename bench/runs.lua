-- runs.lua - for wrk: each request makes a run of /bin/true and reads its events to run.completed. See runs.py.
local threads = {}

function setup(thread)
    thread:set("id", #threads)
    table.insert(threads, thread)
end

function init(args)
    n, bad = 0, 0
    salt = os.getenv("BENCH_SALT") .. "-" .. id .. "-"
    wrk.method = "POST"
    wrk.headers["Authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN")
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["Accept"] = "text/event-stream"
    wrk.body = '{"project_id":"bench","steps":[{"argv":["/bin/true"]}],"review":"none"}'
end

function request()
    n = n + 1
    wrk.headers["Idempotency-Key"] = salt .. n
    return wrk.format(nil, "/api/v1/runs")
end

function response(status, headers, body)
    if not body:find('"type":"run.completed".-"state":"succeeded"') then
        if bad == 0 then io.stderr:write(status, " ", body:sub(-400), "\n") end
        bad = bad + 1
    end
end

function done(summary, latency, requests)
    local wrong = 0
    for _, t in ipairs(threads) do wrong = wrong + t:get("bad") end
    local e = summary.errors
    io.write(string.format('{"runs":%d,"us":%d,"bad":%d,"p50_ms":%.2f,"p95_ms":%.2f}\n', summary.requests, summary.duration,
        wrong + e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50) / 1000, latency:percentile(95) / 1000))
end
