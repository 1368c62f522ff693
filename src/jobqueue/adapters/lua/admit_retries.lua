-- admit_retries: scheduled → tail of ready, for due retries of one type that its allowance pays for, earliest first
-- KEYS  1 retries  2 retry_order  3 ready  4 admission
-- ARGV  1 type  2 allowance as it was seen, or ""  3 allowance to store  4 now, ms  5 most jobs to move
-- Returns how many were moved, or -1 when the allowance has changed since it was seen: another process was faster.
-- Cost  O(log retries) a job.
-- Safe to repeat: the allowance has changed with the first call, so it is spent once.
local retries, order, ready, admission = unpack(KEYS)
local type, seen, allowance = ARGV[1], ARGV[2], ARGV[3]
-- A key of the wrong type must fail here, before anything has moved: a script that fails half way is not undone.
redis.call('ZCARD', retries)
redis.call('LLEN', ready)
if (redis.call('HGET', admission, 'allowance ' .. type) or '') ~= seen then return -1 end
local due_before = '(' .. type .. '\0' .. string.format('%015d', ARGV[4] + 1)
local members = redis.call('ZRANGEBYLEX', order, '[' .. type .. '\0', due_before, 'LIMIT', 0, ARGV[5])
if #members > 0 then
  local ids = {}
  for n, member in ipairs(members) do ids[n] = string.sub(member, #type + 18) end
  redis.call('ZREM', order, unpack(members))
  redis.call('ZREM', retries, unpack(ids))
  redis.call('RPUSH', ready, unpack(ids))
  redis.call('HSET', admission, 'allowance ' .. type, allowance)
end
return #members
