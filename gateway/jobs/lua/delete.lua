-- Forget an ended job at its owner's word.
--
-- KEYS[1] prefix
-- ARGV: 1 job id, 2 key id
-- Returns 'deleted' | 'live' | 'none'
--
-- Invariant: a deleted job can be read with no key and is in no list. Its files are swept at once, unless a job that was
-- made from it still needs them: then they live as long as that job may. What was paid stays in the ledger.

local key = P .. 'job:' .. ARGV[1]
local job = redis.call('HMGET', key, 'key', 'status', 'ended', 'ttl', 'expires')
if job[1] ~= ARGV[2] then
  return 'none'
end
if is_live(job[2]) then
  return 'live'
end
redis.call('ZREM', P .. 'jobs:' .. ARGV[2], ARGV[1])
redis.call('HSET', key, 'key', '', 'deleted', int(now_ms()))
local member = ARGV[2] .. '/' .. ARGV[1]
if tonumber(job[5]) <= tonumber(job[3]) + tonumber(job[4]) then
  local now = int(now_ms())
  redis.call('HSET', key, 'expires', now)
  redis.call('ZADD', P .. 'expiring:jobs', now, member)
end
return 'deleted'
