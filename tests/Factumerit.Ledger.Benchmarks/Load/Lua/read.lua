-- GET /users/{id} of random users, each connection with a short pause between two reads.
dofile(os.getenv("BENCH_LUA") .. "/common.lua")

local users = tonumber(os.getenv("BENCH_USERS"))

function init(arguments)
   math.randomseed(thread_number + 1)
end

function delay()
   return 10
end

function request()
   return get(string.format("/users/bench:%05d", math.random(0, users - 1)))
end

function response(status)
   count(status)
end
