-- Shared by the scripts of wrk. Which user pays how much for call n of a thread follows from the formula below, which Calls.cs repeats: so the
-- audit knows what every acknowledged request id must have cost whom. Settings come from the environment.

local key = os.getenv("BENCH_KEY")
local tag = os.getenv("BENCH_TAG")
local users = tonumber(os.getenv("BENCH_USERS") or "1")
local directory = os.getenv("BENCH_OUT")
local statuses = {200, 201, 400, 401, 402, 403, 404, 409, 410, 413, 422, 429, 500, 503}
local threads = {}
local floor, format = math.floor, string.format

function setup(thread)
   thread:set("thread_number", #threads)
   table.insert(threads, thread)
end

-- Called in each thread's own state.
function open_acknowledged()
   acknowledged = assert(io.open(format("%s/%s-%d.ids", directory, tag, thread_number), "w"))
   acknowledged:setvbuf("full", 65536)
end

function call(n)
   local h = (n * 1597334677 + thread_number * 3812015801) % 4294967296
   local high, low = floor(h / 65536), h % 65536
   local user = ((high + 1) * (low + 1)) % 1000003 % users
   local amount = (high * 31 + low) % 9999 + 1
   return format('{"user_id":"bench:%05d","amount_cents":0.%04d,"request_id":"chatcmpl-%s-%d-%09d","model":"claude-sonnet-4-5","prompt_tokens":%d,"completion_tokens":%d}',
      user, amount, tag, thread_number, n, 200 + high % 4000, 20 + low % 900)
end

function post(path, body, more_headers)
   return format("POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
      path, key, more_headers or "", #body, body)
end

function get(path)
   return format("GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", path, key)
end

-- Only numbers and strings can be read from another thread's state, so each status has a counter of its own.
function count(status)
   if status == 201 then
      status_201 = (status_201 or 0) + 1
      return
   end
   local name = "status_" .. status
   _G[name] = (_G[name] or 0) + 1
end

kept = 0

function keep(id)
   kept = kept + 1
   acknowledged:write(id, "\n")
end

function done(summary, latency, requests)
   print(format("bench duration_us %d", summary.duration))
   print(format("bench requests %d", summary.requests))
   print(format("bench errors %d", summary.errors.connect + summary.errors.read + summary.errors.write))
   print(format("bench timeouts %d", summary.errors.timeout))
   print(format("bench mean_us %d", latency.mean))
   print(format("bench p50_us %d", latency:percentile(50)))
   print(format("bench p99_us %d", latency:percentile(99)))
   print(format("bench max_us %d", latency.max))
   local usages = 0
   for _, thread in ipairs(threads) do
      usages = usages + thread:get("kept")
   end
   print(format("bench usages %d", usages))
   for _, status in ipairs(statuses) do
      local total = 0
      for _, thread in ipairs(threads) do
         total = total + (thread:get("status_" .. status) or 0)
      end
      if total > 0 then
         print(format("bench status_%d %d", status, total))
      end
   end
end
