-- settle_failed: running → scheduled (a retry) or dead (buried); worker and reaper both end here
-- KEYS  1 leases  2 tokens  3 records  4 scheduled  5 dead
-- ARGV  1 "" from a worker; from the reaper the instant, ms, before which a lease must have ended
--       then five per job: id, token, "1" to bury else "0", score (due or death instant, ms), record
-- Returns the ids that were refused.
-- Cost  O(log n) a job.
-- Safe to repeat: the token is compared first and removed, so a second call is refused; a lease that was renewed
-- since the reaper listed it no longer ends early enough.
local leases, tokens, records, scheduled, dead = unpack(KEYS)
-- A key of the wrong type must fail here, before anything has moved: a script that fails half way is not undone.
redis.call('ZCARD', leases)
redis.call('HLEN', records)
redis.call('ZCARD', scheduled)
redis.call('ZCARD', dead)
local before = tonumber(ARGV[1])
local refused = {}
for i = 2, #ARGV, 5 do
  local id, token, buried, score, record = ARGV[i], ARGV[i + 1], ARGV[i + 2] == '1', ARGV[i + 3], ARGV[i + 4]
  local mine = redis.call('HGET', tokens, id) == token
  if mine and before then mine = tonumber(redis.call('ZSCORE', leases, id) or 0) < before end
  if mine then
    redis.call('HDEL', tokens, id)
    redis.call('ZREM', leases, id)
    redis.call('HSET', records, id, record)
    redis.call('ZADD', buried and dead or scheduled, score, id)
  else
    refused[#refused + 1] = id
  end
end
return refused
