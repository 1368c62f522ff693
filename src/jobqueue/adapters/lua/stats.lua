-- stats: how many jobs are in each state, and the first to be claimed and to be promoted; moves nothing
-- KEYS  1 records  2 ready  3 scheduled  4 leases  5 done  6 dead  7 retries
-- Returns { ready, scheduled, running, done, dead, record at the head of ready or "", earliest due instant or "",
--   how many of the scheduled are retries }
-- Cost  O(1), whatever the depth.
local head = redis.call('LINDEX', KEYS[2], 0)
local record = head and redis.call('HGET', KEYS[1], head) or ''
local first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
local retries = redis.call('ZCARD', KEYS[7])
return {
  redis.call('LLEN', KEYS[2]), redis.call('ZCARD', KEYS[3]) + retries, redis.call('ZCARD', KEYS[4]),
  redis.call('ZCARD', KEYS[5]), redis.call('ZCARD', KEYS[6]), record, first[2] or '', retries,
}
