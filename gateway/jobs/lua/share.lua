-- Show a completed job to whoever has its link, or change how.
--
-- KEYS[1] prefix
-- ARGV: 1 job id, 2 key id, 3 token for a job that is not shared yet, 4 ms from now, 5 downloads ('1' or '0'),
--       6 listed ('1' or '0')
-- Returns {'shared', token, expires ms} | {'none'} | {'unfinished', status}
--
-- Invariant: a share names a completed job and ends no later than it; a job has at most one, whose token stays the same
-- until it is taken back.

local key = P .. 'job:' .. ARGV[1]
local job = redis.call('HMGET', key, 'key', 'status', 'expires', 'share_token', 'share_expires')
if job[1] ~= ARGV[2] then
  return { 'none' }
end
if job[2] ~= 'completed' then
  return { 'unfinished', job[2] }
end
local now = now_ms()
local token = ARGV[3]
if job[4] and tonumber(job[5]) > now then
  token = job[4]
end
local expires = int(math.min(now + tonumber(ARGV[4]), tonumber(job[3])))
redis.call('HSET', key, 'share_token', token, 'share_expires', expires, 'share_downloads', ARGV[5], 'share_listed', ARGV[6])
redis.call('HSET', P .. 'share:' .. token, 'key', ARGV[2], 'job', ARGV[1])
redis.call('PEXPIREAT', P .. 'share:' .. token, expires)
announce(ARGV[1])
return { 'shared', token, expires }
