-- Renew the lease of an attempt and write how far it is.
--
-- KEYS[1] prefix
-- ARGV: 1 job id, 2 token, 3 worker, 4 lease ms, 5 progress 0..99
-- Returns 1 while the attempt holds the job, 0 when it has lost it (canceled, expired, or taken by another attempt)
--
-- Invariant: writes only for the valid token. Progress never goes down, over all attempts.

local key = P .. 'job:' .. ARGV[1]
local job = redis.call('HMGET', key, 'token', 'entry', 'progress')
if job[1] ~= ARGV[2] then
  return 0
end
redis.call('HSET', key, 'lease', int(now_ms() + tonumber(ARGV[4])))
redis.call('XCLAIM', P .. 'queue', GROUP, ARGV[3], 0, job[2], 'IDLE', 0, 'JUSTID')
if tonumber(ARGV[5]) > tonumber(job[3]) then
  redis.call('HSET', key, 'progress', ARGV[5])
  announce(ARGV[1])
end
return 1
