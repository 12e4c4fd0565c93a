-- Take a job's share back: its link shows nothing from now on, and never again.
--
-- KEYS[1] prefix
-- ARGV: 1 job id, 2 key id
-- Returns 'taken' | 'none'
--
-- Invariant: after it no token leads to the job; taking back what is not shared changes nothing.

local key = P .. 'job:' .. ARGV[1]
local job = redis.call('HMGET', key, 'key', 'share_token')
if job[1] ~= ARGV[2] then
  return 'none'
end
if job[2] then
  redis.call('DEL', P .. 'share:' .. job[2])
  redis.call('HDEL', key, 'share_token', 'share_expires', 'share_downloads', 'share_listed')
  announce(ARGV[1])
end
return 'taken'
