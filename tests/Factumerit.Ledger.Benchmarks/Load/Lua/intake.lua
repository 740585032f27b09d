-- POST /intake/litellm: 100 calls a request with 10 KB of prompt each, or single ones of 1 KB each. Answers hold counts and no ids: they are added up.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local items = tonumber(os.getenv("BENCH_ITEMS") or "100")
local prompt = string.rep("Sum up what we said about ledgers. ", items == 1 and 29 or 293)
local n = 0

-- The cost is the price of the same call in dollars, and the user that of its virtual key.
local function payload(number)
   local user, cents, id, model, sent, generated =
      call(number):match('"user_id":"([^"]+)","amount_cents":0.(%d+),"request_id":"([^"]+)","model":"([^"]+)","prompt_tokens":(%d+),"completion_tokens":(%d+)')
   return string.format('{"id":"r-%s","litellm_call_id":"%s","call_type":"acompletion","status":"success","response_cost":0.00%s,"custom_llm_provider":"anthropic","model":"%s",'
      .. '"prompt_tokens":%s,"completion_tokens":%s,"startTime":1769860800.25,"endTime":1769860801.5,"messages":[{"role":"user","content":"%s"}],"response":{"choices":[]},'
      .. '"metadata":{"user_api_key_hash":"88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b","user_api_key_user_id":"%s"}}',
      id, id, cents, model, sent, generated, prompt, user)
end

function request()
   if items == 1 then
      n = n + 1
      return post("/intake/litellm", "[" .. payload(n) .. "]")
   end
   local payloads = {}
   for i = 1, items do
      n = n + 1
      payloads[i] = payload(n)
   end
   return post("/intake/litellm", "[" .. table.concat(payloads, ",") .. "]")
end

function response(status, headers, body)
   count(status)
   if status == 200 then
      kept = kept + tonumber(body:match('"accepted":(%d+)'))
   end
end
