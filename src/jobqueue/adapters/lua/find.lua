-- find: where a job is, as of one instant; moves nothing
-- KEYS  1 records  2 tokens  3 scheduled  4 retries  5 leases  6 dead  7 done
-- ARGV  1 id
-- Returns { record, state, score or "", token or "" }, or nil when the queue has no such job.
-- Cost  O(1). A job with a record that no sorted set holds is ready.
local id = ARGV[1]
local record = redis.call('HGET', KEYS[1], id)
if not record then return nil end
for n, state in ipairs({ 'scheduled', 'scheduled', 'running', 'dead', 'done' }) do
  local score = redis.call('ZSCORE', KEYS[2 + n], id)
  if score then return { record, state, score, redis.call('HGET', KEYS[2], id) or '' } end
end
return { record, 'ready', '', '' }
