-- give_back: running → head of ready, as if never claimed
-- KEYS  1 leases  2 tokens  3 ready
-- ARGV  two per job: id, token; in the order in which they are to be claimed again
-- Returns the ids that were refused.
-- Cost  O(log running) a job.
-- Safe to repeat: the token is compared first and removed, so a second call is refused.
local leases, tokens, ready = unpack(KEYS)
-- A key of the wrong type must fail here, before anything has moved: a script that fails half way is not undone.
redis.call('ZCARD', leases)
redis.call('LLEN', ready)
local refused = {}
for i = #ARGV - 1, 1, -2 do
  local id = ARGV[i]
  -- --8<-- [start:compare]
  if redis.call('HGET', tokens, id) == ARGV[i + 1] then
    redis.call('HDEL', tokens, id)
    redis.call('ZREM', leases, id)
    redis.call('LPUSH', ready, id)
  else
    refused[#refused + 1] = id
  end
  -- --8<-- [end:compare]
end
return refused
