-- acknowledge_and_claim: running → done for what is finished, done → removed for what is too many, then
--   ready → running for what is wanted, in one call
-- KEYS  1 ready  2 records  3 leases  4 tokens  5 done  6 admission
-- ARGV  1 now, ms  2 end of the new leases, ms  3 token of the new leases  4 how many are wanted
--       5 how many done jobs to keep; the oldest beyond that are removed, up to 2,000 in this call
--       6 how many types the finished jobs have; then two per type: type, how many of it succeeded
--       then two per finished job: id, token under which it was held
-- Returns { refused ids, id, record, id, record, … }
-- Cost  O(log running + log done) a job.
-- Safe to repeat: an acknowledgement counts only under the present token and ends it, so a second one is refused;
-- a second claim gets other jobs. A claim whose reply is lost leaves its jobs running until the reaper finds them.
local ready, records, leases, tokens, done, admission = unpack(KEYS)
-- A key of the wrong type must fail here, before anything has moved: a script that fails half way is not undone.
redis.call('HLEN', records)
redis.call('ZCARD', leases)
redis.call('HLEN', tokens)
redis.call('ZCARD', done)
redis.call('HLEN', admission)

-- --8<-- [start:acknowledge]
local refused, finished = {}, {}
local first = 7 + 2 * ARGV[6]
if #ARGV >= first then
  local ids = {}
  for i = first, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
  local held = redis.call('HMGET', tokens, unpack(ids))
  for n, id in ipairs(ids) do
    local mine = held[n] == ARGV[first - 1 + 2 * n]
    local list = mine and finished or refused
    list[#list + 1] = id
  end
end
if #finished > 0 then
  redis.call('HDEL', tokens, unpack(finished))
  redis.call('ZREM', leases, unpack(finished))
  local scored = {}
  for n, id in ipairs(finished) do
    scored[2 * n - 1], scored[2 * n] = ARGV[1], id
  end
  redis.call('ZADD', done, unpack(scored))
  for i = 7, first - 1, 2 do redis.call('HINCRBY', admission, 'succeeded ' .. ARGV[i], ARGV[i + 1]) end
  local surplus = redis.call('ZCARD', done) - ARGV[5]
  if surplus > 0 then
    local oldest, ids = redis.call('ZPOPMIN', done, math.min(surplus, 2000)), {}
    for n = 1, #oldest, 2 do ids[#ids + 1] = oldest[n] end
    redis.call('HDEL', records, unpack(ids))
  end
end
-- --8<-- [end:acknowledge]

-- --8<-- [start:claim]
local reply = { refused }
local ids = ARGV[4] ~= '0' and redis.call('LPOP', ready, ARGV[4])
if ids then
  local scored, held = {}, {}
  local found = redis.call('HMGET', records, unpack(ids))
  for n, id in ipairs(ids) do
    if found[n] then -- an id without a record is nobody's job
      scored[#scored + 1], held[#held + 1] = ARGV[2], id
      scored[#scored + 1], held[#held + 1] = id, ARGV[3]
      reply[#reply + 1], reply[#reply + 2] = id, found[n]
    end
  end
  if #held > 0 then
    redis.call('ZADD', leases, unpack(scored))
    redis.call('HSET', tokens, unpack(held))
  end
end
return reply
-- --8<-- [end:claim]
