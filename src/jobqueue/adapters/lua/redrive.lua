-- redrive: dead → tail of ready
-- KEYS  1 dead  2 records  3 ready
-- ARGV  two per job: id, record to store
-- Returns for each job 1 if it was dead, else 0.
-- Cost  O(log dead) a job.
-- Safe to repeat: the job is no longer dead, so it is never queued twice.
local dead, records, ready = unpack(KEYS)
-- A key of the wrong type must fail here, before anything has moved: a script that fails half way is not undone.
redis.call('HLEN', records)
redis.call('LLEN', ready)
local moved = {}
for i = 1, #ARGV, 2 do
  local was = redis.call('ZREM', dead, ARGV[i])
  if was == 1 then
    redis.call('HSET', records, ARGV[i], ARGV[i + 1])
    redis.call('RPUSH', ready, ARGV[i])
  end
  moved[#moved + 1] = was
end
return moved
