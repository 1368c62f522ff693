-- promote: scheduled → tail of ready, for what is due, earliest first
-- KEYS  1 scheduled  2 ready
-- ARGV  1 now, ms  2 most jobs to move
-- Returns how many were moved.
-- Cost  O(log scheduled) a job.
-- Safe to repeat: what was moved is no longer in scheduled.
-- A key of the wrong type must fail here, before anything has moved: a script that fails half way is not undone.
redis.call('LLEN', KEYS[2])
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
if #due > 0 then
  redis.call('ZREM', KEYS[1], unpack(due))
  redis.call('RPUSH', KEYS[2], unpack(due))
end
return #due
