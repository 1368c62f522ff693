-- due_retries: which types have retries whose delay is over, and what their admission is decided by; moves nothing
-- KEYS  1 retries  2 retry_order  3 admission
-- ARGV  1 now, ms
-- Returns for each such type { type, how many are due, attempts succeeded, attempts failed, allowance or "" }
-- Cost  O(log retries) a type.
-- The members of retry_order are type, due instant in 15 digits and id, with a zero byte between: all have score 0, so
-- Redis keeps them in the order of their bytes, each type by itself and the earliest retry first.
local retries, order, admission = unpack(KEYS)
if redis.call('ZCARD', retries) + redis.call('ZCARD', order) == 0 then return {} end
local due_before = string.format('%015d', ARGV[1] + 1)
local found, from = {}, '-'
while true do
  local first = redis.call('ZRANGEBYLEX', order, from, '+', 'LIMIT', 0, 1)[1]
  if not first then return found end
  local type = string.match(first, '^[^%z]*')
  local due = redis.call('ZLEXCOUNT', order, '[' .. type .. '\0', '(' .. type .. '\0' .. due_before)
  if due > 0 then
    local kept = redis.call('HMGET', admission, 'succeeded ' .. type, 'failed ' .. type, 'allowance ' .. type)
    found[#found + 1] = { type, due, kept[1] or '0', kept[2] or '0', kept[3] or '' }
  end
  from = '(' .. type .. '\1' -- past all members of this type
end
