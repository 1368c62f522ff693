-- trim: done or dead → removed, oldest first
-- KEYS  1 done or dead  2 records
-- ARGV  1 oldest instant to keep, ms  2 most jobs to keep  3 most jobs to remove in this call
-- Returns how many were removed.
-- Cost  O(log n) a job.
-- Safe to repeat: it removes only what is still too many or too old.
local kept, records = unpack(KEYS)
-- A key of the wrong type must fail here, before anything has moved: a script that fails half way is not undone.
redis.call('HLEN', records)
local limit = tonumber(ARGV[3])
local surplus = math.min(limit, redis.call('ZCARD', kept) - tonumber(ARGV[2]))
local ids = {}
if surplus > 0 then ids = redis.call('ZRANGE', kept, 0, surplus - 1) end
if #ids < limit then
  local old = redis.call('ZRANGEBYSCORE', kept, '-inf', '(' .. ARGV[1], 'LIMIT', 0, limit)
  if #old > #ids then ids = old end -- both begin with the oldest: the longer one holds the shorter
end
if #ids > 0 then
  redis.call('ZREM', kept, unpack(ids))
  redis.call('HDEL', records, unpack(ids))
end
return #ids
