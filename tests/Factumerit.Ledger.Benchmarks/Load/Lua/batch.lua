-- POST /usage/batch, 100 calls a request.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local items = 100
local n = 0

function init(arguments)
   open_acknowledged()
end

function request()
   local calls = {}
   for i = 1, items do
      n = n + 1
      calls[i] = call(n)
   end
   return post("/usage/batch", "[" .. table.concat(calls, ",") .. "]")
end

function response(status, headers, body)
   count(status)
   if status == 200 then
      -- Only items that were recorded carry their request id; problems do not.
      for id in body:gmatch('"request_id":"([^"]+)"') do
         keep(id)
      end
   end
end
