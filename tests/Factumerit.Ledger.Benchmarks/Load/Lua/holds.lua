-- POST /holds, and then the POST /usage that settles the hold: two requests a call.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local format, match, sub = string.format, string.match, string.sub
local tag = os.getenv("BENCH_TAG")
local n = 0
local held, first, last = {}, 1, 0

function init(arguments)
   open_acknowledged()
end

function request()
   if first <= last then
      local settle = held[first]
      held[first] = nil
      first = first + 1
      return post("/usage", settle)
   end
   n = n + 1
   local user = match(call(n), '"user_id":"([^"]+)"')
   return post("/holds", format('{"user_id":"%s","amount_cents":1,"external_id":"%s-%d"}', user, tag, n))
end

function response(status, headers, body)
   count(status)
   if status ~= 201 then
      return
   end
   local hold = match(body, '^{"hold_id":"([^"]+)"')
   if hold then
      last = last + 1
      held[last] = sub(call(tonumber(match(body, '"external_id":"%d+%-(%d+)"'))), 1, -2) .. ',"hold_id":"' .. hold .. '"}'
   else
      keep(match(body, '"request_id":"([^"]+)"', 50))
   end
end
