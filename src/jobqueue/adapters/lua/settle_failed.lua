-- settle_failed: running → scheduled (a retry, or a job whose lease lapsed) or dead (buried)
-- KEYS  1 leases  2 tokens  3 records  4 scheduled  5 dead  6 retries  7 retry_order  8 admission
-- ARGV  1 "" from a worker; from the reaper the instant, ms, before which a lease must have ended
--       then six per job: id, token, "dead", "scheduled" or "retries", score (death or due instant, ms), record, type
-- Returns the ids that were refused.
-- Cost  O(log n) a job.
-- Safe to repeat: the token is compared first and removed, so a second call is refused; a lease that was renewed
-- since the reaper listed it no longer ends early enough.
local leases, tokens, records, scheduled, dead, retries, retry_order, admission = unpack(KEYS)
-- A key of the wrong type must fail here, before anything has moved: a script that fails half way is not undone.
redis.call('ZCARD', leases)
redis.call('HLEN', records)
redis.call('ZCARD', scheduled)
redis.call('ZCARD', dead)
redis.call('ZCARD', retries)
redis.call('ZCARD', retry_order)
redis.call('HLEN', admission)
local before = tonumber(ARGV[1])
local refused = {}
for i = 2, #ARGV, 6 do
  local id, token, to, score, record, type = unpack(ARGV, i, i + 5)
  local mine = redis.call('HGET', tokens, id) == token
  if mine and before then mine = tonumber(redis.call('ZSCORE', leases, id) or 0) < before end
  if mine then
    redis.call('HDEL', tokens, id)
    redis.call('ZREM', leases, id)
    redis.call('HSET', records, id, record)
    if to == 'retries' then
      redis.call('ZADD', retries, score, id)
      redis.call('ZADD', retry_order, 0, type .. '\0' .. string.format('%015d', score) .. '\0' .. id)
      redis.call('HINCRBY', admission, 'failed ' .. type, 1)
    else
      redis.call('ZADD', to == 'dead' and dead or scheduled, score, id)
    end
  else
    refused[#refused + 1] = id
  end
end
return refused
