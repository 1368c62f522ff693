-- cancel: scheduled or ready → dead
-- KEYS  1 records  2 scheduled  3 ready  4 dead  5 retries  6 retry_order
-- ARGV  1 id  2 record as it was seen  3 record to store  4 now, ms  5 type  6 due instant of a retry, ms
-- Returns 1, or 0 when the job has changed since it was seen, or is neither scheduled nor ready.
-- Cost  O(log scheduled); O(ready) for a ready job, whose id has to be looked for in the list.
-- Safe to repeat: the job is no longer where it was.
local records, scheduled, ready, dead, retries, retry_order = unpack(KEYS)
local id = ARGV[1]
-- A key of the wrong type must fail here, before anything has moved: a script that fails half way is not undone.
redis.call('ZCARD', dead)
redis.call('ZCARD', retry_order)
if redis.call('HGET', records, id) ~= ARGV[2] then return 0 end
if redis.call('ZREM', retries, id) == 1 then
  redis.call('ZREM', retry_order, ARGV[5] .. '\0' .. string.format('%015d', ARGV[6]) .. '\0' .. id)
elseif redis.call('ZREM', scheduled, id) == 0 and redis.call('LREM', ready, 1, id) == 0 then
  return 0
end
redis.call('HSET', records, id, ARGV[3])
redis.call('ZADD', dead, ARGV[4], id)
return 1
