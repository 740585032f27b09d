-- POST /holds alone.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local tag = os.getenv("BENCH_TAG")
local n = 0

function request()
   n = n + 1
   local user = string.match(call(n), '"user_id":"([^"]+)"')
   return post(
      "/holds",
      string.format('{"user_id":"%s","amount_cents":0.001,"external_id":"%s-%d-%d"}', user, tag, thread_number, n))
end

function response(status)
   count(status)
end
