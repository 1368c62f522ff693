-- submit: new → ready (due) or scheduled (not yet due)
-- KEYS  1 records  2 ready  3 scheduled  4 keys
-- ARGV  1 now, ms  2 until when an idempotency key is remembered, ms
--       then four per job: id, due ms, "1" if the id stands for an idempotency key else "0", record
-- Returns the positions, from 1, of the jobs that were there before.
-- Cost  O(1) a ready job, O(log scheduled) a delayed one.
-- Safe to repeat: an id that has a record, or whose key is remembered, is left as it is.
local records, ready, scheduled, keys = unpack(KEYS)
-- A key of the wrong type must fail here, before anything has moved: a script that fails half way is not undone.
redis.call('LLEN', ready)
redis.call('ZCARD', scheduled)
redis.call('ZCARD', keys)
local now = tonumber(ARGV[1])
local known, fresh = {}, {}
for i = 3, #ARGV, 4 do
  local id, due, keyed = ARGV[i], ARGV[i + 1], ARGV[i + 2] == '1'
  local remembered = keyed and tonumber(redis.call('ZSCORE', keys, id) or 0) > now
  if remembered or redis.call('HSETNX', records, id, ARGV[i + 3]) == 0 then
    known[#known + 1] = (i + 1) / 4
  else
    if keyed then redis.call('ZADD', keys, ARGV[2], id) end
    if tonumber(due) > now then
      redis.call('ZADD', scheduled, due, id)
    else
      fresh[#fresh + 1] = id
    end
  end
end
if #fresh > 0 then redis.call('RPUSH', ready, unpack(fresh)) end
return known
