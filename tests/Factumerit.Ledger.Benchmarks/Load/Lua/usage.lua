-- POST /usage, one call a request.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local match = string.match
local n = 0

function init(arguments)
   open_acknowledged()
end

function request()
   n = n + 1
   return post("/usage", call(n))
end

function response(status, headers, body)
   count(status)
   if status == 201 or status == 200 then
      -- Behind the usage's own id.
      keep(match(body, '"request_id":"([^"]+)"', 50))
   end
end
