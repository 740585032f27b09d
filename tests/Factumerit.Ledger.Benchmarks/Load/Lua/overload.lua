-- POST /usage with each answer timed by its status. wrk's own latencies mix them; here the request is found again by its id in a good answer,
-- and in a problem by its trace id, which the service takes from the header that gateways send.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local ffi = require("ffi")
ffi.cdef [[
   typedef struct { long seconds; long nanoseconds; } bench_time;
   int clock_gettime(int clock, bench_time *time);
]]
local time = ffi.new("bench_time")
local sent = {}
local n = 0
local interval_us = tonumber(os.getenv("BENCH_THREADS")) * 1e6 / tonumber(os.getenv("BENCH_RATE"))
local next_us = 0
local latencies

local function now_us()
   ffi.C.clock_gettime(1, time)
   return tonumber(time.seconds) * 1e6 + tonumber(time.nanoseconds) / 1e3
end

function init(arguments)
   open_acknowledged()
   latencies = assert(io.open(string.format("%s/%s-%d.latencies", os.getenv("BENCH_OUT"), os.getenv("BENCH_TAG"), thread_number), "w"))
   latencies:setvbuf("full", 65536)
end

-- Asked before each request. The requests of a thread leave at a fixed rate, each on whichever connection is free: how long an answer takes changes
-- nothing in what is offered, as long as some connection is free. What is late by more than ten
-- milliseconds is left out rather than sent in a burst.
function delay()
   local now = now_us()
   next_us = math.max(next_us + interval_us, now - 10000)
   return math.max(0, math.floor((next_us - now) / 1000))
end

function request()
   n = n + 1
   local trace = string.format("traceparent: 00-%016x%016x-00000000000000ff-00\r\n", thread_number + 1, n)
   sent[n] = now_us()
   return post("/usage", call(n), trace)
end

function response(status, headers, body)
   count(status)
   local number
   if status == 201 or status == 200 then
      local id = body:match('"request_id":"([^"]+)"')
      keep(id)
      number = tonumber(id:sub(-9))
   else
      local trace = body:match('"trace_id":"%x+(%x%x%x%x%x%x%x%x)"')
      number = trace and tonumber(trace, 16)
   end
   local began = number and sent[number]
   if began then
      sent[number] = nil
      latencies:write(string.format("%d %d\n", status, now_us() - began))
   end
end
