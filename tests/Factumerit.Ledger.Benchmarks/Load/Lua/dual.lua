-- POST /usage without an amount: tokens of a model that costs $0.000001 each, whose price comes to what call n has to cost.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local n = 0

function init(arguments)
   open_acknowledged()
end

function request()
   n = n + 1
   local user, cents, id = call(n):match('"user_id":"([^"]+)","amount_cents":0.(%d+),"request_id":"([^"]+)"')
   local tokens = tonumber(cents)
   local generated = math.floor(tokens / 10)
   local sent = tokens - generated
   return post("/usage", string.format(
      '{"user_id":"%s","request_id":"%s","model":"bench-model","prompt_tokens":%d,"completion_tokens":%d,"cache_read_tokens":%d,"reasoning_tokens":%d}',
      user, id, sent, generated, math.floor(sent / 2), math.floor(generated / 2)))
end

function response(status, headers, body)
   count(status)
   if status == 201 or status == 200 then
      keep(body:match('"request_id":"([^"]+)"'))
   end
end
