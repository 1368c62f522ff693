-- renew: running stays running, the lease ends later
-- KEYS  1 leases  2 tokens
-- ARGV  1 new end of the leases, ms; then two per job: id, token
-- Returns the ids whose lease is lost: another token holds them, or they run no more.
-- Cost  O(log running) a job.
-- Safe to repeat: it sets the same end again.
local leases, tokens = unpack(KEYS)
local lost = {}
for i = 2, #ARGV, 2 do
  if redis.call('HGET', tokens, ARGV[i]) == ARGV[i + 1] then
    redis.call('ZREM', leases, ARGV[i]) -- a full server refuses a script whose first write needs memory
    redis.call('ZADD', leases, ARGV[1], ARGV[i])
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
