-- Renew the lease of an attempt and write how far it is.
--
-- KEYS[1] prefix
-- ARGV: 1 job id, 2 token, 3 lease ms, 4 progress 0..99
-- Returns 1 while the attempt holds the job, 0 when it has lost it (canceled, expired, or taken by another attempt)
--
-- Invariant: writes only for the valid token. Progress never goes down, over all attempts.

local key = P .. 'job:' .. ARGV[1]
local job = redis.call('HMGET', key, 'token', 'account', 'progress')
if job[1] ~= ARGV[2] then
  return 0
end
local lease = int(now_ms() + tonumber(ARGV[3]))
redis.call('HSET', key, 'lease', lease)
redis.call('ZADD', P .. 'leases', lease, ARGV[1])
redis.call('ZADD', P .. 'busy:' .. job[2], lease, ARGV[1])
redis.call('ZADD', P .. 'heavy', 'XX', lease, ARGV[1])
if tonumber(ARGV[4]) > tonumber(job[3]) then
  redis.call('HSET', key, 'progress', ARGV[4])
  announce(ARGV[1])
end
return 1
